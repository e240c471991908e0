"""The call as a ladder: who sent what to whom, and what the NAT in the middle did to it.

    2.480   │◄──200 OK (SDP)──────◆1────────────────────│   1 ok

The mark on the NAT's line says what happened there: `◆n` n fields rewritten, `◇` passed unchanged,
`✗` dropped, `║` audio translated. A message that never crosses stops at the mark, and where the NAT
refuses it, the row ends in the reason. Audio is a double arrow, and audio that is lost a dotted
one. A row ends in what became of it; what has no room there stands whole in the row below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from appliance.journal.events import MessagePassed
from appliance.journal.readable import readable
from appliance.journal.rows import FAULTS
from tui.calls import Carried
from tui.draw.hiding import without_verdicts
from tui.draw.lines import Line, Style, wrap_words
from tui.endpoint import address_of, shortened
from tui.model import LadderEntry, Mark, Message, Model, Refusal, Stream

_TIME = 10
"""Columns before the first lifeline."""
_NOTES, _SHORT_NOTES, _LONG_NOTES = 17, 10, 35
"""Columns after the last one: as a rule, where there is little room, and where there is much."""
_NARROW, _ROOMY, _WIDE = 44, 70, 100
"""Columns from which on there are notes, two ways of the same length, and long notes."""
_BEYOND = 7
"""Columns beyond the NAT where there is little room: names of messages stand before it."""
SHOWN = 300
"""Entries that are drawn at most: those around the selected message, or else the newest."""


@dataclass(frozen=True)
class Shape:
    """Where the lifelines stand in a pane of `width` characters."""

    width: int
    silent: bool = False
    """Is nothing written in the notes?"""

    @property
    def notes(self) -> int:
        if self.width >= _WIDE:
            return _LONG_NOTES
        if self.width >= _ROOMY:
            return _NOTES
        return _SHORT_NOTES if self.width >= _NARROW else 0

    @property
    def both(self) -> int:
        """Characters between the lifelines of the two hosts, but for the NAT's."""
        return self.width - _TIME - self.notes - 3

    @property
    def left(self) -> int:
        """Characters between the inside's lifeline and the NAT's."""
        is_tight = _NARROW <= self.width < _ROOMY
        return self.both - _BEYOND if is_tight else self.both // 2

    @property
    def right(self) -> int:
        return self.both - self.left


class Rung(NamedTuple):
    """A row, and which of the entries it belongs to."""

    line: Line
    place: int


def rungs(
    model: Model, width: int, selected: int | None, judged: bool = True, call: str = ""
) -> list[Rung]:
    """A row or two for each thing that happened; `selected` is the number of the message with the
    cursor. Unless it is `judged`, nothing tells how it went: no verdicts, no audio, no fates.
    `call`: only what belongs to this one."""
    shape = Shape(width)
    return [
        Rung(line, place)
        for place, entry in enumerate(entries(model, selected, call))
        for line in (
            _entry(entry, model, shape, selected) if judged else _unjudged(entry, shape, selected)
        )
    ]


def _unjudged(entry: LadderEntry, shape: Shape, selected: int | None) -> Iterator[Line]:
    if isinstance(entry, Message):
        bare = replace(entry, event=without_verdicts(entry.event))
        yield _message(bare, "", replace(shape, silent=True), entry.number == selected)
    elif isinstance(entry, Mark) and not entry.bad:
        yield Line(f" {_clock(entry.t)} {entry.text}").cut(shape.width)


def rows(model: Model, width: int, selected: int | None) -> list[Line]:
    """The rows alone."""
    return [rung.line for rung in rungs(model, width, selected)]


