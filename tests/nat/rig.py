"""An engine as the loop drives it, with the books open: what came, what left, what was said.

`audit` looks at everything that must be true of the tables at every moment; it knows the tables'
insides on purpose, because a leak or a stale entry is not visible from outside until too late.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from appliance import config
from appliance.engine import Engine
from appliance.eventlog import EventLog
from appliance.events import Event, PacketDropped
from nat.conntrack import Conntrack
from nat.endpoint import Side
from nat.mapping import Arrival
from nat.packet import Packet
from nat.ports import USED
from tests.nat.packets import EXTERNAL, GATEWAY, Seen

JUNK = b"\xa5" * 64

SETTINGS: dict[str, Any] = {
    "inside.networks": ["192.168.20.0/24"],
    "inside.gateway": GATEWAY,
    "outside.external": [EXTERNAL],
    "nat.limits.new_flows_per_second_per_host": 0,
}


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """{"nat.ports": x} as the tables of a configuration file."""
    tables: dict[str, Any] = {}
    for key, value in flat.items():
        *sections, name = key.split(".")
        table = tables
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    return tables


class Rig:
    """`send` answers all packets that left because of one that arrived, with their wires."""

    def __init__(self, **changed: Any) -> None:
        settings = {**SETTINGS, **{key.replace("__", "."): each for key, each in changed.items()}}
        self.log = EventLog(0.0)
        self.events: list[Event] = []
        self.log.subscribe(self.events.append)
        self.engine = Engine(
            config.for_scenario("test", nested(settings)), "test", "test", self.log,
            random.Random(1),
        )  # fmt: skip
        self.now = 100.0
        self.said: list[tuple[Side, bytes]] = []  # what the appliance sent when time went by

    @property
    def table(self) -> Conntrack:
        return self.engine.nat.table

    def set(self, key: str, value: Any) -> None:
        self.engine.set(key, value, "test", self.now)

    def out(self, data: bytes) -> Seen | None:
        """A packet from the inside, and the one packet that went on, if any."""
        return self._only(self.send(Side.INSIDE, data))

    def into(self, data: bytes) -> Seen | None:
        return self._only(self.send(Side.OUTSIDE, data))

    def send(self, side: Side, data: bytes, segment_size: int = 0) -> list[tuple[Side, bytes]]:
        packet = Packet(bytearray(data + JUNK), len(data), bool(segment_size), segment_size)
        leg = self.engine.handle(packet, side, self.now)
        left: list[tuple[Side, bytes]] = []
        if leg is not None:
            assert leg.exit in (Arrival.INSIDE, Arrival.OUTSIDE)
            left.append((Side(leg.exit), packet.to_bytes()))
        return left + self.own()

    def own(self) -> list[tuple[Side, bytes]]:
        """What the appliance has to send by itself."""
        said = [(side, packet.to_bytes()) for side, packet in self.engine.outbox]
        self.engine.outbox.clear()
        return said

    def _only(self, left: list[tuple[Side, bytes]]) -> Seen | None:
        assert len(left) <= 1, left
        return Seen(left[0][1]) if left else None

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.tidy()

    def tidy(self) -> None:
        while (deadline := self.engine.next_deadline()) is not None and deadline <= self.now:
            self.engine.expire(self.now)
        self.said += self.own()

    def counters(self) -> dict[str, Any]:
        document = self.engine.show("counters", self.now)
        assert isinstance(document, dict)
        return document

    def drops(self, side: str = "") -> dict[str, int]:
        """Reasons and counts, of one wire or of both."""
        found = self.counters()["drops"]
        sides = [found[side]] if side else list(found.values())
        return dict(sum((Counter(each) for each in sides), Counter()))

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def audit(rig: Rig) -> None:
    """Invariants I-M1, I-M2, I-M4, I-M5, I-E1 and I-O1, of the tables as they stand."""
    table = rig.table
    _audit_flows(table)
    _audit_mappings(table)
    _audit_hosts(table)
    _audit_ports(table)
    _audit_expectations(table)
    _audit_timers(table)
    audit_books(rig)


def _audit_flows(table: Conntrack) -> None:
    assert sum(len(legs) for legs in table.legs) == 2 * len(table.flows)
    assert len(table.flows) <= table.high_water.marks.get("flows", 0)
    scope = table.behavior.filtering.scope
    for flow in table.flows.values():
        for leg in (flow.outbound, flow.inbound):
            assert table.legs[leg.arrival][leg.key] is leg
            assert leg.flow is flow
        assert flow in flow.mapping.permitted[scope(flow.remote)]
        assert flow.mapping in table.by_external[(flow.mapping.protocol, *flow.mapping.external)]
    assert sum(len(mapping.flows()) for mapping in _mappings(table)) == len(table.flows)


def _mappings(table: Conntrack) -> list[Any]:
    return [mapping for mappings in table.by_external.values() for mapping in mappings]


def _audit_mappings(table: Conntrack) -> None:
    existing = {id(mapping) for mapping in _mappings(table)}
    for mappings in table.by_external.values():
        assert mappings, "an empty list was left behind"
        if not table.behavior.overloading:
            assert len(mappings) == 1, mappings
    for key, mapping in table.mappings.items():
        assert id(mapping) in existing
        assert key in mapping.keys
    assert all(id(mapping) in existing for mapping in table.pinned.values())


def _audit_hosts(table: Conntrack) -> None:
    flows = Counter(flow.mapping.internal.address for flow in table.flows.values())
    waiting = Counter(
        flow.mapping.internal.address for flow in table.flows.values() if not flow.answered
    )
    doors = Counter(each.mapping.internal.address for each in table.expectations.values())
    for address, host in table.hosts.items():
        assert (host.flows, host.unanswered, host.expectations) == (
            flows[address], waiting[address], doors[address],
        )  # fmt: skip
        assert not host.is_idle, "a host with nothing in use was kept"
    assert set(flows) | set(doors) <= set(table.hosts)


def _audit_ports(table: Conntrack) -> None:
    for (protocol, address), pool in table.assignment.pools.items():
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
    doors = [door for mapping in _mappings(table) for door in mapping.expectations]
    by_parent = [door for doors in table.expectations.by_parent.values() for door in doors]
    assert {door.id for door in doors} == set(table.expectations)
    assert sorted(door.id for door in by_parent) == sorted(table.expectations)
    assert all(table.expectations.by_parent.values()), "a parent without doors was kept"


def _audit_timers(table: Conntrack) -> None:
    for flow in table.flows.values():
        assert flow.timer is not None
        assert flow.queued & flow.timer.bit
    for timer in table.deadlines.timers.values():
        entries = [entry[2] for entry in timer.heap]
        assert len({id(entry) for entry in entries}) == len(entries)
        assert timer.stale == sum(entry.timer is not timer for entry in entries)


def audit_books(rig: Rig) -> None:
    """Invariant I-O1: what was received went somewhere, once."""
    document = rig.counters()
    for side, wire in document["wires"].items():
        total = wire["forwarded"] + wire["consumed"] + wire["dropped"] + wire["held"]
        assert wire["received"] == total, (side, wire)
        assert wire["dropped"] == sum(document["drops"][side].values())
        assert wire["held"] >= 0


def audit_events(rig: Rig) -> None:
    """At the end, when all repeats have been told."""
    rig.wait(2.0)
    told: Counter[tuple[str, str]] = Counter()
    for event in rig.told(PacketDropped):
        told[event.side, event.reason] += event.count
    counted = {
        (side, reason): count
        for side, reasons in rig.counters()["drops"].items()
        for reason, count in reasons.items()
    }
    assert dict(told) == counted
