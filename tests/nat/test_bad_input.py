"""Bad input: one packet, and the reason why it stays where it is.

Each goes to a fresh engine with one live flow of each kind from A to R, so that there is something
to find; afterwards that state is as it was and the books balance. What passes is named too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nat.endpoint import Side
from tests.support.audit import audit, audit_events
from tests.support.packets import (
    ACK,
    DONT_FRAGMENT,
    EXTERNAL,
    FIN,
    GATEWAY,
    ICMP,
    MORE_FRAGMENTS,
    PSH,
    RST,
    SYN,
    TCP,
    UDP,
    URG,
    A,
    B,
    R,
    S,
    Seen,
    assert_sound,
    at,
    fragment,
    icmp,
    ipv4,
    ping,
    pong,
    tcp,
    truncations,
    udp,
    unreachable,
)
from tests.support.wired import WiredWorld
from tests.support.world import World

INSIDE, OUTSIDE = Side.INSIDE, Side.OUTSIDE
OUT = udp(f"{A}:4000", f"{R}:5000")
IN = udp(f"{R}:5000", f"{EXTERNAL}:4000")
LEFT = udp(f"{EXTERNAL}:4000", f"{R}:5000", ttl=63)
PASSES = ""


@pytest.fixture
def wired() -> Iterator[World]:
    """A live world whose packets come from a wire: between rubbish, in a memoryview. (That packets
    with a buffer of their own fare alike is what `tests/fuzz/datapath.py` compares.)"""
    world = WiredWorld()
    yield live(world)
    world.close()


def live(world: World | None = None) -> World:
    """An engine with a UDP flow, a TCP connection and a ping."""
    world = world or World()
    assert world.pass_out(OUT)
    assert world.pass_in(IN)
    assert world.pass_out(tcp(f"{A}:4000", f"{R}:80", SYN, sequence=100))
    assert world.pass_in(
        tcp(f"{R}:80", f"{EXTERNAL}:4000", SYN | ACK, sequence=500, acknowledgement=101)
    )
    assert world.pass_out(tcp(f"{A}:4000", f"{R}:80", ACK, sequence=101, acknowledgement=501))
    assert world.pass_out(ping(f"{A}:4000", R))
    world.now += 1.0
    return world


def state(world: World) -> list[tuple[Any, ...]]:
    return [
        (flow.id, flow.refreshed, flow.state, flow.outbound.packets, flow.inbound.packets)
        for flow in world.table.flows.values()
    ]


HEADERS = [
    # the IPv4 header, on either wire
    ("nothing", b"", "malformed"),
    ("one byte", b"\x45", "malformed"),
    ("19 bytes", OUT[:19], "malformed"),
    ("version 0", b"\x05" + OUT[1:], "not-ipv4"),
    ("IPv6 router solicitation", bytes.fromhex("6000000000103aff") + bytes(48), "not-ipv4"),
    ("version 15", b"\xf5" + OUT[1:], "not-ipv4"),
    ("IHL 4", ipv4(A, R, 17, b"", ihl=4), "malformed"),
    ("IHL beyond the length", ipv4(A, R, 17, b"", ihl=15), "malformed"),
    ("total length 10", ipv4(A, R, 17, b"", total=10), "malformed"),
    ("total length beyond the data", ipv4(A, R, 17, b"", total=21), "malformed"),
    ("header checksum", ipv4(A, R, 17, OUT[20:], checksum=0x1234), "bad-header-checksum"),
    ("loose source route", ipv4(A, R, 17, OUT[20:], options=b"\x83\3\4\0"), "source-routed"),
    ("strict source route", ipv4(A, R, 17, OUT[20:], options=b"\x89\3\4\0"), "source-routed"),
    ("option length 0", ipv4(A, R, 17, OUT[20:], options=b"\x07\0\0\0"), "bad-option"),
    ("option beyond the header", ipv4(A, R, 17, OUT[20:], options=b"\x07\5\4\0"), "bad-option"),
]

ADDRESSES = [
    # addresses that have no business there
    ("LAND inside", INSIDE, udp(f"{A}:4000", f"{A}:4000"), "land"),
    ("LAND outside", OUTSIDE, udp(f"{EXTERNAL}:4000", f"{EXTERNAL}:4000"), "spoofed-source"),
    ("LAND, of somebody else", OUTSIDE, udp(f"{S}:4000", f"{S}:4000"), "not-ours"),
    ("LAND, of other ports", INSIDE, tcp(f"{A}:4000", f"{A}:80"), "land"),
    ("a ping of itself", INSIDE, ping(A, A), "land"),
    ("public source", INSIDE, udp(f"{S}:4000", f"{R}:5000"), "spoofed-source"),
    ("our external address", INSIDE, udp(f"{EXTERNAL}:4000", f"{R}:5000"), "spoofed-source"),
    ("another prefix", INSIDE, udp("10.0.0.1:4000", f"{R}:5000"), "spoofed-source"),
    ("the gateway", INSIDE, udp(f"{GATEWAY}:4000", f"{R}:5000"), "spoofed-source"),
    ("from 127/8", INSIDE, udp("127.0.0.1:4000", f"{R}:5000"), "bad-source"),
    ("from 0/8", INSIDE, udp("0.0.0.0:68", f"{R}:67"), "bad-source"),
    ("from 224/4", INSIDE, udp("224.0.0.1:4000", f"{R}:5000"), "bad-source"),
    ("from the broadcast", INSIDE, udp("255.255.255.255:1", f"{R}:5000"), "bad-source"),
    ("from our directed broadcast", INSIDE, udp("192.168.20.255:1", f"{R}:1"), "bad-source"),
    ("to 0.0.0.0", INSIDE, udp(f"{A}:4000", "0.0.0.0:5000"), "bad-destination"),
    ("to 127/8", INSIDE, udp(f"{A}:4000", "127.0.0.1:5000"), "bad-destination"),
    ("to 224/4", INSIDE, udp(f"{A}:4000", "224.0.0.251:5353"), "bad-destination"),
    ("to the broadcast", INSIDE, udp(f"{A}:68", "255.255.255.255:67"), "bad-destination"),
    ("to 240/4", INSIDE, udp(f"{A}:4000", "240.0.0.1:5000"), "bad-destination"),
    ("to our directed broadcast", INSIDE, udp(f"{A}:1", "192.168.20.255:1"), "not-for-outside"),
    ("from an inside address", OUTSIDE, udp(f"{A}:5000", f"{EXTERNAL}:4000"), "spoofed-source"),
    ("from our external", OUTSIDE, udp(f"{EXTERNAL}:1", f"{EXTERNAL}:4000"), "spoofed-source"),
    ("from multicast", OUTSIDE, udp("224.0.0.1:5000", f"{EXTERNAL}:4000"), "bad-source"),
    ("to an inside address", OUTSIDE, udp(f"{R}:5000", f"{A}:4000"), "not-ours"),
    ("to somebody else", OUTSIDE, udp(f"{R}:5000", f"{S}:4000"), "not-ours"),
]

TRANSPORT = [
    # B: UDP and TCP, towards live flows and towards none
    ("UDP checksum, no flow", INSIDE, udp(f"{A}:4001", f"{R}:1", checksum=5),
     "bad-transport-checksum"),
    ("TCP checksum, no flow", INSIDE, tcp(f"{A}:4001", f"{R}:1", checksum=5),
     "bad-transport-checksum"),
    ("UDP length 7", INSIDE, udp(f"{A}:4001", f"{R}:1", length=7), "malformed"),
    ("UDP length 7 on a flow", INSIDE, udp(f"{A}:4000", f"{R}:5000", length=7), "malformed"),
    ("UDP length beyond", INSIDE, udp(f"{A}:4001", f"{R}:1", b"", length=9), "malformed"),
    ("UDP length beyond on a flow", OUTSIDE, udp(f"{R}:5000", f"{EXTERNAL}:4000", b"", length=9),
     "malformed"),
    ("UDP length 7 on the fast road", INSIDE,
     udp(f"{A}:4000", f"{R}:5000", b"x" * 20, length=7), "malformed"),
    ("UDP length beyond on the fast road", OUTSIDE,
     udp(f"{R}:5000", f"{EXTERNAL}:4000", b"x" * 20, length=29), "malformed"),
    ("TCP offset 2", INSIDE, tcp(f"{A}:4001", f"{R}:1", offset=2), "malformed"),
    ("TCP offset 2 on a flow", INSIDE, tcp(f"{A}:4000", f"{R}:80", ACK, offset=2), "malformed"),
    ("TCP offset 15 on a flow", OUTSIDE, tcp(f"{R}:80", f"{EXTERNAL}:4000", ACK, offset=15),
     "malformed"),
    ("from port 0", INSIDE, udp(f"{A}:0", f"{R}:1"), "port-zero"),
    ("to port 0", INSIDE, tcp(f"{A}:4001", f"{R}:0"), "port-zero"),
    ("to our port 0", OUTSIDE, udp(f"{R}:5000", f"{EXTERNAL}:0"), "port-zero"),
    *[(f"flags {flags:#x}", INSIDE, tcp(f"{A}:4001", f"{R}:1", flags), "bad-flags")
      for flags in (0, SYN | FIN, SYN | RST, FIN | URG | PSH, 63)],
    *[(f"flags {flags:#x} on a flow", OUTSIDE, tcp(f"{R}:80", f"{EXTERNAL}:4000", flags),
       "bad-flags") for flags in (0, SYN | FIN, FIN | URG | PSH)],
    ("RST without a connection", INSIDE, tcp(f"{A}:4001", f"{R}:1", RST), "not-opening"),
    ("FIN without a connection", INSIDE, tcp(f"{A}:4001", f"{R}:1", FIN | ACK), "not-opening"),
    ("ACK without a connection", INSIDE, tcp(f"{A}:4001", f"{R}:1", ACK), "not-opening"),
    ("unsolicited SYN", OUTSIDE, tcp(f"{R}:1", f"{EXTERNAL}:4001", SYN), "no-mapping"),
    ("unsolicited SYN to a mapping", OUTSIDE, tcp(f"{S}:1", f"{EXTERNAL}:4000", SYN),
     "filtered"),
    ("unsolicited ACK to a mapping", OUTSIDE, tcp(f"{S}:1", f"{EXTERNAL}:4000", ACK),
     "not-opening"),
]  # fmt: skip

QUERY = ping(f"{EXTERNAL}:4000", R)
ERRORS = [
    # C: ICMP
    ("unknown flow", OUTSIDE, unreachable(R, EXTERNAL, udp(f"{EXTERNAL}:9", f"{R}:9")),
     "icmp-unknown-flow"),
    ("quoted source not ours", OUTSIDE, unreachable(R, EXTERNAL, udp(f"{S}:4000", f"{R}:5000")),
     "icmp-unknown-flow"),
    ("wrong direction", OUTSIDE, unreachable(R, EXTERNAL, IN), "icmp-unknown-flow"),
    ("quote of 24 bytes", OUTSIDE, unreachable(R, EXTERNAL, LEFT[:24]), "icmp-bad-quote"),
    ("quote of 19 bytes", OUTSIDE, unreachable(R, EXTERNAL, LEFT[:19]), "icmp-bad-quote"),
    ("no quote", OUTSIDE, unreachable(R, EXTERNAL, b""), "icmp-bad-quote"),
    ("quoted IHL beyond", OUTSIDE, unreachable(R, EXTERNAL, b"\x4f" + LEFT[1:]),
     "icmp-bad-quote"),
    ("quoted IHL 4", OUTSIDE, unreachable(R, EXTERNAL, b"\x44" + LEFT[1:]), "icmp-bad-quote"),
    ("quoted IPv6", OUTSIDE, unreachable(R, EXTERNAL, b"\x65" + LEFT[1:]), "icmp-bad-quote"),
    ("ICMP checksum", OUTSIDE, icmp(R, EXTERNAL, 3, 3, 0, LEFT, checksum=1),
     "bad-transport-checksum"),
    ("quoted header checksum", OUTSIDE,
     unreachable(R, EXTERNAL, ipv4(EXTERNAL, R, 17, LEFT[20:], checksum=1)), "icmp-bad-quote"),
    ("error about an error", OUTSIDE, unreachable(R, EXTERNAL, unreachable(EXTERNAL, R, IN)),
     "unsupported-icmp"),
    ("quoted later fragment", OUTSIDE,
     unreachable(R, EXTERNAL, fragment(LEFT, 8, b"x" * 8, more=False)), "icmp-bad-quote"),
    *[(f"type {kind}", OUTSIDE, icmp(R, EXTERNAL, kind, 0, 0, LEFT), "unsupported-icmp")
      for kind in (1, 2, 4, 5, 9, 10, 13, 14, 17, 18, 30, 255)],
    *[(f"type {kind} from inside", INSIDE, icmp(A, R, kind, 0, 0, LEFT), "unsupported-icmp")
      for kind in (4, 5, 13, 17)],
    *[(f"next MTU {mtu}", OUTSIDE, unreachable(R, EXTERNAL, LEFT, 4, mtu), "icmp-bad-mtu")
      for mtu in (0, 60, 67, 1501, 65535)],
    ("unsolicited echo reply", OUTSIDE, pong(R, f"{EXTERNAL}:9"), "no-mapping"),
    ("echo reply of a stranger", OUTSIDE, pong(S, f"{EXTERNAL}:4000"), "filtered"),
    ("echo reply from inside", INSIDE, pong(A, f"{R}:9"), "not-opening"),
    ("error to another destination", OUTSIDE, unreachable(R, S, LEFT), "not-ours"),
    ("error from inside about nothing", INSIDE, unreachable(A, R, udp(f"{R}:9", f"{A}:9")),
     "icmp-unknown-flow"),
    ("error from inside to somebody else than who is quoted", INSIDE,
     unreachable(A, S, udp(f"{R}:5000", f"{A}:4000")), "icmp-bad-quote"),
    ("error from inside, someone else's quote", INSIDE, unreachable(A, S, IN),
     "icmp-unknown-flow"),
]  # fmt: skip

FRAGMENTS = [
    ("end beyond 65,535", INSIDE, fragment(OUT, 65528, b"x" * 8, more=False),
     "fragment-too-long"),
    ("DF and MF", INSIDE, ipv4(A, R, 17, b"x" * 8, fragment=DONT_FRAGMENT | MORE_FRAGMENTS),
     "malformed"),
]  # fmt: skip

ALL = [
    *[(name, side, data, reason) for name, data, reason in HEADERS for side in (INSIDE, OUTSIDE)],
    *ADDRESSES, *TRANSPORT, *ERRORS, *FRAGMENTS,
]  # fmt: skip


@pytest.mark.parametrize(
    ("side", "data", "reason"),
    [row[1:] for row in ALL],
    ids=[f"{row[0]}, {row[1]}" for row in ALL],
)
def test_bad_input_stays_where_it_is_and_changes_nothing(
    wired: World, side: Side, data: bytes, reason: str
) -> None:
    before = state(wired)
    assert wired.send(side, data) == []
    assert wired.drops(str(side)) == {reason: 1}
    assert state(wired) == before
    audit(wired)
    audit_events(wired)


GOOD = [
    # what looks odd and is to pass
    ("padding behind the packet", INSIDE, OUT + b"padding", LEFT),
    ("record route", INSIDE, udp(f"{A}:4000", f"{R}:5000", options=b"\x07\3\4\0"),
     udp(f"{EXTERNAL}:4000", f"{R}:5000", options=b"\x07\3\4\0", ttl=63)),
    ("end of options, then junk", INSIDE, udp(f"{A}:4000", f"{R}:5000", options=b"\0\x83\3\4"),
     udp(f"{EXTERNAL}:4000", f"{R}:5000", options=b"\0\x83\3\4", ttl=63)),
    ("the evil bit", INSIDE, udp(f"{A}:4000", f"{R}:5000", fragment=0x8000),
     udp(f"{EXTERNAL}:4000", f"{R}:5000", fragment=0x8000, ttl=63)),
    ("DSCP and ECN", INSIDE, udp(f"{A}:4000", f"{R}:5000", tos=0xB9),
     udp(f"{EXTERNAL}:4000", f"{R}:5000", tos=0xB9, ttl=63)),
    ("UDP without checksum", OUTSIDE, udp(f"{R}:5000", f"{EXTERNAL}:4000", checksum=0),
     udp(f"{R}:5000", f"{A}:4000", checksum=0, ttl=63)),
    ("unreachable from the peer", OUTSIDE, unreachable(R, EXTERNAL, LEFT),
     unreachable(R, A, udp(f"{A}:4000", f"{R}:5000", ttl=63), ttl=63)),
    ("unreachable from a router", OUTSIDE, unreachable(S, EXTERNAL, LEFT),
     unreachable(S, A, udp(f"{A}:4000", f"{R}:5000", ttl=63), ttl=63)),
    ("the quote cut to 28 bytes", OUTSIDE, unreachable(R, EXTERNAL, LEFT[:28]),
     unreachable(R, A, udp(f"{A}:4000", f"{R}:5000", ttl=63)[:28], ttl=63)),
    ("options in the quote", OUTSIDE,
     unreachable(R, EXTERNAL, udp(f"{EXTERNAL}:4000", f"{R}:5000", options=b"\1\1\1\0")),
     unreachable(R, A, udp(f"{A}:4000", f"{R}:5000", options=b"\1\1\1\0"), ttl=63)),
    ("quoted UDP without checksum", OUTSIDE,
     unreachable(R, EXTERNAL, udp(f"{EXTERNAL}:4000", f"{R}:5000", checksum=0)),
     unreachable(R, A, udp(f"{A}:4000", f"{R}:5000", checksum=0), ttl=63)),
    ("next MTU 1400", OUTSIDE, unreachable(R, EXTERNAL, LEFT, 4, 1400),
     unreachable(R, A, udp(f"{A}:4000", f"{R}:5000", ttl=63), 4, 1400, ttl=63)),
    ("about a ping", OUTSIDE, unreachable(S, EXTERNAL, QUERY),
     unreachable(S, A, ping(f"{A}:4000", R), ttl=63)),
    ("from inside, about what came in", INSIDE, unreachable(A, R, udp(f"{R}:5000", f"{A}:4000")),
     unreachable(EXTERNAL, R, udp(f"{R}:5000", f"{EXTERNAL}:4000"), ttl=63)),
    ("from another host inside", INSIDE, unreachable(B, R, udp(f"{R}:5000", f"{A}:4000")),
     unreachable(EXTERNAL, R, udp(f"{R}:5000", f"{EXTERNAL}:4000"), ttl=63)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("side", "data", "expected"), [row[1:] for row in GOOD], ids=[row[0] for row in GOOD]
)
def test_what_only_looks_bad_passes(wired: World, side: Side, data: bytes, expected: bytes) -> None:
    ((exit_side, packet),) = wired.send(side, data)
    assert exit_side is side.other
    assert packet == expected
    audit(wired)


def test_an_error_about_a_flow_that_is_over_is_about_nothing_also_before_tidying_up() -> None:
    """I-C1 and I-T1: alive counts, not being in a table still."""
    world = live()
    world.now += 1000.0
    assert world.pass_in(unreachable(R, EXTERNAL, LEFT)) is None
    assert world.drops("outside") == {"icmp-unknown-flow": 1}


@pytest.mark.parametrize("payload", [b"short", b"x" * 20], ids=["slow road", "fast road"])
def test_the_first_answer_counts_only_with_a_right_checksum(payload: bytes) -> None:
    """Else anybody's noise would bring a flow under the longer timer."""
    world = World()
    assert world.pass_out(OUT)
    assert world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:4000", payload, checksum=5)) is None
    assert world.drops("outside") == {"bad-transport-checksum": 1}
    assert [flow.state for flow in world.table.flows.values()] == ["unanswered"]
    assert world.pass_in(IN) is not None
    assert [flow.state for flow in world.table.flows.values()] == ["answered"]


