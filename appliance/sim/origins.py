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
from appliance.parties.stunclient import IS_OUTSIDE
from appliance.sim.deeds import deed, whose
from appliance.sim.outcome import NOT_REACHED, REJECTED, Failure
from appliance.sim.witness import Evidence

ONLY_HEARS = (EXPECTS_AUDIO, HEARS_DIGIT)
"""What is said of an endpoint to which nobody sends for that."""
DECIDES_AUDIO = ("sdp.c", "sdp.m")
"""Nobody sends to the address in the o= line: it names the session (RFC 8866 5.2)."""


def newest_about(target: str, evidence: Evidence, before: float = inf) -> PartyLearnt | None:
    """What made somebody send there; only what was learnt `before` counts (seconds)."""
    return next(_about(target, evidence, before), None)


def why_sent(
    summary: str, target: str, failure: Failure, evidence: Evidence, before: float
) -> PartyLearnt | None:
    """What made somebody send this message to `target`. An answer goes where the top Via says, if
    that was looked at (RFC 3261 18.2.2); the first request of a call to where its callee has
    registered, or to where an answer sends it. The Contact in a call is for the requests of that
    call alone, and so tells nothing of the next one (RFC 3261 12.2.1.1)."""
    answered = summary.partition(" (")[2].rstrip(")")
    if answered:
        does = f"sends the answers to that {answered} to"
        return next((each for each in _about(target, evidence, before) if each.does == does), None)
    about = list(_about(target, evidence, before))
    if summary == "INVITE" and failure.outcome in (NOT_REACHED, REJECTED):
        about = [each for each in about if not _is_for_one_call(each)]
        about.sort(key=lambda each: _fits(each, failure, evidence), reverse=True)
    return about[0] if about else None


def _fits(learnt: PartyLearnt, failure: Failure, evidence: Evidence) -> tuple[bool, bool]:
    """Was it told of whoever is called, to the server of whoever calls?"""
    server = evidence.parties.get(failure.who, failure.who)
    return (
        f" for {callee_of(failure)} to" in learnt.does or learnt.summary.startswith("3"),
        evidence.parties.get(learnt.party, learnt.party) == server,
    )


def callee_of(failure: Failure) -> str:
    """Whom they called who could not; empty where that is not what failed."""
    return failure.detail.partition(f"{failure.who} called ")[2].partition(":")[0]


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
    if learnt.field:
        yield from _of_who_was_told(learnt, evidence)
    message = evidence.messages.get(learnt.cause or 0)
    yield from of_the_field(message, learnt.field)
    place = place_of(learnt.field)
    said = whose(learnt.summary)
    told = f"the {place} of {said} says so" if place else f"{said} came from there"
    because = f", because {told}" if learnt.summary else ""
    rule = f" ({learnt.rfc})" if learnt.rfc else ""
    sentence = f"{clean(learnt.party)} {learnt.does} {learnt.target}{because}{rule}."
    yield Cause(sentence, learnt.party, learnt.id, learnt.field, learnt.rfc)


def _of_who_was_told(learnt: PartyLearnt, evidence: Evidence) -> Iterator[Cause]:
    """Whoever wrote the endpoint may have been told that it is that outside."""
    told = (
        each
        for each in reversed(evidence.learnt)
        if (each.target, each.t < learnt.t) == (learnt.target, True)
        and each.does.endswith(IS_OUTSIDE)
    )
    yield from why_sent_there(next(told, None), evidence)


def of_the_field(message: MessagePassed | None, field: str) -> Iterator[Cause]:
    """What the module made of the field on which it hangs."""
    row = fault_in(message, field) if message and field else None
    if message and row:
        yield Cause(f"{deed(message, row)}.", NAT, message.id, row.field, row.rule)


def fault_in(message: MessagePassed, field: str) -> Change | None:
    deciding = DECIDES_AUDIO if field == "sdp" else (field,)
    faults = [each for each in message.changes if each.verdict in FAULTS]
    return next((each for each in faults if each.field.startswith(deciding)), None)
