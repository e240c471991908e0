"""WHY and TRY: what matters now, in whole sentences with the cause first, and what would help.

They only join what events said: the causes of an outcome, a stream that is lost, the place of the
loss, a field that was missed. What follows from these and was not seen is marked as inferred; where
the chain cannot be closed less is said, and nothing is invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeGuard

from appliance.journal.events import NAT, Cause, Change, HintGiven, PacketDropped
from appliance.journal.plain import is_somebody
from appliance.journal.readable import readable
from appliance.journal.rows import FAULTS
from appliance.settings.values import short_value
from appliance.sim.deeds import HARMLESS, STILL_HEARS, deed, left, no_alg
from appliance.sim.knobs import Remedy
from tui.draw.lines import Line, Style, wrap_sentences
from tui.draw.outcome import spelled
from tui.model import BOTH_WAYS, Message, Model, Stream, short_key

_HARM = ("sdp.c", "sdp", "contact", "call-id")
"""Fields by the harm that a fault in them does, as far as it can be told in general."""
_FRESH = 3.0
"""Seconds for which a dropped packet is the news."""
GOES_BY_THE_SOURCE = "this server answers where requests come from"
"""What the note on an answer says by which a server has shown that it does not go by Via."""
_HEAD = len("▌WHY ")


class Reason(NamedTuple):
    """One sentence. `inferred`: nothing that was seen says so, it only follows."""

    sentence: str
    inferred: bool = False

    @property
    def text(self) -> str:
        return f"{self.sentence} (inferred)" if self.inferred else self.sentence


def because(model: Model, message: Message | None, call: str = "") -> list[Reason]:
    """Why things are as they are, the first cause first. At least one sentence. `call`: the one
    that is looked at alone."""
    lost = next((stream for stream in model.streams.values() if stream.in_trouble), None)
    if model.last_error is not None:
        error = model.last_error
        said = f"The module {error.module} failed: {error.error}. Its message passed as it was."
        return [Reason(said)]
    if model.outcome is not None and model.outcome.causes:
        causes = model.outcome.causes
        return [Reason(_begun(_told(model, cause)), cause.inferred) for cause in causes]
    if lost is not None:
        return list(_lost(lost, model))
    if inferred := model.calls.inferred(call):
        blame = [] if message is None else _offers_fault(model, message)
        return [*blame, Reason(_sentence(inferred), inferred=True)]
    if _is_fresh(model.last_drop, model.now):
        return [Reason(_refused(model.last_drop))]
    if message is None:
        unread = [Reason(_unread(hint)) for hint in model.hints.values()]
        return unread or [Reason("No message has passed an ALG yet.")]
    return _of_the_message(model, message)


def _unread(hint: HintGiven) -> str:
    todo = f"; set {hint.setting} {hint.value}" if hint.setting else ""
    return f"{hint.internal} to {hint.remote}: {hint.sentence}{todo}."


def _offers_fault(model: Model, message: Message) -> list[Reason]:
    """What is wrong in a message with where media is to be sent."""
    fault = worst(message)
    is_about_media = fault is not None and fault.field.startswith("sdp")
    return [_blame(model, message, fault)] if fault is not None and is_about_media else []


def _of_the_message(model: Model, message: Message) -> list[Reason]:
    """Where nothing else tells: what is wrong or right about it, by how it ended."""
    fault = worst(message)
    if model.outcome is not None and model.outcome.outcome != BOTH_WAYS:
        blame = [] if fault is None else [_blame(model, message, fault, inferred=True)]
        return [*blame, Reason(_sentence(model.outcome.sentence))]
    if fault is not None and model.outcome is not None:
        return [_harmless(model, message, fault)]
    if fault is not None and fault.verdict == "missed":
        return list(_left_so_far(model, message, fault))
    if fault is not None:
        return [_blame(model, message, fault), Reason(_sentence(fault.reason))]
    return [Reason(_fine(model, message))]


def folded(reasons: Sequence[Reason], width: int, room: int) -> list[Line]:
    """The sentences of WHY in about `room` rows, none of them cut."""
    shown = wrap_sentences([each.text for each in reasons], max(width - _HEAD, 1), room)
    return [_row("WHY" if at == 0 else "", row).cut(width) for at, row in enumerate(shown)]


def _row(head: str, said: str) -> Line:
    return Line(f"▌{head:<3} ", Style.KEY).add(said)


def _begun(text: str) -> str:
    """With a capital, unless it begins with somebody's name."""
    return text[0].upper() + text[1:] if text.startswith(("the ", "what ")) else text