def test_a_reset_that_answers_no_syn_of_ours_ends_no_opening() -> None:
    """RFC 9293 3.10.7.3: before anything has come, only a RST that acknowledges the SYN is one.
    It is forwarded all the same: its receiver knows what to do with it."""
    world = World()
    assert world.pass_out(tcp(f"{A}:4000", f"{R}:80", SYN, sequence=100))
    (flow,) = world.table.flows.values()
    for ack in (0, 100, 102, 999):
        assert world.pass_in(
            tcp(f"{R}:80", f"{EXTERNAL}:4000", RST | ACK, sequence=0, acknowledgement=ack)
        )
        assert flow.state == "opening"
    assert world.pass_in(
        tcp(f"{R}:80", f"{EXTERNAL}:4000", RST | ACK, sequence=0, acknowledgement=101)
    )
    assert flow.state == "reset"


def test_a_syn_repeated_for_ever_keeps_no_half_open_connection() -> None:
    """It ends at its hard limit, and the next SYN begins another one."""
    world = World()
    syn = tcp(f"{A}:4000", f"{R}:80", SYN, sequence=100)
    assert world.pass_out(syn)
    (first,) = world.table.flows
    for _ in range(3):
        world.wait(100.0)
        assert world.pass_out(syn)
    assert first not in world.table.flows
    assert world.pass_in(
        tcp(f"{R}:80", f"{EXTERNAL}:4000", SYN | ACK, sequence=500, acknowledgement=101)
    )
    assert world.pass_out(tcp(f"{A}:4000", f"{R}:80", ACK, sequence=101, acknowledgement=501))
    assert [flow.state for flow in world.table.flows.values()] == ["established"]


