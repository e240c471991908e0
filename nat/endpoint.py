"""The words for where a packet comes from and goes to (RFC 4787, section 2 and 3).

    internal            external │ remote
 192.168.20.100:5060 ⇄ 203.0.113.1:40000 │ 203.0.113.9:5060

Source and destination swap with the direction of a packet; these three do not. Addresses are
32-bit integers in all tables and text only at the edges of the program.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from functools import lru_cache
from typing import NamedTuple

ICMP = 1
TCP = 6
UDP = 17

PROTOCOL_NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp"}
PROTOCOL_NUMBERS = {name: number for number, name in PROTOCOL_NAMES.items()}


class Side(IntEnum):
    """One of the two wires; the value indexes per-wire tables."""

    INSIDE = 0
    OUTSIDE = 1

    @property
    def other(self) -> Side:
        return Side.OUTSIDE if self is Side.INSIDE else Side.INSIDE

    def __str__(self) -> str:
        return self.name.lower()


class Direction(Enum):
    """Which way a packet crosses the NAT: `out` is from the inside to the outside."""

    OUT = "out"
    IN = "in"


@lru_cache(maxsize=4096)
def address_text(address: int) -> str:
    """A 32-bit address as dotted decimal."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def parse_address(text: str) -> int:
    """Dotted decimal as a 32-bit integer.

    Stricter than `inet_aton`: exactly four ASCII decimal parts, no leading zeros, so that a text
    has one meaning and what is written back is what was read. Raises ValueError.
    """
    parts = text.split(".")
    if len(parts) != 4:
        raise ValueError(f"{text!r} is not an IPv4 address")
    address = 0
    for part in parts:
        canonical = part.isascii() and part.isdecimal() and len(part) <= 3
        if not canonical or int(part) > 255 or part != str(int(part)):
            raise ValueError(f"{text!r} is not an IPv4 address")
        address = address << 8 | int(part)
    return address


class Endpoint(NamedTuple):
    """An address and a port (for ICMP echo: the identifier). Slices like a tuple, on purpose:
    RFC 4787's behaviours are how much of a remote endpoint a key remembers."""

    address: int
    port: int

    def __str__(self) -> str:
        return f"{address_text(self.address)}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """`"192.0.2.1:5060"` as an endpoint. Raises ValueError."""
        address, colon, port = text.rpartition(":")
        if not colon or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
            raise ValueError(f"{text!r} is not an endpoint such as 192.0.2.1:5060")
        return cls(parse_address(address), int(port))


class Network(NamedTuple):
    """A prefix, such as 192.168.20.0/24."""

    address: int
    prefix: int

    @property
    def mask(self) -> int:
        return 0xFFFFFFFF << (32 - self.prefix) & 0xFFFFFFFF

    @property
    def broadcast(self) -> int:
        """The directed broadcast address (meaningless for /31 and /32)."""
        return self.address | ~self.mask & 0xFFFFFFFF

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and address & self.mask == self.address

    def overlaps(self, other: Network) -> bool:
        mask = self.mask & other.mask
        return self.address & mask == other.address & mask

    def __str__(self) -> str:
        return f"{address_text(self.address)}/{self.prefix}"

    @classmethod
    def parse(cls, text: str) -> Network:
        """`"192.168.20.0/24"`, or an address alone as /32; host bits are cut off.

        Raises ValueError."""
        address, slash, prefix = text.partition("/")
        length = prefix if slash else "32"
        if not (length.isascii() and length.isdecimal()) or int(length) > 32:
            raise ValueError(f"{text!r} is not a network such as 192.168.20.0/24")
        whole = cls(parse_address(address), int(length))
        return cls(whole.address & whole.mask, whole.prefix)
