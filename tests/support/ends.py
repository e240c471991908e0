"""Both ends of a TCP connection through a NAT, and everything that each of them may demand.

An end says bytes in any segments, hears what comes in order, and fails the test when a packet does
not belong: a gap that is never filled, bytes that differ from those it has heard before, an
acknowledgement of what it has never sent.
"""

from __future__ import annotations

from itertools import pairwise

from nat.endpoint import Endpoint, Side
from tests.support import packets
from tests.support.packets import ACK, FIN, SYN, Seen
from tests.support.world import World

MODULUS = 1 << 32
URG = 32


class End:
    """`began` is the number of its SYN; `said` and `heard` are bytes of the streams."""

    def __init__(self, side: Side, local: Endpoint, remote: Endpoint, began: int) -> None:
        self.side = side
        self.local = local
        self.remote = remote
        self.began = began
        self.peer_began = 0
        self.said = b""
        self.heard = b""
        self.acknowledged = 0
        self.sizes: list[int] = []
        self.last: Seen | None = None
        self.ended = False
        self._early: dict[int, bytes] = {}

    def segment(
        self,
        flags: int,
        offset: int,
        payload: bytes = b"",
        options: bytes = b"",
        acknowledges: int | None = None,
    ) -> bytes:
        """With `payload` at `offset` of this end's stream; it acknowledges what has been heard."""
        acknowledged = len(self.heard) if acknowledges is None else acknowledges
        return packets.tcp(
            self.local,
            self.remote,
            flags,
            sequence=(self.began + 1 + offset) % MODULUS,
            acknowledgement=(self.peer_began + 1 + acknowledged) % MODULUS,
            payload=payload,
            options=options,
        )

    def receive(self, seen: Seen) -> None:
        self.last = seen
        flags = seen.body[13]
        sequence, acknowledgement = (int.from_bytes(seen.body[at : at + 4], "big") for at in (4, 8))
        if flags & SYN:
            self.peer_began = sequence
            self.remote = seen.source
            return
        if flags & ACK:
            self._hear_of(_distance(acknowledgement, self.began + 1))
        offset = _distance(sequence, self.peer_began + 1)
        if seen.payload:
            self.sizes.append(len(seen.payload))
            self._early[offset] = seen.payload
            self._put_in_order()
        if flags & FIN and offset + len(seen.payload) == len(self.heard):
            self.ended = True

    def _hear_of(self, acknowledged: int) -> None:
        assert acknowledged <= len(self.said) + 1, "this was never sent"
        self.acknowledged = max(self.acknowledged, acknowledged)

    def _put_in_order(self) -> None:
        for offset in sorted(self._early):
            payload = self._early[offset]
            if offset > len(self.heard):
                return
            again = self.heard[max(0, offset) : offset + len(payload)]
            assert payload[: len(again)] == again or offset < 0, "other bytes than before"
            self.heard += payload[len(self.heard) - offset :]
            del self._early[offset]


def _distance(number: int, begin: int) -> int:
    distance = (number - begin) % MODULUS
    return distance - MODULUS if distance >= MODULUS >> 1 else distance


class Line:
    """A connection between an inside and an outside endpoint, opened from the inside."""

    def __init__(
        self,
        nat: World,
        internal: Endpoint,
        remote: Endpoint,
        largest: int | None = 1460,
        began: tuple[int, int] = (1000, 4_294_967_000),
    ) -> None:
        self.nat = nat
        self.inner = End(Side.INSIDE, internal, remote, began[0])
        self.outer = End(Side.OUTSIDE, remote, internal, began[1])
        options = b"" if largest is None else bytes((2, 4, *largest.to_bytes(2, "big")))
        self.put(self.inner, self.inner.segment(SYN, -1, options=options))
        self.put(self.outer, self.outer.segment(SYN | ACK, -1, options=options))
        self.put(self.inner, self.inner.segment(ACK, 0))

    @classmethod
    def between(cls, nat: World, inner: End, outer: End) -> Line:
        """Two ends that have not spoken yet, whoever begins."""
        line = cls.__new__(cls)
        line.nat, line.inner, line.outer = nat, inner, outer
        return line

    def put(self, end: End, data: bytes) -> None:
        """A packet of this end goes into the NAT, and what comes out to both ends."""
        self.nat.put(end.side, data)
        for seen in self.nat.take_all(Side.OUTSIDE):
            self.outer.receive(seen)
        for seen in self.nat.take_all(Side.INSIDE):
            self.inner.receive(seen)

    def say(self, end: End, data: bytes, *cuts: int, flags: int = ACK) -> None:
        """New bytes, in segments that are cut at these places."""
        offset = len(end.said)
        end.said += data
        places = [0, *cuts, len(data)]
        for begin, stop in pairwise(places):
            self.put(end, end.segment(flags, offset + begin, data[begin:stop]))

    def repeat(self, end: End, begin: int, stop: int) -> None:
        """Bytes that were sent before, whether they were heard or not."""
        self.put(end, end.segment(ACK, begin, end.said[begin:stop]))

    def acknowledge(self, end: End) -> None:
        self.put(end, end.segment(ACK, len(end.said)))

    def finish(self, end: End, data: bytes = b"") -> None:
        end.said += data
        self.put(end, end.segment(ACK | FIN, len(end.said) - len(data), data))
