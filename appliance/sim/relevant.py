"""Which of all that went wrong a failure is about.

While a call fails, neighbours lose packets as well, strangers are refused, and what has failed
already leads to more. A failure is explained by what became of the request that failed; only where
nothing has its name, by what happened to the endpoints of whoever made it.
"""

from __future__ import annotations

import re

from appliance.journal.events import MessageDiscarded, PacketDropped, PacketLost
from appliance.parties.audio import SENDS_AUDIO, SENDS_FAX, SENDS_RTCP
from appliance.parties.rtp import MEDIA
from appliance.sim.origins import newest_about
from appliance.sim.outcome import (
    CALL_DROPPED,
    NOT_REACHED,
    REGISTRATION_FAILED,
    REGISTRATION_LOST,
    REJECTED,
    Failure,
)
from appliance.sim.witness import Evidence, Trouble
from nat.endpoint import ICMP, PROTOCOL_NAMES, TCP

WITHIN = 40.0
"""Seconds before a failure was noticed in which it may have begun: 64 T1 and some."""

_ANSWER = re.compile(r"\d{3} .*\(([A-Z]+)\)")
"""The summary of an answer: "200 OK (INVITE)"."""
_METHOD = re.compile(r"[A-Z]{3,}")
_UNANSWERED = re.compile(r"no answer to ([A-Z]+) ")


def method_of(summary: str) -> str:
    """What a message asks, or answers; empty for what is no message of SIP, or cannot be read."""
    answer = _ANSWER.fullmatch(summary)
    if answer:
        return answer[1]
    return summary if _METHOD.fullmatch(summary) else ""


def asked(failure: Failure) -> tuple[str, ...]:
    """The methods that have failed; empty where that is not known."""
    unanswered = _UNANSWERED.search(failure.detail)
    if unanswered:
        return (unanswered[1],)
    if "configuration" in failure.detail:
        return ()  # without one (FTP) a phone asks nothing by SIP
    if failure.outcome in (REGISTRATION_FAILED, REGISTRATION_LOST):
        return ("REGISTER",)
    if "is not registered" in failure.detail:
        return ("REGISTER",)
    if "wants to connect" in failure.detail:
        return ("REFER",)
    if failure.outcome in (NOT_REACHED, REJECTED):
        return ("INVITE",) if failure.who else ()
    if failure.outcome == CALL_DROPPED and "nobody acknowledged" in failure.detail:
        return ("INVITE", "ACK", "CANCEL")
    return ()


def troubles_of(failure: Failure, evidence: Evidence) -> list[Trouble]:
    """What may have led to a failure of signalling."""
    recent = [
        each
        for each in evidence.troubles
        if failure.noticed - WITHIN <= each.t <= failure.noticed
        and _is_signalling(each)
        and not _is_media(each, evidence)
    ]
    methods = asked(failure)
    about = [
        each
        for each in recent
        if each.summary and (not methods or method_of(each.summary) in (*methods, ""))
    ]
    if about:
        return about
    own = _endpoints_of(failure, evidence)
    unnamed = [each for each in recent if not isinstance(each, MessageDiscarded)]
    return [each for each in unnamed if own & {each.source, each.destination}] or recent


def _endpoints_of(failure: Failure, evidence: Evidence) -> set[str]:
    """All that whoever failed has sent from so far, inside and outside."""
    registering = failure.detail.partition(" is not registered")[0].rpartition(" ")[2]
    who = registering if "is not registered" in failure.detail else failure.who
    hosts = [
        address
        for address, party in evidence.hosts.items()
        if party == evidence.parties.get(who, who)
    ]
    return {
        endpoint
        for each in evidence.opened.values()
        if each.internal.rpartition(":")[0] in hosts
        for endpoint in (each.internal, each.external)
    }


def _is_signalling(trouble: Trouble) -> bool:
    """Is it about a message? What the NAT drops does not say what it was."""
    if isinstance(trouble, PacketDropped):
        return trouble.protocol != PROTOCOL_NAMES[ICMP]
    if trouble.summary:
        return True
    return isinstance(trouble, PacketLost) and trouble.protocol == PROTOCOL_NAMES[TCP]  # a piece


def _is_media(trouble: Trouble, evidence: Evidence) -> bool:
    """Is it about what was sent to where audio is wanted?"""
    if isinstance(trouble, MessageDiscarded):
        return trouble.field == MEDIA
    learnt = newest_about(trouble.destination, evidence, trouble.t)
    return learnt is not None and learnt.does in (SENDS_AUDIO, SENDS_FAX, SENDS_RTCP)
