"""RFC 6888: what a NAT of a whole neighbourhood (CGN) must do."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise

import pytest

from appliance.settings.files import load
from nat.drop import Drop
from nat.endpoint import Endpoint
from tests.support.packets import SYN, UNREACHABLE, icmp, udp
from tests.support.world import EXTERNAL, GATEWAY, INSIDE, OUTSIDE, ROUTER, X1, X2, A, B, World, Y

Make = Callable[..., World]


def sockets(host: Endpoint, count: int) -> list[Endpoint]:
    return [Endpoint(host.address, 4000 + 2 * number) for number in range(count)]


def said(world: World) -> tuple[int, int]:
    """Type and code of the ICMP error that an inside host got from the NAT."""
    seen = world.take(INSIDE)
    assert seen.source_address == GATEWAY
    return seen.icmp


def test_req1_udp_tcp_and_icmp_obey_their_own_rfcs(world: World) -> None:
    """Each transport that is translated must be treated as its RFC demands; others are dropped."""
    assert world.out(A, X1) == world.out(A, Y)
    assert world.connect(A, X1) == world.connect(A, Y)
    assert world.ping(A, X1.address) == world.ping(A, Y.address)
    sctp, dccp = 132, 33
    for protocol in (sctp, dccp):
        packet = udp(A, Y)
        changed = packet[:9] + bytes((protocol,)) + packet[10:]
        checksum = int.from_bytes(packet[10:12], "big") + 17 - protocol
        changed = changed[:10] + checksum.to_bytes(2, "big") + changed[12:]
        assert world.refuses(INSIDE, changed) is Drop.UNSUPPORTED_PROTOCOL


def test_req2_paired_pooling_is_the_default(nat: Make) -> None:
    """By default all of a subscriber's mappings must be on one external address."""
    world = nat({"outside.external": ["203.0.113.1", "203.0.113.2", "203.0.113.3"]})
    udp_ports = {world.out(each, X1).address for each in sockets(A, 20)}
    tcp_ports = {world.out(each, X1, SYN).address for each in sockets(A, 20)}
    assert len(udp_ports | tcp_ports) == 1


def test_req3_the_pool_may_be_in_pieces(nat: Make) -> None:
    """External addresses need not be contiguous, nor of one size."""
    pool = ["203.0.113.1", "203.0.113.2", "198.51.100.77"]
    world = nat({"outside.external": pool})
    hosts = [Endpoint(A.address + number, 4000) for number in range(30)]
    externals = {host: world.out(host, X1) for host in hosts}
    assert len({external.address for external in externals.values()}) == 3
    assert all(world.into(X1, external) == host for host, external in externals.items())


def test_req4_ports_of_a_subscriber_are_limited(nat: Make) -> None:
    """The external ports of one subscriber must be limitable; others are not affected."""
    world = nat({"nat.limits.ports_per_host": 4})
    four = [world.out(each, X1) for each in sockets(A, 4)]
    world.put(INSIDE, udp(Endpoint(A.address, 5000), X1))
    assert world.dropped is Drop.HOST_PORT_LIMIT
    assert said(world) == (UNREACHABLE, 13)
    assert world.out(sockets(A, 1)[0], Y) == four[0]  # a port serves any number of remotes
    assert world.out(B, X1)
    world.wait(121.0)
    world.out(Endpoint(A.address, 5000), X1)  # what was given back may be used again


def test_req4a_the_limit_can_be_set_while_packets_flow(world: World) -> None:
    """The limit must be configurable."""
    world.out(A, X1)
    world.engine.set("nat.limits.ports_per_host", 1, "test", world.now)
    world.put(INSIDE, udp(Endpoint(A.address, 5000), X1))
    assert said(world) == (UNREACHABLE, 13)