def _sentence(text: str) -> str:
    """Text as a sentence: it begins with a capital and ends with a full stop."""
    text = text.strip()
    return text if not text else text[0].upper() + text[1:] + "." * (text[-1] not in ".!?")


# --- which field decides -------------------------------------------------------------------------


def worst(message: Message) -> Change | None:
    """The change that does most harm: audio first, then by verdict."""
    faults = [change for change in message.event.changes if change.verdict in FAULTS]
    return min(faults, key=_harmlessness, default=None)


def _harmlessness(change: Change) -> tuple[int, int]:
    places = [place for place, field in enumerate(_HARM) if change.field.startswith(field)]
    return min(places, default=len(_HARM)), FAULTS.index(change.verdict)


def causes_in(model: Model, message: Message) -> list[Cause]:
    """The causes of the outcome that the NAT has put into this message."""
    causes = [] if model.outcome is None else model.outcome.causes
    mine = [cause for cause in causes if cause.event == message.event.id and cause.field]
    return [cause for cause in mine if cause.party == NAT]


def deciding(model: Model, message: Message) -> str:
    """The field of this message on which the failure hangs; none while nothing has failed."""
    known = causes_in(model, message)
    if known:
        return known[0].field
    if model.outcome is not None or not any(each.in_trouble for each in model.streams.values()):
        return ""
    fault = worst(message) if message == _told_the_wrong_address(model) else None
    return "" if fault is None else fault.field


def is_harmless(model: Model, message: Message) -> bool:
    """Did it work all the same, or did something else decide?"""
    if model.outcome is None:
        return bool(deciding(model, message))
    return model.outcome.outcome == BOTH_WAYS or bool(model.outcome.causes)


def place_that_matters(model: Model, message: Message) -> str:
    """The field to look at first: the one that decides, the worst fault, or else where the audio is
    told to go."""
    if field := deciding(model, message):
        return field
    fault = worst(message)
    if fault is not None:
        return fault.field
    fields = [change.field for change in message.event.changes]
    return next((field for field in fields if field.startswith("sdp.c")), "")


# --- sentences -----------------------------------------------------------------------------------


def _blame(model: Model, message: Message, fault: Change, inferred: bool = False) -> Reason:
    return Reason(f"{deed(message.event, fault, _is_past(model, message))}.", inferred)


def _left_so_far(model: Model, message: Message, fault: Change) -> Iterator[Reason]:
    """While nothing has failed nobody is to blame for what was left alone."""
    so = left(message.event, fault, _is_past(model, message))
    yield Reason(f"{so}; whether anybody minds will show.")
    if fault.field.startswith("via") and _goes_by_the_source(model, message):
        yield Reason(_sentence(GOES_BY_THE_SOURCE))
    elif not fault.field.startswith("contact"):  # many call where a REGISTER came from instead
        yield Reason(_sentence(fault.reason))


def _goes_by_the_source(model: Model, message: Message) -> bool:
    """Has its receiver, or its sender, shown that?"""
    ends = {message.event.source, message.event.destination}
    return any(
        GOES_BY_THE_SOURCE in each.event.note and ends & {each.event.source, each.event.destination}
        for each in model.messages
    )


def _told(model: Model, cause: Cause) -> str:
    """What a module made of a field is told anew, since another one may be there by now."""
    message = None if cause.event is None else model.message_of(cause.event)
    if message is None or cause.party != NAT or not _is_past(model, message):
        return cause.sentence
    known = {(each.field, each.rule): each for each in message.event.changes}
    change = known.get((cause.field, cause.rule))
    return cause.sentence if change is None else _blame(model, message, change).sentence


def _is_past(model: Model, message: Message) -> bool:
    """Was there no ALG when it passed, and is there one now?"""
    now = model.modules.get(message.event.alg, "off")
    return message.event.module == "off" != now


def _harmless(model: Model, message: Message, fault: Change) -> Reason:
    """When all is over and everybody is heard, no verdict on a message is to blame for anything."""
    if message.event.module == "off":
        events = (each.event for each in model.messages)
        return Reason(no_alg(message.event.alg, events, _is_past(model, message)))
    leaks = model.outcome is not None and STILL_HEARS in model.outcome.sentence
    verdict = "everybody is heard, also who is on hold" if leaks else HARMLESS
    return Reason(f"{deed(message.event, fault)}; {verdict}.")


def _is_fresh(drop: PacketDropped | None, now: float) -> TypeGuard[PacketDropped]:
    return drop is not None and now - max(drop.t, drop.last) < _FRESH


