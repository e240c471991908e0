"""The tables: pins, pairs, doors and flows, kept consistent whatever comes in between."""

from __future__ import annotations

import pytest

from nat.behavior import Forward, Limits, Static
from nat.drop import Drop
from nat.endpoint import TCP, UDP, Endpoint, address_text, parse_address
from nat.mapping import Mapping
from tests.support.packets import EXTERNAL, A, B, R, S, at, udp
from tests.support.rig import APDM, EIM, Rig, left, table

PHONE = Endpoint.parse(f"{A}:7000")


def pinned(found: Mapping | Drop) -> Mapping:
    assert isinstance(found, Mapping)
    return found


def test_a_pinned_mapping_serves_every_remote_under_any_policy() -> None:
    """RTP must leave by the port that the SDP announced."""
    rig = Rig(mapping=APDM)
    mapping = pinned(rig.nat.table.mappings.pin(UDP, PHONE, rig.now))
    rig.nat.table.mappings.hold(mapping, rig.now + 32.0)
    for remote in (f"{R}:1", f"{R}:2", f"{S}:1"):
        assert left(rig.out(udp(f"{A}:7000", remote))).source == mapping.external


def test_pinning_finds_the_mapping_that_is_there() -> None:
    rig = Rig(mapping=EIM)
    seen = left(rig.out(udp(f"{A}:7000", f"{R}:1")))
    assert pinned(rig.nat.table.mappings.pin(UDP, PHONE, rig.now)).external == seen.source


def test_a_pinned_port_is_never_shared() -> None:
    """Overloading is for remotes that are known; a pin is for all."""
    rig = Rig(overloading=True)
    left(rig.out(udp(f"{B}:7000", f"{R}:1")))
    assert pinned(rig.nat.table.mappings.pin(UDP, PHONE, rig.now)).external.port != 7000


def test_a_pair_is_adjacent_and_the_same_when_asked_again() -> None:
    tables = table()
    pair = tables.mappings.pin_pair(PHONE, 0.0)
    assert not isinstance(pair, Drop)
    rtp, rtcp = pair
    assert (rtp.external.port, rtcp.external.port) == (7000, 7001)
    assert tables.mappings.pin_pair(PHONE, 1.0) == pair


def test_a_pair_is_both_or_none() -> None:
    tables = table(port_range=(4000, 4000))
    assert tables.mappings.pin_pair(PHONE, 0.0) is Drop.NO_PORT
    assert not tables.mappings.by_external
    assert table().mappings.pin_pair(Endpoint(PHONE.address, 65535), 0.0) is Drop.NO_PORT


def test_a_1_to_1_host_keeps_all_its_ports() -> None:
    rule = Static(PHONE.address, parse_address("203.0.113.10"))
    tables = table(statics=[rule])
    pair = tables.mappings.pin_pair(PHONE, 0.0)
    assert not isinstance(pair, Drop)
    assert [str(mapping.external) for mapping in pair] == ["203.0.113.10:7000", "203.0.113.10:7001"]
    assert tables.rules.static_external(PHONE) == pair[0].external
    assert tables.rules.static_internal(pair[0].external) == PHONE


def test_one_host_appears_under_one_address() -> None:
    """RFC 4787 REQ-2, paired pooling."""
    tables = table(external=[parse_address(f"203.0.113.{n}") for n in (1, 2, 3)])
    for host in (A, B):
        ends = [Endpoint.parse(f"{host}:{port}") for port in range(5000, 5020)]
        remote = Endpoint.parse(f"{R}:1")
        opened = [pinned(tables.mappings.open(UDP, each, remote, 0.0)) for each in ends]
        assert len({address_text(mapping.external.address) for mapping in opened}) == 1


def test_protocols_have_ports_of_their_own() -> None:
    tables = table()
    remote = Endpoint.parse(f"{R}:1")
    for protocol in (UDP, TCP):
        assert pinned(tables.mappings.open(protocol, PHONE, remote, 0.0)).external.port == 7000


