"""How a call stands, in a sentence: who hears nothing, since when, and what the NAT knows of why.

Only what passed the NAT is known here. So "has heard nothing" is said of an inside host to which
nothing goes, and "has been sent nothing" of one outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alg.base import Announced, Conversation
from nat.endpoint import Endpoint

SILENCE = 3.0
"""Seconds without a packet before it is worth a word: phones send fifty a second."""

NOTHING_ANNOUNCED = "the call is answered, but no description of its media was seen"
ONE_ANNOUNCED = "the call is answered, but only one description of its media was seen"
ON_HOLD = "the call is on hold: nobody has agreed to send anything"
FINE = "audio passes both ways"


class Heard(NamedTuple):
    """One stream of an inside party: when the last packet went each way (seconds on the caller's
    clock; None: none did)."""

    mine: Announced
    other: Announced | None
    """The same stream as the other side announced it."""
    last_in: float | None
    last_out: float | None
    leaves_from: Endpoint | None
    """The external endpoint by which it leaves."""
    is_open: bool
    """Does the announced endpoint lead to it?"""


def verdict(found: Conversation, streams: Sequence[Heard], now: float) -> str:
    """Of a call that is going on; *not* safe to draw."""
    since = found.talking_since
    assert since is not None
    if not any(each.is_inside for each in found.announced):
        return NOTHING_ANNOUNCED
    if streams and all(each.other is None for each in streams):
        return ONE_ANNOUNCED
    if not any(_must_say(each) or _must_hear(each) for each in streams):
        return ON_HOLD
    complaints = [said for each in streams for said in _complaints(each, since, now)]
    if complaints:
        return "; ".join(dict.fromkeys(complaints))
    if any(_is_silent(_must_hear(each), each.last_in) for each in streams) or any(
        _is_silent(_must_say(each), each.last_out) for each in streams
    ):
        return "the call was answered just now, and not everything flows yet"
    kinds = " and ".join(dict.fromkeys(each.mine.media for each in streams))
    if all(_must_say(each) and _must_hear(each) for each in streams):
        return FINE.replace("audio", kinds)
    return f"{kinds} passes as it was agreed"


def _must_hear(stream: Heard) -> bool:
    """Is it agreed that somebody sends to the inside party?"""
    return stream.mine.hears and stream.other is not None and stream.other.sends


def _must_say(stream: Heard) -> bool:
    return stream.mine.sends and stream.other is not None and stream.other.hears


def _is_silent(must: bool, last: float | None) -> bool:
    return must and last is None


def _complaints(stream: Heard, since: float, now: float) -> Iterator[str]:
    """What is not as it was agreed, each with its cause if that is known."""
    mine, other = stream.mine, stream.other
    assert other is not None or not (_must_hear(stream) or _must_say(stream))
    hears_nothing = _must_hear(stream) and _silence(stream.last_in, since, now) >= SILENCE
    says_nothing = _must_say(stream) and _silence(stream.last_out, since, now) >= SILENCE
    if hears_nothing:
        seconds = _silence(stream.last_in, since, now)
        yield f"{_who(mine)} has heard nothing for {seconds:.0f} s"
        if not stream.is_open:
            yield f"what was announced for {_possessive(mine)}, {mine.shown}, does not lead there"
    if says_nothing and other is not None:
        seconds = _silence(stream.last_out, since, now)
        yield f"{_who(other)} has been sent nothing for {seconds:.0f} s"
    leaves_from = stream.leaves_from
    if leaves_from is not None and leaves_from != mine.shown and mine.sends:
        yield (
            f"{_possessive(mine)} leaves from {leaves_from}, which was not announced "
            f"({mine.shown} was)"
        )


def _silence(last: float | None, since: float, now: float) -> float:
    """Seconds: before the call was answered nobody was expected to say anything."""
    return now - max(since, since if last is None else last)


def _who(each: Announced) -> str:
    return each.party or str(each.own)


def _possessive(each: Announced) -> str:
    return f"{_who(each)}'s {each.media}"
