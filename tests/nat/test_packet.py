"""Checked once at the border; after that no accessor can read outside the packet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nat.drop import Drop
from nat.packet import Packet
from tests.support.packets import (
    SYN,
    A,
    R,
    assert_sound,
    icmp,
    ipv4,
    ping,
    slow_checksum,
    tcp,
    truncations,
    udp,
)

# A DNS query from 192.168.20.10:4000 to 198.51.100.7:53, "hello" in the place of the question
LITERAL = bytes.fromhex(
    "4500 0021 1234 4000 4011 29ab c0a8140a c6336407"  # IPv4
    "0fa0 0035 000d ad3f"  # UDP
    "68656c6c6f"
)


def junk_filled(data: bytes) -> Packet:
    """The packet in a larger buffer full of 0xA5, as a wire reuses it."""
    buffer = bytearray(b"\xa5" * 2000)
    buffer[: len(data)] = data
    return Packet(buffer, len(data))


def test_every_field_of_a_real_packet_is_read_where_it_stands() -> None:
    packet = junk_filled(LITERAL)
    assert packet.check() is None
    assert packet.check_transport() is None
    assert (packet.header_length, packet.total_length, packet.identification) == (20, 33, 0x1234)
    assert (packet.ttl, packet.protocol, packet.is_fragment) == (64, 17, False)
    assert str(packet.source) == "192.168.20.10:4000"
    assert str(packet.destination) == "198.51.100.7:53"
    assert (packet.payload, packet.segments) == (b"hello", 1)


def test_the_literal_packet_is_what_the_builder_of_the_tests_builds() -> None:
    assert udp(f"{A}:4000", f"{R}:53", b"hello", identification=0x1234, fragment=0x4000) == LITERAL


BORDER = [
    ("nothing", b"", Drop.MALFORMED),
    ("one byte", b"\x45", Drop.MALFORMED),
    ("19 bytes", LITERAL[:19], Drop.MALFORMED),
    ("version 0", b"\x05" + LITERAL[1:], Drop.NOT_IPV4),
    ("version 6", b"\x60" + LITERAL[1:], Drop.NOT_IPV4),
    ("version 15", b"\xf5" + LITERAL[1:], Drop.NOT_IPV4),
    ("IHL 4", ipv4(A, R, 17, LITERAL[20:], ihl=4), Drop.MALFORMED),
    ("IHL 0", ipv4(A, R, 17, LITERAL[20:], ihl=0), Drop.MALFORMED),
    ("IHL beyond the packet", ipv4(A, R, 17, b"", ihl=15), Drop.MALFORMED),
    ("total length 0", ipv4(A, R, 17, b"", total=0), Drop.MALFORMED),
    ("total length 10", ipv4(A, R, 17, b"", total=10), Drop.MALFORMED),
    ("total length beyond the data", ipv4(A, R, 17, b"12345678", total=29), Drop.MALFORMED),
    ("wrong header checksum", ipv4(A, R, 17, LITERAL[20:], checksum=1), Drop.BAD_HEADER_CHECKSUM),
    ("option of length 0", ipv4(A, R, 17, b"", options=b"\x44\0\0\0"), Drop.BAD_OPTION),
    ("option of length 1", ipv4(A, R, 17, b"", options=b"\x44\1\0\0"), Drop.BAD_OPTION),
    ("option beyond the header", ipv4(A, R, 17, b"", options=b"\x44\5\0\0"), Drop.BAD_OPTION),
    ("option cut after its type", ipv4(A, R, 17, b"", options=b"\1\1\1\x44"), Drop.BAD_OPTION),
    ("loose source route", ipv4(A, R, 17, b"", options=b"\x83\3\4\0"), Drop.SOURCE_ROUTED),
    ("strict source route", ipv4(A, R, 17, b"", options=b"\1\x89\3\4"), Drop.SOURCE_ROUTED),
    ("record route", ipv4(A, R, 17, b"", options=b"\x07\3\4\0"), None),
    ("no operation, end of list", ipv4(A, R, 17, b"", options=b"\1\1\0\x44"), None),
]


@pytest.mark.parametrize(("data", "drop"), [row[1:] for row in BORDER], ids=[r[0] for r in BORDER])
def test_the_border_refuses_what_cannot_be_read_safely(data: bytes, drop: Drop | None) -> None:
    assert junk_filled(data).check() is drop


def test_a_super_packet_that_says_it_is_a_fragment_is_nonsense() -> None:
    """It would be cut into segments before it is a whole datagram; only a virtual machine that
    lies in its virtio header makes one. Counted as many and held as one it spoils the books."""
    packet = junk_filled(ipv4(A, R, 6, b"x" * 80, fragment=0x2000))
    packet.partial, packet.segment_size = True, 8
    assert packet.check() is Drop.MALFORMED
    packet.segment_size = 0
    assert packet.check() is None


def test_bytes_behind_the_total_length_are_cut_off() -> None:
    packet = junk_filled(LITERAL + b"padding")
    assert packet.check() is None
    assert packet.to_bytes() == LITERAL


TRANSPORT = [
    ("UDP without checksum", udp(f"{A}:1", f"{R}:2", checksum=0), None),
    ("UDP with a wrong checksum", udp(f"{A}:1", f"{R}:2", checksum=7), Drop.BAD_TRANSPORT_CHECKSUM),
    ("UDP length 7", udp(f"{A}:1", f"{R}:2", length=7), Drop.MALFORMED),
    ("UDP length 0", udp(f"{A}:1", f"{R}:2", length=0), Drop.MALFORMED),
    ("UDP length beyond the packet", udp(f"{A}:1", f"{R}:2", b"", length=9), Drop.MALFORMED),
    ("UDP of 7 bytes", ipv4(A, R, 17, b"1234567"), Drop.MALFORMED),
    ("UDP from port 0", udp(f"{A}:0", f"{R}:2"), Drop.PORT_ZERO),
    ("UDP to port 0", udp(f"{A}:1", f"{R}:0"), Drop.PORT_ZERO),
    ("a sound SYN", tcp(f"{A}:1", f"{R}:2", SYN, options=b"\2\4\5\xb4"), None),
    ("TCP offset 4", tcp(f"{A}:1", f"{R}:2", offset=4), Drop.MALFORMED),
    ("TCP offset 15", tcp(f"{A}:1", f"{R}:2", offset=15), Drop.MALFORMED),
    ("TCP of 19 bytes", ipv4(A, R, 6, b"x" * 19), Drop.MALFORMED),
    ("TCP to port 0", tcp(f"{A}:1", f"{R}:0"), Drop.PORT_ZERO),
    ("TCP with a wrong checksum", tcp(f"{A}:1", f"{R}:2", checksum=7), Drop.BAD_TRANSPORT_CHECKSUM),
    ("a sound ping", ping(A, R), None),
    ("a ping of 7 bytes", ipv4(A, R, 1, b"\x08\0\0\0\0\0\0"), Drop.MALFORMED),
    ("a ping with a wrong sum", icmp(A, R, 8, checksum=7), Drop.BAD_TRANSPORT_CHECKSUM),
    ("another protocol", ipv4(A, R, 47, b""), None),
]


@pytest.mark.parametrize(
    ("data", "drop"), [row[1:] for row in TRANSPORT], ids=[row[0] for row in TRANSPORT]
)
def test_before_a_packet_creates_state_its_transport_header_is_verified(
    data: bytes, drop: Drop | None
) -> None:
    packet = junk_filled(data)
    assert packet.check() is None
    assert packet.check_transport() is drop


def test_a_partial_checksum_is_the_kernels_promise() -> None:
    packet = junk_filled(udp(f"{A}:1", f"{R}:2", checksum=7))
    packet.partial = True
    assert packet.check_transport() is None


@pytest.mark.parametrize("data", [udp(f"{A}:1", f"{R}:2"), tcp(f"{A}:1", f"{R}:2"), ping(A, R)])
def test_no_truncation_is_ever_read_beyond_its_end(data: bytes) -> None:
    for cut in truncations(data):
        exact = Packet.of(cut)  # nothing behind it: reading too far would raise
        assert exact.check() is Drop.MALFORMED
        if len(cut) >= 20:
            shortened = Packet.of(ipv4(A, R, cut[9], cut[20:]))
            assert shortened.check() is None
            assert shortened.check_transport() in (
                Drop.MALFORMED, Drop.BAD_TRANSPORT_CHECKSUM
            )  # fmt: skip


@pytest.mark.parametrize("payload", [b"", b"x", b"longer than it was", b"y" * 1400])
@pytest.mark.parametrize("trailer", [b"", b"behind the datagram"])
def test_a_new_payload_gets_right_lengths_and_sums(payload: bytes, trailer: bytes) -> None:
    datagram = udp(f"{A}:1", f"{R}:2", b"hello")
    packet = junk_filled(ipv4(A, R, 17, datagram[20:] + trailer))
    packet.replace_payload(payload)
    seen = assert_sound(packet.to_bytes())
    assert (seen.payload, packet.payload) == (payload, payload)
    assert packet.check() is packet.check_transport() is None


def test_a_new_payload_of_a_datagram_without_checksum_gets_none() -> None:
    """RFC 768: 0 means that the sender made none; it stays 0."""
    packet = junk_filled(udp(f"{A}:1", f"{R}:2", checksum=0))
    packet.replace_payload(b"other")
    assert packet.to_bytes()[26:28] == b"\0\0"


def test_a_udp_checksum_of_zero_is_sent_as_all_ones() -> None:
    """RFC 768. The payload is chosen so that the sum comes out as 0."""
    packet = junk_filled(udp(f"{A}:1", f"{R}:2", b"\0\0"))
    short = int.from_bytes(packet.to_bytes()[26:28], "big")
    packet.replace_payload(short.to_bytes(2, "big"))
    assert packet.to_bytes()[26:28] == b"\xff\xff"
    assert_sound(packet.to_bytes())


def test_a_partial_checksum_of_a_new_payload_is_the_sum_of_the_pseudo_header() -> None:
    packet = junk_filled(udp(f"{A}:1", f"{R}:2"))
    packet.partial = True
    packet.replace_payload(b"other!")
    (field,) = (int.from_bytes(packet.to_bytes()[26:28], "big"),)
    pseudo = packet.to_bytes()[12:20] + b"\0\x11" + (14).to_bytes(2, "big")
    assert field == ~slow_checksum(pseudo) & 0xFFFF


def test_a_super_packet_counts_its_segments() -> None:
    for size, segments in ((1, 1), (1000, 1), (1001, 2), (44000, 44)):
        packet = junk_filled(tcp(f"{A}:1", f"{R}:2", payload=b"x" * size))
        packet.segment_size = 1000
        assert packet.segments == segments


def test_lowering_the_ttl_keeps_the_header_sound() -> None:
    for ttl in range(1, 256):
        packet = junk_filled(udp(f"{A}:1", f"{R}:2", ttl=ttl))
        packet.lower_ttl()
        assert assert_sound(packet.to_bytes()).ttl == ttl - 1


def test_a_copy_lives_by_itself() -> None:
    packet = junk_filled(LITERAL)
    twin = packet.copy()
    packet.buffer[0] = 0
    assert twin.to_bytes() == LITERAL
    assert repr(twin).startswith("Packet(b'E")


def test_becoming_another_packet_forgets_what_the_kernel_had_promised() -> None:
    packet = junk_filled(LITERAL)
    packet.partial, packet.segment_size = True, 1000
    packet.replace(b"x" * 3000)
    assert (packet.to_bytes(), packet.partial, packet.segment_size) == (b"x" * 3000, False, 0)


CHANGES: list[tuple[str, Callable[[Packet], None]]] = [
    ("another packet", lambda packet: packet.replace(LITERAL)),
    ("a copy of another", lambda packet: packet.replace_by(Packet.of(LITERAL))),
    ("another payload", lambda packet: packet.replace_payload(b"other")),
    ("a complete checksum", lambda packet: packet.complete()),
]


@pytest.mark.parametrize("change", [row[1] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_whoever_changes_what_a_wires_header_speaks_of_gives_the_frame_away(
    change: Callable[[Packet], None],
) -> None:
    """The header before the packet says that a sum is to be completed, and how."""
    frame = memoryview(bytearray(10) + bytearray(LITERAL) + bytearray(2000))
    packet = Packet(frame[10:], len(LITERAL), partial=True)
    packet.frame = frame
    change(packet)
    assert packet.frame is None
    assert packet.copy().frame is None


def test_a_complete_checksum_keeps_the_frame() -> None:
    frame = memoryview(bytearray(10) + bytearray(LITERAL))
    packet = Packet(frame[10:], len(LITERAL))
    packet.frame = frame
    packet.complete()
    packet.lower_ttl()
    assert packet.frame is frame
