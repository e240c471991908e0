"""Names in a message, and where each of their labels stands (RFC 1035 3.1 and 4.1.4).

A name may end in a pointer to the rest of it, which stood earlier in the message:

    at 12     3 www 7 example 3 net 0        www.example.net.
    at 33     3 ftp C0 10                    ftp. and what stands at 16: ftp.example.net.

A pointer leads back, never on, so that the walk comes to an end; and no name takes more than a few.
The names of addresses (RFC 1035 3.5) are here too: 10.113.0.203.in-addr.arpa. is 203.0.113.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

LONGEST = 255
"""Bytes of a name, written out (RFC 1035 2.3.4)."""
LONGEST_LABEL = 63
MOST_POINTERS = 32
"""That one name may follow. It has at most 127 labels, and nobody cuts it into so many pieces."""
POINTER = 0xC0
FURTHEST = 0x3FFF
"""The last byte that a pointer reaches."""

Labels = tuple[bytes, ...]
REVERSE: Labels = (b"in-addr", b"arpa")
NUMBERS = 4
"""Labels of the name of an address before `in-addr.arpa`."""


class BadName(ValueError):
    """Not a name; the text says why."""


class Name(NamedTuple):
    """A name that stands at bytes `start` to `end`, with the rest of it elsewhere if `pointers` are
    not empty: each is a place, and where it leads to. `places` are those of its labels, of which
    the first `own` stand at its own place."""

    start: int
    end: int
    labels: Labels
    places: tuple[int, ...]
    pointers: tuple[tuple[int, int], ...]
    own: int

    @property
    def lowered(self) -> Labels:
        """Upper case does not count (RFC 4343)."""
        return tuple(label.lower() for label in self.labels)

    @property
    def pieces(self) -> int:
        """How much there is to read in it."""
        return 1 + len(self.labels) + len(self.pointers)

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """All bytes that it is read from, its own first."""
        away = zip(self.places[self.own :], self.labels[self.own :], strict=True)
        return (self.start, self.end), *((at, at + 1 + len(label)) for at, label in away)

    @property
    def text(self) -> str:
        return text_of(self.labels)


def read_name(data: bytes, at: int, begin: int) -> Name:
    """The name at a place; pointers count from `begin`. Raises BadName."""
    start, end, lowest, length, own = at, 0, at, 1, 0
    labels: list[bytes] = []
    places: list[int] = []
    pointers: list[tuple[int, int]] = []
    while at < len(data):
        size = data[at]
        if size == 0:
            own = own if pointers else len(labels)
            found = tuple(labels), tuple(places), tuple(pointers)
            return Name(start, end or at + 1, *found, own)
        if size <= LONGEST_LABEL:
            behind = at + 1 + size
            length += 1 + size
            if length > LONGEST:
                raise BadName("a name that is too long")
            labels.append(data[at + 1 : behind])
            places.append(at)
            at = behind
            continue
        if size < POINTER:
            break
        target = begin + (int.from_bytes(data[at : at + 2]) & FURTHEST)
        if at + 2 > len(data) or target >= lowest or len(pointers) == MOST_POINTERS:
            raise BadName("a name that leads round in a circle, or too far")
        if not pointers:
            end, own = at + 2, len(labels)
        pointers.append((at, target))
        at = lowest = target
    raise BadName("a name that does not end")


def written(labels: Sequence[bytes], is_whole: bool = True) -> bytes:
    """Labels as bytes; with the root if they are a whole name."""
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0" * is_whole


def text_of(labels: Sequence[bytes]) -> str:
    """As people write it, with what is no letter escaped (RFC 1035 5.1)."""
    return "".join(f"{_escaped(label)}." for label in labels) or "."


def _escaped(label: bytes) -> str:
    return "".join(
        f"\\{code:03}"
        if not 0x21 <= code <= 0x7E
        else f"\\{code:c}"
        if code in b'.\\"();@$'
        else chr(code)
        for code in label
    )


def labels_of_address(address: int) -> Labels:
    """The name of an address, without `in-addr.arpa`: its numbers backwards."""
    return tuple(b"%d" % number for number in reversed(address.to_bytes(4)))


def address_of(labels: Labels) -> int | None:
    """The address that a name is the name of, if it is one's."""
    numbers, rest = labels[:NUMBERS], tuple(label.lower() for label in labels[NUMBERS:])
    if rest != REVERSE or any(not label.isdigit() or len(label) > 3 for label in numbers):
        return None
    values = [int(label) for label in reversed(numbers)]
    if max(values) > 255:
        return None
    address = int.from_bytes(bytes(values))
    return address if labels_of_address(address) == numbers else None
