"""What must change because something else has another length now: pointers, the length of a record,
and the length before a message of a TCP connection.

The name of an address may become longer or shorter. All that stands behind it moves, and a pointer
counts bytes from the beginning:

    at 12   2 10 3 113 1 0 3 203 …       the question      becomes   2 10 2 20 3 168 3 192 …
    at 27                       7 in-addr 4 arpa 0                   a byte further on
    at 61   C0 1B   a pointer to 27                        becomes   C0 1C
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from alg.base import Edit
from alg.dns.message import LENGTH, Message, NotDns, read_any
from alg.dns.names import FURTHEST, POINTER


def consequences(message: bytes, edits: Sequence[Edit]) -> Sequence[Edit]:
    """Of these edits, whoever makes them, in a message of UDP or TCP."""
    try:
        said = read_any(message)
    except NotDns:
        return ()
    return follow(said, edits)


def follow(said: Message, edits: Sequence[Edit]) -> list[Edit]:
    """The same for a message that was read already."""
    moves = _Moves(edits)
    if not moves.any:
        return []
    found = [*_pointers(said, moves), *_data_lengths(said, moves)]
    if said.begin:
        length = int.from_bytes(said.data[:LENGTH]) + moves.by(len(said.data))
        found += _changed(said, 0, length, "tcp.length", "length")
    return found


class _Moves:
    """How far each byte of a message moves."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self.edits = sorted(
            (each for each in edits if len(each.replacement) != each.end - each.start),
            key=lambda each: each.start,
        )
        self.any = bool(self.edits)
        self._starts = [each.start for each in self.edits]
        self._ends = [each.end for each in self.edits]
        grown = (len(each.replacement) - (each.end - each.start) for each in self.edits)
        self._sums = [0, *accumulate(grown)]

    def by(self, at: int) -> int:
        """How far the byte `at` moves."""
        return self._sums[bisect_right(self._ends, at)]

    def covers(self, at: int) -> bool:
        """Is the byte among those that are written anew, and have another length then?"""
        place = bisect_right(self._starts, at) - 1
        return place >= 0 and at < self._ends[place]


def _pointers(said: Message, moves: _Moves) -> Iterator[Edit]:
    seen: set[int] = set()
    for name in said.names:
        for at, target in name.pointers:
            if at in seen or moves.covers(at):
                continue
            seen.add(at)
            moved = target + moves.by(target) - said.begin
            if moved <= FURTHEST:
                yield from _changed(said, at, POINTER << 8 | moved, "name.pointer", "pointer")


def _data_lengths(said: Message, moves: _Moves) -> Iterator[Edit]:
    for record in said.records:
        grown = moves.by(record.end) - moves.by(record.start)
        length = record.end - record.start + grown
        if moves.covers(record.start - 2):
            continue  # the record is left out
        yield from _changed(said, record.start - 2, length, f"{record.place}.length", "length")


def _changed(said: Message, at: int, number: int, field: str, rule: str) -> Iterator[Edit]:
    """A number of two bytes. One that has no room there changes nothing: then the message is too
    long, which is said elsewhere (`alg.edits.apply`)."""
    new = min(number, 0xFFFF).to_bytes(2)
    if new != said.data[at : at + 2]:
        yield Edit(at, at + 2, new, field, rule)
