"""The WHY line: one sentence about what matters now, and one about what to try.

It only joins what events said (a stream that is lost, the place of the loss, a field that was
missed); where the chain cannot be closed it says less, and invents nothing.
"""

from __future__ import annotations

from typing import TypeGuard

from appliance.journal.events import CallOutcome, Change, PacketDropped
from appliance.journal.rows import FAULTS
from appliance.journal.sentences import short_value
from tui.draw.lines import Line, Style, wrap_words
from tui.endpoint import address_of
from tui.model import BOTH_WAYS, Message, Model, Stream, short_key

_HARM = ("sdp.c", "sdp", "contact", "call-id")
"""Fields by the harm that a fault in them does, as far as it can be told in general."""
_FRESH = 3.0
"""Seconds for which a dropped packet is the news."""
_NOISE = "not-ipv4"


def because(model: Model, message: Message | None) -> str:
    """Why things are as they are."""
    lost = next((stream for stream in model.streams.values() if stream.in_trouble), None)
    if model.last_error is not None:
        error = model.last_error
        return f"The module {error.module} failed: {error.error}. Its message passed as it was."
    if model.outcome is not None and model.outcome.causes:
        return " ".join(cause.sentence for cause in model.outcome.causes)
    if lost is not None:
        return _lost(lost, model)
    if _is_fresh(model.last_drop, model.now):
        return _refused(model.last_drop)
    if message is None:
        return "No message has passed an ALG yet."
    fault = worst(message)
    if model.outcome is not None and model.outcome.outcome != BOTH_WAYS:
        return _ended_badly(model.outcome, message, fault)
    if fault is not None:
        return _judged(message, fault, is_harmless=model.outcome is not None)
    return _fine(model, message)


def sentence(said: str, width: int, room: int) -> list[Line]:
    """The WHY line itself, in `room` rows."""
    head = "▌WHY "
    rows = wrap_words(said, width - len(head))
    if len(rows) > room:
        rows[room - 1] += " " + rows[room]
    shown = rows[:room] + [""] * (room - len(rows))
    return [
        Line(head if index == 0 else "▌    ", Style.KEY).add(row).cut(width)
        for index, row in enumerate(shown)
    ]


def worst(message: Message) -> Change | None:
    """The change that does most harm: audio first, then by verdict."""
    faults = [change for change in message.event.changes if change.verdict in FAULTS]
    return min(faults, key=_harmlessness, default=None)


def _harmlessness(change: Change) -> tuple[int, int]:
    places = [place for place, field in enumerate(_HARM) if change.field.startswith(field)]
    return min(places, default=len(_HARM)), FAULTS.index(change.verdict)


def _ended_badly(outcome: CallOutcome, message: Message, fault: Change | None) -> str:
    """The outcome, and where it can be told the field; the whole sentence stands in the call."""
    if fault is None:
        return outcome.sentence
    return outcome.outcome.replace("-", " ") + _blame(message, fault) + f": {fault.reason}"


def _judged(message: Message, fault: Change, *, is_harmless: bool) -> str:
    """When all is over and everybody is heard, no verdict on a message is to blame for anything."""
    which = _which(message)
    if is_harmless:
        return (
            f"Everybody is heard: {fault.field} of {which} is {fault.verdict}, and harmless here."
        )
    return f"{which}: {fault.field} {fault.verdict}. {fault.reason}"


def _blame(message: Message, fault: Change) -> str:
    return f" < {fault.field} of {_which(message)} < ALG {message.event.module}"


def _is_fresh(drop: PacketDropped | None, now: float) -> TypeGuard[PacketDropped]:
    """What is not IPv4 is no news: kernels look for IPv6 routers on every wire, again and again."""
    if drop is None or drop.reason == _NOISE:
        return False
    return now - max(drop.t, drop.last) < _FRESH


def _refused(drop: PacketDropped) -> str:
    count = f"{drop.count} packets" if drop.count > 1 else "a packet"
    way = f", {drop.source} to {drop.destination}" if _is_readable(drop) else ""
    return f"Dropped {count} on the {drop.side}{way}: {drop.sentence} {drop.rfc}".strip()


def _is_readable(drop: PacketDropped) -> bool:
    """Has it addresses at all?"""
    return address_of(drop.source) not in ("0.0.0.0", "::")


def place_that_matters(message: Message) -> str:
    """The field to look at first: the worst fault, or else where the audio is told to go."""
    fault = worst(message)
    if fault is not None:
        return fault.field
    fields = [change.field for change in message.event.changes]
    return next((field for field in fields if field.startswith("sdp.c")), "")


def _which(message: Message) -> str:
    return f"message {message.number} {message.event.summary}".strip()


def _lost(stream: Stream, model: Model) -> str:
    said = f"{stream.listener} hears nothing of {stream.talker}"
    said += f": {stream.lost_at}" if stream.lost_at else ""
    guilty = _told_the_wrong_address(model)
    fault = worst(guilty) if guilty is not None else None
    return said + (_blame(guilty, fault) if guilty is not None and fault is not None else "")


def _told_the_wrong_address(model: Model) -> Message | None:
    """The newest message that announced media at an address which a correct module replaces."""
    for message in reversed(model.messages):
        fault = worst(message)
        if fault is not None and fault.field.startswith("sdp"):
            return message
    return None


def _fine(model: Model, message: Message) -> str:
    event = message.event
    rewritten = [change for change in event.changes if change.before != change.after]
    if rewritten:
        so = "everybody is heard: " if model.streams else ""
        return f"{so}{_which(message)}: {len(rewritten)} fields rewritten, each as it must be."
    return f"{_which(message)} passed unchanged. {event.note}".strip()


def advice(model: Model, live: bool) -> Line:
    """What to try next."""
    line = Line("▌TRY ", Style.KEY)
    if model.turned and not live:
        turned = ", ".join(
            f"{short_key(key)} {short_value(value)}" for key, value in model.turned.items()
        )
        return line.add("r", Style.KEY).add(f" runs this again from T+0 with {turned}.")
    application = model.application
    is_correct = model.modules.get(application) == application
    in_trouble = any(stream.in_trouble for stream in model.streams.values())
    failed = model.outcome is not None and model.outcome.outcome != BOTH_WAYS
    if not is_correct and (in_trouble or failed):
        line.add("a c", Style.KEY).add(" puts the correct ALG in")
        return (
            line.add("." if live else ", then ")
            .add("" if live else "r", Style.KEY)
            .add("" if live else " runs it again.")
        )
    line.add("{ }", Style.KEY).add(" messages   ").add("a", Style.KEY).add(" another ALG   ")
    return line.add("t", Style.KEY).add(" another UDP timeout")