def test_req4c_a_subscriber_cannot_use_up_the_processor(nat: Make) -> None:
    """The rate of a subscriber's new mappings should be limitable."""
    world = nat({"nat.limits.new_flows_per_second_per_host": 10})
    for each in sockets(A, 20):
        world.out(each, X1)  # twice the rate is the burst
    world.put(INSIDE, udp(Endpoint(A.address, 5000), X1))
    assert world.dropped is Drop.HOST_RATE_LIMIT
    assert said(world) == (UNREACHABLE, 13)
    assert world.out(B, X1)
    world.wait(1.0)
    assert world.out(Endpoint(A.address, 5000), X1)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("nat.limits.flows_per_host", Drop.HOST_FLOW_LIMIT),
        ("nat.limits.unanswered_per_host", Drop.HOST_UNANSWERED_LIMIT),
        ("nat.limits.flows", Drop.FLOW_LIMIT),
    ],
)
def test_req5_state_is_limited(nat: Make, limit: str, reason: Drop) -> None:
    """The memory for each subscriber, and in all, should be limitable."""
    world = nat({limit: 2})
    world.out(A, X1)
    world.out(A, X2)
    world.put(INSIDE, udp(A, Y))
    assert world.dropped is reason
    assert said(world) == (UNREACHABLE, 13)


UNTOUCHED = {"nat.no_translate": ["198.51.100.0/24"]}


def test_req6_some_destinations_are_reached_without_translation(nat: Make) -> None:
    """It must be possible to switch translation off for destinations: a provider's SIP server."""
    world = nat(UNTOUCHED)
    assert world.out(A, Y) == A
    assert world.into(Y, A) == A
    assert world.connect(B, Y) == B
    assert world.ping(Endpoint(A.address, 77), Y.address) == Endpoint(A.address, 77)
    assert world.out(A, X1) == Endpoint(EXTERNAL, A.port)


def test_req6_errors_about_untranslated_packets_pass(nat: Make) -> None:
    """… with errors from routers on the path to it."""
    world = nat(UNTOUCHED)
    quote = world.leaving(A, Y)
    world.put(OUTSIDE, icmp(ROUTER, A.address, UNREACHABLE, 1, 0, quote))
    assert world.take(INSIDE).quoted == (A, Y)


def test_req6_nobody_else_reaches_inside_addresses(nat: Make) -> None:
    """… and inside addresses are open to nobody but those who were sent to."""
    world = nat({**UNTOUCHED, "nat.filtering": "endpoint-independent"})
    assert world.refuses(OUTSIDE, udp(Y, A)) is Drop.NO_MAPPING
    world.out(A, Y)
    assert world.refuses(OUTSIDE, udp(X1, A)) is Drop.FILTERED
    assert world.refuses(OUTSIDE, udp(Y, B)) is Drop.NO_MAPPING


def test_req7_the_profile_filters_as_little_as_possible(nat: Make) -> None:
    """Endpoint-independent filtering is recommended."""
    world = nat(profile="cgn")
    external = world.out(A, X1)
    assert world.lets_in(Y, external)


@pytest.mark.parametrize("protocol", [None, SYN])
def test_req8_a_freed_port_rests_two_minutes(nat: Make, protocol: int | None) -> None:
    """A freed port should not serve another mapping for 120 seconds."""
    world = nat({"nat.port_range": [5000, 5001]})
    port = world.out(A, X1, protocol)
    world.out(Endpoint(A.address, 4001), X1, protocol)
    world.engine.flush(world.now)
    world.wait(119.0)
    world.put(INSIDE, world.made(B, X1, protocol))
    assert said(world) == (UNREACHABLE, 13)
    world.wait(2.0)
    assert world.out(B, X1, protocol) in (port, Endpoint(EXTERNAL, 5001))


def test_req8_its_own_host_may_have_it_back(nat: Make) -> None:
    """… but the same internal endpoint may: nothing that comes late can reach another host."""
    world = nat({"nat.port_range": [4000, 5000]})
    port = world.out(A, X1)
    world.engine.flush(world.now)
    assert world.out(A, X1) == port


def test_req8_how_long_and_how_many_can_be_set(nat: Make) -> None:
    """The time, and the number of ports at rest, must be configurable."""
    narrow = {"nat.port_range": [5000, 5001], "nat.parity": False}
    for settings in ({"nat.port_rest": "10s"}, {"nat.limits.resting_ports": 1}):
        world = nat({**narrow, **settings})
        for each in sockets(A, 2):
            world.out(each, X1)
        world.engine.flush(world.now)
        if "nat.port_rest" in settings:
            world.wait(11.0)
        assert world.out(B, X1)


def test_req10_everything_can_be_asked_for_as_json(world: World) -> None:
    """A CGN should be manageable: tables, counters, settings and this very list, as JSON."""
    world.out(A, X1)
    for what in ("flows", "mappings", "counters", "settings", "rfc"):
        assert json.loads(json.dumps(world.show(what)))


