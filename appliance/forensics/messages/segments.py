"""One direction of a TCP connection out of a capture: its bytes in order, and the messages in them.

Unlike `alg.stream`, nothing is live: all segments are there at once, some twice, some in the wrong
order, some not at all, because a capture may begin late and may lose packets.

    captured    1..301   513..600   301..513        (a gap)   900..1200
    run 1       1..600                              run 2     900..1200

A message is read from the beginning of a segment: in a run that begins in its middle, the first
segment that begins with a first line is the first that can be read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from alg.base import Application
from alg.edits import LARGEST_MESSAGE
from appliance.forensics.messages import mending

_HALF, _ALL = 1 << 31, 1 << 32
"""Of the sequence numbers (RFC 9293 3.4)."""


class Segment(NamedTuple):
    """`number` is that of its packet."""

    number: int
    sequence: int
    payload: bytes
    is_syn: bool


@dataclass(slots=True)
class Run:
    """Bytes without a gap; `segments` are the places at which segments begin, and their numbers."""

    data: bytearray = field(default_factory=bytearray)
    segments: list[tuple[int, int]] = field(default_factory=list)

    def messages(self, application: Application) -> Iterator[tuple[int, bytes]]:
        """Whole messages, each with the number of the packet that it begins in. One that the run
        ends in is left out: nobody knows whether it was right."""
        data = bytes(self.data)
        at = 0
        for start, _ in self.segments:
            if start < at or not _may_begin(data, start, application):
                continue
            at = start
            while length := mending.length_of(data[at : at + LARGEST_MESSAGE], application):
                if at + length > len(data):
                    break
                message = data[at : at + length]
                if message.strip(mending.CRLF):  # and no keep-alive
                    yield self._number(at), message
                at += length

    def _number(self, at: int) -> int:
        """The packet that a byte came in."""
        return self.segments[bisect_right(self.segments, at, key=itemgetter(0)) - 1][1]


def _may_begin(data: bytes, at: int, application: Application) -> bool:
    first_line = application.first_line
    return at == 0 or first_line is None or first_line.match(data, at) is not None


def runs(segments: Sequence[Segment]) -> Iterator[Run]:
    """The bytes of all connections that these segments of one five-tuple belong to: each SYN begins
    another."""
    connection: list[Segment] = []
    for segment in segments:
        if segment.is_syn:
            yield from _of_connection(connection)
            connection = []
        elif segment.payload:
            connection.append(segment)
    yield from _of_connection(connection)


def _of_connection(segments: Sequence[Segment]) -> Iterator[Run]:
    if not segments:
        return
    zero = segments[0].sequence

    def place(segment: Segment) -> int:
        """Bytes behind the first segment that was captured; before it, less than 0."""
        return (segment.sequence - zero + _HALF) % _ALL - _HALF

    run, end = Run(), place(min(segments, key=place))
    for segment in sorted(segments, key=place):
        start = place(segment)
        if start > end:
            yield run
            run, end = Run(), start
        fresh = segment.payload[end - start :]
        if fresh:
            run.segments.append((len(run.data), segment.number))
            run.data += fresh
            end += len(fresh)
    yield run
