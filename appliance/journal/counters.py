"""Counting packets and bytes: for each wire, where everything that was received went.

    received = forwarded + consumed + dropped + held        at every moment

Packets are counted as on the wire: a super-packet counts its segments. What the appliance says by
itself (ICMP) is counted apart.

    forwarded   it was sent on, edited or not
    consumed    it ended here and was of use: a ping of the NAT, a part of a message over TCP
    dropped     it was refused, for a reason that is counted too
    held        a fragment that waits; it becomes consumed (with its datagram) or dropped later; or
                a message that waits for its turn, and becomes forwarded or dropped

So a packet that nobody can account for is a bug, and the tests add the four up after every packet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from nat.drop import Drop
from nat.endpoint import Side


@dataclass(slots=True)
class Receipt:
    """What was counted as forwarded for packets that are still to be sent: from where, how many and
    how many bytes. Several may share one: the pieces of what came as one."""

    side: Side
    packets: int
    size: int
    is_taken_back: bool = False


class Use(NamedTuple):
    """How much of something is in use, in bytes or in whatever the limit counts."""

    now: int
    high_water: int
    """The most that was in use at one time."""
    limit: int


AskUse = Callable[[], Use]


class WireCounters:
    """One wire, by where a packet arrived. `held` wait: for other fragments, or for their turn."""

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

    def take_back(self, drop: Drop, packets: int, size: int) -> None:
        """What was counted as forwarded, by these numbers, was not taken by the other wire."""
        self.forwarded -= packets
        self.forwarded_bytes -= size
        self.drop(drop, packets, size)

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
