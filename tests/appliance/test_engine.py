"""What the outside may ask of a running appliance: show, set, flush, and the passing of time."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from math import inf
from typing import Any

import pytest

from appliance.control import documents, filters
from appliance.engine import AT_ONCE, Flushed
from appliance.journal.events import PacketDropped, SettingChanged
from appliance.settings.table import SettingError
from nat.endpoint import UDP, Endpoint
from nat.mapping import Mapping, Terms
from tests.fuzz.datapath import INVITE, REGISTER
from tests.support.audit import audit
from tests.support.packets import EXTERNAL, GATEWAY, SYN, A, B, R, ping, tcp, udp
from tests.support.world import World

OUT = udp(f"{A}:4000", f"{R}:5000")


REGISTERED = REGISTER.replace(
    b"REGISTER sip:198.51.100.7 SIP/2.0", b"SIP/2.0 200 OK"
).replace(b"192.168.20.10:5060", f"{EXTERNAL}:5060".encode())  # fmt: skip
FORWARD = {"protocol": "udp", "external": f"{EXTERNAL}:53", "internal": f"{A}:5300"}


def expectation(world: World, remote: Endpoint | None = None, lifetime: float = 60.0) -> Mapping:
    """A mapping of A's port 7000 that only an expectation holds open."""
    mapping = world.table.mappings.pin(UDP, Endpoint.parse(f"{A}:7000"), world.now)
    assert isinstance(mapping, Mapping)
    parent = ("call", "c1", mapping.internal.address)
    world.table.expectations.open(mapping, remote, parent, "media", Terms(lifetime), world.now)
    return mapping


def shown(world: World, what: str) -> list[dict[str, Any]]:
    document = documents.show(world.engine, what, world.now)
    assert isinstance(document, Iterable)
    return list(document)


def test_flows_are_shown_with_documented_keys() -> None:
    world = World()
    world.pass_out(OUT)
    world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:4000"))
    world.now += 10.0
    (flow,) = shown(world, "flows")
    assert flow["protocol"] == "udp"
    assert (flow["internal"], flow["external"], flow["remote"]) == (
        f"{A}:4000", f"{EXTERNAL}:4000", f"{R}:5000",
    )  # fmt: skip
    assert (flow["state"], flow["expires_in"], flow["opened_by"]) == ("answered", 290.0, "packet")
    assert (flow["packets_out"], flow["packets_in"], flow["alg"]) == (1, 1, None)
    world.now += 290.0
    assert shown(world, "flows") == [], "what is over is not shown, tidied up or not"


def test_a_mapping_lives_as_long_as_its_longest_flow() -> None:
    world = World()
    world.pass_out(OUT)
    world.now += 10.0
    world.pass_out(udp(f"{A}:4000", f"{R}:5001"))
    (mapping,) = shown(world, "mappings")
    assert (mapping["flows"], mapping["expires_in"]) == (2, 120.0)


def test_what_is_over_is_not_shown_whether_it_was_tidied_up_or_not() -> None:
    """Invariant I-T1, of mappings and expectations."""
    world = World()
    world.pass_out(OUT)
    expectation(world, lifetime=60.0)
    world.now += 60.0
    assert shown(world, "expectations") == []
    assert [mapping["internal"] for mapping in shown(world, "mappings")] == [f"{A}:4000"]
    world.now += 60.0
    assert shown(world, "mappings") == []


def test_a_mapping_lives_as_long_as_its_expectation_or_its_announcement() -> None:
    world = World()
    mapping = expectation(world, lifetime=60.0)
    assert shown(world, "mappings")[0]["expires_in"] == 60.0
    world.table.mappings.hold(mapping, world.now + 100.0)
    assert shown(world, "mappings")[0]["expires_in"] == 100.0


def test_a_forward_has_no_end_of_its_own() -> None:
    world = World({"nat.forward": [FORWARD]})
    (mapping,) = shown(world, "mappings")
    assert (mapping["opened_by"], mapping["flows"], mapping["expires_in"]) == ("forward", 0, None)


