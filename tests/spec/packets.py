"""Packets as a host would send them, and packets as a host would read them.

Written without any help of `nat/`: an oracle that shares its subject's arithmetic proves nothing.
So checksums are added up word by word here, as RFC 1071 draws it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from nat.endpoint import Endpoint

ICMP, TCP, UDP = 1, 6, 17
FIN, SYN, RST, ACK = 1, 2, 4, 16
ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED, PARAMETER_PROBLEM = 0, 3, 8, 11, 12
DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000


def sum_of_words(data: bytes) -> int:
    """One's complement addition of 16-bit words (RFC 1071 1)."""
    if len(data) % 2:
        data += b"\0"
    total = 0
    for (word,) in struct.iter_unpack("!H", data):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def pseudo_header(source: int, destination: int, protocol: int, length: int) -> bytes:
    return struct.pack("!IIBBH", source, destination, 0, protocol, length)


def ipv4(
    source: int,
    destination: int,
    protocol: int,
    body: bytes,
    *,
    ttl: int = 64,
    identification: int = 0x1234,
    fragment: int = 0,
    options: bytes = b"",
) -> bytes:
    """`fragment` is the word of flags and offset; `options` a multiple of four bytes."""
    words = (20 + len(options)) // 4
    length = words * 4 + len(body)
    header = struct.pack(
        "!BBHHHBBHII",
        0x40 | words, 0, length, identification, fragment, ttl, protocol, 0, source, destination,
    )  # fmt: skip
    header += options
    return header[:10] + struct.pack("!H", 0xFFFF - sum_of_words(header)) + header[12:] + body


def udp(
    source: Endpoint, destination: Endpoint, payload: bytes = b"hello, hello", **ip: Any
) -> bytes:
    """What is shorter than 34 bytes takes the slow road, and most tests are for the fast one."""
    length = 8 + len(payload)
    body = struct.pack("!HHHH", source.port, destination.port, length, 0) + payload
    covered = pseudo_header(source.address, destination.address, UDP, length) + body
    field = (0xFFFF - sum_of_words(covered)) or 0xFFFF
    body = body[:6] + struct.pack("!H", field) + body[8:]
    return ipv4(source.address, destination.address, UDP, body, **ip)


def tcp(
    source: Endpoint,
    destination: Endpoint,
    flags: int,
    *,
    sequence: int = 1000,
    acknowledgement: int = 0,
    payload: bytes = b"",
    options: bytes = b"",
    **ip: Any,
) -> bytes:
    words = (20 + len(options)) // 4
    body = struct.pack(
        "!HHIIBBHHH",
        source.port, destination.port, sequence, acknowledgement, words << 4, flags, 65535, 0, 0,
    )  # fmt: skip
    body += options + payload
    covered = pseudo_header(source.address, destination.address, TCP, len(body)) + body
    body = body[:16] + struct.pack("!H", 0xFFFF - sum_of_words(covered)) + body[18:]
    return ipv4(source.address, destination.address, TCP, body, **ip)


def icmp(
    source: int, destination: int, kind: int, code: int, rest: int, data: bytes, **ip: Any
) -> bytes:
    """`rest` is the second word: identifier and sequence number, or the next MTU."""
    body = struct.pack("!BBHI", kind, code, 0, rest) + data
    body = body[:2] + struct.pack("!H", 0xFFFF - sum_of_words(body)) + body[4:]
    return ipv4(source, destination, ICMP, body, **ip)


def ping(source: Endpoint, destination: int, payload: bytes = b"ping, ping", **ip: Any) -> bytes:
    """The port of `source` is the identifier."""
    return icmp(source.address, destination, ECHO_REQUEST, 0, source.port << 16 | 1, payload, **ip)


def pong(source: int, destination: Endpoint, payload: bytes = b"ping, ping", **ip: Any) -> bytes:
    rest = destination.port << 16 | 1
    return icmp(source, destination.address, ECHO_REPLY, 0, rest, payload, **ip)


def fragments(packet: bytes, size: int) -> list[bytes]:
    """`packet` cut into pieces of `size` bytes of data (a multiple of eight), in order."""
    header = struct.unpack("!BBHHHBBHII", packet[:20])
    body = packet[20:]
    pieces = []
    for offset in range(0, len(body), size):
        more = MORE_FRAGMENTS if offset + size < len(body) else 0
        piece = ipv4(
            header[8],
            header[9],
            header[6],
            body[offset : offset + size],
            ttl=header[5],
            identification=header[3],
            fragment=more | offset // 8,
        )
        pieces.append(piece)
    return pieces


@dataclass(frozen=True)
class Seen:
    """A packet that came out of the NAT, read by a host that checks everything it can."""

    data: bytes

    def __post_init__(self) -> None:
        assert self.data[0] >> 4 == 4
        assert len(self.data) == self.word(2), "total length"
        assert sum_of_words(self.data[: self.header_length]) == 0xFFFF, "header checksum"
        if not self.is_fragment:
            self._check_transport()

    def _check_transport(self) -> None:
        body = self.data[self.header_length :]
        if self.protocol == UDP and body[6:8] == b"\0\0":
            return
        if self.protocol != ICMP:
            addresses = (self.source_address, self.destination_address)
            body = pseudo_header(*addresses, self.protocol, len(body)) + body
        assert sum_of_words(body) == 0xFFFF, "transport checksum"

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
    def source(self) -> Endpoint:
        """For an echo request the identifier stands in the place of the port."""
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
    def quoted(self) -> tuple[Endpoint, Endpoint]:
        """Source and destination of the packet quoted in an ICMP error."""
        quote = self.payload
        start = (quote[0] & 15) * 4
        addresses = struct.unpack("!II", quote[12:20])
        ports = struct.unpack("!HH", quote[start : start + 4])
        return Endpoint(addresses[0], ports[0]), Endpoint(addresses[1], ports[1])