def test_a_wrong_quoted_checksum_is_kept_as_wrong_as_it_was() -> None:
    """RFC 5508 REQ-3c: it is not judged, and not repaired either."""
    world = live()
    quoted = udp(f"{EXTERNAL}:4000", f"{R}:5000", b"hello", checksum=0x1111)
    seen = world.pass_in(unreachable(R, EXTERNAL, quoted))
    assert seen is not None
    assert_sound(seen.data)
    assert seen.quoted.source == at(A, 4000)


def test_the_quoted_header_keeps_a_right_checksum_whatever_it_was() -> None:
    """Also when it had been 0, which for UDP means "none" and for IPv4 means 0."""
    world = live()
    for number in range(0, 65536, 4096 + 1):
        plain = udp(f"{EXTERNAL}:4000", f"{R}:5000", identification=number)
        for other in (number, (number + int.from_bytes(plain[10:12], "big")) & 0xFFFF):
            quoted = udp(f"{EXTERNAL}:4000", f"{R}:5000", identification=other)
            seen = world.pass_in(unreachable(R, EXTERNAL, quoted))
            assert seen is not None
            assert seen.body[8:] == udp(f"{A}:4000", f"{R}:5000", identification=other)


def test_other_protocols_are_refused_by_name() -> None:
    world = World()
    others = [number for number in range(256) if number not in (ICMP, TCP, UDP)]
    for refused, protocol in enumerate(others, 1):
        assert world.pass_out(ipv4(A, R, protocol, b"x" * 20)) is None
        assert world.drops() == {"unsupported-protocol": refused}


