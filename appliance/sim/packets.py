"""IPv4 packets as hosts write and read them; everybody else here has endpoints and numbers.

A host checks what it gets: a NAT that gets a checksum wrong must be found out. Therefore this file
reads packets for itself, with none of the NAT's code for reading them. Sums are taken modulo 65,535
(see `nat/checksum.py`): a 32-bit address and a payload of any length, each read as one number,
weigh as much as their 16-bit words added up.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from appliance.parties.party import Datagram, Obstacle, Ping, Pong, Send, Undelivered
from appliance.sim.segment import Segment
from nat import icmp
from nat.endpoint import ICMP, TCP, UDP, Endpoint
from nat.packet import Packet
from nat.tcp import SYN

# version and length with TOS, total length, identification, fragment, TTL with protocol, checksum,
# source, destination; source port, destination port, UDP length, UDP checksum
HEADERS = Struct("!HHHHHHIIHHHH")
TTL = 64
# The words of an IPv4 header that are the same in every packet sent here.
VERSION_WORD, TTL_WORD = 0x4500, TTL << 8 | UDP
CONSTANT_WORDS = VERSION_WORD + TTL_WORD

IPV4 = Struct("!BBHHHBBHII")  # as above, in bytes, and without the ports
# source port, destination port, sequence, acknowledgement, header length and flags, window,
# checksum, urgent pointer
TCP_HEADER = Struct("!HHIIHHHH")
LARGEST_SEGMENT = Struct("!BBH")  # kind 2, length 4, bytes (RFC 9293 3.2)
ECHO = Struct("!BBHHH")  # type, code, checksum, identifier, sequence number
NUMBERS = Struct("!HHI")  # of a quoted packet: its first eight bytes behind the header

MOST_ENDPOINTS = 1024
MOST_SUMS = 64
RTP_HEADER = Struct("!III")
IPV4_SIZE, UDP_SIZE = 20, 8
PAYLOAD_AT = IPV4_SIZE + UDP_SIZE
FLAGS = 0x3F
PLAIN = 0x45  # version 4, a header without options
OFFSET = 0x1FFF  # of a later fragment
FRAGMENT = 0x3FFF  # that, or the flag that more follow
QUOTED_AT = 28  # in an ICMP error: behind its IPv4 and ICMP headers
SHORTEST_QUOTE = 28  # a header and eight bytes (RFC 792)

UNREACHABLE_CODES = {
    0: Obstacle.NETWORK_UNREACHABLE,
    1: Obstacle.HOST_UNREACHABLE,
    2: Obstacle.PROTOCOL_UNREACHABLE,
    3: Obstacle.PORT_UNREACHABLE,
    4: Obstacle.TOO_BIG,
    9: Obstacle.PROHIBITED,
    10: Obstacle.PROHIBITED,
    13: Obstacle.PROHIBITED,
}
OTHER_ERRORS = {
    icmp.TIME_EXCEEDED: Obstacle.TIME_EXCEEDED,
    icmp.PARAMETER_PROBLEM: Obstacle.BAD_HEADER,
}


class PingRequest(NamedTuple):
    """Somebody pings this host; `answer` is what it is to send."""

    answer: Packet


class ErrorAbout(NamedTuple):
    """An ICMP error; `sequence` is the number of the quoted segment, if it was TCP."""

    news: Undelivered
    sequence: int


IcmpMessage = PingRequest | Pong | ErrorAbout

_known_sum = lru_cache(MOST_SUMS)(lambda data: _sum(data))
_endpoint = lru_cache(MOST_ENDPOINTS)(Endpoint)  # the same few come in most packets

# --- UDP -------------------------------------------------------------------------------------


def pack(send: Send, identification: int) -> Packet:
    """A datagram as an IPv4 packet."""
    source, source_port = send.source
    destination, destination_port = send.destination
    payload = send.payload
    udp_length = UDP_SIZE + len(payload)
    total = IPV4_SIZE + udp_length
    addresses = source + destination
    ports = source_port + destination_port
    body = _payload_sum(payload) + addresses + UDP + 2 * udp_length + ports
    header = HEADERS.pack(
        VERSION_WORD,
        total,
        identification,
        0,
        TTL_WORD,
        -(CONSTANT_WORDS + total + identification + addresses) % 0xFFFF,
        source,
        destination,
        source_port,
        destination_port,
        udp_length,
        -body % 0xFFFF or 0xFFFF,  # RFC 768: 0 means that there is no checksum
    )
    return Packet(bytearray(header + payload), total)


def unpack(packet: Packet) -> Datagram | None:
    """The datagram in an IPv4 packet; None when it is not UDP or not whole, or a checksum is
    wrong."""
    size, buffer = packet.length, packet.buffer
    if size < PAYLOAD_AT:
        return None
    (
        version, total, identification, fragment, ttl_protocol, header_checksum,
        source, destination, source_port, destination_port, length, checked,
    ) = HEADERS.unpack_from(buffer)  # fmt: skip
    addresses = source + destination
    header = version + total + identification + fragment + ttl_protocol + header_checksum
    if version >> 8 != PLAIN or ttl_protocol & 0xFF != UDP or (header + addresses) % 0xFFFF:
        return None
    if fragment & FRAGMENT or not UDP_SIZE <= length <= size - IPV4_SIZE:
        return None
    payload = bytes(buffer[PAYLOAD_AT : IPV4_SIZE + length])
    if checked:
        header = addresses + UDP + 2 * length + source_port + destination_port + checked
        if (_payload_sum(payload) + header) % 0xFFFF:
            return None
    return Datagram(
        _endpoint(source, source_port), _endpoint(destination, destination_port), payload
    )


# --- TCP -------------------------------------------------------------------------------------


def pack_segment(segment: Segment, identification: int) -> Packet:
    """A TCP segment as an IPv4 packet (RFC 9293 3.1)."""
    source, destination = segment.source, segment.destination
    options = LARGEST_SEGMENT.pack(2, 4, segment.largest) if segment.largest else b""
    header = TCP_HEADER.pack(
        source.port,
        destination.port,
        segment.sequence,
        segment.acknowledgement,
        (TCP_HEADER.size + len(options)) // 4 << 12 | segment.flags,
        segment.window,
        0,
        0,
    )
    body = bytearray(header + options + segment.payload)
    pseudo_header = source.address + destination.address + TCP + len(body)
    body[16:18] = checksum(bytes(body), pseudo_header)
    return _packet(source.address, destination.address, TCP, TTL, identification, body)


def unpack_segment(packet: Packet) -> Segment | None:
    """The segment in a sound IPv4 packet; None when its lengths do not fit."""
    body = _body(packet)
    if len(body) < TCP_HEADER.size:
        return None
    source, destination = packet.addresses
    (
        source_port, destination_port, sequence, acknowledgement, length_and_flags, window, _, _
    ) = TCP_HEADER.unpack_from(body)  # fmt: skip
    start = (length_and_flags >> 12) * 4
    if not TCP_HEADER.size <= start <= len(body):
        return None
    return Segment(
        Endpoint(source, source_port),
        Endpoint(destination, destination_port),
        sequence,
        acknowledgement,
        length_and_flags & FLAGS,
        window,
        body[start:],
        _largest(body[TCP_HEADER.size : start]) if length_and_flags & SYN else 0,
    )


def _largest(options: bytes) -> int:
    """The maximum segment size option, or 0 (RFC 9293 3.2)."""
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2 or at + size > len(options):
            return 0
        if (options[at], size) == (2, LARGEST_SEGMENT.size):
            return int.from_bytes(options[at + 2 : at + 4], "big")
        at += size
    return 0


# --- ICMP ------------------------------------------------------------------------------------


def pack_ping(ping: Ping, identification: int) -> Packet:
    """An echo request as an IPv4 packet (RFC 792)."""
    (source, identifier), destination, sequence, payload, ttl = ping
    header = ECHO.pack(icmp.ECHO_REQUEST, 0, 0, identifier, sequence)
    body = bytearray(header + payload)
    body[2:4] = checksum(bytes(body))
    return _packet(source, destination, ICMP, ttl, identification, body)


def port_unreachable(about: Packet) -> Packet:
    """What a host says to who has sent a datagram to a closed port (RFC 1122 4.1.3.1)."""
    says = about.destination_address, icmp.UNREACHABLE, icmp.PORT_UNREACHABLE
    return Packet.of(icmp.error(about, *says))


def unpack_icmp(packet: Packet) -> IcmpMessage | None:
    """The ICMP message in a sound IPv4 packet; None for what hosts discard in silence (RFC 1122
    3.2.2)."""
    body = _body(packet)
    if len(body) < ECHO.size:
        return None
    kind, code, _, identifier, sequence = ECHO.unpack_from(body)
    source, destination = packet.addresses
    if kind == icmp.ECHO_REQUEST:
        return PingRequest(Packet.of(icmp.echo_reply(packet)))
    if kind == icmp.ECHO_REPLY:
        return Pong(Endpoint(destination, identifier), source, sequence, body[ECHO.size :])
    obstacle = OTHER_ERRORS.get(kind)
    if kind == icmp.UNREACHABLE:
        obstacle = UNREACHABLE_CODES.get(code, Obstacle.UNREACHABLE)
    return None if obstacle is None else _read_quote(packet, obstacle)


def _read_quote(packet: Packet, obstacle: Obstacle) -> ErrorAbout | None:
    """What an ICMP error is about: who sent what to whom. None when the quoted packet cannot be
    read, or was not sent by the host that hears of it."""
    quote = bytes(packet.buffer[QUOTED_AT : packet.length])
    if len(quote) < SHORTEST_QUOTE or quote[0] != PLAIN or _sum(quote[: IPV4.size]):
        return None
    protocol, source, destination = quote[9], *IPV4.unpack_from(quote)[-2:]
    reporter, hears = packet.addresses
    if source != hears:
        return None
    first, second, sequence = NUMBERS.unpack_from(quote, IPV4.size)
    if protocol == ICMP:
        first, second = sequence >> 16, 0
    local, remote = Endpoint(source, first), Endpoint(destination, second)
    news = Undelivered(protocol, local, remote, obstacle, reporter)
    return ErrorAbout(news, sequence if protocol == TCP else 0)


# --- all of them -----------------------------------------------------------------------------


def is_sound(packet: Packet) -> bool:
    """Is this a whole TCP segment or ICMP message, and are all its checksums right?"""
    data = bytes(packet.buffer[: packet.length])
    if len(data) < IPV4.size or data[0] != PLAIN or _sum(data[: IPV4.size]):
        return False
    if packet.is_fragment or not IPV4.size <= packet.total_length <= len(data):
        return False
    body = _body(packet)
    if packet.protocol == TCP:
        return not _sum(body, sum(packet.addresses) + TCP + len(body))
    return packet.protocol == ICMP and not _sum(body)


def ends(packet: Packet) -> tuple[Endpoint, Endpoint]:
    """Between whom a packet goes. A ping has its identifier where it comes from, as a port; what
    has no ports (an error, a later fragment) is between two addresses."""
    source, destination = packet.addresses
    if packet.flags_and_offset & OFFSET:
        return Endpoint(source, 0), Endpoint(destination, 0)
    if packet.protocol != ICMP:
        source_port, destination_port = packet.ports
        return _endpoint(source, source_port), _endpoint(destination, destination_port)
    kind, identifier = packet.buffer[20], int.from_bytes(packet.buffer[24:26], "big")
    asks, answers = kind == icmp.ECHO_REQUEST, kind == icmp.ECHO_REPLY
    return (
        Endpoint(source, identifier if asks else 0),
        Endpoint(destination, identifier if answers else 0),
    )


def _packet(
    source: int, destination: int, protocol: int, ttl: int, identification: int, body: bytearray
) -> Packet:
    total = IPV4.size + len(body)
    words = (PLAIN << 8) + total + identification + (ttl << 8 | protocol) + source + destination
    checksum = -words % 0xFFFF
    header = IPV4.pack(
        PLAIN, 0, total, identification, 0, ttl, protocol, checksum, source, destination
    )
    return Packet(bytearray(header) + body, total)


def _body(packet: Packet) -> bytes:
    """What a sound packet carries."""
    return bytes(packet.buffer[IPV4.size : packet.total_length])


def _sum(data: bytes, more: int = 0) -> int:
    """Of 16-bit words and of what else is added; 0 where a checksum is right."""
    number = int.from_bytes(data, "big") << (8 if len(data) & 1 else 0)
    return (number + more) % 0xFFFF


def _payload_sum(payload: bytes) -> int:
    """Of a datagram's payload. What follows an RTP header is the same in most packets, because
    voices here are steady tones: it is added up once."""
    if len(payload) <= RTP_HEADER.size:
        return _sum(payload)
    first, second, third = RTP_HEADER.unpack_from(payload)
    return _known_sum(payload[RTP_HEADER.size :]) + int(first + second + third)


def checksum(data: bytes, more: int = 0) -> bytes:
    """The field that makes the sum 0."""
    return (-_sum(data, more) % 0xFFFF).to_bytes(2, "big")