def test_expectations_are_shown_with_documented_keys() -> None:
    world = World()
    expectation(world, remote=Endpoint.parse(f"{R}:0"), lifetime=60.0)
    world.now += 10.0
    (shown_expectation,) = shown(world, "expectations")
    del shown_expectation["id"]
    assert shown_expectation == {
        "protocol": "udp",
        "external": f"{EXTERNAL}:7000",
        "internal": f"{A}:7000",
        "remote": f"{R}:0",
        "parent": "call c1",
        "reason": "media",
        "expires_in": 50.0,
    }


def test_the_counters_tell_what_the_appliance_says_for_itself_on_each_wire() -> None:
    """`show counters`: its own ICMP is counted apart, by the wire that it leaves by."""
    world = World()
    world.pass_out(udp(f"{A}:4000", f"{R}:5000", ttl=1))
    world.pass_out(ping(A, GATEWAY))
    world.pass_in(ping(R, EXTERNAL))
    wires = world.show("counters")["wires"]
    assert (wires["inside"]["own"], wires["outside"]["own"]) == (2, 1)
    assert (wires["inside"]["forwarded"], wires["outside"]["forwarded"]) == (0, 0)


def test_the_counters_tell_how_much_is_in_use_and_was_at_most() -> None:
    world = World({"nat.limits.flows": 100})
    for port in (5000, 5001, 5002):
        world.pass_out(udp(f"{A}:4000", f"{R}:{port}"))
    world.engine.flush(world.now)
    world.pass_out(OUT)
    counters = world.show("counters")
    assert counters["flows"] == {"now": 1, "high_water": 3, "limit": 100}
    assert counters["limits"]["flows"] == counters["flows"]
    assert counters["limits"]["flows_per_host"]["high_water"] == 3


def test_everything_shown_is_json() -> None:
    world = World({"alg.sip.module": "sip"})
    for message in (REGISTER, INVITE):
        world.pass_out(udp(f"{A}:5060", f"{R}:5060", message))
    for what in ("flows", "mappings", "calls", "expectations"):
        assert json.loads(json.dumps(shown(world, what))), what
    for what in ("counters", "settings"):
        assert json.loads(json.dumps(documents.show(world.engine, what, world.now))), what


def test_what_does_not_exist_cannot_be_shown() -> None:
    with pytest.raises(KeyError):
        documents.show(World().engine, "nothing", 0.0)


def test_a_changed_timeout_acts_on_flows_that_exist() -> None:
    world = World()
    world.pass_out(OUT)
    world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:4000"))
    world.set("nat.timeouts.udp", "30s")
    world.wait(29.9)
    assert len(shown(world, "flows")) == 1
    world.wait(0.1)
    assert shown(world, "flows") == []
    (change,) = world.told(SettingChanged)
    assert (change.key, change.old, change.new, change.who) == (
        "nat.timeouts.udp", 300.0, 30.0, "test",
    )  # fmt: skip
    audit(world)


