"""A patch changes two endpoints, the TTL and what follows from them, and nothing else."""

from __future__ import annotations

import random
from struct import pack, unpack_from

import pytest

from nat.endpoint import ICMP, TCP, UDP, Direction, Endpoint, inbound_key
from nat.mapping import Arrival, Flow, FlowLeg, Leg, Mapping, OpenedBy, legs_between
from nat.packet import Packet
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

RNG = random.Random(5)
INTERNAL, OUTSIDE, REMOTE = (
    Endpoint.parse(text) for text in (f"{A}:4000", f"{EXTERNAL}:40000", f"{R}:5000")
)


def legs(protocol: int) -> tuple[Leg, Leg]:
    return legs_between(Leg, Mapping(1, protocol, INTERNAL, OUTSIDE, OpenedBy.PACKET), REMOTE)


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
    mapping = Mapping(1, UDP, INTERNAL, OUTSIDE, OpenedBy.PACKET)
    outbound, inbound = legs_between(Leg, mapping, REMOTE, turning=True)
    assert (outbound.exit, inbound.arrival, inbound.exit) == (
        Arrival.TURN,
        Arrival.TURN,
        Arrival.INSIDE,
    )
    assert patched(outbound, udp(f"{A}:4000", f"{R}:5000"))[8] == 63
    assert patched(inbound, udp(f"{R}:5000", f"{EXTERNAL}:40000"))[8] == 64


@pytest.mark.parametrize("protocol", [UDP, TCP, ICMP])
def test_the_key_of_what_comes_back_is_the_inbound_legs(protocol: int) -> None:
    assert legs(protocol)[1].key == inbound_key(protocol, REMOTE, OUTSIDE)


def test_no_header_can_hold_the_protocol_in_an_icmp_key() -> None:
    """The fast road looks up what stands in a header: it must never meet the key of a ping."""
    assert all(leg.key[0] > 255 for leg in legs(ICMP))


def test_a_mapping_is_needed_while_somebody_uses_it() -> None:
    mapping = Mapping(1, UDP, INTERNAL, OUTSIDE, OpenedBy.PACKET)
    assert not mapping.is_needed(0.0)
    mapping.held_until = 5.0
    assert mapping.is_needed(4.9)
    assert not mapping.is_needed(5.0)
    mapping.owned = True
    assert mapping.is_needed(5.0)


def test_a_flow_that_no_timer_watches_is_over() -> None:
    mapping = Mapping(1, UDP, INTERNAL, OUTSIDE, OpenedBy.PACKET)
    flow = Flow(1, mapping, REMOTE, OpenedBy.PACKET, legs_between(FlowLeg, mapping, REMOTE), 7.0)
    assert not flow.is_alive(7.0)
    assert (flow.expires_at(), flow.state) == (7.0, "unanswered")
    assert mapping.oldest_flow() is None
