"""The table of expectations: renewing, closing, limits, and what ends with one."""

from __future__ import annotations

import pytest

from nat.behavior import Limits
from nat.conntrack import Conntrack
from nat.drop import Drop
from nat.endpoint import UDP, Endpoint
from nat.mapping import Expectation, Mapping, OpenedBy, Terms, Why
from tests.support.packets import EXTERNAL, A, R, S, udp
from tests.support.rig import Rig, left, table

PHONE = Endpoint.parse(f"{A}:7000")


def pinned(tables: Conntrack, port: int = PHONE.port) -> Mapping:
    found = tables.mappings.pin(UDP, Endpoint(PHONE.address, port), 0.0)
    assert isinstance(found, Mapping)
    return found


def opened(
    tables: Conntrack,
    parent: str = "call",
    port: int = PHONE.port,
    lifetime: float = 60.0,
    used_lifetime: float | None = None,
    now: float = 0.0,
) -> Expectation | None:
    """An expectation to a port of the phone, for anyone."""
    mapping = pinned(tables, port)
    return tables.expectations.open(mapping, None, parent, "", Terms(lifetime, used_lifetime), now)


def test_renewing_an_expectation_moves_its_end_and_leaves_no_heap_behind() -> None:
    """A phone that registers every second must not fill the memory."""
    tables = table()
    for second in range(5000):
        opened(tables, lifetime=3600.0, now=float(second))
    assert len(tables.expectations) == 1
    assert len(tables.expectations._heap) < 200
    tables.expire(8598.9, 500)
    assert len(tables.expectations) == 1
    tables.expire(8599.0, 500)
    assert not tables.expectations
    assert not tables.mappings.pinned
    assert not tables.hosts


def test_a_renewed_expectation_that_is_in_use_lives_as_one_in_use() -> None:
    """After use it lives as long as its parent, `used_lifetime` seconds at most."""
    tables = table()
    expectation = opened(tables, used_lifetime=1000.0)
    assert expectation is not None
    remote = Endpoint.parse(f"{R}:9")
    flow = tables.open_flow(expectation.mapping, remote, OpenedBy.ALG, 1.0)
    tables.expectations.use(expectation, flow, remote, 1.0)
    assert expectation.deadline == 1001.0
    assert opened(tables, used_lifetime=1000.0, now=5.0) is expectation
    assert expectation.deadline == 1005.0


def test_expectations_are_told_apart_by_parent_and_remote() -> None:
    tables = table()
    expectation = opened(tables)
    assert expectation is not None
    find = tables.expectations.find
    assert find(expectation.mapping, None, "call") is expectation
    assert find(expectation.mapping, None, "other call") is None
    assert find(expectation.mapping, Endpoint.parse(f"{R}:9"), "call") is None


def test_a_closed_expectation_takes_its_mapping_along_and_leaves_those_of_others() -> None:
    tables = table()
    expectations = [
        opened(tables, parent, port) for parent, port in (("a", 7000), ("a", 7002), ("b", 1))
    ]
    first = expectations[0]
    assert first is not None
    for _ in range(2):  # what is closed is closed
        tables.expectations.close(first, "closed", 1.0)
    assert list(tables.expectations.values()) == expectations[1:]
    assert tables.expectations.by_parent == {"a": [expectations[1]], "b": [expectations[2]]}
    assert len(tables.mappings.pinned) == 2


def test_a_refused_expectation_leaves_no_host_behind() -> None:
    tables = table(limits=Limits(expectations=0))
    assert opened(tables) is None
    tables.mappings.unpin(pinned(tables), None, 0.0)
    assert not tables.hosts
    assert not tables.mappings.by_external


def test_the_limit_of_a_parent_counts_mappings() -> None:
    """A call may let two remotes in to one port; that is one expectation of its eight."""
    tables = table(limits=Limits(expectations_per_parent=2))
    for port in (7000, 7000, 7002):
        assert opened(tables, "call", port)
    assert opened(tables, "call", 7004) is None
    assert opened(tables, "other call", 7004)
    assert tables.expectations.most_of_a_parent() == 2


def test_an_expectation_used_by_a_flow_outlives_it_but_not_its_parent() -> None:
    rig = Rig()
    expectations = rig.nat.table.expectations
    expectation = opened(rig.nat.table, used_lifetime=1000.0, now=rig.now)
    assert expectation is not None
    left(rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000")))
    rig.wait(500.0)
    assert not rig.nat.table.flows
    left(rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000")))
    expectations.close(expectation, "closed", rig.now)
    assert rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000")) is Drop.NO_MAPPING


def test_an_expectation_goes_on_while_packets_pass_at_any_mapping_of_its_parent() -> None:
    """Looked at every 600 s, and closed at its end whatever passes."""
    tables = table()
    terms = Terms(2000.0, silence=600.0)
    audio, video = pinned(tables, 7000), pinned(tables, 7002)
    for mapping in (audio, video):
        assert tables.expectations.open(mapping, None, "call", "", terms, 0.0)
    other = tables.expectations.open(pinned(tables, 7004), None, "other call", "", terms, 0.0)
    for second in range(10, 2000, 10):
        audio.passed += 1
        tables.expire(float(second), 500)
        assert (other in tables.expectations.values()) is (second < 600)
        assert len(tables.expectations.by_parent["call"]) == 2
    tables.expire(2000.0, 500)
    assert not tables.expectations


@pytest.mark.parametrize("late", [0.0, 5.0])
def test_nobody_can_tell_whether_the_look_was_late(late: float) -> None:
    """Invariant I-T1: at its deadline it admits if packets have passed, looked at or not."""
    rig = Rig()
    mapping = pinned(rig.nat.table)
    terms = Terms(3600.0, silence=600.0)
    rig.nat.table.expectations.open(mapping, None, "call", "", terms, rig.now)
    left(rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000")))
    rig.now += 600.0 + late
    left(rig.into(udp(f"{S}:9", f"{EXTERNAL}:7000")))
    rig.tidy()
    rig.now += 1200.0
    assert rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000")) is Drop.FILTERED


def test_what_flows_have_carried_is_not_forgotten_with_them() -> None:
    """A flow that ends takes its count along; the call has not been less alive for that."""
    rig = Rig()
    left(rig.out(udp(f"{A}:7000", f"{R}:9")))
    (flow,) = rig.nat.table.flows.values()
    mapping = flow.mapping
    flow.outbound.packets, flow.inbound.packets = 30, 12
    assert mapping.packets() == 42
    rig.nat.table.close_flow(flow, Why.EXPIRED, rig.now)
    assert mapping.packets() == 42