BAD = [
    ("nat.timeouts.udp", "-1s"),
    ("nat.timeouts.udp", float("nan")),
    ("nat.mapping", "symmetric"),
    ("nat.no_such_key", 1),
    ("inside.device", "other"),
    ("alg.sip.module", "sipp"),
    ("alg.sip.faults", ["no-such-fault"]),
    ("nat.port_range", [5000, 4000]),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_setting_that_cannot_be_changes_nothing(key: str, value: Any) -> None:
    world = World({"alg.sip.module": "sip-poor"})
    world.pass_out(OUT)
    before = json.dumps(world.show("settings"))
    with pytest.raises(SettingError):
        world.set(key, value)
    assert json.dumps(world.show("settings")) == before
    assert world.told(SettingChanged) == []
    assert world.pass_out(OUT) is not None


@pytest.mark.parametrize("key", ["nat.mapping", "nat.filtering"])
@pytest.mark.parametrize("first", ["endpoint-independent", "address-and-port-dependent"])
@pytest.mark.parametrize("then", ["endpoint-independent", "address-dependent"])
def test_flows_outlive_a_change_of_behaviour(key: str, first: str, then: str) -> None:
    world = World({key: first})
    for port in (5000, 5001):
        world.pass_out(udp(f"{A}:4000", f"{R}:{port}"))
    before = shown(world, "flows")
    world.set(key, then)
    audit(world)
    for port in (5000, 5001):
        assert world.pass_out(udp(f"{A}:4000", f"{R}:{port}")) is not None
    assert [flow["external"] for flow in shown(world, "flows")] == [
        flow["external"] for flow in before
    ]
    world.wait(1000.0)
    audit(world)


FLUSHES: list[tuple[dict[str, str], int]] = [
    ({}, 5),
    ({"protocol": "udp"}, 3),
    ({"protocol": "icmp"}, 1),
    ({"internal": A}, 4),
    ({"internal": f"{A}:4000"}, 3),
    ({"internal": A, "protocol": "tcp"}, 1),
    ({"external": f"{EXTERNAL}:4001"}, 1),
    ({"internal": "192.168.20.99"}, 0),
    ({"internal": "192.168.20.0/24"}, 5),
    ({"internal": "192.168.20.10/31"}, 5),
    ({"internal": f"{A}/32"}, 4),
    ({"internal": ":4000"}, 3),
    ({"external": EXTERNAL, "protocol": "udp"}, 3),
]


@pytest.mark.parametrize(("wanted", "count"), FLUSHES)
def test_flush_forgets_what_fits_and_says_how_many(wanted: dict[str, str], count: int) -> None:
    world = World()
    for data in (
        OUT, udp(f"{A}:4000", f"{R}:5001"), udp(f"{B}:4001", f"{R}:5000"),
        tcp(f"{A}:4000", f"{R}:80", SYN), ping(f"{A}:4007", R),
    ):  # fmt: skip
        world.pass_out(data)
    assert world.engine.flush(world.now, filters.wanted("flows", wanted)) == (count, 0)
    assert len(shown(world, "flows")) == 5 - count
    audit(world)


@pytest.mark.parametrize("end", ["192.168.20", "192.168.20.10:99999", "hosts"])
def test_an_end_that_is_none_flushes_nothing(end: str) -> None:
    world = World()
    world.pass_out(OUT)
    with pytest.raises(ValueError, match="is none of"):
        world.engine.flush(world.now, filters.wanted("flows", {"internal": end}))
    assert len(shown(world, "flows")) == 1


def test_a_flushed_call_is_gone_with_its_expectations() -> None:
    world = World()
    world.pass_out(OUT)
    mapping = world.table.mappings.find(
        17, Endpoint.parse(f"{A}:4000"), Endpoint.parse(f"{R}:5000")
    )
    assert isinstance(mapping, Mapping)
    world.table.expectations.open(mapping, None, "call", "", Terms(60.0), world.now)
    assert world.engine.flush(world.now) == Flushed(flushed=1, expectations=1), "it says both"
    assert not world.table.expectations
    audit(world)


@pytest.mark.slow
def test_a_full_table_is_shown_while_traffic_flows_within_a_second() -> None:
    """10,000 flows in half of it, and the reader takes them one by one; three times as long while
    coverage looks at every line."""
    limit = 0.5 if sys.gettrace() is None else 1.5
    world = World({
        "nat.limits.flows_per_host": 100_000,
        "nat.limits.unanswered_per_host": 100_000,
        "nat.limits.new_flows_per_second_per_host": 0,
    })  # fmt: skip
    for number in range(10_000):
        world.pass_out(udp(f"{A}:4000", f"198.51.{100 + number // 5000}.7:{1000 + number % 5000}"))
    started = time.process_time()
    pages = iter(documents.show(world.engine, "flows", world.now))  # type: ignore[call-overload]
    next(pages)
    assert world.pass_out(udp(f"{A}:4000", f"{R}:999")) is not None
    world.engine.flush(world.now, filters.wanted("flows", {"external": f"{EXTERNAL}:9"}))
    assert sum(1 for _ in pages) == 9_999
    assert time.process_time() - started < limit


def test_time_that_passed_asks_for_bounded_work_at_a_time() -> None:
    """A suspended machine wakes up: 2,000 flows are over, and the loop still turns."""
    world = World()
    for number in range(2000):
        world.pass_out(udp(f"{A}:4000", f"{R}:{1000 + number}"))
    world.now += 3600.0
    world.engine.expire(world.now)
    remaining = len(world.table.flows)
    assert 0 < remaining < 2000
    assert world.engine.next_deadline() <= world.now
    world.at(world.now)
    assert not world.table.flows
    audit(world)


@pytest.mark.slow
def test_settings_that_are_changed_in_a_loop_leave_no_more_to_do_than_twice() -> None:
    """A client with `set` in a loop: all flows are to be looked at, but not once for each."""
    world = World()
    for port in range(4 * AT_ONCE):
        world.pass_out(udp(f"{A}:{10_000 + port}", f"{R}:5060"))
    for number in range(100):
        world.set("alg.sip.module", ("sip", "off")[number % 2])
        world.set("alg.sip.ports", [5060, 5061 + number])
    turns = 0
    while world.engine.next_deadline() == 0.0:
        world.engine.expire(world.now)
        turns += 1
    assert turns <= 4 * 4 + 1
    world.set("alg.sip.ports", [5070])
    while world.engine.next_deadline() == 0.0:
        world.engine.expire(world.now)
    assert all(flow.outbound.slot is None for flow in world.table.flows.values()), "the last acts"


def test_a_module_that_goes_leaves_the_usual_timers() -> None:
    """Signalling of a registered phone is kept as long as the registration, while `sip` is there;
    whoever turns it off gets RFC 4787's five minutes back, at once."""
    world = World({"alg.sip.module": "sip"})
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", REGISTER))
    world.pass_in(udp(f"{R}:5060", f"{EXTERNAL}:5060", REGISTERED))
    (flow,) = shown(world, "flows")
    assert flow["expires_in"] > 3000.0
    world.set("alg.sip.module", "off")
    (flow,) = shown(world, "flows")
    assert flow["expires_in"] == 300.0
    audit(world)


def test_repeated_drops_wake_the_engine_when_their_second_is_over() -> None:
    world = World()
    for _ in range(3):
        world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:9"))
    assert world.engine.next_deadline() == world.now + 1.0
    world.wait(1.0)
    assert [event.count for event in world.told(PacketDropped)] == [1, 2]
    assert world.engine.next_deadline() == inf


def test_the_earliest_deadline_counts() -> None:
    world = World()
    world.pass_out(OUT)
    assert world.engine.next_deadline() == world.now + 120.0
    world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:9"))
    assert world.engine.next_deadline() == world.now + 1.0


@pytest.mark.parametrize("word", ["module", "faults"])
def test_a_specification_of_nothing_names_the_nearest(word: str) -> None:
    world = World({"alg.sip.module": "sip-poor", "alg.sip.faults": ["no-sdp"]})
    module = world.engine.slots["sip"].module
    wrong: Any = "sip-por" if word == "module" else ["no-sdq"]
    with pytest.raises(SettingError, match="sip-poor" if word == "module" else "no-sdp"):
        world.set(f"alg.sip.{word}", wrong)
    assert world.engine.slots["sip"].module is module


def test_one_entry_of_a_table_of_timeouts_can_be_set() -> None:
    world = World()
    world.pass_out(udp(f"{A}:4000", f"{R}:123"))
    world.set("nat.timeouts.udp_by_port.123", "10s")
    assert shown(world, "flows")[0]["expires_in"] == 10.0
    (change,) = world.told(SettingChanged)
    assert (change.old, change.new) == ({53: 30.0}, {53: 30.0, 123: 10.0})


def test_nothing_to_do_has_no_deadline() -> None:
    assert World().engine.next_deadline() == inf
