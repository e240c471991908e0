"""TCP segments, the arithmetic of their numbers, and how a stream is cut (RFC 9293 3.1, 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nat.endpoint import Endpoint
from nat.tcp import ACK, FIN, RST, SYN

SEQUENCE_BITS = 0xFFFFFFFF
HALF = 0x80000000

WINDOW = 65535  # bytes; a host reads at once what it receives, so that its window is always open


class Segment(NamedTuple):
    """What an IPv4 packet carries between two TCPs. `largest` is the maximum segment size option
    (bytes; 0: none)."""

    source: Endpoint
    destination: Endpoint
    sequence: int
    acknowledgement: int
    flags: int
    window: int = WINDOW
    payload: bytes = b""
    largest: int = 0

    @property
    def length(self) -> int:
        """In sequence numbers: SYN and FIN count as a byte each (3.4)."""
        return len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)


def distance(later: int, earlier: int) -> int:
    """From one sequence number to another, the short way round the circle of 2^32 (3.4)."""
    return (later - earlier + HALF & SEQUENCE_BITS) - HALF


def advanced(sequence: int, count: int) -> int:
    """The sequence number `count` bytes later."""
    return sequence + count & SEQUENCE_BITS


def cut(payload: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The pieces that a program wants its bytes sent in (see `Write`)."""
    pieces, at = [], 0
    for size in sizes[:-1]:
        pieces.append(payload[at : at + size] if size else payload[at:])
        at += len(pieces[-1])
    last = sizes[-1] if sizes and sizes[-1] else max(1, len(payload))
    pieces += [payload[start : start + last] for start in range(at, len(payload), last)]
    return [piece for piece in pieces if piece]


def refusal(segment: Segment) -> Segment | None:
    """The RST to a segment that belongs to no connection (3.10.7.1); none to a RST."""
    source, destination = segment.destination, segment.source
    if segment.flags & RST:
        return None
    if segment.flags & ACK:
        return Segment(source, destination, segment.acknowledgement, 0, RST, 0)
    acknowledgement = advanced(segment.sequence, segment.length)
    return Segment(source, destination, 0, acknowledgement, RST | ACK, 0)
