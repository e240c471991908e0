"""What a super-packet is on a wire: the packets that the kernel makes of it, with all checksums.

    super-packet      header │ sequence 1000, PSH FIN │ 3000 bytes, checksum partial
    on the wire       header │ sequence 1000          │ 1448 bytes
                      header │ sequence 2448          │ 1448 bytes
                      header │ sequence 3896, PSH FIN │  104 bytes

Identifications count on, as Linux has it (`inet_gso_segment`).
"""

from __future__ import annotations

from collections.abc import Iterator

from nat.endpoint import TCP
from nat.packet import LONG, WORD, Packet
from nat.tcp import FIN, PSH

CONGESTION_WINDOW_REDUCED = 0x80
"""Of a super-packet only the first segment says so (RFC 3168 6.1.2)."""
_SEQUENCE, _FLAGS = 4, 13  # where they stand in a TCP header
_ALL_NUMBERS = 0xFFFFFFFF


def packets_of(packet: Packet) -> Iterator[bytes]:
    """The packets that one stands for, each as it would be on the wire; itself, if it is one."""
    if not packet.segment_size:
        yield _completed(packet.copy() if packet.partial else packet)
    elif packet.protocol == TCP:
        yield from _segments(packet)
    else:
        for datagram in packet.datagrams():
            yield _completed(datagram)


def _completed(packet: Packet) -> bytes:
    packet.complete()
    return packet.to_bytes()


def _segments(packet: Packet) -> Iterator[bytes]:
    start, body = packet.header_length, packet.payload_start
    size = packet.segment_size
    headers = bytes(packet.buffer[:body])
    sequence = int(LONG.unpack_from(headers, start + _SEQUENCE)[0])
    flags = headers[start + _FLAGS]
    for number, at in enumerate(range(body, packet.length, size)):
        end = min(at + size, packet.length)
        piece = Packet.of(headers + bytes(packet.buffer[at:end]))
        WORD.pack_into(piece.buffer, 2, piece.length)
        WORD.pack_into(piece.buffer, 4, packet.identification + number & 0xFFFF)
        LONG.pack_into(piece.buffer, start + _SEQUENCE, sequence + at - body & _ALL_NUMBERS)
        kept = flags if end == packet.length else flags & ~(FIN | PSH)
        piece.buffer[start + _FLAGS] = kept & ~CONGESTION_WINDOW_REDUCED if number else kept
        piece.finish_header()
        piece.finish_transport()
        yield piece.to_bytes()