def entries(model: Model, selected: int | None, call: str = "") -> list[LadderEntry]:
    """What is drawn below the names: of one call its messages and audio, and what was turned
    meanwhile."""
    everything = list(model.ladder)
    if call:
        everything = [each for each in everything if _belongs(each, call, model)]
    if len(everything) <= SHOWN:
        return everything
    at = place_of(everything, selected)
    end = max(min(at + SHOWN // 2, len(everything)), SHOWN)
    return everything[end - SHOWN : end]


def _belongs(entry: LadderEntry, call: str, model: Model) -> bool:
    if isinstance(entry, Message | Refusal):
        return entry.event.call_id == call
    state = model.calls.find(call)
    if isinstance(entry, Mark):
        return state is None or not entry.bad
    stream = model.streams[entry]
    return state is not None and {stream.talker, stream.listener} == {state.caller, state.callee}


def counted(carried: Carried, width: int) -> Iterator[Line]:
    """A stream of a running appliance, in both directions, as far as the NAT can see it: what goes
    out leaves it, and what comes back has come to it."""
    shape = Shape(width)
    for packets, outwards in ((carried.packets_out, True), (carried.packets_in, False)):
        what = f"{carried.media} {packets}" if packets else f"{carried.media}: nothing"
        line = Line(" " * _TIME).add("│", Style.FAINT)
        style, fill = (Style.GOOD, "═") if packets else (Style.BAD, "┄")
        label = _fit(f"{fill}{fill} {what} ", shape.left - 1, fill)
        there, back = ("", "►") if outwards else ("◄", "")
        line.add(there + label + back).add("║" if packets else "┆", style)
        line.add(there + fill * (shape.right - 1) + back, style).add("│", Style.FAINT)
        note = "out" if outwards else "back"
        yield line.add(f"  {note}" if shape.notes else "", style).cut(width)


def place_of(some: Sequence[LadderEntry], number: int | None) -> int:
    """Where a message stands among the entries; the last place when it does not."""
    for place, entry in enumerate(some):
        if isinstance(entry, Message) and entry.number == number:
            return place
    return len(some) - 1


def heading(
    model: Model,
    width: int,
    selected: int | None,
    at_first: tuple[str, str] = ("inside", "outside"),
) -> Line:
    """The names over the lifelines: those of the selected message's ends; before there is any
    message, those who are `at_first` inside and outside."""
    shape = Shape(width)
    inside, outside = _ends(model, selected) or at_first
    text = " " * shape.width
    middle = _TIME + shape.left + 1
    for name, at in (
        (shortened(inside, middle - 3), _TIME),
        ("NAT", middle),
        (shortened(outside, shape.width - middle - 4), _TIME + shape.left + shape.right + 2),
    ):
        start = max(min(at - len(name) // 2, shape.width - len(name)), 0)
        if at > middle:
            start = max(start, middle + 3)
        text = text[:start] + name + text[start + len(name) :]
    return Line(text[: shape.width], Style.STRONG)


def _ends(model: Model, selected: int | None) -> tuple[str, str] | None:
    chosen = None if selected is None else model.message(selected)
    newest = model.messages[-1] if model.messages else None
    shown = chosen or newest
    message = None if shown is None else shown.event
    if message is None:
        return None
    if message.direction == "out":
        return model.name(message.source), model.name(message.new_destination)
    return model.name(message.new_destination), model.name(message.source)


def _entry(entry: LadderEntry, model: Model, shape: Shape, selected: int | None) -> Iterator[Line]:
    if isinstance(entry, Message):
        fate = model.fates.get(entry.event.id, "")
        line = _message(entry, fate, shape, entry.number == selected)
    elif isinstance(entry, Refusal):
        fate = f"✗ {entry.event.reason}"
        line = _refusal(entry, shape)
    elif isinstance(entry, Mark):
        style = Style.BAD if entry.bad else Style.GOOD
        first, *others = wrap_words(entry.text, shape.width - _TIME - 2)
        yield Line(f" {_clock(entry.t)}{_fit(f' {first} ', shape.width - _TIME, '┈')}", style)
        yield from (Line(f"{'':{_TIME}} {other}", style) for other in others)
        return
    else:
        stream = model.streams[entry]
        fate = f"✗ {stream.lost_at}" if stream.in_trouble and stream.lost_at else ""
        line = _stream(stream, fate, model, shape)
    if fate and len(fate) + 2 <= shape.notes:
        yield line.add(f"  {fate}", Style.BAD)
        return
    yield line
    for row in wrap_words(fate, shape.width - _TIME - 2) if fate else ():
        yield Line(row.rjust(shape.width - 1), Style.BAD)


def _clock(t: float) -> str:
    return f"{t:8.3f} "


def _message(message: Message, fate: str, shape: Shape, chosen: bool) -> Line:
    event = message.event
    label = _label(event, shape)
    line = Line("▸" if chosen else " ", Style.CURSOR).add(_clock(event.t)).add("│", Style.FAINT)
    mark, style = _mark(event)
    dropped = event.verdict == "dropped"
    body = Style.STRONG if chosen else Style.PLAIN
    right = shape.right - len(mark) + 1
    head = "✗" if fate else ""
    if event.direction == "out":
        line.add(_arrow_out(label, shape.left), body).add(mark, style)
        line.add(" " * right if dropped else "─" * (right - 1) + (head or "►"), body)
    else:
        arrow = _arrow_in(label, shape.left)
        line.add(" " * shape.left if dropped else (head or arrow[0]) + arrow[1:], body)
        line.add(mark, style).add("◄" + "─" * (right - 1) if dropped else "─" * right, body)
    line.add("│", Style.FAINT)
    return line if fate or shape.silent else line.extend(_verdicts(event, shape))


def _refusal(refusal: Refusal, shape: Shape) -> Line:
    """It comes as far as the NAT, on the side on which it was sent."""
    label, is_out = refusal.event.summary, refusal.event.side == "inside"
    room = shape.left if is_out else shape.right
    times = f" ×{refusal.count}" if refusal.count > 1 else ""
    if len(label + times) > room - 4:
        label = label.partition(" (")[0]
    line = Line(f" {_clock(refusal.t)}").add("│", Style.FAINT)
    if is_out:
        line.add(_arrow_out(label + times, room)).add("✗", Style.BAD).add(" " * shape.right)
    else:
        line.add(" " * shape.left).add("✗", Style.BAD).add(_arrow_in(label + times, room))
    return line.add("│", Style.FAINT)


def _label(event: MessagePassed, shape: Shape) -> str:
    label = readable(event.summary) or _unnamed(event)
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
    faults = {verdict: tally[verdict] for verdict in FAULTS if verdict in tally}
    if sum(len(f" {count} {verdict}") for verdict, count in tally.items()) + 1 > shape.notes:
        tally = faults or tally  # what is right can be spared
    line = Line(" ")
    for verdict, count in tally.items():
        style = Style.GOOD if verdict in ("ok", "info") else Style.BAD
        line.add(f" {count} {verdict}", style)
    return line.cut(shape.notes)


def _stream(stream: Stream, fate: str, model: Model, shape: Shape) -> Line:
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
    return line.add("│", Style.FAINT).add("  LOST" if shape.notes and not fate else "", Style.BAD)


def _is_inside(stream: Stream, model: Model) -> bool:
    """Does the talker sit inside? Told by the hosts at both ends of messages: who talks behind a
    PBX has no host of that name."""
    for message in model.messages:
        event = message.event
        ends = (event.source, event.new_destination)
        inside, outside = (
            (model.name(end), address_of(end))
            for end in (ends if event.direction == "out" else reversed(ends))
        )
        if stream.talker in inside or stream.listener in outside:
            return True
        if stream.listener in inside or stream.talker in outside:
            return False
    return True


def _arrow_out(label: str, width: int) -> str:
    return _fit("──" + label, width - 1, "─") + "►"


def _arrow_in(label: str, width: int) -> str:
    return "◄" + _fit("──" + label, width - 1, "─")


def _fit(text: str, width: int, fill: str) -> str:
    return text[:width].ljust(width, fill)
