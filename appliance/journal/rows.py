"""A message cut into rows: its lines where it is text, rows of a hex dump where it is not.

Strategy: a `Cut` knows where the rows of a message begin and end, and nothing else in the program
assumes that a message has lines. `passages` follows the changes through the message: rows that a
change touches are a passage, all that lies between is one stretch that need not be looked into.
So a message of 60 KB with one change costs about as much as one of 60 bytes.

Everything here is Latin-1 text, one character a byte, and *not* safe to draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import NamedTuple, Protocol

_HEAD = 16
"""Bytes among which a NUL means that a message is binary: a DNS header always has one there, also
behind the two bytes of length that TCP puts before it (RFC 1035 4.1.1, 4.2.2); text never has."""
_READABLE = bytes([*b"\t\r\n", *range(0x20, 0x7F)])
_HIGH = bytes(range(0x80, 0x100))
_UNREADABLE_SHARE = 8
"""One byte in so many may be unreadable before a message is no text any more."""

FAULTS = ("broken", "wrong", "missed")
"""Verdicts on a change that is not as a correct module would have it, the worst first."""


class ChangeOf(Protocol):
    """What a change of a message says of itself: an event's change, or `alg.compare`'s."""

    @property
    def field(self) -> str: ...
    @property
    def span(self) -> tuple[int, int]: ...
    @property
    def before(self) -> str: ...
    @property
    def after(self) -> str: ...
    @property
    def expected(self) -> str | None: ...
    @property
    def verdict(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def rfc(self) -> str: ...


def is_text(message: str) -> bool:
    """Is it worth reading as lines? A few control characters do not make a text binary: in a SIP
    message they are an attack or a fault, and are to be seen."""
    try:
        data = message.encode("latin-1")
    except UnicodeEncodeError:
        return True  # no bytes at all
    if b"\0" in data[:_HEAD]:
        return False
    unreadable = data.translate(None, _READABLE)
    if not unreadable.translate(None, _HIGH):
        try:
            data.decode()
            return True
        except UnicodeDecodeError:
            pass  # one of the older alphabets, or binary: its share decides
    return len(unreadable) * _UNREADABLE_SHARE <= len(data)


# --- where rows begin and end ------------------------------------------------------------------


class Row(NamedTuple):
    """Bytes `start` to `end`, without the line end; the next row begins at `following`."""

    start: int
    end: int
    following: int


class Cut(Protocol):
    """How a message falls into rows."""

    unit: str

    def row_at(self, message: str, at: int) -> Row:
        """The row that holds the byte `at`; an empty one behind the last byte."""
        ...

    def last_row(self, message: str, end: int) -> Row:
        """The row in which a span ends that reaches up to `end`."""
        ...

    def count(self, message: str, start: int, end: int) -> int:
        """Rows in a stretch that begins with a row."""
        ...

    def amount(self, message: str, start: int, end: int) -> int:
        """The same stretch counted in `unit`."""
        ...


class TextLines:
    """Rows are lines, which CRLF or a lone LF ends."""

    unit = "lines"

    def row_at(self, message: str, at: int) -> Row:
        start = message.rfind("\n", 0, at) + 1
        stop = message.find("\n", start)
        if stop < 0:
            return Row(start, len(message), len(message) + 1)
        has_cr = stop > start and message[stop - 1] == "\r"
        return Row(start, stop - has_cr, stop + 1)

    def last_row(self, message: str, end: int) -> Row:
        """A span that takes a line end with it ends in the next line, which has moved up."""
        return self.row_at(message, end)

    def count(self, message: str, start: int, end: int) -> int:
        return message.count("\n", start, end) + (message[end - 1 : end] != "\n")

    amount = count


class ByteRows:
    """Rows are so many bytes, as in a hex dump."""

    unit = "bytes"

    def __init__(self, width: int) -> None:
        self.width = width

    def row_at(self, message: str, at: int) -> Row:
        start = at - at % self.width
        return Row(start, min(start + self.width, len(message)), start + self.width)

    def last_row(self, message: str, end: int) -> Row:
        return self.row_at(message, max(end - 1, 0))

    def count(self, message: str, start: int, end: int) -> int:
        return -(-(end - start) // self.width)

    def amount(self, message: str, start: int, end: int) -> int:
        return end - start


def rows(message: str, cut: Cut, start: int, end: int) -> Iterator[Row]:
    """The rows of a stretch, one after the other."""
    while start < end:
        row = cut.row_at(message, start)
        yield row
        start = row.following


# --- changes and the rows that they touch ------------------------------------------------------


class Placed(NamedTuple):
    """A change at its place, which lies within the message whatever the change says."""

    start: int
    end: int
    change: ChangeOf


class Stretch(NamedTuple):
    """Rows that no change touches. `shift`: where they are in the message after, less where they
    are in the message before."""

    start: int
    end: int
    shift: int


class Passage(NamedTuple):
    """Neighbouring rows that changes touch, at least one. `wanted_shift`: as `shift`, in the
    message as a correct module writes it."""

    start: int
    end: int
    shift: int
    wanted_shift: int
    changes: tuple[Placed, ...]


def passages(message: str, changes: Iterable[ChangeOf], cut: Cut) -> Iterator[Stretch | Passage]:
    """The whole message in its own order, with every change in exactly one passage."""
    waiting = _placed(message, changes)
    at = shift = wanted_shift = taken = 0
    while taken < len(waiting):
        row = cut.row_at(message, waiting[taken].start)
        if row.start > at:
            yield Stretch(at, row.start, shift)
        first, start = taken, row.start
        while taken < len(waiting) and waiting[taken].start < row.following:
            if waiting[taken].end > row.end:
                row = max(row, cut.last_row(message, waiting[taken].end))
            taken += 1
        mine = tuple(waiting[first:taken])
        yield Passage(start, row.end, shift, wanted_shift, mine)
        shift += sum(len(each.change.after) - (each.end - each.start) for each in mine)
        wanted_shift += sum(len(wanted(each.change)) - (each.end - each.start) for each in mine)
        at = row.following
    if at < len(message):
        yield Stretch(at, len(message), shift)


def _placed(message: str, changes: Iterable[ChangeOf]) -> list[Placed]:
    found = []
    for change in changes:
        start = min(max(change.span[0], 0), len(message))
        found.append(Placed(start, min(max(change.span[1], start), len(message)), change))
    return sorted(found, key=lambda placed: placed[:2])


def is_at_fault(change: ChangeOf) -> bool:
    return change.verdict in FAULTS


def differs_from_wanted(change: ChangeOf) -> bool:
    """Would a correct module have written something else?"""
    return is_at_fault(change) and change.expected not in (None, change.after)


def wanted(change: ChangeOf) -> str:
    """What a correct module writes, as far as it is known."""
    return change.after if change.expected is None else change.expected


def applied(message: str, changes: Iterable[ChangeOf]) -> str:
    """The message with these changes made."""
    pieces, at = [], 0
    altering = [change for change in changes if change.after != change.before]
    for start, end, change in _placed(message, altering):
        pieces += [message[at:start], change.after]
        at = max(at, end)
    return "".join(pieces) + message[at:]


class Mark(Enum):
    """What is worth seeing about some bytes of a passage."""

    SAME = "same"
    CHANGED = "changed"
    LEFT = "left"  # as they were, and should not be


class Run(NamedTuple):
    """Bytes with one mark. `is_bad`: not as a correct module writes them."""

    text: str
    mark: Mark = Mark.SAME
    is_bad: bool = False


def before_of(change: ChangeOf) -> str:
    return change.before


def after_of(change: ChangeOf) -> str:
    return change.after


def runs(message: str, passage: Passage, value_of: Callable[[ChangeOf], str]) -> Iterator[Run]:
    """A passage with each change's value in its place: before, after, or as it should be. Where
    changes overlap, bytes that one of them has shown already are not shown again."""
    at = passage.start
    for start, end, change in passage.changes:
        if at < start:
            yield Run(message[at:start])
        value = value_of(change)
        if change.after != change.before or value != change.before:
            is_bad = is_at_fault(change) and value_of is not wanted
            yield Run(value, Mark.CHANGED, is_bad)
        elif at <= start:
            yield Run(value, Mark.LEFT if is_at_fault(change) else Mark.SAME, is_at_fault(change))
        elif at < end:
            yield Run(message[at:end])
        at = max(at, end)
    if at < passage.end:
        yield Run(message[at : passage.end])
