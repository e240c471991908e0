"""RFC 6888 REQ-4, REQ-5, REQ-11: so much and no more, and what exists is not touched.

For each limit: n pass, the next is refused with a reason of its own, after a release one more
passes, and `show counters` tells how much was used at most.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from appliance.settings.table import SETTINGS
from nat.behavior import Limits
from nat.drop import Drop
from nat.endpoint import Endpoint, Side, parse_address
from nat.limits import IcmpRate, TokenBucket
from nat.mapping import Terms
from tests.fuzz.datapath import REGISTER
from tests.support.audit import audit
from tests.support.packets import (
    ACK,
    EXTERNAL,
    GATEWAY,
    MORE_FRAGMENTS,
    RST,
    SYN,
    A,
    B,
    R,
    Seen,
    assert_sound,
    at,
    cut,
    fragment,
    ipv4,
    ping,
    pong,
    tcp,
    udp,
    unreachable,
)
from tests.support.sweep import sampled
from tests.support.world import World

Step = Callable[[World, int], bool]


def flow(world: World, number: int) -> bool:
    """A new flow from one port to another remote."""
    seen = world.pass_out(udp(f"{A}:4000", f"{R}:{5000 + number}"))
    return seen is not None and seen.protocol == 17


def port(world: World, number: int) -> bool:
    seen = world.pass_out(udp(f"{A}:{4000 + number}", f"{R}:5000"))
    return seen is not None and seen.protocol == 17


def unsolicited(world: World, number: int) -> bool:
    """Is a SYN from outside remembered? It is answered after six seconds, then."""
    assert world.pass_in(tcp(f"{R}:{1000 + number}", f"{EXTERNAL}:80", SYN)) is None
    return bool(world.engine.nat.usage(world.now)["waiting_syns"] > number)


def fragment_of(host: str, ident: int, offset: int, size: int = 8) -> bytes:
    return ipv4(
        host, R, 17, b"x" * size, identification=ident, fragment=MORE_FRAGMENTS | offset // 8
    )


def held(world: World, data: bytes) -> bool:
    before = world.show("counters")["wires"]["inside"]["held"]
    assert world.pass_out(data) is None
    return bool(world.show("counters")["wires"]["inside"]["held"] > before)


def datagram(world: World, number: int) -> bool:
    return held(world, fragment_of(f"192.168.20.{10 + number}", 1, 0))


def datagram_of_one_host(world: World, number: int) -> bool:
    return held(world, fragment_of(A, number, 0))


def piece(world: World, number: int) -> bool:
    return held(world, fragment_of(A, 1, 8 * number))


def bytes_held(world: World, number: int) -> bool:
    return held(world, fragment_of(A, number, 0, 32768))


def expectation(world: World, parent: object, number: int) -> bool:
    """Does the table take one more expectation?"""
    table = world.table
    mapping = table.mappings.pin(17, Endpoint(parse_address(A), 7000 + number), world.now)
    assert not isinstance(mapping, Drop)
    opened = table.expectations.open(mapping, None, parent, "", Terms(10.0), world.now)
    if opened is None:
        table.mappings.unpin(mapping, None, world.now)
    return opened is not None


def expectation_of_many(world: World, number: int) -> bool:
    return expectation(world, number, number)


def expectation_of_one_call(world: World, number: int) -> bool:
    return expectation(world, "call", number)


def rest(world: World, number: int) -> bool:
    """A mapping that was is no more. Does its port rest beside the others?"""
    assert port(world, number)
    world.engine.flush(world.now)
    return bool(world.engine.nat.usage(world.now)["resting_ports"] > number)


LIMITS: list[tuple[str, int, Step, float, str]] = [
    # limit, its value, what uses it up, seconds until it is released, reason of the refusal
    ("flows", 5, flow, 120.0, "flow-limit"),
    ("flows_per_host", 5, flow, 120.0, "host-flow-limit"),
    ("unanswered_per_host", 5, flow, 120.0, "host-unanswered-limit"),
    ("ports_per_host", 5, port, 120.0, "host-port-limit"),
    ("resting_ports", 5, rest, 120.0, ""),
    ("waiting_syns", 3, unsolicited, 6.0, "no-mapping"),
    ("fragments", 3, datagram, 30.0, "fragment-limit"),
    ("fragments_per_host", 3, datagram_of_one_host, 30.0, "fragment-limit"),
    ("fragment_pieces", 3, piece, 30.0, "fragment-limit"),
    ("fragment_bytes", 65536, bytes_held, 30.0, "fragment-limit"),
    ("expectations", 3, expectation_of_many, 10.0, ""),
    ("expectations_per_host", 3, expectation_of_many, 10.0, ""),
    ("expectations_per_parent", 3, expectation_of_one_call, 10.0, ""),
]


@pytest.mark.parametrize(
    ("name", "value", "use", "release", "reason"), LIMITS, ids=[row[0] for row in LIMITS]
)
def test_n_pass_and_the_next_is_refused_until_one_is_released(
    name: str, value: int, use: Step, release: float, reason: str
) -> None:
    seconds = 120 if name == "resting_ports" else 0
    world = World({f"nat.limits.{name}": value, "nat.port_rest": seconds})
    room = 2 if name == "fragment_bytes" else value
    for number in range(room):
        assert use(world, number), number
    assert not use(world, room)
    if reason:
        assert world.drops()[reason] >= 1
    shown = world.show("counters")["limits"][name]
    assert (shown["now"], shown["high_water"], shown["limit"]) == (value, value, value)
    audit(world)
    world.wait(release)
    assert world.show("counters")["limits"][name]["now"] == 0
    assert use(world, 0)
    assert world.show("counters")["limits"][name]["high_water"] == value


def test_outside_gets_half_of_the_fragment_store_whatever_it_fills() -> None:
    """Datagrams, here: bytes. There anybody can have any address, so a limit for each does not do.
    (RFC 4787 REQ-14a asks only that whole packets pass.)"""
    world = World({"nat.limits.fragment_bytes": 4 * 16384})
    first = [
        fragment(udp(f"{R}:1", f"{EXTERNAL}:1", identification=n), 0, b"x" * 16384, more=True)
        for n in range(3)
    ]
    for data in first:
        world.pass_in(data)
    assert world.drops("outside") == {"fragment-limit": 1}
    assert [held(world, fragment_of(A, n, 0, 16384)) for n in range(3)] == [True, True, False]
    world.wait(30.0)
    assert world.show("counters")["limits"]["fragment_bytes"]["now"] == 0
    world.pass_in(first[2])
    assert world.show("counters")["limits"]["fragment_bytes"]["now"] == 16384
    audit(world)


def test_every_limit_is_a_setting_and_shown() -> None:
    limits = set(Limits.__dataclass_fields__)
    assert {f"nat.limits.{name}" for name in limits} <= set(SETTINGS)
    shown = set(World().show("counters")["limits"])
    rates = {name for name in limits if "per_second" in name}
    assert limits - shown == rates
    assert {row[0] for row in LIMITS} == shown


def test_a_host_may_open_so_many_flows_a_second_with_a_burst_of_twice_that() -> None:
    world = World({"nat.limits.new_flows_per_second_per_host": 10})
    assert sum(flow(world, number) for number in range(30)) == 20
    assert world.drops()["host-rate-limit"] == 10
    world.wait(0.5)
    assert sum(flow(world, number) for number in range(30, 60)) == 5


def test_a_token_bucket_is_not_confused_by_time_that_stands_or_goes_back() -> None:
    bucket = TokenBucket(2.0, 100.0)
    taken = [bucket.take(1.0, 2.0, now) for now in (100.0, 100.0, 100.0, 90.0, 91.0, 92.0)]
    assert taken == [True, True, False, False, True, True]


FULL: list[tuple[str, dict[str, Any]]] = [
    ("the table", {"nat.limits.flows": 50, "nat.limits.flows_per_host": 40}),
    ("the host's flows", {"nat.limits.flows_per_host": 40}),
    ("the host's unanswered flows", {"nat.limits.unanswered_per_host": 40}),
    ("the host's rate", {"nat.limits.new_flows_per_second_per_host": 20}),
]


@pytest.mark.parametrize("limits", [row[1] for row in FULL], ids=[row[0] for row in FULL])
def test_a_flood_of_one_host_leaves_old_flows_and_the_second_host_alone(
    limits: dict[str, Any],
) -> None:
    """RFC 6888 REQ-11, invariant I-M8."""
    world = World({**limits})
    for number in range(500):
        world.send(Side.INSIDE, udp(f"{A}:4000", f"{R}:{5000 + number}"))
    assert sum(world.drops("inside").values()) == 460
    assert world.pass_out(udp(f"{A}:4000", f"{R}:5000")) is not None
    assert world.pass_out(udp(f"{B}:4000", f"{R}:5000")) is not None
    audit(world)


def test_a_host_that_announces_ports_without_end_takes_no_more_than_it_could_use() -> None:
    """A mapping that a SIP message announces is held for half a minute and is neither a flow nor an
    expectation yet. All of a host's ports together are no more than its flows and expectations
    could be."""
    world = World(
        {
            "alg.sip.module": "sip",
            "nat.limits.flows_per_host": 20,
            "nat.limits.expectations_per_host": 10,
        }
    )
    for number in range(100):
        message = REGISTER.replace(b":5060>\r\nExpires", b":%d>\r\nExpires" % (7000 + number))
        message = message.replace(b"Call-ID: 1", b"Call-ID: %d" % number)
        world.pass_out(udp(f"{A}:5060", f"{R}:5060", message))
    assert world.engine.nat.usage(world.now)["ports_per_host"] == 30
    assert world.pass_out(udp(f"{B}:4000", f"{R}:5000")) is not None
    audit(world)


def test_who_may_have_one_port_and_wants_two_leaves_no_trace() -> None:
    world = World({"nat.limits.ports_per_host": 1})
    pair = world.table.mappings.pin_pair(Endpoint(parse_address(A), 7000), world.now)
    assert pair is Drop.HOST_PORT_LIMIT
    assert not world.table.hosts
    audit(world)


def test_forged_packets_of_a_remote_do_not_keep_an_inside_host_from_it() -> None:
    """With `poisoning` they take ports away from flows to that remote: some, and not all."""
    world = World({"nat.poisoning": True})
    for number in range(1000):
        world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:{4000 + number}"))
    seen = world.pass_out(udp(f"{A}:4000", f"{R}:5000"))
    assert seen is not None
    assert (seen.protocol, seen.source.port != 4000) == (17, True)


def test_who_is_refused_hears_so_but_not_too_often() -> None:
    """RFC 5508 REQ-8, RFC 6888 REQ-11: ICMP 3/13 with the packet quoted, rate-limited."""
    world = World({"nat.limits.flows": 1})
    assert flow(world, 0)
    told = [world.pass_out(udp(f"{A}:4000", f"{R}:{6000 + number}")) for number in range(200)]
    heard = [seen for seen in told if seen is not None]
    assert 5 <= len(heard) <= 10
    first = heard[0]
    assert first.addresses == (GATEWAY, A)
    assert first.icmp == (3, 13)
    assert first.quoted.destination == at(R, 6000)
    assert_sound(first.data)
    assert world.show("counters")["wires"]["inside"]["own"] == len(heard)


def test_own_icmp_is_limited_for_each_target_and_in_all() -> None:
    """Two budgets, so that one neighbour's pings do not silence the rest."""
    world = World()

    def pings(host: int) -> int:
        answers = [world.pass_out(ping(f"192.168.20.{host}", GATEWAY)) for _ in range(30)]
        return sum(answer is not None for answer in answers)

    each = [pings(host) for host in range(10, 40)]
    assert max(each) <= 10
    assert each[0] >= 5
    assert 50 <= sum(each) <= 100


