"""Packets for tests, built and judged by code that shares nothing with the code under test.

The checksum here is the slow loop of RFC 1071; the product has one `%`. Where both agree, both are
right. Hosts of the little world: A and B inside, R and S (strangers) outside.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from struct import pack, unpack_from

A, B = "192.168.20.10", "192.168.20.11"
GATEWAY = "192.168.20.1"
EXTERNAL = "203.0.113.1"
R, S = "198.51.100.7", "198.51.100.8"

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ICMP, TCP, UDP = 1, 6, 17
DF, MF = 0x4000, 0x2000


def number(address: str) -> int:
    first, second, third, fourth = (int(part) for part in address.split("."))
    return first << 24 | second << 16 | third << 8 | fourth


def dotted(address: int) -> str:
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def slow_checksum(data: bytes) -> int:
    """RFC 1071, 4.1, word by word."""
    total = 0
    for at in range(0, len(data) - 1, 2):
        total += data[at] << 8 | data[at + 1]
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(
    source: str,
    destination: str,
    protocol: int,
    body: bytes,
    *,
    ttl: int = 64,
    tos: int = 0,
    ident: int = 1,
    flags: int = 0,
    options: bytes = b"",
    version: int = 4,
    ihl: int | None = None,
    total: int | None = None,
    checksum: int | None = None,
) -> bytes:
    """An IPv4 packet. What is given overrides what would be right."""
    header_length = 20 + len(options)
    ihl = header_length // 4 if ihl is None else ihl
    total = header_length + len(body) if total is None else total
    start = pack("!BBHHHBB", version << 4 | ihl, tos, total, ident, flags, ttl, protocol)
    ends = pack("!II", number(source), number(destination)) + options
    if checksum is None:
        checksum = slow_checksum(start + b"\0\0" + ends)
    return start + pack("!H", checksum) + ends + body


def _pseudo(source: str, destination: str, protocol: int, length: int) -> bytes:
    return pack("!IIBBH", number(source), number(destination), 0, protocol, length)


def ends(text: str) -> tuple[str, int]:
    address, _, port = text.partition(":")
    return address, int(port)


def udp(
    source: str,
    destination: str,
    payload: bytes = b"hello",
    *,
    checksum: int | None = None,
    length: int | None = None,
    **ip: int | bytes,
) -> bytes:
    """`udp("192.168.20.10:4000", "198.51.100.7:5000")`."""
    (src, sport), (dst, dport) = ends(source), ends(destination)
    length = 8 + len(payload) if length is None else length
    head = pack("!HHH", sport, dport, length)
    if checksum is None:
        body = head + b"\0\0" + payload
        checksum = slow_checksum(_pseudo(src, dst, UDP, len(body)) + body) or 0xFFFF
    return ipv4(src, dst, UDP, head + pack("!H", checksum) + payload, **ip)  # type: ignore[arg-type]


def tcp(
    source: str,
    destination: str,
    flags: int = SYN,
    *,
    seq: int = 1000,
    ack: int = 0,
    payload: bytes = b"",
    offset: int | None = None,
    options: bytes = b"",
    checksum: int | None = None,
    **ip: int | bytes,
) -> bytes:
    (src, sport), (dst, dport) = ends(source), ends(destination)
    offset = 5 + len(options) // 4 if offset is None else offset
    head = pack("!HHIIBBH", sport, dport, seq, ack, offset << 4, flags, 0x7210)
    tail = b"\0\0" + options + payload
    if checksum is None:
        body = head + b"\0\0" + tail
        checksum = slow_checksum(_pseudo(src, dst, TCP, len(body)) + body)
    return ipv4(src, dst, TCP, head + pack("!H", checksum) + tail, **ip)  # type: ignore[arg-type]


def icmp(
    source: str,
    destination: str,
    kind: int,
    code: int = 0,
    rest: int = 0,
    body: bytes = b"",
    *,
    checksum: int | None = None,
    **ip: int | bytes,
) -> bytes:
    message = pack("!BBHI", kind, code, 0, rest) + body
    if checksum is None:
        checksum = slow_checksum(message)
    message = message[:2] + pack("!H", checksum) + message[4:]
    return ipv4(source, destination, ICMP, message, **ip)  # type: ignore[arg-type]


def ping(
    source: str,
    destination: str,
    identifier: int = 77,
    sequence: int = 1,
    payload: bytes = b"abcdefgh",
    *,
    reply: bool = False,
    **ip: int | bytes,
) -> bytes:
    rest = identifier << 16 | sequence
    return icmp(source, destination, 0 if reply else 8, 0, rest, payload, **ip)  # type: ignore[arg-type]


def ping_with_checksum(
    source: str, destination: str, identifier: int, wanted: int, *, reply: bool = False
) -> bytes:
    """A sound ping whose ICMP checksum is a given number: its payload makes up for the rest."""
    plain = ping(source, destination, identifier, payload=b"\0\0", reply=reply)
    (field,) = unpack_from("!H", plain, 22)
    payload = pack("!H", (field - wanted) % 0xFFFF)
    made = ping(source, destination, identifier, payload=payload, reply=reply)
    assert unpack_from("!H", made, 22)[0] == wanted
    return made


def unreachable(
    source: str,
    destination: str,
    quoted: bytes,
    code: int = 3,
    rest: int = 0,
    **ip: int | bytes,
) -> bytes:
    return icmp(source, destination, 3, code, rest, quoted, **ip)  # type: ignore[arg-type]


def fragments(datagram: bytes, *sizes: int) -> list[bytes]:
    """Cut a datagram (without options) after so many bytes of its body each, the rest last."""
    body = datagram[20:]
    cuts = [0, *sizes, len(body)]
    for index in range(1, len(cuts) - 1):
        cuts[index] += cuts[index - 1]
    return [
        fragment(datagram, first, body[first:last], more=last < len(body))
        for first, last in itertools.pairwise(cuts)
    ]


def fragment(datagram: bytes, offset: int, data: bytes, *, more: bool, flags: int = 0) -> bytes:
    _, _, _, ident, _, ttl, protocol, _, source, destination = unpack_from("!BBHHHBBHII", datagram)
    flags |= (MF if more else 0) | offset // 8
    return ipv4(
        dotted(source), dotted(destination), protocol, data, ttl=ttl, ident=ident, flags=flags
    )


class Seen:
    """A packet taken apart, for reading in assertions."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        header = (data[0] & 15) * 4
        self.ttl, self.protocol = data[8], data[9]
        source, destination = unpack_from("!II", data, 12)
        self.source_address, self.destination_address = dotted(source), dotted(destination)
        self.body = data[header:]
        self.is_fragment = bool(unpack_from("!H", data, 6)[0] & 0x3FFF)
        sport, dport = unpack_from("!HH", self.body) if len(self.body) >= 4 else (0, 0)
        self.source = f"{self.source_address}:{sport}"
        self.destination = f"{self.destination_address}:{dport}"
        self.source_port, self.destination_port = sport, dport
        self.kind, self.code = self.body[0], self.body[1]
        self.identifier = unpack_from("!H", self.body, 4)[0] if len(self.body) >= 6 else 0
        self.payload = self.body[(self.body[12] >> 4) * 4 :] if self.protocol == TCP else (
            self.body[8:]
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<{self.protocol} {self.source} -> {self.destination}>"

    @property
    def quoted(self) -> Seen:
        """The packet inside an ICMP error."""
        return Seen(self.body[8:])


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
    pseudo = _pseudo(seen.source_address, seen.destination_address, seen.protocol, len(body))
    return slow_checksum(pseudo + body) == 0


def assert_sound(data: bytes) -> Seen:
    """Lengths and all checksums of a packet are right."""
    assert unpack_from("!H", data, 2)[0] == len(data)
    assert slow_checksum(data[: (data[0] & 15) * 4]) == 0, "IPv4 header checksum"
    seen = Seen(data)
    if not seen.is_fragment:
        assert transport_is_sound(data), "transport checksum"
    return seen


def truncations(data: bytes) -> Iterator[bytes]:
    """The packet cut short at every length, as it would come from a wire that lies."""
    for length in range(len(data)):
        yield data[:length]
