"""What led a party to do what it did: the message that told it, the field, and what a module had
made of that."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from appliance.journal.events import NAT, Cause, Change, MessagePassed, PartyLearnt
from appliance.journal.plain import clean
from appliance.journal.rows import FAULTS
from appliance.journal.sentences import place_of
from appliance.parties.audio import EXPECTS_AUDIO
from appliance.parties.pressing import HEARS as HEARS_DIGIT
from appliance.sim.deeds import deed, whose
from appliance.sim.witness import Evidence

ONLY_HEARS = (EXPECTS_AUDIO, HEARS_DIGIT)
"""What is said of an endpoint to which nobody sends for that."""
DECIDES_AUDIO = ("sdp.c", "sdp.m")
"""Nobody sends to the address in the o= line: it names the session (RFC 8866 5.2)."""


def newest_about(target: str, evidence: Evidence, before: float = inf) -> PartyLearnt | None:
    """What made somebody send there; only what was learnt `before` counts (seconds)."""
    return next(_about(target, evidence, before), None)


def newest_for_a_call(target: str, evidence: Evidence, before: float) -> PartyLearnt | None:
    """The same of a call that is to begin: who is called where, the registration says, or an answer
    that sends elsewhere. The Contact in a call is for the requests of that call alone, and so tells
    nothing of the next one (RFC 3261 12.2.1.1)."""
    about = _about(target, evidence, before)
    return next((each for each in about if not _is_for_one_call(each)), None)


def _about(target: str, evidence: Evidence, before: float) -> Iterator[PartyLearnt]:
    return (
        each
        for each in reversed(evidence.learnt)
        if each.target == target and each.t <= before and not each.does.startswith(ONLY_HEARS)
    )


def _is_for_one_call(learnt: PartyLearnt) -> bool:
    first, _, of = learnt.summary.rpartition(" ")
    return (of.strip("()") in ("INVITE", "UPDATE", "PRACK", "ACK")) and not first.startswith("3")


def why_sent_there(learnt: PartyLearnt | None, evidence: Evidence) -> Iterator[Cause]:
    """What the ALG did to the field, and what the party made of it."""
    if learnt is None:
        return
    message = evidence.messages.get(learnt.cause or 0)
    yield from of_the_field(message, learnt.field, learnt.target)
    place = place_of(learnt.field)
    said = whose(learnt.summary)
    told = f"the {place} of {said} says so" if place else f"{said} came from there"
    because = f", because {told}" if learnt.summary else ""
    rule = f" ({learnt.rfc})" if learnt.rfc else ""
    sentence = f"{clean(learnt.party)} {learnt.does} {learnt.target}{because}{rule}."
    yield Cause(sentence, learnt.party, learnt.id, learnt.field, learnt.rfc)


def of_the_field(message: MessagePassed | None, field: str, target: str = "") -> Iterator[Cause]:
    """What the module made of the field on which it hangs; or, where somebody sends to `target`, of
    text that became its address, whatever field that was in."""
    if message is None or not field:
        return
    row = fault_in(message, field)
    if row is None and target:
        address = target.rpartition(":")[0]
        written = (each for each in reversed(message.changes) if each.after == address)
        row = next((each for each in written if each.verdict in FAULTS), None)
    if row is not None:
        yield Cause(f"{deed(message, row)}.", NAT, message.id, row.field, row.rule)


def fault_in(message: MessagePassed, field: str) -> Change | None:
    deciding = DECIDES_AUDIO if field == "sdp" else (field,)
    faults = [each for each in message.changes if each.verdict in FAULTS]
    return next((each for each in faults if each.field.startswith(deciding)), None)