def test_nobody_can_count_what_is_left_of_the_budget() -> None:
    """SAD DNS (2020): who knows that exactly 100 answers are left learns by asking how many
    somebody else has had. After the same rest the same questions get another number of answers."""
    world = World()
    counts = []
    for _ in range(10):
        world.now += 60.0
        answers = [world.pass_in(ping(f"198.51.100.{host}", EXTERNAL)) for host in range(1, 201)]
        counts.append(sum(answer is not None for answer in answers))
    assert len(set(counts)) > 5, counts
    assert all(40 <= count <= 100 for count in counts), counts


def test_of_a_crowd_of_strangers_only_so_many_are_told_apart() -> None:
    """The memory for budgets is bounded; who is forgotten is still held by the budget for all."""
    rate = IcmpRate(random.Random(1))
    limits = Limits()
    allowed = [rate.allows(address, limits, 0.0) for address in range(5 * IcmpRate.TARGETS)]
    assert sum(allowed) <= limits.icmp_per_second
    assert len(rate) == IcmpRate.TARGETS


def test_own_icmp_can_be_switched_off() -> None:
    world = World({"nat.limits.icmp_per_second": 0})
    assert world.pass_out(ping(A, GATEWAY)) is None
    assert world.show("counters")["wires"]["inside"]["consumed"] == 1


