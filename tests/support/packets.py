"""Packets for tests, built and judged by code that shares nothing with the code under test.

The checksum here is the slow loop of RFC 1071; the product has one `%`. Where both agree, both are
right. An address is text or a number, an endpoint text (`"192.168.20.10:4000"`) or an `Endpoint`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from struct import iter_unpack, pack, unpack_from
from typing import Any, NamedTuple

from nat.endpoint import Endpoint

A, B = "192.168.20.10", "192.168.20.11"  # hosts inside
GATEWAY = "192.168.20.1"
EXTERNAL = "203.0.113.1"
R, S = "198.51.100.7", "198.51.100.8"  # remote hosts: one that is spoken to, and a stranger

ICMP, TCP, UDP = 1, 6, 17
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED, PARAMETER_PROBLEM = 0, 3, 8, 11, 12
DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000
IDENTIFIER = 77  # of pings whose source is an address alone

Address = str | int
Place = str | Endpoint


def number(address: Address) -> int:
    if isinstance(address, int):
        return address
    first, second, third, fourth = (int(part) for part in address.split("."))
    return first << 24 | second << 16 | third << 8 | fourth


def dotted(address: int) -> str:
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def at(address: Address, port: int) -> Endpoint:
    return Endpoint(number(address), port)


def place(text: Place) -> Endpoint:
    """`"192.168.20.10:4000"` as an endpoint; of an address alone the port is `IDENTIFIER`."""
    if isinstance(text, Endpoint):
        return text
    address, _, port = text.partition(":")
    return at(address, int(port or IDENTIFIER))


# --- checksums -----------------------------------------------------------------------------------


def sum_of_words(data: bytes) -> int:
    """One's complement addition of 16-bit words (RFC 1071 1)."""
    if len(data) % 2:
        data += b"\0"
    total = 0
    for (word,) in iter_unpack("!H", data):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def slow_checksum(data: bytes) -> int:
    """RFC 1071, 4.1, word by word."""
    return 0xFFFF - sum_of_words(data)


def pseudo_header(source: int, destination: int, protocol: int, length: int) -> bytes:
    return pack("!IIBBH", source, destination, 0, protocol, length)


# --- packets -------------------------------------------------------------------------------------


def ipv4(
    source: Address,
    destination: Address,
    protocol: int,
    body: bytes,
    *,
    ttl: int = 64,
    tos: int = 0,
    identification: int = 1,
    fragment: int = 0,
    options: bytes = b"",
    version: int = 4,
    ihl: int | None = None,
    total: int | None = None,
    checksum: int | None = None,
) -> bytes:
    """An IPv4 packet. What is given overrides what would be right. `fragment` is the word of flags
    and offset; `options` are a multiple of four bytes."""
    length = 20 + len(options)
    ihl = length // 4 if ihl is None else ihl
    total = length + len(body) if total is None else total
    start = pack(
        "!BBHHHBB", version << 4 | ihl, tos, total, identification, fragment, ttl, protocol
    )
    ends = pack("!II", number(source), number(destination)) + options
    if checksum is None:
        checksum = slow_checksum(start + b"\0\0" + ends)
    return start + pack("!H", checksum) + ends + body


def udp(
    source: Place,
    destination: Place,
    payload: bytes = b"hello, hello",
    *,
    checksum: int | None = None,
    length: int | None = None,
    **ip: Any,
) -> bytes:
    """What is shorter than 34 bytes takes the slow road, and most tests are for the fast one."""
    source, destination = place(source), place(destination)
    length = 8 + len(payload) if length is None else length
    head = pack("!HHH", source.port, destination.port, length)
    if checksum is None:
        body = head + b"\0\0" + payload
        covered = pseudo_header(source.address, destination.address, UDP, len(body)) + body
        checksum = slow_checksum(covered) or 0xFFFF
    body = head + pack("!H", checksum) + payload
    return ipv4(source.address, destination.address, UDP, body, **ip)


