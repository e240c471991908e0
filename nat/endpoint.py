"""The words for where a packet comes from and goes to (RFC 4787 2 and 3).

    internal            external │ remote
 192.168.20.100:5060 ⇄ 203.0.113.1:40000 │ 203.0.113.9:5060

Source and destination swap with the direction of a packet; these three do not. Addresses are
integers in all tables and text only at the edges of the program. An IPv4 address is its 32-bit
number. An IPv6 address is its 128-bit number with one more bit set (`IPV6`), because ::1 and
0.0.0.1 have the same number and are two addresses.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

IPV6 = 1 << 128
"""The bit that tells an IPv6 address from an IPv4 address with the same number."""

ICMP = 1
TCP = 6
UDP = 17

PROTOCOL_NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp"}
PROTOCOL_NUMBERS = {name: number for number, name in PROTOCOL_NAMES.items()}

ICMP_QUERY = 0x100 | ICMP
"""What stands for the protocol in the five-tuples of ICMP queries: a number that no header can
hold. The fast road takes the words behind every IPv4 header for ports; for ICMP those are type,
code and checksum, and a checksum that looks like somebody's identifier must not find a flow."""

FiveTuple = tuple[int, int, int, int, int]
"""(protocol, source address, destination address, source port, destination port)"""


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
    """An address as people write it: dotted decimal, or RFC 5952 for IPv6."""
    if address >= IPV6:
        return str(IPv6Address(address - IPV6))
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def parse_address(text: str) -> int:
    """The address that a text names. Raises ValueError.

    Strict where people are not (no leading zeros, no zone of an interface), so that a text has one
    meaning and an IPv4 address that is written back is what was read.
    """
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ValueError(f"{text!r} is not an IP address by itself: it names an interface")
        return IPV6 | int(address)
    return int(address)


def family_of(address: int) -> int:
    """4 or 6."""
    return 6 if address >= IPV6 else 4


def is_unicast(address: int) -> bool:
    """May this be one host's address on a wire? Not "this network", loopback, multicast, reserved
    or broadcast (RFC 1122 3.2.1.3, RFC 4291 2.5 and 2.7)."""
    if address >= IPV6:
        return IPV6 + 1 < address < IPV6 | 0xFF << 120
    return 0x00FFFFFF < address < 0xE0000000 and address >> 24 != 127


class Endpoint(NamedTuple):
    """An address and a port (for ICMP echo: the identifier). Slices like a tuple, on purpose:
    RFC 4787's behaviours are how much of a remote endpoint a key remembers."""

    address: int
    port: int

    def __str__(self) -> str:
        text = address_text(self.address)
        return f"[{text}]:{self.port}" if self.address >= IPV6 else f"{text}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """`"192.0.2.1:5060"` or `"[2001:db8::1]:5060"` (RFC 3986 3.2.2). Raises ValueError."""
        host, colon, port = text.rpartition(":")
        is_bracketed = host[:1] + host[-1:] == "[]"
        is_port = port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535
        if not colon or not is_port or is_bracketed != (":" in host):
            raise ValueError(f"{text!r} is not an endpoint such as 192.0.2.1:5060")
        return cls(parse_address(host[1:-1] if is_bracketed else host), int(port))


class Network(NamedTuple):
    """A prefix, such as 192.168.20.0/24 or 2001:db8::/32."""

    address: int
    prefix: int

    @property
    def bits(self) -> int:
        """How long its addresses are."""
        return 128 if self.address >= IPV6 else 32

    @property
    def _mask(self) -> int:
        """Ones without end, so that an address keeps the bit of its family."""
        return -1 << (self.bits - self.prefix)

    @property
    def broadcast(self) -> int | None:
        """The directed broadcast address; None where there is none (/31 and /32: RFC 3021; IPv6).
        Where there is one, `address` is no host's either."""
        return self.address | ~self._mask if self.bits == 32 and self.prefix < 31 else None

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and address & self._mask == self.address

    def overlaps(self, other: Network) -> bool:
        mask = self._mask & other._mask
        return self.address & mask == other.address & mask

    def __str__(self) -> str:
        return f"{address_text(self.address)}/{self.prefix}"

    @classmethod
    def parse(cls, text: str) -> Network:
        """`"192.168.20.0/24"`, or an address alone as the network of one host; host bits are cut
        off. Raises ValueError."""
        host, slash, prefix = text.partition("/")
        whole = cls(parse_address(host), 0)
        length = prefix if slash else str(whole.bits)
        if not (length.isascii() and length.isdecimal() and len(length) <= 3):
            raise ValueError(f"{text!r} is not a network such as 192.168.20.0/24")
        if int(length) > whole.bits:
            raise ValueError(f"{text!r} is not a network: an address has {whole.bits} bits")
        network = whole._replace(prefix=int(length))
        return network._replace(address=network.address & network._mask)


def inbound_key(protocol: int, remote: Endpoint, external: Endpoint) -> FiveTuple:
    """How the packets from a remote to an external endpoint arrive."""
    if protocol == ICMP:
        return (ICMP_QUERY, remote.address, external.address, 0, external.port)
    return (protocol, remote.address, external.address, remote.port, external.port)


def outbound_key(protocol: int, internal: Endpoint, remote: Endpoint) -> FiveTuple:
    """How the packets from an inside endpoint to a remote arrive."""
    if protocol == ICMP:
        return (ICMP_QUERY, internal.address, remote.address, internal.port, 0)
    return (protocol, internal.address, remote.address, internal.port, remote.port)
