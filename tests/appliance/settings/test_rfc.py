"""The table of requirements: complete, tied to the tests, and never better than the NAT is."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from alg.sip_poor.faults import FAULTS
from appliance.settings import files as config
from appliance.settings import rfc
from appliance.settings.sections.nat import DEPENDENCE
from appliance.settings.table import SETTINGS, Settings
from nat.endpoint import Endpoint
from tests.support import packets
from tests.support.packets import ACK, FIN, SYN
from tests.support.sweep import sampled
from tests.support.world import INSIDE, OUTSIDE, X1, X2, A, B, World, Y

SPEC = Path(__file__).resolve().parents[2] / "spec"
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "RECOMMENDED", "MAY"}
PROFILES = [profile["name"] for profile in config.list_profiles()]


def spec_tests() -> set[str]:
    """Every test function under tests/spec, by its pytest name."""
    return {
        f"tests/spec/{path.name}::{node.name}"
        for path in SPEC.glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def row(settings: Settings, id_: str) -> dict[str, Any]:
    (found,) = [row for row in rfc.report(settings) if row["id"] == id_]
    return found


def test_every_test_is_in_the_table_and_every_test_of_the_table_exists() -> None:
    named = [test for requirement in rfc.requirements() for test in requirement.node_ids()]
    assert len(named) == len(set(named)), "a test stands in two rows"
    assert set(named) == spec_tests()


def test_every_row_is_complete() -> None:
    for each in rfc.requirements():
        assert each.level in LEVELS, each.id
        assert each.title.endswith("."), each.id
        assert set(each.needs) <= set(SETTINGS), each.id
        reasons = (each.needs, each.rests_on, each.why, each.missing)
        assert any(reasons), f"{each.id}: nothing says why"
        assert each.tests or each.missing, f"{each.id}: met, and no test shows it"


def test_no_requirement_stands_there_twice() -> None:
    ids = [requirement.id for requirement in rfc.requirements()]
    assert len(ids) == len(set(ids))


def test_what_is_not_built_is_not_met() -> None:
    missing = row(Settings(), "RFC6888-REQ-9")
    assert missing["met"] is False
    assert missing["why"] == "Port control is not built yet."
    assert missing["test"] == ""


def test_the_reason_names_the_setting_that_is_in_the_way() -> None:
    settings = Settings()
    assert row(settings, "RFC4787-REQ-1")["why"] == "nat.mapping is endpoint-independent"
    settings.assign("nat.mapping", "address-dependent", "test")
    found = row(settings, "RFC4787-REQ-1")
    assert found["met"] is False
    assert found["why"] == "nat.mapping is address-dependent, and must be endpoint-independent"


@pytest.mark.parametrize(
    ("key", "value", "id_", "met"),
    [
        ("nat.timeouts.udp", "119s", "RFC4787-REQ-5", False),
        ("nat.timeouts.udp_by_port", {"53": "5s"}, "RFC4787-REQ-5", True),
        ("nat.timeouts.udp_by_port", {"5060": "5s"}, "RFC4787-REQ-5", False),
        ("nat.timeouts.tcp_closing", "10s", "RFC5382-REQ-5", False),
        ("nat.timeouts.tcp_closing", "auto", "RFC5382-REQ-5", True),
        ("nat.filtering", "address-and-port-dependent", "RFC5382-REQ-3", False),
        ("nat.tcp_filtering", "address-and-port-dependent", "RFC5382-REQ-3", False),
        ("nat.tcp_filtering", "address-and-port-dependent", "RFC4787-REQ-8", True),
        ("nat.port_range", [1, 65535], "RFC4787-REQ-3a", True),
        ("nat.port_range", [1024, 65535], "RFC4787-REQ-3a", False),
        ("nat.filtering", "address-and-port-dependent", "RFC4787-REQ-8", False),
        ("alg.sip.module", "sip", "RFC4787-REQ-10", False),
        ("nat.hairpin", False, "RFC6888-REQ-1", False),  # by way of RFC4787-REQ-9
        ("nat.parity", False, "RFC6888-REQ-1", True),  # which is only recommended
        ("record.file", "events.jsonl", "RFC6888-REQ-12", False),
        ("nat.port_range", [1, 1000], "RFC4787-REQ-3a", False),  # where would 4000 go?
        ("nat.port_range", [600, 65535], "RFC4787-REQ-3a", True),
        ("nat.timeouts.udp_by_port", {"5060": "2m"}, "RFC4787-REQ-5", True),
        ("nat.timeouts.udp_by_port", {"5060": "2m"}, "RFC4787-REQ-5c", False),
        ("nat.poisoning", True, "RFC5382-REQ-2a", False),  # not when the outside is first
        ("nat.poisoning", True, "RFC4787-REQ-11", False),
        ("nat.overloading", True, "RFC4787-REQ-3", False),
        ("nat.refresh_inbound", True, "RFC4787-REQ-6", True),
        ("nat.tcp_filtering", "address-dependent", "RFC6888-REQ-7", False),
        ("nat.limits.icmp_per_second", 0, "RFC4787-REQ-13", False),
        ("nat.limits.icmp_per_second_per_target", 0, "RFC4787-REQ-13", False),
        ("nat.limits.icmp_per_second", 0, "RFC5382-REQ-4-2", False),
        ("nat.limits.icmp_per_second", 0, "RFC5508-REQ-8", False),
        ("nat.limits.icmp_per_second", 0, "RFC5508-REQ-10a", False),
        ("nat.limits.icmp_per_second", 0, "RFC1812-5.3.1", False),
        ("nat.limits.waiting_syns", 0, "RFC5382-REQ-4-2", False),
        ("nat.limits.waiting_syns", 0, "RFC5382-REQ-4", True),  # it says nothing at all
        ("nat.limits.resting_ports", 0, "RFC6888-REQ-8", False),
        ("nat.limits.ports_per_host", 10, "RFC4787-REQ-1", True),
        ("nat.mapping", "address-and-port-dependent", "RFC5382-REQ-2", False),  # see below
        ("nat.mapping", "address-dependent", "RFC5382-REQ-2", True),  # as the filter is
        ("nat.mapping", "address-and-port-dependent", "RFC5508-REQ-5", False),
        ("nat.eviction", "unanswered-first", "RFC6888-REQ-11d", False),
        ("nat.renumbering", "keep", "RFC4787-REQ-11", True),
        ("alg.sip.timeout", "30s", "RFC4787-REQ-5", True),  # no ALG is there to use it
        ("alg.sip.module", "sip-poor:icmp-cuts", "RFC4787-REQ-12", False),
        ("alg.sip.module", "sip-poor:icmp-cuts", "RFC5382-REQ-10", False),
        ("alg.sip.module", "sip-poor:rst-cuts", "RFC7857-2.2-2", False),
        ("alg.sip.module", "sip-poor:rst-cuts", "RFC4787-REQ-12", True),
        ("alg.sip.module", "sip-poor:callid-oneway, no-hairpin", "RFC5382-REQ-8", False),
        ("alg.sip.module", "sip-poor:callid-oneway@nth=2", "RFC4787-REQ-9", True),
        ("alg.sip.module", "sip-poor:reply-port-lost", "RFC5382-REQ-2", False),
        ("alg.sip.faults", ["icmp-cuts"], "RFC4787-REQ-12", True),  # nobody has them
    ],
)
def test_settings_decide(key: str, value: object, id_: str, met: bool) -> None:
    settings = Settings()
    settings.assign(key, value, "test")
    assert row(settings, id_)["met"] is met


@pytest.mark.parametrize("mapping", DEPENDENCE)
@pytest.mark.parametrize("filtering", DEPENDENCE)
def test_whom_a_filter_lets_in_can_be_answered_only_if_the_mapping_serves_it(
    mapping: str, filtering: str
) -> None:
    """A filter that is more open than the mapping lets in SYNs that can only be answered from
    another external port: such connections never open."""
    world = World({"nat.mapping": mapping, "nat.filtering": filtering})
    external = world.out(A, X1, SYN)
    works = True
    for remote in (X2, Y):
        if world.lets_in(remote, external, SYN):
            world.put(INSIDE, packets.tcp(A, remote, SYN | ACK))
            works = works and [seen.source for seen in world.take_all(OUTSIDE)] == [external]
    assert row(world.engine.settings, "RFC5382-REQ-2")["met"] is works


def test_how_long_an_alg_keeps_its_mappings_counts_when_there_is_one() -> None:
    settings = Settings()
    settings.assign("alg.sip.module", "sip", "test")
    assert row(settings, "RFC4787-REQ-5")["met"] is True
    settings.assign("alg.sip.timeout", "30s", "test")
    found = row(settings, "RFC4787-REQ-5")
    assert found["why"] == "alg.sip.timeout is 30, and must be at least 120"


def test_faults_that_stand_apart_from_their_module_count_too() -> None:
    settings = Settings()
    settings.assign("alg.sip.module", "sip-poor", "test")
    settings.assign("alg.sip.faults", ["drop-fragments"], "test")
    found = row(settings, "RFC4787-REQ-14")
    assert (found["met"], found["why"]) == (False, "alg.sip.module has the fault drop-fragments")


def test_faults_of_the_table_exist_and_those_that_act_in_the_nat_are_in_it() -> None:
    named = {fault for requirement in rfc.requirements() for fault in requirement.spoiled_by}
    assert named <= set(FAULTS)
    harmless = {"bad-checksum", "rtcp-not-adjacent", "stale-after-renumber"}  # to these RFCs
    assert {name for name, fault in FAULTS.items() if fault.decisions} - named == harmless


def test_one_setting_in_the_way_is_said_once() -> None:
    settings = Settings()
    settings.assign("nat.timeouts.tcp_transitory", "20s", "test")  # and tcp_closing follows
    why = row(settings, "RFC5382-REQ-5")["why"]
    assert why == "nat.timeouts.tcp_transitory is 20, and must be at least 240"


def test_by_default_every_must_of_the_three_old_rfcs_is_met() -> None:
    unmet = [
        row["id"]
        for row in rfc.report(Settings())
        if not row["met"] and str(row["level"]).startswith("MUST")
    ]
    assert unmet == ["RFC6888-REQ-9"]


def keeps_one_port(world: World) -> bool:
    """… also when another host has the port already."""
    world.out(B, X1)
    return len({world.out(A, remote) for remote in (X1, X2, Y)}) == 1


def keeps_hosts_apart(world: World) -> bool:
    return world.out(A, X1) != world.out(B, Y)


def keeps_parity(world: World) -> bool:
    numbers = [4001 + 2 * number for number in range(30)]
    for number in numbers:
        world.out(Endpoint(B.address, number), X1)
    ports = [Endpoint(A.address, number) for number in numbers]
    return all(world.out(port, X1).port % 2 for port in ports)


def lives(seconds: float) -> Any:
    def check(world: World) -> bool:
        external = world.out(A, X1)
        world.wait(seconds)
        return world.lets_in(X1, external)

    return check


def is_not_too_strict(world: World) -> bool:
    return world.lets_in(X2, world.out(A, X1))


def waits_for_an_answer_to_ping(world: World) -> bool:
    external = world.ping(A, Y.address)
    world.wait(59.0)
    world.put(OUTSIDE, packets.pong(Y.address, external))
    return len(world.take_all(INSIDE)) == 1


def keeps_connections(world: World) -> bool:
    """… that are being opened, are open, or are being closed."""
    half, whole, closed = world.out(A, X1, SYN), world.connect(A, X2), world.connect(A, Y)
    world.out(A, Y, FIN | ACK)
    world.into(Y, closed, FIN | ACK)
    world.wait(239.0)
    is_kept = world.lets_in(X1, half, SYN | ACK) and world.lets_in(Y, closed, ACK)
    world.out(A, X2, ACK)
    world.wait(7439.0)
    return is_kept and world.lets_in(X2, whole, ACK)


OBSERVED = {
    "RFC4787-REQ-1": keeps_one_port,
    "RFC4787-REQ-3": keeps_hosts_apart,
    "RFC4787-REQ-4": keeps_parity,
    "RFC4787-REQ-5": lives(119.0),
    "RFC4787-REQ-5c": lives(299.0),
    "RFC4787-REQ-8": is_not_too_strict,
    "RFC5382-REQ-5": keeps_connections,
    "RFC5508-REQ-2": waits_for_an_answer_to_ping,
}


@pytest.mark.slow
@pytest.mark.parametrize("profile", sampled(PROFILES, 16))
def test_no_profile_is_reported_better_or_worse_than_it_behaves(profile: str) -> None:
    """Towards flows that no ALG looks at: what the faults of a poor one spoil, they spoil for
    signalling and audio, and have tests of their own."""
    for id_, behaves in OBSERVED.items():
        world = World(profile=profile)
        settings = world.engine.settings.copy()
        settings.assign("alg.sip.module", "off", "test")
        assert behaves(world) is row(settings, id_)["met"], id_