def tcp(
    source: Place,
    destination: Place,
    flags: int = SYN,
    *,
    sequence: int = 1000,
    acknowledgement: int = 0,
    payload: bytes = b"",
    offset: int | None = None,
    options: bytes = b"",
    checksum: int | None = None,
    **ip: Any,
) -> bytes:
    """`offset` is that of the data, in words."""
    source, destination = place(source), place(destination)
    offset = 5 + len(options) // 4 if offset is None else offset
    ports = pack("!HH", source.port, destination.port)
    head = ports + pack("!IIBBH", sequence, acknowledgement, offset << 4, flags, 0xFFFF)
    tail = b"\0\0" + options + payload
    if checksum is None:
        body = head + b"\0\0" + tail
        covered = pseudo_header(source.address, destination.address, TCP, len(body)) + body
        checksum = slow_checksum(covered)
    body = head + pack("!H", checksum) + tail
    return ipv4(source.address, destination.address, TCP, body, **ip)


def icmp(
    source: Address,
    destination: Address,
    kind: int,
    code: int = 0,
    rest: int = 0,
    data: bytes = b"",
    *,
    checksum: int | None = None,
    **ip: Any,
) -> bytes:
    """`rest` is the second word: identifier and sequence number, or the next MTU."""
    body = pack("!BBHI", kind, code, 0, rest) + data
    if checksum is None:
        checksum = slow_checksum(body)
    body = body[:2] + pack("!H", checksum) + body[4:]
    return ipv4(source, destination, ICMP, body, **ip)


def ping(
    source: Place,
    destination: Address,
    payload: bytes = b"ping, ping",
    *,
    sequence: int = 1,
    **ip: Any,
) -> bytes:
    """The port of `source` is the identifier."""
    source = place(source)
    rest = source.port << 16 | sequence
    return icmp(source.address, destination, ECHO_REQUEST, 0, rest, payload, **ip)


def pong(
    source: Address,
    destination: Place,
    payload: bytes = b"ping, ping",
    *,
    sequence: int = 1,
    **ip: Any,
) -> bytes:
    """The answer to a ping of `destination`."""
    destination = place(destination)
    rest = destination.port << 16 | sequence
    return icmp(source, destination.address, ECHO_REPLY, 0, rest, payload, **ip)


def echo_with_checksum(
    make: Callable[[Any, Any, bytes], bytes], source: Place, destination: Place, wanted: int
) -> bytes:
    """A sound `ping` or `pong` whose ICMP checksum is a given number: its payload makes up for the
    rest."""
    (field,) = unpack_from("!H", make(source, destination, b"\0\0"), 22)
    made = make(source, destination, pack("!H", (field - wanted) % 0xFFFF))
    assert unpack_from("!H", made, 22)[0] == wanted
    return made


def unreachable(
    source: Address, destination: Address, quoted: bytes, code: int = 3, rest: int = 0, **ip: Any
) -> bytes:
    return icmp(source, destination, UNREACHABLE, code, rest, quoted, **ip)


# --- pieces --------------------------------------------------------------------------------------


def fragment(datagram: bytes, offset: int, data: bytes, *, more: bool, flags: int = 0) -> bytes:
    """A piece that calls itself one of `datagram` (without options), `offset` bytes in."""
    _, _, _, identification, _, ttl, protocol, _, source, destination = unpack_from(
        "!BBHHHBBHII", datagram
    )
    word = flags | (MORE_FRAGMENTS if more else 0) | offset // 8
    return ipv4(
        source,
        destination,
        protocol,
        data,
        ttl=ttl,
        identification=identification,
        fragment=word,
    )


def cut(datagram: bytes, *sizes: int) -> list[bytes]:
    """Fragments of so many bytes of its body each, and a last one with the rest."""
    body = datagram[20:]
    places = [*accumulate(sizes, initial=0), len(body)]
    return [
        fragment(datagram, first, body[first:last], more=last < len(body))
        for first, last in pairwise(places)
    ]


