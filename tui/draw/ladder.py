"""The call as a ladder: who sent what to whom, and what the NAT in the middle did to it.

    2.480   │◄──200 OK (SDP)──────◆1────────────────────│   1 ok

The mark on the NAT's line says what happened there: `◆n` n fields rewritten, `◇` passed unchanged,
`✗` dropped, `║` audio translated. A message that never crosses stops at the mark. Audio is a double
arrow, and audio that is lost a dotted one with the place of the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.journal.events import MessagePassed
from appliance.journal.rows import FAULTS
from tui.draw.lines import Line, Style
from tui.endpoint import address_of, shortened
from tui.model import LadderEntry, Mark, Message, Model, Stream

_TIME = 10
"""Columns before the first lifeline."""
_NOTES, _LONG_NOTES = 17, 35
"""Columns after the last one, where there is room, and where there is much of it."""
SHOWN = 300
"""Entries that are drawn at most: those around the selected message, or else the newest."""


@dataclass(frozen=True)
class Shape:
    """Where the lifelines stand in a pane of `width` characters."""

    width: int

    @property
    def notes(self) -> int:
        if self.width >= 100:
            return _LONG_NOTES
        return _NOTES if self.width >= 70 else 0

    @property
    def left(self) -> int:
        """Characters between the inside's lifeline and the NAT's."""
        return (self.width - _TIME - self.notes - 3) // 2

    @property
    def right(self) -> int:
        return self.width - _TIME - self.notes - 3 - self.left


def rows(model: Model, width: int, selected: int | None) -> list[Line]:
    """One line for each thing that happened; `selected` is the number of the message with the
    cursor."""
    shape = Shape(width)
    return [_entry(entry, model, shape, selected) for entry in entries(model, selected)]


def entries(model: Model, selected: int | None) -> list[LadderEntry]:
    """What `rows` draws below the names."""
    everything = list(model.ladder)
    if len(everything) <= SHOWN:
        return everything
    at = _place(everything, selected)
    end = max(min(at + SHOWN // 2, len(everything)), SHOWN)
    return everything[end - SHOWN : end]


def row_of(model: Model, selected: int | None) -> int:
    """The row in which a message stands; the last one when it does not."""
    return _place(entries(model, selected), selected)


def _place(some: Sequence[LadderEntry], number: int | None) -> int:
    for place, entry in enumerate(some):
        if isinstance(entry, Message) and entry.number == number:
            return place
    return len(some) - 1


def heading(model: Model, width: int, selected: int | None) -> Line:
    """The names over the lifelines: those of the selected message's ends."""
    shape = Shape(width)
    inside, outside = _ends(model, selected)
    text = " " * shape.width
    middle = _TIME + shape.left + 1
    for name, at in (
        (shortened(inside, middle - 3), _TIME),
        ("NAT", middle),
        (shortened(outside, shape.width - middle - 4), _TIME + shape.left + shape.right + 2),
    ):
        start = max(min(at - len(name) // 2, shape.width - len(name)), 0)
        text = text[:start] + name + text[start + len(name) :]
    return Line(text[: shape.width], Style.STRONG)


def _ends(model: Model, selected: int | None) -> tuple[str, str]:
    chosen = [message for message in model.messages if message.number == selected]
    message = (chosen or [model.messages[-1]])[0].event if model.messages else None
    if message is None:
        return "inside", "outside"
    if message.direction == "out":
        return model.name(message.source), model.name(message.new_destination)
    return model.name(message.new_destination), model.name(message.source)


def _entry(entry: LadderEntry, model: Model, shape: Shape, selected: int | None) -> Line:
    if isinstance(entry, Message):
        return _message(entry, model.fates.get(entry.event.id), shape, entry.number == selected)
    if isinstance(entry, Mark):
        text = f" {_clock(entry.t)}{_fit(f' {entry.text} ', shape.width - _TIME, '┈')}"
        return Line(text, Style.BAD if entry.bad else Style.GOOD)
    return _stream(model.streams[entry], model, shape)


def _clock(t: float) -> str:
    return f"{t:8.3f} "


def _message(message: Message, fate: str | None, shape: Shape, chosen: bool) -> Line:
    event = message.event
    label = _label(event, shape)
    line = Line("▸" if chosen else " ", Style.CURSOR).add(_clock(event.t)).add("│", Style.FAINT)
    mark, style = _mark(event)
    dropped = event.verdict == "dropped"
    body = Style.STRONG if chosen else Style.PLAIN
    right = shape.right - len(mark) + 1
    head = "" if fate is None else "✗"
    if event.direction == "out":
        line.add(_arrow_out(label, shape.left), body).add(mark, style)
        line.add(" " * right if dropped else "─" * (right - 1) + (head or "►"), body)
    else:
        arrow = _arrow_in(label, shape.left)
        line.add(" " * shape.left if dropped else (head or arrow[0]) + arrow[1:], body)
        line.add(mark, style).add("◄" + "─" * (right - 1) if dropped else "─" * right, body)
    line.add("│", Style.FAINT)
    if fate is not None and shape.notes:
        return line.add(f" {fate}", Style.BAD).cut(shape.width)
    return line.extend(_verdicts(event, shape))


def _label(event: MessagePassed, shape: Shape) -> str:
    label = event.summary or _unnamed(event)
    body = " (SDP)" if "application/sdp" in event.before.lower() and shape.notes else ""
    if len(label + body) > shape.left - 4:
        label = label.partition(" (")[0]  # "200 OK (INVITE)": the method is what can be spared
    return label + body


def _unnamed(event: MessagePassed) -> str:
    """What stands in the place of a summary when the module could not read the message."""
    protocol = event.alg.upper()
    return f"{protocol}?" if event.verdict == "malformed" else f"not {protocol}"


def _mark(event: MessagePassed) -> tuple[str, Style]:
    if event.verdict == "dropped":
        return "✗", Style.BAD
    rewritten = sum(change.before != change.after for change in event.changes)
    at_fault = any(change.verdict in FAULTS for change in event.changes)
    style = Style.BAD if at_fault else Style.GOOD
    return (f"◆{min(rewritten, 99)}" if rewritten else "◇"), style


def _verdicts(event: MessagePassed, shape: Shape) -> Line:
    """`1 ok 4 missed`, where there is room for it."""
    if not shape.notes:
        return Line()
    tally: dict[str, int] = {}
    for change in event.changes:
        tally[change.verdict] = tally.get(change.verdict, 0) + 1
    line = Line(" ")
    for verdict, count in tally.items():
        style = Style.GOOD if verdict in ("ok", "info") else Style.BAD
        line.add(f" {count} {verdict}", style)
    return line.cut(shape.notes)


def _stream(stream: Stream, model: Model, shape: Shape) -> Line:
    """Audio, in the direction in which it goes."""
    outwards = _is_inside(stream, model)
    line = Line(f" {_clock(stream.began)}").add("│", Style.FAINT)
    label = f" RTP {stream.heard}/{stream.sent} "
    if not stream.in_trouble:
        there, back = ("", "►") if outwards else ("◄", "")
        line.add(there + _fit("═" + label, shape.left - 1, "═") + back).add("║", Style.GOOD)
        line.add(there + "═" * (shape.right - 1) + back).add("│", Style.FAINT)
        return line.add("  heard" if shape.notes else "", Style.GOOD)
    lost = _fit(label, shape.left - 1, "┄")
    if outwards:
        line.add(lost + "►║" + "┄" * (shape.right - 1) + "✗", Style.BAD)
    else:
        line.add(" LOST".ljust(shape.left) + "│✗", Style.BAD)
        line.add("◄" + _fit(label, shape.right - 2, "┄"), Style.BAD)
    return line.add("│", Style.FAINT).add("  LOST" if shape.notes else "", Style.BAD)


def _is_inside(stream: Stream, model: Model) -> bool:
    """Does the talker sit inside? Told by the hosts whose messages came from there."""
    for message in model.messages:
        event = message.event
        ends = (event.source, event.new_destination)
        inside = ends[0] if event.direction == "out" else ends[1]
        names = model.name(inside), address_of(inside)
        if stream.talker in names:
            return True
        if stream.listener in names:
            return False
    return True


def _arrow_out(label: str, width: int) -> str:
    return _fit("──" + label, width - 1, "─") + "►"


def _arrow_in(label: str, width: int) -> str:
    return "◄" + _fit("──" + label, width - 1, "─")


def _fit(text: str, width: int, fill: str) -> str:
    return text[:width].ljust(width, fill)