@pytest.mark.parametrize("ttl", [0, 1])
def test_at_the_end_of_its_life_a_packet_is_answered_from_our_own_address(ttl: int) -> None:
    """Traceroute sees the NAT as a hop, from both sides, and no entry is made."""
    world = live()
    before = state(world)
    inside = world.pass_out(udp(f"{B}:4000", f"{R}:5000", ttl=ttl))
    outside = world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:4000", ttl=ttl))
    for seen, own, told in ((inside, GATEWAY, B), (outside, EXTERNAL, R)):
        assert seen is not None
        assert (seen.addresses, seen.icmp[0]) == ((own, told), 11)
        assert_sound(seen.data)
    assert state(world) == before


@pytest.mark.parametrize("ttl", [1, 2, 3])
def test_a_packet_that_turns_back_is_one_hop_further_and_not_two(ttl: int) -> None:
    """Invariant I-X5: it passes the NAT twice and ends on the way in only."""
    world = World({"nat.filtering": "endpoint-independent"})
    assert world.pass_out(OUT)
    seen = world.pass_out(udp(f"{B}:4000", f"{EXTERNAL}:4000", ttl=ttl))
    assert seen is not None
    if ttl == 1:
        assert (seen.addresses[1], seen.icmp[0]) == (B, 11)
        return
    assert_sound(seen.data)
    assert (seen.destination, seen.ttl) == (at(A, 4000), ttl - 1)


