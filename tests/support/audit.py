"""The books opened: everything that must be true of an engine's tables at every moment.

It knows the tables' insides on purpose, because a leak or a stale entry is not visible from outside
until too late.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from appliance.journal.events import PacketDropped
from nat.conntrack import Conntrack
from nat.ports import USED
from tests.support.world import World


def audit(world: World) -> None:
    """Invariants I-M1, I-M2, I-M4, I-M5, I-E1 and I-O1, of the tables as they stand."""
    table = world.table
    _audit_flows(table)
    _audit_mappings(table)
    _audit_hosts(table)
    _audit_ports(table)
    _audit_expectations(table)
    _audit_timers(table)
    audit_books(world)


def _audit_flows(table: Conntrack) -> None:
    assert sum(len(legs) for legs in table.legs) == 2 * len(table.flows)
    assert len(table.flows) <= table.high_water.marks.get("flows", 0)
    for flow in table.flows.values():
        for leg in (flow.outbound, flow.inbound):
            assert table.legs[leg.arrival][leg.key] is leg
            assert leg.flow is flow
        assert flow.mapping.filtered_by is not None
        assert flow in flow.mapping.permitted[flow.mapping.filtered_by.scope(flow.remote)]
        assert (
            flow.mapping
            in table.mappings.by_external[(flow.mapping.protocol, *flow.mapping.external)]
        )
    assert sum(len(mapping.flows()) for mapping in _mappings(table)) == len(table.flows)


def _mappings(table: Conntrack) -> list[Any]:
    return [mapping for mappings in table.mappings.by_external.values() for mapping in mappings]


def _audit_mappings(table: Conntrack) -> None:
    existing = {id(mapping) for mapping in _mappings(table)}
    for mappings in table.mappings.by_external.values():
        assert mappings, "an empty list was left behind"
        if not table.behavior.overloading:
            assert len(mappings) == 1, mappings
    for key, mapping in table.mappings.keys.items():
        assert id(mapping) in existing
        assert key in mapping.keys
    assert all(id(mapping) in existing for mapping in table.mappings.pinned.values())


def _audit_hosts(table: Conntrack) -> None:
    flows = Counter(flow.mapping.internal.address for flow in table.flows.values())
    waiting = Counter(
        flow.mapping.internal.address for flow in table.flows.values() if not flow.answered
    )
    expectations = Counter(each.mapping.internal.address for each in table.expectations.values())
    for address, host in table.hosts.items():
        assert (host.flows, host.unanswered, host.expectations) == (
            flows[address], waiting[address], expectations[address],
        )  # fmt: skip
        assert not host.is_idle, "a host with nothing in use was kept"
    assert set(flows) | set(expectations) <= set(table.hosts)


def _audit_ports(table: Conntrack) -> None:
    for (protocol, address), pool in table.mappings.assignment.pools.items():
        assert sum(pool.counts().values()) == 65536
        used = {
            mapping.external.port
            for mapping in _mappings(table)
            if (mapping.protocol, mapping.external.address) == (protocol, address)
            and mapping.opened_by in ("packet", "alg")
        }
        assert pool.counts()["used"] == len(used)
        assert all(pool.state(port) == USED for port in used)


def _audit_expectations(table: Conntrack) -> None:
    expectations = [
        expectation for mapping in _mappings(table) for expectation in mapping.expectations
    ]
    by_parent = [
        expectation
        for expectations in table.expectations.by_parent.values()
        for expectation in expectations
    ]
    assert {expectation.id for expectation in expectations} == set(table.expectations)
    assert sorted(expectation.id for expectation in by_parent) == sorted(table.expectations)
    assert all(table.expectations.by_parent.values()), "a parent without expectations was kept"


def _audit_timers(table: Conntrack) -> None:
    for timer in table.deadlines.timers.values():
        seen: dict[int, float] = {}
        for refreshed, id_, flow in (*timer.heap, *timer.old):
            if flow.timer is timer:
                seen[id_] = min(refreshed, seen.get(id_, refreshed))
        standing = [flow for flow in table.flows.values() if flow.timer is timer]
        assert all(seen[flow.id] <= flow.refreshed for flow in standing), "looked at too late"
        assert set(seen) == {flow.id for flow in standing}
        assert timer.stale == len(timer.heap) + len(timer.old) - len(standing)
    assert not any(flow.is_over for flow in table.flows.values())


def audit_books(world: World) -> None:
    """Invariant I-O1: what was received went somewhere, once."""
    document = world.show("counters")
    for side, wire in document["wires"].items():
        total = wire["forwarded"] + wire["consumed"] + wire["dropped"] + wire["held"]
        assert wire["received"] == total, (side, wire)
        assert wire["dropped"] == sum(document["drops"][side].values())
        assert wire["held"] >= 0


def audit_events(world: World) -> None:
    """At the end, when all repeats have been told."""
    world.wait(2.0)
    told: Counter[tuple[str, str]] = Counter()
    for event in world.told(PacketDropped):
        told[event.side, event.reason] += event.count
    counted = {
        (side, reason): count
        for side, reasons in world.show("counters")["drops"].items()
        for reason, count in reasons.items()
    }
    assert dict(told) == counted