def _refused(drop: PacketDropped) -> str:
    count = f"{drop.count} packets" if drop.count > 1 else "a packet"
    if drop.summary:
        count = f"{drop.summary} {drop.count} times" if drop.count > 1 else drop.summary
    return f"Dropped {count} on the {drop.side}{_way(drop)}: {drop.sentence} {drop.rfc}".strip()


def _way(drop: PacketDropped) -> str:
    """Between whom, as far as the packets have that in common and can be read."""
    if not is_somebody(drop.source):
        return ""
    return f", {drop.source} to {drop.destination}" if drop.destination else f", of {drop.source}"


def _lost(stream: Stream, model: Model) -> Iterator[Reason]:
    """That the one comes of the other is not seen before the outcome is told."""
    guilty = _told_the_wrong_address(model)
    fault = worst(guilty) if guilty is not None else None
    if guilty is not None and fault is not None:
        yield _blame(model, guilty, fault, inferred=True)
    where = f": {stream.lost_at}" if stream.lost_at else ""
    yield Reason(f"{stream.listener} hears nothing of {stream.talker}{where}.")


def _told_the_wrong_address(model: Model) -> Message | None:
    """The newest message that announced media at an address which a correct module replaces."""
    for message in reversed(model.messages):
        fault = worst(message)
        if fault is not None and fault.field.startswith("sdp"):
            return message
    return None


def _fine(model: Model, message: Message) -> str:
    event = message.event
    which = f"message {message.number} {readable(event.summary)}".strip()
    end = f" {accepted}." if (accepted := readable(model.accepted.get(event.id, ""))) else ""
    rewritten = [change for change in event.changes if change.before != change.after]
    if rewritten:
        so = "Everybody is heard: in" if model.streams else "In"
        said = f"{so} {which} {len(rewritten)} fields were rewritten, each as it must be"
        if len(rewritten) == 1:
            said = f"{so} {which} one field was rewritten, as it must be"
        return f"{said}.{end}"
    said = " ".join(map(_sentence, (f"{which} passed unchanged", event.note))).strip()
    return f"{said}{end}"


# --- what to try ---------------------------------------------------------------------------------


def first_advice() -> Line:
    """What to try with a story in which nothing has happened yet."""
    line = Line("▌TRY ", Style.KEY).add("p", Style.KEY).add(" runs the story, ")
    line.add("n", Style.KEY).add(" goes from message to message, ").add("h", Style.KEY)
    return line.add(" hides the verdicts, ").add("g", Style.KEY).add(" begins the guide.")


def advice(
    model: Model, live: bool, remedies: Sequence[Remedy] | None = None, call: str = ""
) -> Line:
    """What to try next: what was tried and helps, best first; None: not tried yet. `call`: the one
    that is looked at alone."""
    line = Line("▌TRY ", Style.KEY)
    if model.turned and not live:
        turned = ", ".join(
            f"{short_key(key)} {short_value(value)}" for key, value in model.turned.items()
        )
        return line.add("r", Style.KEY).add(f" runs this again from T+0 with {turned}.")
    if model.is_simulation and not model.messages and model.now == 0:
        return first_advice()
    in_trouble = any(stream.in_trouble for stream in model.streams.values())
    in_trouble |= bool(model.calls.inferred(call))
    failed = model.outcome is not None and model.outcome.outcome != BOTH_WAYS
    if failed and remedies:
        best = remedies[0]
        line.add(best.sentence).add(" x", Style.KEY).add(" does that and runs again")
        text, style = spelled(best.outcome)
        return line.add(".") if best.outcome == BOTH_WAYS else line.add(": ").add(text, style)
    application = model.application
    is_correct = model.modules.get(application) == application
    if not is_correct and (in_trouble or failed):
        line.add("a c", Style.KEY).add(" puts the correct ALG in")
        return (
            line.add("." if live else ", then ")
            .add("" if live else "r", Style.KEY)
            .add("" if live else " runs it again.")
        )
    line.add("n b", Style.KEY).add(" messages   ").add("a", Style.KEY).add(" another ALG   ")
    return line.add("t", Style.KEY).add(" another UDP timeout")


def where_to_look() -> Line:
    """The same where nothing can be turned: a recording, or an appliance that one may only see."""
    line = Line("▌TRY ", Style.KEY)
    line.add("n b", Style.KEY).add(" messages   ").add("3", Style.KEY).add(" before and after   ")
    return line.add("4", Style.KEY).add(" events")
