"""What the NAT's own counters let one infer of a call's media, and when to look.

The NAT sees what passes it, and not what becomes of packets outside. So of a call in which an
inside party sends and nothing ever comes back it can say that, and what follows from what was
announced:

    440 packets out, 0 back in 8 s       counted
    bob was told 192.168.20.100:4000     read: the description left with a private address
    what bob sends there never gets here inferred: nobody outside has a way to it

All of this is counted and read anyway; nothing is added to the road of a packet. A call is looked
at a few seconds after it was answered, and ever more rarely while nothing comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import NamedTuple

from alg.base import Announced, Conversation
from appliance.settings.hints import counted
from nat.conntrack import Conntrack
from nat.endpoint import UDP, Endpoint
from nat.reach import is_inside_only

PATIENCE = 8.0
"""Seconds of talking before silence is worth a word, and until the second look."""
SELDOM = 64.0
"""Seconds between two looks at most; a call that has said nothing by then is looked at no more."""
MOST_WATCHED = 1000
"""Calls, as many as are remembered."""
MOST_FLOWS = 256
"""Of one mapping: where more would have to be counted, nothing is inferred."""


class Silence(NamedTuple):
    """What is inferred of one stream of an inside party: what is wrong, and what it rests on. The
    sentence is *not* safe to draw, names in it came over the network."""

    sentence: str
    party: str
    media: str
    packets_out: int
    packets_in: int
    seconds: float
    """Since the call was answered, or last agreed on anything."""


def inferred(table: Conntrack, call: Conversation, now: float) -> list[Silence]:
    """Of each stream in which an inside party is to hear something, has waited for `PATIENCE` and
    was never sent a packet, what follows from that; nothing where nothing does."""
    since = call.talking_since
    if since is None or now - since < PATIENCE:
        return []
    return [
        found
        for mine, other in _to_be_heard(call)
        for found in _of(table, mine, other, now - since)
    ]


def _to_be_heard(call: Conversation) -> Iterator[tuple[Announced, Announced]]:
    """Each stream of an inside party, with the one outside that has agreed to send to it. What two
    inside hosts send each other directly does not come by here."""
    neighbours = {each.own for each in call.announced if each.is_inside}
    for mine in call.announced:
        others = [
            each
            for each in call.announced
            if not each.is_inside and each.media == mine.media and each.own != mine.shown
        ]
        other = others[-1] if others else None
        if other is None or other.shown in neighbours:
            continue
        if mine.is_inside and mine.hears and other.sends:
            yield mine, other


def _of(table: Conntrack, mine: Announced, other: Announced, seconds: float) -> Iterator[Silence]:
    packets = _packets(table, mine.own, other.shown)
    if packets is None or packets[1]:
        return
    out, back = packets
    why = _why(table, mine, other, out)
    if why:
        said = f"{counted(out, 'packet')} out, {back} back in {seconds:.0f} s: {why}"
        yield Silence(said, _who(mine), mine.media, out, back, round(seconds, 3))


def _packets(table: Conntrack, own: Endpoint, remote: Endpoint) -> tuple[int, int] | None:
    """Out of an inside endpoint and back to it; None when that takes too long to count."""
    out = back = 0
    mappings = table.mappings
    for mapping in {mappings.lasting(UDP, own), mappings.find(UDP, own, remote)} - {None}:
        assert mapping is not None
        flows = mapping.flows()
        if len(flows) > MOST_FLOWS:
            return None
        sent = sum(flow.outbound.packets for flow in flows)
        out += sent
        back += mapping.packets() - sent + mapping.let_in
    return out, back


def _why(table: Conntrack, mine: Announced, other: Announced, out: int) -> str:
    """What follows from what was announced; empty where silence alone says nothing."""
    is_ours, is_neighbour = (
        each.shown.address in table.behavior.external for each in (mine, other)
    )
    if not is_ours and is_inside_only(mine.shown.address):
        if is_neighbour:  # behind this NAT too: it is sent there directly
            return ""
        return (
            f"{_who(other)} was told to send {mine.media} to {mine.shown}, a private address, and "
            "what is sent there never reaches this NAT"
        )
    if is_ours and not table.mappings.at(UDP, mine.shown):
        return f"{_who(other)} was told to send {mine.media} to {mine.shown}, which leads nowhere"
    if out and is_inside_only(other.shown.address):
        return (
            f"{_who(mine)} was told to send {mine.media} to {other.shown}, a private address "
            "beyond this NAT, and nobody there answers"
        )
    return f"nothing that {_who(other)} sends arrives here, if anything is sent" if out else ""


def _who(each: Announced) -> str:
    return each.party or str(each.own)


class Watch:
    """When to look at which call, and what was inferred last. Times are in seconds on the caller's
    clock."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        """By call: the sentence that holds until somebody looks again."""
        self._due: list[tuple[float, int, str, float]] = []
        self._waiting: set[str] = set()
        self._order = count()

    def next_look(self) -> float:
        return self._due[0][0] if self._due else inf

    def begin(self, name: str, now: float) -> None:
        """A call was answered. Those that are too many are not watched."""
        if name not in self._waiting and len(self._waiting) < MOST_WATCHED:
            self._look_later(name, PATIENCE, now)

    def due(self, now: float) -> Iterator[tuple[str, float]]:
        """The calls to look at now, each with how long it has been waited for (seconds)."""
        while self._due and self._due[0][0] <= now:
            _, _, name, waited = heappop(self._due)
            self._waiting.discard(name)
            yield name, waited

    def note(self, name: str, found: list[Silence], waited: float, now: float) -> list[Silence]:
        """What was found at a look; answers what is news."""
        known = name in self.said
        if found:
            self.said[name] = "; ".join(each.sentence for each in found)
        elif known:
            del self.said[name]
        if found or waited < SELDOM:
            self._look_later(name, min(2 * waited, SELDOM), now)
        return [] if known else found

    def forget(self, name: str) -> None:
        """The call is over, or on hold."""
        self.said.pop(name, None)

    def _look_later(self, name: str, wait: float, now: float) -> None:
        self._waiting.add(name)
        heappush(self._due, (now + wait, next(self._order), name, wait))