FILTERINGS = ["endpoint-independent", "address-dependent", "address-and-port-dependent"]


@pytest.mark.parametrize("filtering", sampled(FILTERINGS, 3))
def test_a_stranger_cannot_use_up_anything(filtering: str) -> None:
    """3,000 packets from as many endpoints leave no state, and at
    most a few answers."""
    world = World(
        {"nat.filtering": filtering, "nat.limits.flows": 10, "nat.limits.flows_per_host": 10}
    )
    assert flow(world, 0)
    before = world.engine.nat.usage(world.now)
    for number in range(1000):
        stranger = f"198.51.100.{number % 250 + 1}:{1024 + number}"
        world.pass_in(udp(stranger, f"{EXTERNAL}:4000"))
        assert world.pass_in(udp(stranger, f"{EXTERNAL}:{2000 + number}")) is None
        assert world.pass_in(tcp(stranger, f"{EXTERNAL}:4000", SYN)) is None
    after = world.engine.nat.usage(world.now)
    assert after.pop("waiting_syns") <= 256
    before.pop("waiting_syns")
    assert after == before
    world.wait(6.0)
    assert len(world.take_all(Side.OUTSIDE)) <= 100
    assert flow(world, 1)


def attack(number: int) -> list[bytes]:
    """What one stranger of many sends, towards what is alive and what is not."""
    address = f"11.{number >> 8}.{number & 255}.9"
    source, live, dead = (
        f"{address}:{1024 + number}",
        f"{EXTERNAL}:4000",
        f"{EXTERNAL}:{2000 + number}",
    )
    first = fragment(udp(source, live, b"x" * 64, identification=number), 0, b"y" * 32, more=True)
    return [
        udp(source, live), udp(source, dead), udp(f"{R}:5000", dead), tcp(source, live, SYN),
        tcp(source, dead, SYN), tcp(source, live, RST), ping(address, EXTERNAL),
        pong(address, f"{EXTERNAL}:4000"), udp(source, live, ttl=1), first,
        unreachable(address, EXTERNAL, udp(dead, f"{R}:5000")),
        unreachable(address, EXTERNAL, udp(live, f"{R}:5000"), 4, 68),
        udp(source, f"{EXTERNAL}:5060", REGISTER),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("filtering", sampled(FILTERINGS, 3))
def test_strangers_in_crowds_take_nothing_away_from_the_inside(filtering: str) -> None:
    """All stores of the NAT at once: tables, fragments, waiting SYNs, own ICMP, poison, events."""
    world = World({
        "nat.filtering": filtering, "nat.poisoning": True, "alg.sip.module": "sip",
        "nat.limits.flows": 4, "nat.limits.flows_per_host": 3,
    })  # fmt: skip
    assert flow(world, 0)
    assert world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:4000")) is not None
    of_outside = {"waiting_syns", "fragments", "fragments_per_host", "fragment_pieces",
                  "fragment_bytes"}  # fmt: skip
    before = {
        name: used
        for name, used in world.engine.nat.usage(world.now).items()
        if name not in of_outside
    }
    for number in range(400):
        for data in attack(number):
            world.send(Side.OUTSIDE, data)
        world.now += 0.001
    after = {
        name: used
        for name, used in world.engine.nat.usage(world.now).items()
        if name not in of_outside
    }
    assert after == before
    assert len(world.events) < 400, "5,200 packets are not as many lines"
    pieces = cut(udp(f"{A}:4000", f"{R}:5000", b"z" * 100), 48)
    assert [world.pass_out(piece) is not None for piece in pieces] == [False, True]
    assert flow(world, 1)
    assert flow(world, 2)
    refused = world.pass_out(udp(f"{A}:4000", f"{R}:5003"))
    assert refused is not None
    assert refused.icmp == (3, 13)
    assert world.pass_out(udp(f"{B}:4000", f"{R}:5000")) is not None
    audit(world)


FORGED = [
    ("the inside's packet from outside", Side.OUTSIDE, udp(f"{A}:4000", f"{R}:5000"),
     "spoofed-source"),
    ("the remote's packet from inside", Side.INSIDE, udp(f"{R}:5000", f"{EXTERNAL}:4000"),
     "spoofed-source"),
    ("our own packet from inside", Side.INSIDE, udp(f"{EXTERNAL}:4000", f"{R}:5000"),
     "spoofed-source"),
    ("our own packet from outside", Side.OUTSIDE, udp(f"{EXTERNAL}:4000", f"{R}:5000"),
     "spoofed-source"),
    ("the answer as it goes in, from outside", Side.OUTSIDE, udp(f"{R}:5000", f"{A}:4000"),
     "not-ours"),
    ("the answer as it goes in, from inside", Side.INSIDE, udp(f"{R}:5000", f"{A}:4000"),
     "spoofed-source"),
    ("a hairpin's second half from outside", Side.OUTSIDE,
     udp(f"{EXTERNAL}:4001", f"{EXTERNAL}:4000"), "spoofed-source"),
    ("a segment from outside", Side.OUTSIDE, tcp(f"{A}:4000", f"{R}:5000", ACK), "spoofed-source"),
    ("its answer from inside", Side.INSIDE, tcp(f"{R}:5000", f"{EXTERNAL}:4000", SYN | ACK),
     "spoofed-source"),
    ("a ping from outside", Side.OUTSIDE, ping(f"{A}:4000", R), "spoofed-source"),
    ("its answer from inside", Side.INSIDE, pong(R, f"{EXTERNAL}:4000"),
     "spoofed-source"),
    ("an error that quotes the inside", Side.OUTSIDE,
     unreachable(R, EXTERNAL, udp(f"{A}:4000", f"{R}:5000")), "icmp-unknown-flow"),
]  # fmt: skip


@pytest.mark.parametrize("filtering", sampled(FILTERINGS, 3))
@pytest.mark.parametrize(
    ("side", "data", "reason"), [row[1:] for row in FORGED], ids=[row[0] for row in FORGED]
)
def test_a_forged_packet_finds_no_leg_of_a_live_flow(
    side: Side, data: bytes, reason: str, filtering: str
) -> None:
    """Under any filtering; the legs of all three tables are alive, and of three protocols."""
    world = World({"nat.filtering": filtering})
    assert world.pass_out(tcp(f"{A}:4000", f"{R}:5000", SYN)) is not None
    assert world.pass_out(ping(f"{A}:4000", R)) is not None
    assert world.pass_out(udp(f"{A}:4000", f"{R}:5000")) is not None
    assert world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:4000")) is not None
    world.send(Side.INSIDE, udp(f"{B}:4001", f"{EXTERNAL}:4000"))  # hairpin
    before = {flow.id: (flow.refreshed, flow.outbound.packets, flow.inbound.packets)
              for flow in world.table.flows.values()}  # fmt: skip
    world.now += 1.0
    assert world.send(side, data) == []
    assert world.drops(str(side)).get(reason) == 1
    after = {flow.id: (flow.refreshed, flow.outbound.packets, flow.inbound.packets)
             for flow in world.table.flows.values()}  # fmt: skip
    assert after == before


def test_the_error_says_which_packet_was_refused() -> None:
    world = World({"nat.limits.flows": 1})
    assert flow(world, 0)
    data = tcp(f"{B}:4000", f"{R}:80", SYN)
    seen = world.pass_out(data)
    assert isinstance(seen, Seen)
    assert seen.body[8:] == data