NEVER_ANSWERED = [
    ("an ICMP error", icmp(B, R, 3, 3, 0, IN, ttl=1)),
    ("a broadcast", udp(f"{B}:1", "255.255.255.255:1", ttl=1)),
    ("a multicast", udp(f"{B}:1", "224.0.0.251:5353", ttl=1)),
]


@pytest.mark.parametrize("data", [r[1] for r in NEVER_ANSWERED], ids=[r[0] for r in NEVER_ANSWERED])
def test_there_is_never_an_error_about(data: bytes) -> None:
    """Invariant I-X5, RFC 1122 3.2.2."""
    assert World().pass_out(data) is None


KINDS = [
    ("UDP out", INSIDE, OUT),
    ("UDP in", OUTSIDE, IN),
    ("TCP out", INSIDE, tcp(f"{A}:4000", f"{R}:80", ACK, options=b"\1\1\1\0", payload=b"data")),
    ("TCP in", OUTSIDE, tcp(f"{R}:80", f"{EXTERNAL}:4000", ACK, payload=b"data")),
    ("ping out", INSIDE, ping(f"{A}:4000", R)),
    ("ping in", OUTSIDE, pong(R, f"{EXTERNAL}:4000")),
    ("an error in", OUTSIDE, unreachable(R, EXTERNAL, LEFT)),
    ("an error out", INSIDE, unreachable(A, R, udp(f"{R}:5000", f"{A}:4000"))),
    ("with options", INSIDE, udp(f"{A}:4000", f"{R}:5000", options=b"\x07\7\4\0\0\0\0\0")),
    ("a fragment", INSIDE, fragment(OUT, 0, b"x" * 16, more=True)),
]