def test_req11a_without_room_the_packet_is_dropped(nat: Make) -> None:
    """When there is no room for a mapping the packet must be dropped."""
    world = nat({"nat.limits.flows": 1, "nat.refusal": "silent"})
    world.out(A, X1)
    assert world.refuses(INSIDE, udp(B, X1)) is Drop.FLOW_LIMIT


@pytest.mark.parametrize(("refusal", "code"), [("prohibited", 13), ("host-unreachable", 1)])
def test_req11b_the_sender_hears_of_it(nat: Make, refusal: str, code: int) -> None:
    """… and the sender should get ICMP host unreachable (or, by RFC 5508, prohibited)."""
    world = nat({"nat.limits.flows": 1, "nat.refusal": refusal})
    world.out(A, X1)
    world.put(INSIDE, udp(B, X1))
    assert said(world) == (UNREACHABLE, code)


def test_req11c_whoever_watches_hears_of_it(nat: Make) -> None:
    """… and a management system should be notified."""
    world = nat({"nat.limits.flows": 1, "nat.refusal": "silent"})
    heard: list[str] = []
    world.engine.log.subscribe(lambda event: heard.append(getattr(event, "reason", "")))
    world.out(A, X1)
    world.refuses(INSIDE, udp(B, X1))
    world.wait(2.0)
    assert "flow-limit" in heard
    counters = world.show("counters")
    assert counters["drops"]["inside"] == {"flow-limit": 1}


def test_req11d_existing_mappings_are_not_deleted_for_new_ones(nat: Make) -> None:
    """A mapping must not be deleted to make room for another."""
    world = nat({"nat.limits.flows": 1})
    external = world.out(A, X1)
    world.put(INSIDE, udp(B, X1))
    assert said(world) == (UNREACHABLE, 13)
    assert world.into(X1, external) == A


def test_req11d_eviction_can_be_shown(nat: Make) -> None:
    """Linux does delete: but only flows that nobody has answered."""
    world = nat({"nat.limits.flows": 2, "nat.eviction": "unanswered-first"})
    answered = world.out(A, X1)
    world.into(X1, answered)
    world.out(A, Y)
    external = world.out(B, X1)
    assert world.into(X1, answered) == A
    assert world.into(X1, external) == B
    world.put(INSIDE, udp(B, Y))
    assert said(world) == (UNREACHABLE, 13)  # both have been answered


def test_req11d_a_mapping_outlives_the_eviction_of_its_last_flow(nat: Make) -> None:
    """… and a new flow of the same socket stands on the mapping that the evicted one had."""
    world = nat({"nat.limits.flows": 1, "nat.eviction": "unanswered-first"})
    external = world.out(A, X1)
    assert world.out(A, Y) == external
    assert world.into(Y, external) == A
    assert not world.lets_in(X1, external)


def test_req12_nothing_is_written_down_by_default() -> None:
    """Destinations should not be logged: no file is written unless somebody asks for it."""
    settings = load(None, sets=["inside.networks=192.168.20.0/24", "outside.external=203.0.113.1"])
    assert settings["record.file"] == settings["capture.file"] == ""


@pytest.mark.parametrize("policy", ["preserve", "sequential", "random"])
def test_req13_every_port_of_the_range_is_used(nat: Make, policy: str) -> None:
    """Port utilisation should be maximal: the last free port is found."""
    world = nat({"nat.port_range": [4100, 4299], "nat.parity": False, "nat.ports": policy})
    assert len({world.out(each, X1).port for each in sockets(A, 200)}) == 200


def test_req15_random_ports_are_hard_to_guess(nat: Make) -> None:
    """Ports should be hard to guess: with `random` all of the range is used, without order."""
    world = nat({"nat.ports": "random", "nat.parity": False})
    ports = [world.out(each, X1).port for each in sockets(A, 1000)]
    buckets = [0] * 16
    for port in ports:
        buckets[(port - 1024) * 16 // (65536 - 1024)] += 1
    expected = len(ports) / len(buckets)
    chi_squared = sum((count - expected) ** 2 / expected for count in buckets)
    assert chi_squared < 37.7  # 15 degrees of freedom, one in a thousand
    steps = [after - before for before, after in pairwise(ports)]
    assert sum(abs(step) < 100 for step in steps) < 20
