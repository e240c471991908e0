"""What a super-packet stands for: every piece is a sound packet, and together they say the same."""

from __future__ import annotations

import pytest

from appliance.journal.onwire import packets_of
from nat.packet import Packet
from tests.support.packets import ACK, FIN, PSH, A, R, assert_sound, tcp, udp

DATA = bytes(range(256)) * 12


def super_packet(data: bytes, segment_size: int) -> Packet:
    """As the kernel hands it over: the checksum is left to be completed."""
    packet = Packet(bytearray(data), len(data), partial=True, segment_size=segment_size)
    packet.finish_transport()
    return packet


@pytest.mark.parametrize("size", [1000, 1024, len(DATA)])
def test_of_tcp_each_piece_goes_on_where_the_last_one_ended(size: int) -> None:
    """RFC 9293 3.1; what ends a stream or hurries it is said by the last piece alone."""
    whole = tcp(f"{A}:4000", f"{R}:80", ACK | PSH | FIN, sequence=0xFFFFFF00, payload=DATA)
    pieces = [assert_sound(data) for data in packets_of(super_packet(whole, size))]
    assert b"".join(piece.payload for piece in pieces) == DATA
    starts = [0xFFFFFF00 + at & 0xFFFFFFFF for at in range(0, len(DATA), size)]
    sequences = [int.from_bytes(piece.data[24:28], "big") for piece in pieces]
    assert sequences == starts
    flags = [piece.data[33] for piece in pieces]
    assert flags == [ACK] * (len(pieces) - 1) + [ACK | PSH | FIN]
    first = pieces[0].identification
    assert [piece.identification - first for piece in pieces] == [*range(len(pieces))]


def test_only_the_first_piece_says_that_the_window_was_reduced() -> None:
    """RFC 3168 6.1.2."""
    whole = tcp(f"{A}:4000", f"{R}:80", ACK | 0x80, payload=DATA)
    pieces = [*packets_of(super_packet(whole, 2000))]
    assert [bool(piece[33] & 0x80) for piece in pieces] == [True, False]


def test_of_udp_each_piece_is_a_datagram() -> None:
    whole = udp(f"{A}:4000", f"{R}:5000", DATA)
    pieces = [assert_sound(data) for data in packets_of(super_packet(whole, 1000))]
    assert [len(piece.payload) for piece in pieces] == [1000, 1000, 1000, 72]
    assert b"".join(piece.payload for piece in pieces) == DATA


def test_a_checksum_that_was_left_to_the_card_is_filled_in_beside_the_packet() -> None:
    """The packet itself goes on as it is: it has yet to leave."""
    whole = udp(f"{A}:4000", f"{R}:5000", b"hello")
    packet = super_packet(whole, 0)
    before = packet.to_bytes()
    assert [*packets_of(packet)] == [whole] != [before]
    assert (packet.to_bytes(), packet.partial) == (before, True)
