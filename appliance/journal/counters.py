"""Counting packets and bytes: for each wire, where everything that was received went.

    received = forwarded + consumed + dropped + held        at every moment

Packets are counted as on the wire: a super-packet counts its segments. What the appliance says by
itself (ICMP) is counted apart.

    forwarded   it was sent on, edited or not
    consumed    it ended here and was of use: a ping of the NAT, a part of a message over TCP
    dropped     it was refused, for a reason that is counted too
    held        a fragment that waits; it becomes consumed (with its datagram) or dropped later

So a packet that nobody can account for is a bug, and the tests add the four up after every packet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from nat.drop import Drop
from nat.packet import Packet


class Use(NamedTuple):
    """How much of something is in use, in bytes or in whatever the limit counts."""

    now: int
    high_water: int
    """The most that was in use at one time."""
    limit: int


AskUse = Callable[[], Use]


class WireCounters:
    """One wire, by where a packet arrived. `held` are fragments that wait for the rest."""

    __slots__ = (
        "consumed",
        "consumed_bytes",
        "dropped",
        "dropped_bytes",
        "drops",
        "forwarded",
        "forwarded_bytes",
        "held",
        "received",
        "received_bytes",
    )

    def __init__(self) -> None:
        self.received = self.received_bytes = 0
        self.forwarded = self.forwarded_bytes = 0
        self.consumed = self.consumed_bytes = 0
        self.dropped = self.dropped_bytes = 0
        self.held = 0
        self.drops: dict[Drop, int] = {}

    def drop(self, drop: Drop, packets: int, size: int) -> None:
        """So many packets were refused, of `size` bytes together."""
        self.dropped += packets
        self.dropped_bytes += size
        self.drops[drop] = self.drops.get(drop, 0) + packets

    def consume(self, packets: int, size: int) -> None:
        """So many packets ended here, of `size` bytes together."""
        self.consumed += packets
        self.consumed_bytes += size

    def take_back(self, packet: Packet, drop: Drop) -> None:
        """A packet that was counted as forwarded was not taken by the other wire."""
        segments = packet.segments
        self.forwarded -= segments
        self.forwarded_bytes -= packet.length
        self.drop(drop, segments, packet.length)

    def fragments_gone(self, count: int, drop: Drop | None) -> None:
        """Held fragments went on as part of a datagram (None), or were given up."""
        self.held -= count
        if drop is None:
            self.consume(count, 0)
        else:
            self.drop(drop, count, 0)

    def document(self) -> dict[str, int]:
        """As in `show counters`."""
        return {
            "received": self.received,
            "forwarded": self.forwarded,
            "consumed": self.consumed,
            "dropped": self.dropped,
            "held": self.held,
            "received_bytes": self.received_bytes,
            "forwarded_bytes": self.forwarded_bytes,
            "consumed_bytes": self.consumed_bytes,
            "dropped_bytes": self.dropped_bytes,
        }
