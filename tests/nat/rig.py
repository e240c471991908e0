"""An engine as the loop drives it, with the books open: what came, what left, what was said.

`audit` looks at everything that must be true of the tables at every moment; it knows the tables'
insides on purpose, because a leak or a stale entry is not visible from outside until too late.
"""

from __future__ import annotations

import os
import random
import weakref
from collections import Counter
from socket import AF_UNIX, SOCK_DGRAM, socketpair
from struct import Struct, unpack_from
from typing import Any

from appliance.engine import Engine
from appliance.journal.events import Event, PacketDropped
from appliance.journal.log import EventLog
from appliance.settings import files as config
from appliance.wires.wire import DescriptorWire
from nat.conntrack import Conntrack
from nat.endpoint import Side
from nat.mapping import Arrival
from nat.packet import MAXIMUM_LENGTH, Packet
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

    def send(
        self, side: Side, data: bytes, segment_size: int = 0, partial: bool = False
    ) -> list[tuple[Side, bytes]]:
        """`segment_size` makes it a super-packet, whose checksum is `partial` like those that a
        local program leaves to the kernel."""
        packet = self._arrive(side, data, segment_size, partial or bool(segment_size))
        leg = self.engine.handle(packet, side, self.now)
        left: list[tuple[Side, bytes]] = []
        if leg is not None:
            assert leg.exit in (Arrival.INSIDE, Arrival.OUTSIDE)
            left.append((Side(leg.exit), self._leave(Side(leg.exit), packet)))
        return left + self.own()

    def own(self) -> list[tuple[Side, bytes]]:
        """What the appliance has to send by itself."""
        said = [(side, self._leave(side, packet)) for side, packet in self.engine.outbox]
        self.engine.outbox.clear()
        return said

    def _arrive(self, side: Side, data: bytes, segment_size: int, partial: bool) -> Packet:
        return Packet(bytearray(data + JUNK), len(data), partial, segment_size)

    def _leave(self, side: Side, packet: Packet) -> bytes:
        return packet.to_bytes()

    def _only(self, left: list[tuple[Side, bytes]]) -> Seen | None:
        assert len(left) <= 1, left
        return Seen(left[0][1]) if left else None

    def close(self) -> None:
        """Give back what it has of the machine."""

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


class WiredRig(Rig):
    """The same engine behind real wires: each packet comes in the one buffer of its wire, behind a
    virtio header and before the rubbish of all packets that came earlier, and what leaves is what
    the kernel would read, whose header must be true."""

    def __init__(self, **changed: Any) -> None:
        super().__init__(**changed)
        self.headers: list[bytes] = []  # of all that left
        pairs = [socketpair(AF_UNIX, SOCK_DGRAM) for _ in Side]
        near, self._far = ([end.detach() for end in ends] for ends in zip(*pairs, strict=True))
        for descriptor in (*near, *self._far):
            os.set_blocking(descriptor, False)
        self._closers = [
            weakref.finalize(self, os.close, descriptor) for descriptor in (*near, *self._far)
        ]
        self._wires = [
            DescriptorWire(near[side], str(side), framed=True)
            for side in (Side.INSIDE, Side.OUTSIDE)
        ]
        for side, wire in zip(Side, self._wires, strict=True):
            os.write(self._far[side], bytes(HEADER_SIZE) + b"\xa5" * MAXIMUM_LENGTH)
            assert wire.receive() is not None

    def _arrive(self, side: Side, data: bytes, segment_size: int, partial: bool) -> Packet:
        header = kernel_header(data, segment_size) if partial else bytes(HEADER_SIZE)
        os.write(self._far[side], header + data)
        packet = self._wires[side].receive()
        assert packet is not None
        assert (packet.to_bytes(), packet.partial) == (data, partial)
        return packet

    def close(self) -> None:
        for close in self._closers:
            close()

    def _leave(self, side: Side, packet: Packet) -> bytes:
        assert self._wires[side].send(packet)
        framed = os.read(self._far[side], HEADER_SIZE + MAXIMUM_LENGTH + 1)
        header, data = framed[:HEADER_SIZE], framed[HEADER_SIZE:]
        self.headers.append(header)
        assert_header_is_true(header, data, packet)
        return data


# flags, GSO type, header length, segment size, where the sum starts, where in there it stands
VIRTIO = Struct("=BBHHHH")
HEADER_SIZE = VIRTIO.size
SUM_STANDS_AT = {6: 16, 17: 6}
GSO_TYPE = {6: 1, 17: 5}


def kernel_header(data: bytes, segment_size: int) -> bytes:
    """What the kernel writes before a TCP or UDP packet whose checksum it would complete."""
    data = data + bytes(80)
    start, protocol = (data[0] & 15) * 4, data[9]
    at = SUM_STANDS_AT.get(protocol, 6)
    if not segment_size:
        return VIRTIO.pack(1, 0, 0, 0, start, at)
    headers = start + ((data[start + 12] >> 4) * 4 if protocol == 6 else 8)
    return VIRTIO.pack(1, GSO_TYPE.get(protocol, 5), headers, segment_size, start, at)


def assert_header_is_true(header: bytes, data: bytes, packet: Packet) -> None:
    """Does the header that leaves with a packet speak of this packet?"""
    if not packet.partial:
        assert header == bytes(HEADER_SIZE), header.hex()
        return
    assert unpack_from("!H", data, 2)[0] == len(data)
    assert not unpack_from("!H", data, 6)[0] & 0x3FFF, "a fragment has nothing to complete"
    assert header == kernel_header(data, packet.segment_size), header.hex()


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
    for timer in table.deadlines.timers.values():
        seen: dict[int, float] = {}
        for refreshed, id_, flow in timer.heap:
            if flow.timer is timer:
                seen[id_] = min(refreshed, seen.get(id_, refreshed))
        standing = [flow for flow in table.flows.values() if flow.timer is timer]
        assert all(seen[flow.id] <= flow.refreshed for flow in standing), "looked at too late"
        assert set(seen) == {flow.id for flow in standing}
        assert timer.stale == len(timer.heap) - len(standing)
    assert all(flow.timer is not None for flow in table.flows.values())


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