@pytest.mark.parametrize(("side", "data"), [r[1:] for r in KINDS], ids=[r[0] for r in KINDS])
def test_cut_short_at_every_length_it_is_malformed(wired: World, side: Side, data: bytes) -> None:
    """As a wire that lies would deliver it."""
    before = state(wired)
    for cut in truncations(data):
        assert wired.send(side, cut) == []
    assert wired.drops() == {"malformed": len(data)}
    assert state(wired) == before


@pytest.mark.parametrize(("side", "data"), [r[1:] for r in KINDS], ids=[r[0] for r in KINDS])
def test_cut_short_with_lengths_that_fit_nothing_is_read_beyond_the_end(
    wired: World, side: Side, data: bytes
) -> None:
    """As a sender that lies would send it: the IPv4 header is right, what follows is not whole."""
    header = (data[0] & 15) * 4
    for length in range(header, len(data)):
        seen = Seen(data)
        cut = ipv4(
            seen.source_address, seen.destination_address, seen.protocol, data[header:length],
            options=data[20:header], fragment=int.from_bytes(data[6:8], "big"),
        )  # fmt: skip
        for exit_side, packet in wired.send(side, cut):
            assert exit_side is not side
            assert len(packet) == len(cut), "the junk behind the packet stays behind"
    audit(wired)


