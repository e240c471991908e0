"""A walk over a DNS message: what stands where (RFC 1035 4.1).

    begin + 0   id, flags, and how many of each follow
    12          questions:  name, type, class
    …           records:    name, type, class, TTL, length, data

Everything is known by the bytes that it is read from, because an edit needs no more than that. The
walk stops at the first thing that cannot be read and says what it was (`problem`); nothing behind
it is believed. Counts are not believed either: the message's end is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from alg.dns.names import BadName, Labels, Name, read_name

LENGTH = 2
"""Bytes before a message of a TCP connection, which say how long it is (RFC 1035 4.2.2)."""
HEADER = 12
LONGEST = 4096
"""Bytes of a message that is read. By UDP nobody sends more (RFC 9715 A advises 1400), and whoever
has to wait for another's message waits for so many bytes of it."""
MOST_PIECES = 1536
"""Of all names of a message that are read: labels, pointers, and their ends. A pointer of two bytes
may stand for a name of 127 labels, so that bytes alone bound nothing; an answer of 200 records has
a thousand."""
FIXED = struct.Struct("!HHIH")  # type, class, TTL, length of data
ADDITIONAL = "additional"
SECTIONS = ("answer", "authority", ADDITIONAL)

IS_ANSWER, OPERATION, AUTHENTIC, RCODE = 0x8000, 0x7800, 0x0020, 0x000F
QUERY = 0
OPERATIONS = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}
A, PTR, OPT, RRSIG, SIG, TSIG, IXFR, AXFR = 1, 12, 41, 46, 24, 250, 251, 252
IN = 1
DNSSEC_OK = 0x8000  # in the place of an OPT record's TTL (RFC 3225 3)

NAMES_IN = {
    **dict.fromkeys((2, 3, 4, 5, 7, 8, 9, PTR, 39), (0, 1)),
    **dict.fromkeys((6, 14, 17), (0, 2)),
    **dict.fromkeys((15, 18, 21, 36), (2, 1)),
    26: (2, 2),
    33: (6, 1),
}
"""Types whose data has names in it that may be compressed (RFC 3597 4): after how many bytes, and
how many names."""


class NotDns(Exception):
    """This is not a DNS message; the text says why."""


class Question(NamedTuple):
    """Who is asked for. Type and class stand at the last four bytes before `end`."""

    name: Name
    type: int
    klass: int
    end: int


class Record(NamedTuple):
    """One of an answer's. `number` is its place in its section; type, class, TTL and length stand
    at `at`, its data at `start` to `end`."""

    section: str
    number: int
    name: Name
    type: int
    klass: int
    ttl: int
    at: int
    start: int
    end: int
    names: tuple[Name, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.section}[{self.number}]"

    @property
    def ttl_span(self) -> tuple[int, int]:
        return self.at + 4, self.at + 8


@dataclass(slots=True)
class Message:
    """What could be read of a message. `begin` is where it begins, behind a length or not; `end` is
    how far it was read; `problem` says why no further. `pieces` have been read of its names."""

    data: bytes
    begin: int
    questions: list[Question] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    end: int = 0
    problem: str = ""
    pieces: int = 0

    @property
    def id(self) -> int:
        return int.from_bytes(self.data[self.begin : self.begin + 2])

    @property
    def flags(self) -> int:
        return int.from_bytes(self.data[self.begin + 2 : self.begin + 4])

    @property
    def is_answer(self) -> bool:
        return bool(self.flags & IS_ANSWER)

    @property
    def operation(self) -> int:
        return (self.flags & OPERATION) >> 11

    @property
    def names(self) -> list[Name]:
        """All of them, in their order."""
        found = [each.name for each in self.questions]
        for record in self.records:
            found += (record.name, *record.names)
        return found

    @property
    def wants_signatures(self) -> bool:
        """Does the asker say that it understands DNSSEC?"""
        return any(each.type == OPT and each.ttl & DNSSEC_OK for each in self.records)

    @property
    def is_sealed(self) -> bool:
        """Is it signed as a whole, so that no byte may change (RFC 8945, RFC 2931)?"""
        return any(each.type in (TSIG, SIG) for each in self.records)

    def signed(self) -> set[tuple[Labels, int]]:
        """Names and types that the message has a signature for (RFC 4034 3)."""
        return {
            (each.name.lowered, int.from_bytes(self.data[each.start : each.start + 2]))
            for each in self.records
            if each.type == RRSIG and each.end - each.start > 2
        }


@lru_cache(maxsize=8)
def read(data: bytes, begin: int) -> Message:
    """The message that begins at a byte. Raises NotDns. Several look at each message one after the
    other, so the last answers are kept: they are for reading only."""
    if len(data) < begin + HEADER:
        raise NotDns("it is too short for a DNS header")
    message = Message(data, begin, end=begin + HEADER)
    if message.operation not in OPERATIONS:
        raise NotDns("it asks for an operation that there is not")
    counts = struct.unpack_from("!4H", data, begin + 4)
    try:
        for _ in range(counts[0] if len(data) <= LONGEST else 1):
            _read_question(message)
        if len(data) > LONGEST:
            raise BadName("more bytes than are read")
        for section, count in zip(SECTIONS, counts[1:], strict=True):
            for number in range(count):
                _read_record(message, section, number)
    except BadName as reason:
        message.problem = str(reason)
    return message


def read_any(data: bytes) -> Message:
    """The message, wherever it came from: behind its own length, as TCP has it, or not. Raises
    NotDns."""
    if int.from_bytes(data[:LENGTH]) == len(data) - LENGTH:
        try:
            framed = read(data, LENGTH)
        except NotDns:
            return read(data, 0)
        if not framed.problem:
            return framed
    return read(data, 0)


def _read_question(message: Message) -> None:
    data = message.data
    name = _read_name(message, message.end)
    end = name.end + 4
    if end > len(data):
        raise BadName("a question that does not end")
    kind, klass = struct.unpack_from("!HH", data, name.end)
    message.questions.append(Question(name, kind, klass, end))
    message.end = end


def _read_record(message: Message, section: str, number: int) -> None:
    data = message.data
    name = _read_name(message, message.end)
    start = name.end + FIXED.size
    if start > len(data):
        raise BadName("a record that does not end")
    kind, klass, ttl, length = FIXED.unpack_from(data, name.end)
    end = start + length
    if end > len(data):
        raise BadName("a record that does not end")
    names = _names_in(message, kind, start, end) if kind in NAMES_IN else ()
    where = name.end, start, end
    message.records.append(Record(section, number, name, kind, klass, ttl, *where, names))
    message.end = end


def _names_in(message: Message, kind: int, start: int, end: int) -> tuple[Name, ...]:
    skipped, count = NAMES_IN[kind]
    if start == end:
        return ()  # as in an update
    found: list[Name] = []
    at = start + skipped
    for _ in range(count):
        found.append(_read_name(message, at))
        at = found[-1].end
    if at > end:
        raise BadName("a name that is longer than its record")
    return tuple(found)


def _read_name(message: Message, at: int) -> Name:
    if message.pieces > MOST_PIECES:
        raise BadName("more names than are read")
    name = read_name(message.data, at, message.begin)
    message.pieces += name.pieces
    return name
