"""MSS clamping: a NAT that tells both ends of a TCP connection how narrow its wires are.

Path MTU discovery (RFC 1191) depends on ICMP errors that many networks throw away. A NAT between
two wires of different MTU can spare its users that: it lowers the maximum segment size that a SYN
announces (RFC 9293 3.7.1) to what fits both wires. It never raises it, and adds no option.

    MTU 1500 inside, 1280 outside        a SYN with MSS 1460 leaves with 1280 - 40 = 1240
"""

from __future__ import annotations

from collections.abc import Iterator

from nat.checksum import MODULUS
from nat.endpoint import TCP
from nat.packet import CHECKSUM_OFFSET, WORD, Packet
from nat.tcp import LARGEST_SCALE

END_OF_OPTIONS, NO_OPERATION, MAXIMUM_SEGMENT_SIZE, WINDOW_SCALE = 0, 1, 2, 3
HEADERS = 40  # bytes of IPv4 and TCP without options, which is what an MSS leaves out
MINIMUM_TCP = 20


def clamp(packet: Packet, mtu: int) -> None:
    """Lower the MSS option of a TCP packet to what fits `mtu` bytes; the checksum follows."""
    largest = mtu - HEADERS
    at = _place(packet)
    if at is None:
        return
    (old,) = WORD.unpack_from(packet.buffer, at)
    if old <= largest:
        return
    WORD.pack_into(packet.buffer, at, largest)
    if packet.partial:
        return  # the kernel will add up the segment as it finds it
    transport = packet.header_length
    # A number that stands across two words weighs 256 times as much (2 ** 16 leaves the rest 1).
    weight = 256 if (at - transport) & 1 else 1
    place = transport + CHECKSUM_OFFSET[TCP]
    (field,) = WORD.unpack_from(packet.buffer, place)
    WORD.pack_into(packet.buffer, place, (field + (old - largest) * weight) % MODULUS)


def _place(packet: Packet) -> int | None:
    """Where the value of a well-formed MSS option stands."""
    for kind, at, size in tcp_options(packet):
        if kind == MAXIMUM_SEGMENT_SIZE:
            return at + 2 if size == 4 else None
    return None


def window_scale(packet: Packet) -> int:
    """The shift that a SYN offers for its sender's windows (RFC 7323 2.2), or 0."""
    for kind, at, size in tcp_options(packet):
        if kind == WINDOW_SCALE and size == 3:
            return min(packet.buffer[at + 2], LARGEST_SCALE)
    return 0


def tcp_options(packet: Packet) -> Iterator[tuple[int, int, int]]:
    """(kind, place, length) of the TCP options, as far as they are well formed."""
    at, end = packet.header_length + MINIMUM_TCP, packet.payload_start
    while at < end and packet.buffer[at] != END_OF_OPTIONS:
        if packet.buffer[at] == NO_OPERATION:
            at += 1
            continue
        size = packet.buffer[at + 1] if at + 1 < end else 0
        if size < 2 or at + size > end:
            return
        yield packet.buffer[at], at, size
        at += size
