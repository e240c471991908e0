"""A patch changes two endpoints, the TTL and what follows from them, and nothing else."""

from __future__ import annotations

import random
from struct import pack, unpack_from

import pytest

from nat.endpoint import ICMP, TCP, UDP, Direction
from nat.mapping import Arrival, Leg, Mapping, OpenedBy, legs_between
from nat.packet import Packet
from nat.patch import stages_of
from tests.support.packets import (
    EXTERNAL,
    A,
    R,
    assert_sound,
    ipv4,
    ping,
    slow_checksum,
    tcp,
    transport_is_sound,
    udp,
)
from tests.support.rig import INTERNAL, PUBLIC, REMOTE, legs

RNG = random.Random(5)


def patched(leg: Leg, data: bytes) -> bytes:
    packet = Packet(bytearray(data + b"\xa5" * 40), len(data))
    leg.patch.apply(packet)
    assert packet.buffer[len(data) :] == b"\xa5" * 40, "wrote behind the packet"
    return packet.to_bytes()


ROUND_TRIPS = [
    ("UDP", UDP, udp(f"{A}:4000", f"{R}:5000"), udp(f"{EXTERNAL}:40000", f"{R}:5000", ttl=63)),
    ("TCP", TCP, tcp(f"{A}:4000", f"{R}:5000"), tcp(f"{EXTERNAL}:40000", f"{R}:5000", ttl=63)),
    ("ping", ICMP, ping(f"{A}:4000", R), ping(f"{EXTERNAL}:40000", R, ttl=63)),
    (
        "UDP behind options",
        UDP,
        udp(f"{A}:4000", f"{R}:5000", options=b"\x07\3\4\0"),
        udp(f"{EXTERNAL}:40000", f"{R}:5000", options=b"\x07\3\4\0", ttl=63),
    ),
    (
        "TCP behind options",
        TCP,
        tcp(f"{A}:4000", f"{R}:5000", options=b"\2\4\5\xb4"),
        tcp(f"{EXTERNAL}:40000", f"{R}:5000", options=b"\2\4\5\xb4", ttl=63),
    ),
    (
        "UDP without checksum",
        UDP,
        udp(f"{A}:4000", f"{R}:5000", checksum=0),
        udp(f"{EXTERNAL}:40000", f"{R}:5000", checksum=0, ttl=63),
    ),
    (
        "UDP without checksum behind options",
        UDP,
        udp(f"{A}:4000", f"{R}:5000", checksum=0, options=b"\1\1\1\0"),
        udp(f"{EXTERNAL}:40000", f"{R}:5000", checksum=0, options=b"\1\1\1\0", ttl=63),
    ),
]


@pytest.mark.parametrize(
    ("protocol", "data", "expected"),
    [row[1:] for row in ROUND_TRIPS],
    ids=[row[0] for row in ROUND_TRIPS],
)
def test_what_leaves_is_what_the_external_host_would_have_sent(
    protocol: int, data: bytes, expected: bytes
) -> None:
    """Invariants I-X1 and I-X2, byte for byte."""
    assert patched(legs(protocol)[0], data) == expected


@pytest.mark.parametrize(
    ("protocol", "data", "expected"),
    [row[1:] for row in ROUND_TRIPS],
    ids=[row[0] for row in ROUND_TRIPS],
)
def test_what_is_translated_twice_leaves_as_if_it_had_been_once(
    protocol: int, data: bytes, expected: bytes
) -> None:
    """A ping has no port that it could have in between."""
    mapping = Mapping(1, protocol, INTERNAL, PUBLIC, OpenedBy.PACKET)
    halfway = INTERNAL._replace(port=17973)
    outbound, _ = legs_between(Leg, mapping, REMOTE, halfway=halfway)
    assert patched(outbound, data) == expected
    first, *others = stages_of(outbound.patch)
    assert len(others) == (protocol != ICMP)
    if others:
        between = Packet(bytearray(data), len(data))
        first.apply(between)
        assert (between.source, between.ttl) == (halfway, 64)


def test_what_comes_back_is_the_swap_of_what_went_out() -> None:
    """Invariant I-X1."""
    outbound, inbound = legs(UDP)
    answer = patched(inbound, udp(f"{R}:5000", f"{EXTERNAL}:40000", b"answer"))
    assert answer == udp(f"{R}:5000", f"{A}:4000", b"answer", ttl=63)
    assert (outbound.direction, inbound.direction) == (Direction.OUT, Direction.IN)


