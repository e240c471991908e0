"""SYNs from outside that answer nothing: six seconds of silence (RFC 5382 REQ-4).

When two ends open a connection to each other at once, one SYN may reach the NAT before the inside
host has sent its own. If the NAT answered it, with an ICMP error say, that would end the attempt of
both. So such a SYN waits here:

    0 s   SYN from outside, no mapping lets it in      remembered
    2 s   SYN from inside for the same connection      forgotten; both ends go on

    0 s   SYN from outside                             remembered
    6 s   nothing                                      ICMP port unreachable
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from nat.endpoint import FiveTuple, Side
from nat.packet import Packet
from nat.patch import TcpPatch

WAIT = 6.0  # seconds


class Unsolicited:
    """The SYNs that wait, by the tuple they came with, the oldest first."""

    def __init__(self) -> None:
        self._waiting: dict[FiveTuple, tuple[float, Side, Packet]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def remember(self, key: FiveTuple, packet: Packet, side: Side, now: float) -> None:
        """A SYN that came by the wire of `side`. One that is sent again waits no longer for it."""
        self._waiting.setdefault(key, (now, side, packet))

    def forget(self, key: FiveTuple) -> None:
        """The inside opens the same connection by itself."""
        self._waiting.pop(key, None)

    def next_deadline(self) -> float:
        """When the first has waited in vain, in seconds on the clock of `now`."""
        first = next(iter(self._waiting.values()), None)
        return inf if first is None else first[0] + WAIT

    def due(self, now: float) -> Iterator[tuple[FiveTuple, Side, Packet]]:
        """Those that have waited in vain; they are forgotten with this."""
        while self._waiting:
            key, (arrived, side, packet) = next(iter(self._waiting.items()))
            if arrived + WAIT > now:
                return
            del self._waiting[key]
            yield key, side, packet


def before_the_turn(packet: Packet, came: FiveTuple, sent: FiveTuple) -> Packet:
    """A copy of a segment that turned round in the NAT (hairpin), as its sender had sent it: an
    error about it must quote words that the sender knows."""
    copy = packet.copy()
    TcpPatch(came, sent, hop=-1).apply(copy)
    return copy
