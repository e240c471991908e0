"""Segments for the pieces of a stream: cut out of one that came, or made by the appliance."""

from __future__ import annotations

from struct import Struct

from alg.delivery import Piece
from appliance.gateway.connection import (
    SACK,
    TIMESTAMPS,
    TIMESTAMPS_LENGTH,
    Way,
    timestamp_at,
)
from nat.endpoint import TCP, FiveTuple
from nat.mss import NO_OPERATION, tcp_options
from nat.packet import IPV4, LONG, MAXIMUM_LENGTH, MINIMUM_HEADER, PORTS, WORD, Packet
from nat.tcp import ACK, FIN, PSH, URG

FLAGS_AT, WINDOW_AT, URGENT_AT = 13, 14, 18
PLACES = Struct("!II")  # sequence, acknowledgement
TCP_REST = Struct("!IIBBHHH")
HIGHEST_POINTER = 0xFFFF
OWN_TTL = 64  # RFC 1700's recommendation, what our ICMP has as well


def replaced(
    packet: Packet, way: Way, pieces: list[Piece], acknowledgement: int, window: int, urgent: int
) -> list[Packet]:
    """Segments for the pieces, each with the header of the segment that came. The positions of the
    pieces are those that their sequence numbers tell; `urgent` is where the urgent pointer points,
    as shown."""
    start = packet.header_length
    flags = packet.buffer[start + FLAGS_AT]
    way.largest_sent = max(way.largest_sent, _size_of_segments(packet))
    cut = _cut(pieces, _room_for_data(packet, min(way.largest_segment, way.largest_sent)))
    packets = []
    for number, (position, data) in enumerate(cut):
        segment = packet.copy()
        segment.segment_size = 0
        is_last = number == len(cut) - 1
        segment.buffer[start + FLAGS_AT] = flags if is_last else flags & ~(FIN | PSH)
        PLACES.pack_into(segment.buffer, start + 4, way.number(position), acknowledgement)
        WORD.pack_into(segment.buffer, start + WINDOW_AT, window)
        if flags & URG:
            _point_at(segment, urgent - position)
        segment.replace_payload(data)
        packets.append(segment)
    return packets


def own(tuple_: FiveTuple, way: Way, back: Way, pieces: list[Piece], flags: int) -> list[Packet]:
    """Segments that nobody sent: of the way, in the name of its sender, who has last told what
    `back` knows of its own reception. `tuple_` is what they leave with."""
    options = b""
    if way.stamp is not None:
        # RFC 7323 3.2: once agreed on, it must be in every segment, and never go back.
        times = LONG.pack(way.stamp) + LONG.pack(back.stamp or 0)
        options = bytes((NO_OPERATION, NO_OPERATION, TIMESTAMPS, TIMESTAMPS_LENGTH)) + times
    room = max(1, min(way.largest_segment, way.largest_sent) - len(options))
    return [
        _made(tuple_, way.number(position), back, flags, options, data)
        for position, data in _cut(pieces, room)
    ]


def _made(
    tuple_: FiveTuple, sequence: int, back: Way, flags: int, options: bytes, data: bytes
) -> Packet:
    _, source, destination, source_port, destination_port = tuple_
    offset = (20 + len(options)) // 4 << 4
    acknowledgement = back.told if flags & ACK else 0
    window = back.told_window if flags & ACK else 0
    header = PORTS.pack(source_port, destination_port)
    header += TCP_REST.pack(sequence, acknowledgement, offset, flags, window, 0, 0)
    length = MINIMUM_HEADER + len(header) + len(options) + len(data)
    dont_fragment = 0x4000
    beginning = IPV4.pack(
        0x4500, length, 0, dont_fragment, OWN_TTL << 8 | TCP, 0, source, destination
    )
    packet = Packet.of(beginning + header + options + data)
    packet.finish_header()
    packet.finish_transport()
    return packet


def _cut(pieces: list[Piece], room: int) -> list[Piece]:
    """The pieces in parts of at most `room` bytes."""
    return [
        Piece(position + at, data[at : at + room])
        for position, data in pieces
        for at in range(0, max(1, len(data)), room)
    ]


def _size_of_segments(packet: Packet) -> int:
    """How large a segment of this packet is on the wire, counted as the MSS option does."""
    largest = packet.on_the_wire()[1] if packet.segment_size else packet.length
    return min(largest, packet.length) - packet.header_length - MINIMUM_HEADER


def _room_for_data(packet: Packet, largest_segment: int) -> int:
    """How many bytes go into one segment with the headers of `packet`."""
    options = packet.transport_header_length - MINIMUM_HEADER
    return min(max(64, largest_segment - options), MAXIMUM_LENGTH - packet.payload_start)


def urgent_position(packet: Packet, way: Way, position: int) -> int:
    """The position, as shown, that the urgent pointer names (RFC 9293 3.8.5)."""
    (pointer,) = WORD.unpack_from(packet.buffer, packet.header_length + URGENT_AT)
    return way.stream.shown(position + pointer)


def _point_at(segment: Packet, ahead: int) -> None:
    """Let the urgent pointer of a segment name a byte so far ahead of its first one."""
    start = segment.header_length
    if 0 < ahead <= HIGHEST_POINTER:
        WORD.pack_into(segment.buffer, start + URGENT_AT, ahead)
    else:
        segment.buffer[start + FLAGS_AT] &= ~URG


def translate_sack(packet: Packet, back: Way, acknowledgement: int) -> None:
    """SACK blocks (RFC 2018) in positions as sent. One that touches an edited message, or lies
    before what is acknowledged, is blotted out with all others: SACK is advice, and a sender
    without it only sends more."""
    for kind, at, size in tcp_options(packet):
        if kind != SACK:
            continue
        edges = [
            int.from_bytes(packet.buffer[edge : edge + 4], "big")
            for edge in range(at + 2, at + size - 3, 4)
        ]
        shown = [back.shown_position(edge) for edge in edges]
        sent = [back.stream.sent(position) for position in shown]
        told = back.position(acknowledgement)
        is_exact = [back.stream.shown(position) for position in sent] == shown
        if not is_exact or min(sent, default=told) < told:
            packet.buffer[at : at + size] = bytes((NO_OPERATION,)) * size
            continue
        for edge, position in zip(range(at + 2, at + size - 3, 4), sent, strict=True):
            packet.buffer[edge : edge + 4] = back.number(position).to_bytes(4, "big")


def note_timestamp(packet: Packet, way: Way) -> None:
    """Note the time that the sender of a segment tells."""
    at = timestamp_at(packet)
    if at is not None:
        (way.stamp,) = LONG.unpack_from(packet.buffer, at)