def fragments(datagram: bytes, size: int) -> list[bytes]:
    """Fragments of `size` bytes of its body (a multiple of eight), in order."""
    pieces = -(-(len(datagram) - 20) // size)
    return cut(datagram, *[size] * (pieces - 1))


def truncations(data: bytes) -> Iterator[bytes]:
    """The packet cut short at every length, as it would come from a wire that lies."""
    for length in range(len(data)):
        yield data[:length]


# --- reading -------------------------------------------------------------------------------------


class Ends(NamedTuple):
    source: Endpoint
    destination: Endpoint


@dataclass(frozen=True)
class Seen:
    """A packet taken apart, for reading in assertions. Nothing is checked: see `assert_sound`."""

    data: bytes

    def __repr__(self) -> str:
        return f"<{self.protocol} {self.source} -> {self.destination}>"

    def word(self, at: int) -> int:
        return int.from_bytes(self.data[at : at + 2], "big")

    @property
    def header_length(self) -> int:
        return (self.data[0] & 15) * 4

    @property
    def identification(self) -> int:
        return self.word(4)

    @property
    def is_fragment(self) -> bool:
        return bool(self.word(6) & 0x3FFF)

    @property
    def offset(self) -> int:
        """Of a fragment's data, in bytes."""
        return (self.word(6) & 0x1FFF) * 8

    @property
    def ttl(self) -> int:
        return self.data[8]

    @property
    def protocol(self) -> int:
        return self.data[9]

    @property
    def source_address(self) -> int:
        return int.from_bytes(self.data[12:16], "big")

    @property
    def destination_address(self) -> int:
        return int.from_bytes(self.data[16:20], "big")

    @property
    def addresses(self) -> tuple[str, str]:
        """Source and destination, as text."""
        return dotted(self.source_address), dotted(self.destination_address)

    @property
    def source(self) -> Endpoint:
        """For ICMP the identifier stands in the place of both ports."""
        port = self.word(self.header_length + (4 if self.protocol == ICMP else 0))
        return Endpoint(self.source_address, port)

    @property
    def destination(self) -> Endpoint:
        port = self.word(self.header_length + (4 if self.protocol == ICMP else 2))
        return Endpoint(self.destination_address, port)

    @property
    def body(self) -> bytes:
        """All behind the IPv4 header."""
        return self.data[self.header_length :]

    @property
    def payload(self) -> bytes:
        """What UDP, TCP or an ICMP message carries."""
        size = (self.body[12] >> 4) * 4 if self.protocol == TCP else 8
        return self.body[size:]

    @property
    def icmp(self) -> tuple[int, int]:
        """Type and code."""
        assert self.protocol == ICMP
        return self.body[0], self.body[1]

    @property
    def next_mtu(self) -> int:
        return int.from_bytes(self.body[6:8], "big")

    @property
    def quoted(self) -> Ends:
        """Between whom the packet went that an ICMP error quotes."""
        quote = Seen(self.payload)
        return Ends(quote.source, quote.destination)


def transport_is_sound(data: bytes) -> bool:
    """Is the transport checksum right, judged by the slow loop? (UDP's 0 is "none".)"""
    seen = Seen(data)
    body = seen.body
    if seen.protocol == ICMP:
        return slow_checksum(body) == 0
    if seen.protocol == UDP:
        length, field = unpack_from("!HH", body, 4)
        if field == 0:
            return True
        body = body[:length]
    addresses = (seen.source_address, seen.destination_address)
    return slow_checksum(pseudo_header(*addresses, seen.protocol, len(body)) + body) == 0


def assert_sound(data: bytes) -> Seen:
    """Lengths and all checksums of a packet are right."""
    seen = Seen(data)
    assert data[0] >> 4 == 4
    assert seen.word(2) == len(data), "total length"
    assert slow_checksum(data[: seen.header_length]) == 0, "IPv4 header checksum"
    if not seen.is_fragment:
        assert transport_is_sound(data), "transport checksum"
    return seen
