"""Where packets ended, as the last sentences of a chain of causes: lost, refused by the NAT, or
handed to a port where nobody listens; or all of them arrived, and the answer was no."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from appliance.journal.events import NAT, Cause, MessagePassed, PacketDropped, PacketLost
from appliance.journal.plain import clean, continued
from appliance.sim.deeds import whose
from appliance.sim.network import OVER_TCP
from appliance.sim.origins import callee_of
from appliance.sim.outcome import NOT_YET, RINGS, Failure
from appliance.sim.witness import Evidence
from nat.drop import Drop

Loss = PacketLost | PacketDropped
NOBODY_LISTENS = "nobody listens"

AS_ANSWERED = "RFC 3261 8.2.6"
CLOSED = "RFC 9293 3.10.7.1"
SIGNED_OFF = "RFC 3261 10.2.2"
NO_FAULT_OF_A_NAT = (SIGNED_OFF, AS_ANSWERED)
"""The rules by which a server knows of nobody because somebody has told it so, and by which an
answer says why there is no service."""
SILENT = (
    NOT_YET,
    "no answer",
    "no valid answer",
    "does not answer",
    "no pong",
    "nobody acknowledged",
)
"""Words by which a party says that something never came: those do not tell why."""


def of_a_closed_port(loss: Loss, evidence: Evidence) -> Iterator[Cause]:
    """An answer went back to where the question came from, and its asker listens elsewhere."""
    answer = evidence.messages.get(loss.cause or 0)
    if answer is None or not isinstance(loss, PacketLost):
        return
    question = _question(answer.summary, answer.destination, loss, evidence)
    if question is None or question.source != loss.destination:
        return
    if loss.why.startswith(NOBODY_LISTENS):
        sentence = (
            f"{_as_subject(whose(answer.summary))} goes to {answer.destination}, because the "
            f"{question.summary} came from there; the NAT hands it to {loss.destination}, which "
            "sent that and listens elsewhere (RFC 3581 4)."
        )
        yield Cause(sentence, "", question.id, "via", "RFC 3581 4")


def of_where_it_came_from(loss: Loss, evidence: Evidence) -> Iterator[Cause]:
    """An answer went where the question seemed to come from, and that leads nowhere."""
    if not isinstance(loss, PacketLost):
        return
    question = _question(loss.summary, loss.destination, loss, evidence)
    if question is not None:
        sentence = (
            f"{_as_subject(whose(loss.summary))} goes to {loss.destination}, because the "
            f"{question.summary} came from there (RFC 3261 18.2.2)."
        )
        yield Cause(sentence, "", question.id, "via", "RFC 3261 18.2.2")


def _question(answer: str, target: str, loss: Loss, evidence: Evidence) -> MessagePassed | None:
    """The newest request that an answer was sent to `target` for; None for what is no answer."""
    method = answer.partition(" (")[2].rstrip(")")
    asked = (
        each
        for each in reversed(evidence.messages.values())
        if (each.summary, each.new_source) == (method, target)
        and each.direction == "out"
        and each.t <= loss.t
    )
    return next(asked, None)


def of_an_answer(failure: Failure, evidence: Evidence) -> Cause:
    """No packet is missing: it was refused, or it rings and nobody picks up. Of messages that no
    module has read there is what their receiver says."""
    for message in reversed(evidence.messages.values()):
        status, _, method = message.summary.partition(" (")
        if message.t > failure.noticed or not method:
            continue
        asked, place = f"the {method.rstrip(')')}", message.source
        if status in failure.detail:
            sentence = f"{place} has answered {asked} by {status}; no packet is missing."
        elif (not failure.detail or RINGS in failure.detail) and status == "180 Ringing":
            sentence = f"{asked} has arrived at {place}: it rings there, and nobody picks up."
        else:
            continue
        return Cause(f"{sentence[:1].upper()}{sentence[1:]}", "", message.id, "", AS_ANSWERED)
    if not failure.detail or any(each in failure.detail for each in SILENT):
        return Cause("Nothing that was seen explains it.", inferred=True)
    told = failure.detail
    if told.startswith(f"{failure.who} called "):
        told = told.partition(": ")[2]
    so = "the answer was " if told[:3].isdecimal() else ""
    sentence = f"No packet is missing; {so}{clean(told).rstrip('.')}."
    return Cause(sentence, "", None, "", AS_ANSWERED)


def of_losses(lost: list[Loss], what: str, listener: str) -> Iterator[Cause]:
    """Where most of it ended."""
    if not lost:
        yield Cause(f"Where {what} was lost on its way to {listener} was not seen.", inferred=True)
        return
    worst, what = most_frequent(lost), _as_subject(what)
    if isinstance(worst, PacketDropped):
        why = f"{continued(worst.sentence).rstrip('.')} ({worst.reason})."
        if worst.reason == Drop.FILTERED.reason:  # its sentence is about the remote
            what = f"{what}, from {worst.source},"
        sentence = f"{what} is dropped by the NAT on the {worst.side}: {why}"
        if worst.summary and worst.side == "outside":
            sentence = f"{what} came to {worst.destination}, and the NAT dropped it: {why}"
        yield Cause(sentence, NAT, worst.id, "", worst.rfc)
    elif worst.why.endswith(OVER_TCP):
        sentence = f"{worst.source} is refused its connection {worst.where}: {worst.why}"
        yield Cause(f"{sentence} ({CLOSED}).", "", worst.id, "", CLOSED)
    else:
        yield Cause(f"{what} is lost {worst.where}: {continued(worst.why)}.", "", worst.id)


def of_taken_ports(loss: Loss, evidence: Evidence) -> Iterator[Cause]:
    """No port was free: who had most of them then."""
    if not isinstance(loss, PacketDropped) or loss.reason != Drop.NO_PORT.reason:
        return
    ended = {each.mapping for each in evidence.forgotten if each.t <= loss.t}
    taken = [
        each
        for each in evidence.opened.values()
        if each.t <= loss.t and each.mapping not in ended and each.protocol == loss.protocol
    ]
    had = Counter(each.internal.rpartition(":")[0] for each in taken)
    for address, count in had.most_common(1):
        name = evidence.hosts.get(address, address)
        share = "all" if count == len(taken) else f"{count} of the"
        sentence = f"{name} ({address}) has {share} {len(taken)} external ports in use."
        yield Cause(sentence, name, taken[-1].id, "", "RFC 6888 REQ-4")


def _as_subject(what: str) -> str:
    """At the beginning of a sentence; people's names stay as they are written."""
    return what[:1].upper() + what[1:] if what.startswith(("the ", "what ")) else what


def most_frequent(lost: list[Loss]) -> Loss:
    """The first event of the kind that counts most packets, if possible one that has a name."""
    counts: Counter[tuple[str, str]] = Counter()
    for each in lost:
        counts[_kind(each)] += each.count
    worst = counts.most_common(1)[0][0]
    alike = [each for each in lost if _kind(each) == worst]
    return next((each for each in alike if each.summary), alike[0])


def _kind(loss: Loss) -> tuple[str, str]:
    why = loss.reason if isinstance(loss, PacketDropped) else loss.why
    return why, loss.destination


def what(loss: Loss, failure: Failure) -> str:
    """The message that was lost; whose it is, where the failure is about the same request."""
    summary = clean(loss.summary)
    if not summary:
        return f"what was sent to {loss.destination}"
    if not isinstance(loss, PacketDropped) or f"no answer to {summary} from" not in failure.detail:
        return f"the {summary}"
    callee = callee_of(failure)
    return f"{failure.who}'s {summary}" + (f" for {callee}" if callee else "")