MESSAGES = [
    ("an empty datagram", b""),
    ("keep-alive", b"\r\n\r\n"),
    ("STUN", bytes.fromhex("000100002112a442") + b"x" * 12),
    ("TLS", b"\x16\x03\x01\x02\x00" + b"\0" * 40),
    ("a start line only", b"INVITE sip:bob@198.51.100.7 SIP/2.0"),
    ("no Call-ID", b"REGISTER sip:x SIP/2.0\r\nContact: <sip:a@192.168.20.10>\r\n\r\n"),
    ("a length that lies", b"INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.20.10:5060\r\n"
     b"Contact: <sip:a@192.168.20.10:7000>\r\nContent-Length: 9999\r\n\r\n"),
    ("a negative length", b"INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.20.10:5060\r\n"
     b"Contact: <sip:a@192.168.20.10:7000>\r\nContent-Length: -5\r\n\r\n"),
    ("two lengths", b"INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.20.10:5060\r\n"
     b"Content-Length: 0\r\nContent-Length: 4\r\n\r\n"),
    ("a header without a name", b"INVITE sip:b@x SIP/2.0\r\n: x\r\n\r\n"),
    ("NUL and bytes above 127", b"INVITE sip:\x00\xff SIP/2.0\r\nVia: \xfe\r\n\r\n"),
    ("64 KiB of parentheses", b"INVITE sip:b@x SIP/2.0\r\nTo: " + b"(" * 60000 + b"\r\n\r\n"),
]  # fmt: skip


@pytest.mark.parametrize("message", [row[1] for row in MESSAGES], ids=[row[0] for row in MESSAGES])
@pytest.mark.parametrize("module", ["sip", "sip-poor:no-sdp", "off"])
def test_what_is_not_sound_sip_passes_unchanged_opens_nothing_and_is_counted(
    module: str, message: bytes
) -> None:
    """Bytes fail open, pinholes fail closed."""
    world = World({"alg.sip.module": module, "outside.mtu": 65535})
    seen = world.pass_out(udp(f"{A}:5060", f"{R}:5060", message))
    assert seen is not None
    assert seen.payload == message
    assert not world.table.expectations
    counted = world.show("counters")["alg"]["sip"]
    assert counted["seen"] == 1
    assert counted["opaque"] + counted["malformed"] + counted["unchanged"] == 1
    assert counted["errors"] == 0
    audit(world)