def test_incremental_and_full_sums_agree_for_a_thousand_payloads() -> None:
    """Invariant I-X3; odd lengths among them."""
    outbound, _ = legs(UDP)
    tcp_outbound, _ = legs(TCP)
    ping_outbound, _ = legs(ICMP)
    for size in range(330):
        payload = RNG.randbytes(size)
        assert_sound(patched(outbound, udp(f"{A}:4000", f"{R}:5000", payload)))
        segment = tcp(f"{A}:4000", f"{R}:5000", 16, sequence=RNG.getrandbits(32), payload=payload)
        assert_sound(patched(tcp_outbound, segment))
        assert_sound(patched(ping_outbound, ping(f"{A}:4000", R, payload, sequence=size)))


@pytest.mark.parametrize("options", [b"", b"\1\1\1\0"])
def test_a_udp_sum_that_becomes_zero_is_sent_as_all_ones(options: bytes) -> None:
    """RFC 768; the payload is chosen so that the translated datagram sums up to 0."""
    plain = udp(f"{EXTERNAL}:40000", f"{R}:5000", b"\0\0")
    (field,) = unpack_from("!H", plain, 26)
    datagram = udp(f"{A}:4000", f"{R}:5000", pack("!H", field), options=options)
    out = patched(legs(UDP)[0], datagram)
    assert unpack_from("!H", out, 26 + len(options))[0] == 0xFFFF
    assert_sound(out)


def test_the_ip_checksum_is_right_whatever_it_was_before() -> None:
    """All identifications, so all header checksums, 0 and 0xFFFF among them."""
    outbound, _ = legs(UDP)
    body = udp(f"{A}:4000", f"{R}:5000")[20:]
    for ident in range(0, 65536, 13):
        data = ipv4(A, R, UDP, body, identification=ident)
        assert slow_checksum(patched(outbound, data)[:20]) == 0


@pytest.mark.parametrize("wrong", [0x0001, 0x1234, 0xFFFE])
def test_a_bad_checksum_never_becomes_good(wrong: int) -> None:
    """Invariant I-X3: the far end must still be able to see that the packet was damaged."""
    for protocol, data in (
        (UDP, udp(f"{A}:4000", f"{R}:5000")),
        (TCP, tcp(f"{A}:4000", f"{R}:5000")),
    ):
        at = 26 if protocol == UDP else 36
        (right,) = unpack_from("!H", data, at)
        bad = data[:at] + pack("!H", (right + wrong) & 0xFFFF) + data[at + 2 :]
        if not transport_is_sound(bad):
            assert not transport_is_sound(patched(legs(protocol)[0], bad))


@pytest.mark.parametrize("protocol", [UDP, TCP])
def test_a_partial_checksum_stays_the_sum_of_the_pseudo_header(protocol: int) -> None:
    """The kernel adds the rest; ports are part of the rest."""
    make = udp if protocol == UDP else tcp
    at = 26 if protocol == UDP else 36

    def pseudo(data: bytes) -> int:
        return ~slow_checksum(data[12:20] + pack("!HH", protocol, len(data) - 20)) & 0xFFFF

    plain = make(f"{A}:4000", f"{R}:5000", checksum=1)
    data = plain[:at] + pack("!H", pseudo(plain)) + plain[at + 2 :]
    packet = Packet(bytearray(data), len(data), partial=True)
    legs(protocol)[0].patch.apply(packet)
    out = packet.to_bytes()
    assert unpack_from("!H", out, at)[0] % 0xFFFF == pseudo(out) % 0xFFFF


def test_a_packet_that_turns_back_is_one_hop_further_only_once() -> None:
    mapping = Mapping(1, UDP, INTERNAL, PUBLIC, OpenedBy.PACKET)
    outbound, inbound = legs_between(Leg, mapping, REMOTE, turning=True)
    assert (outbound.exit, inbound.arrival, inbound.exit) == (
        Arrival.HAIRPIN,
        Arrival.HAIRPIN,
        Arrival.INSIDE,
    )
    assert patched(outbound, udp(f"{A}:4000", f"{R}:5000"))[8] == 63
    assert patched(inbound, udp(f"{R}:5000", f"{EXTERNAL}:40000"))[8] == 64