def test_announcing_a_mapping_again_and_again_holds_it_without_filling_the_queue() -> None:
    tables = table()
    mapping = pinned(tables.mappings.pin(UDP, PHONE, 0.0))
    for step in range(10_000):
        tables.mappings.hold(mapping, 32.0 + step / 100)
    assert len(tables.mappings._held) <= 101
    tables.expire(131.0 - 0.01, 500)
    assert tables.mappings.pinned
    tables.expire(132.0, 500)
    assert not tables.mappings.pinned


def forwarding(rules: list[Forward], rig: Rig) -> None:
    rig.change(forwards=rules)


FORWARD = Forward(UDP, Endpoint.parse(f"{EXTERNAL}:7000"), Endpoint.parse(f"{B}:7000"))


@pytest.mark.parametrize("has_door", [True, False])
def test_a_forward_takes_its_port_from_whoever_has_it(has_door: bool) -> None:
    """Also from a call whose door would hold it."""
    rig = Rig()
    mapping = pinned(rig.nat.table.mappings.pin(UDP, PHONE, rig.now))
    if has_door:
        rig.nat.table.expectations.open(mapping, None, "call", "", 60.0, None, rig.now)
    else:
        rig.nat.table.mappings.hold(mapping, rig.now + 32.0)
    forwarding([FORWARD], rig)
    assert left(rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000"))).destination == at(B, 7000)
    assert not rig.nat.table.expectations
    assert left(rig.out(udp(f"{A}:7000", f"{R}:9"))).source != at(EXTERNAL, 7000)


def test_a_forward_that_was_taken_away_lets_nobody_in() -> None:
    """Though a door was opened in its mapping, for one remote."""
    rig = Rig(forwards=[FORWARD])
    mapping = pinned(rig.nat.table.mappings.pin(UDP, FORWARD.internal, rig.now))
    rig.nat.table.expectations.open(
        mapping, Endpoint.parse(f"{R}:9"), "call", "", 60.0, None, rig.now
    )
    forwarding([], rig)
    for stranger in (R, S):
        assert rig.into(udp(f"{stranger}:9", f"{EXTERNAL}:7000")) is Drop.NO_MAPPING
    assert not rig.nat.table.mappings.by_external
    assert not rig.nat.table.hosts


def test_a_registrar_that_grants_a_thousand_different_lifetimes_makes_few_timers() -> None:
    """Each is looked at whenever the loop asks for the next deadline. None may be cut short."""
    rig = Rig()
    left(rig.out(udp(f"{A}:4000", f"{R}:5000")))
    (flow,) = rig.nat.table.flows.values()
    for number in range(1000):
        seconds = 60.0 + number * 8 * 3600.0
        rig.nat.table.keep(flow, seconds)
        assert seconds <= flow.expires_at() - rig.now < max(2 * seconds, 7200.0)
    assert len(rig.nat.table.deadlines.timers) < 130


def test_announcing_endpoints_takes_no_more_ports_than_a_host_could_use() -> None:
    """RFC 6888 REQ-4, where no limit of ports is set: others must find some."""
    tables = table(limits=Limits(flows_per_host=3, expectations_per_host=2))
    wishes = [Endpoint(PHONE.address, port) for port in range(7000, 7007)]
    answers = [tables.mappings.pin(UDP, each, 0.0) for each in wishes]
    assert [isinstance(each, Mapping) for each in answers] == [True] * 5 + [False] * 2
    assert answers[-1] is Drop.HOST_PORT_LIMIT
    pinned(tables.mappings.pin(UDP, Endpoint.parse(f"{B}:7000"), 0.0))


def test_a_host_that_is_refused_is_not_remembered() -> None:
    tables = table(limits=Limits(ports_per_host=1))
    assert tables.mappings.pin_pair(PHONE, 0.0) is Drop.HOST_PORT_LIMIT
    assert not tables.hosts
