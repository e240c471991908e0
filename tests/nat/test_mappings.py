"""Mappings by pins, pairs and packets, and the ports that they take."""

from __future__ import annotations

from nat.behavior import Limits
from nat.drop import Drop
from nat.endpoint import TCP, UDP, Endpoint, address_text, parse_address
from nat.mapping import Mapping
from tests.support.packets import A, B, R, S, udp
from tests.support.rig import APDM, EIM, Rig, left, pinned, table

PHONE = Endpoint.parse(f"{A}:7000")


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
