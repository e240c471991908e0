"""The doors of `alg.base.AlgContext` into the running NAT, as a transaction.

What a module asks for is granted at once, because it must write the answer into the message, and
undone when the module raises or its edits are refused. Closing, forgetting and remembering wait
for the commit.

`DryContext` is for a module that only watches: it reads the real mappings first, answers the rest
from a ledger of what it would have opened, and touches nothing.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from alg.base import Unavailable
from nat.conntrack import Conntrack
from nat.drop import Drop
from nat.endpoint import PROTOCOL_NUMBERS, UDP, Direction, Endpoint
from nat.expectation import Expectation
from nat.mapping import Leg
from nat.mapping import Mapping as NatMapping

ANNOUNCED = 32.0
"""Seconds that a mapping lives which a message has announced and nothing uses yet: as long as a SIP
transaction may take to be answered (RFC 3261 17.1.1.2, 64 * T1)."""

REMEMBERED = 10_000
LONGEST = 365 * 86400.0
"""Seconds: nothing that a module asks for lasts longer."""
LOWEST_PORT = 1024
"""Invariant I-E2: no door to a system port of an inside host."""


class Memory:
    """What a module asked to be remembered, the oldest first to go. Lifetimes in seconds."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, tuple[Any, float]] = OrderedDict()

    def recall(self, key: Hashable, now: float) -> Any:
        value, deadline = self._values.get(key, (None, 0.0))
        return value if deadline > now else None

    def remember(self, key: Hashable, value: Any, deadline: float) -> None:
        self._values[key] = (value, deadline)
        self._values.move_to_end(key)
        while len(self._values) > REMEMBERED:
            self._values.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        self._values.pop(key, None)


_FORGOTTEN = object()


class _Context:
    """What both contexts share: where the message is, and a memory written at the commit."""

    def __init__(
        self,
        table: Conntrack,
        leg: Leg,
        memory: Memory,
        settings: Mapping[str, Any],
        now: float,
    ) -> None:
        mapping = leg.mapping
        assert mapping is not None
        self.direction = leg.direction
        self.internal = mapping.internal
        self.external = mapping.external
        _, source, destination, source_port, destination_port = leg.key
        outward = leg.direction is Direction.OUT
        self.remote = (
            Endpoint(destination, destination_port) if outward else Endpoint(source, source_port)
        )
        self.transport = "udp" if leg.key[0] == UDP else "tcp"
        self.settings = settings
        self._table = table
        self._leg = leg
        self._mapping = mapping
        self._memory = memory
        self._now = now
        self._written: dict[Hashable, tuple[Any, float]] = {}

    def is_external_address(self, address: int) -> bool:
        return address in self._table.owned

    def internal_of(self, external: Endpoint, transport: str = "udp") -> Endpoint | None:
        if external == self.external and transport == self.transport:
            return self.internal
        protocol = PROTOCOL_NUMBERS[transport]
        for mapping in self._table.mappings_at(protocol, external):
            return mapping.internal
        return self._table.static_internal(external)

    def _real_external_of(self, internal: Endpoint, transport: str) -> Endpoint | None:
        if internal == self.internal and transport == self.transport:
            return self.external
        protocol = PROTOCOL_NUMBERS[transport]
        mapping = self._table.mapping_for(protocol, internal, self.remote)
        if mapping is not None:
            return mapping.external
        return self._table.static_external(internal)

    def recall(self, key: Hashable) -> Any:
        if key in self._written:
            value = self._written[key][0]
            return None if value is _FORGOTTEN else value
        return self._memory.recall(key, self._now)

    def remember(self, key: Hashable, value: Any, lifetime: float) -> None:
        self._written[key] = (value, self._now + lifetime)

    def forget(self, key: Hashable) -> None:
        self._written[key] = (_FORGOTTEN, 0.0)

    def commit_memory(self) -> None:
        for key, (value, deadline) in self._written.items():
            if value is _FORGOTTEN:
                self._memory.forget(key)
            else:
                self._memory.remember(key, value, deadline)

    def _must_be_own(self, internal: Endpoint) -> None:
        """Invariant I-E2: nothing is ever opened for another host than the one that speaks."""
        if internal.address != self.internal.address:
            raise Unavailable(f"{internal} is not an endpoint of the host that sent the message")


def _check_lifetime(seconds: float | None) -> None:
    """Raises ValueError for what is no time to wait (NaN compares with nothing)."""
    if seconds is not None and not 0 <= seconds <= LONGEST:
        raise ValueError(f"{seconds!r} is not a lifetime in seconds")


def _check_ends(internal: Endpoint, remote: Endpoint | None, parent: Hashable) -> None:
    """What a module hands over is kept and used later, where nobody expects it to fail. Raises
    TypeError or ValueError."""
    hash(parent)
    if remote is not None and not isinstance(remote, Endpoint):
        raise TypeError(f"{remote!r} is not an endpoint")
    if internal.port < LOWEST_PORT:
        raise Unavailable(f"{internal} is a system port")


class LiveContext(_Context):
    """The doors into the tables."""

    def __init__(
        self,
        table: Conntrack,
        leg: Leg,
        memory: Memory,
        settings: Mapping[str, Any],
        now: float,
    ) -> None:
        super().__init__(table, leg, memory, settings, now)
        self._doors = table.expectations
        self._pinned: list[NatMapping] = []
        self._newly_pinned: list[tuple[NatMapping, NatMapping | None]] = []
        self._opened: list[Expectation] = []
        self._renewed: list[tuple[Expectation, float, float | None]] = []
        self._doomed: dict[int, Expectation] = {}
        self.kept: float | None = None

    def external_of(self, internal: Endpoint, transport: str = "udp") -> Endpoint | None:
        return self._real_external_of(internal, transport)

    def map(self, internal: Endpoint, transport: str = "udp") -> Endpoint:
        self._must_be_own(internal)
        if internal == self.internal and transport == self.transport:
            return self.external
        before = dict(self._pins_of(transport, internal))
        pinned = self._table.pin(PROTOCOL_NUMBERS[transport], internal, self._now)
        if isinstance(pinned, Drop):
            raise Unavailable(pinned.sentence)
        self._note_pins([pinned], before)
        return pinned.external

    def _pins_of(self, transport: str, *internals: Endpoint) -> Mapping[Endpoint, NatMapping]:
        """Which of these endpoints are pinned already."""
        protocol = PROTOCOL_NUMBERS[transport]
        known = {each: self._table.pinned.get((protocol, each)) for each in internals}
        return {each: mapping for each, mapping in known.items() if mapping is not None}

    def _note_pins(
        self, pinned: Sequence[NatMapping], before: Mapping[Endpoint, NatMapping]
    ) -> None:
        self._pinned += pinned
        self._newly_pinned += [
            (mapping, before.get(mapping.internal))
            for mapping in pinned
            if before.get(mapping.internal) is not mapping
        ]

    def map_pair(self, internal: Endpoint) -> Endpoint:
        self._must_be_own(internal)
        before = dict(self._pins_of("udp", internal, Endpoint(internal.address, internal.port + 1)))
        pair = self._table.pin_pair(internal, self._now)
        if isinstance(pair, Drop):
            raise Unavailable(pair.sentence)
        self._note_pins(pair, before)
        return pair[0].external

    def expect(
        self,
        internal: Endpoint,
        remote: Endpoint | None,
        *,
        transport: str = "udp",
        parent: Hashable,
        reason: str,
        lifetime: float,
        used_lifetime: float | None = None,
    ) -> None:
        self._must_be_own(internal)
        _check_ends(internal, remote, parent)
        _check_lifetime(lifetime)
        _check_lifetime(used_lifetime)
        mapping = self._mapping_to_hold(internal, transport)
        known = self._doors.find(mapping, remote, parent)
        if known is not None:
            self._renewed.append((known, known.deadline, known.used_lifetime))
        door = self._doors.open(mapping, remote, parent, reason, lifetime, used_lifetime, self._now)
        if door is None:
            raise Unavailable("this inside host has all the expectations it may have")
        self._doomed.pop(door.id, None)
        if known is None:
            self._opened.append(door)

    def _mapping_to_hold(self, internal: Endpoint, transport: str) -> NatMapping:
        if internal == self.internal and transport == self.transport and self._mapping.id:
            return self._mapping
        mapping = self._table.pinned.get((PROTOCOL_NUMBERS[transport], internal))
        if mapping is None:
            raise Unavailable(f"{internal} has no mapping to hold open")
        return mapping

    def close(self, parent: Hashable, internal: Endpoint | None = None) -> None:
        for door in self._doors.by_parent.get(parent, ()):
            if internal is None or door.mapping.internal == internal:
                self._doomed[door.id] = door

    def keep(self, seconds: float) -> None:
        _check_lifetime(seconds)
        self.kept = seconds

    def commit(self) -> None:
        """The edits were accepted: everything asked for becomes permanent."""
        self.commit_memory()
        for door in self._doomed.values():
            self._doors.close(door, "closed", self._now)
        for mapping in self._pinned:
            if not mapping.is_needed(self._now):
                self._table.hold(mapping, self._now + ANNOUNCED)
        flow = self._leg.flow
        if flow is not None and (self.transport == "udp" or self._outlasts_tcp()):
            self._table.keep(flow, self.kept)

    def _outlasts_tcp(self) -> bool:
        """An established connection is kept for hours anyway (RFC 5382 REQ-5); never shorten it."""
        usual = self._table.behavior.timeouts.tcp_established
        return self.kept is not None and self.kept > usual

    def rollback(self) -> None:
        """Nothing was asked for."""
        for door in self._opened:
            self._doors.close(door, "rolled back", self._now)
        for renewed, deadline, used_lifetime in reversed(self._renewed):
            if renewed.id in self._doors:
                self._doors.set_deadline(renewed, deadline, used_lifetime)
        for mapping, pinned_before in self._newly_pinned:
            self._table.unpin(mapping, pinned_before, self._now)


class Ledger:
    """What a watching module would have opened: internal endpoints and the external ones it would
    have announced. Bounded like everything else that traffic can fill."""

    def __init__(self) -> None:
        self.externals: OrderedDict[tuple[str, Endpoint], Endpoint] = OrderedDict()
        self.rng = random.Random(0)  # not the NAT's: watching must not change what it draws

    def add(self, transport: str, internal: Endpoint, external: Endpoint) -> None:
        self.externals[transport, internal] = external
        while len(self.externals) > REMEMBERED:
            self.externals.popitem(last=False)


class DryContext(_Context):
    """The doors painted on the wall."""

    def __init__(
        self,
        table: Conntrack,
        leg: Leg,
        memory: Memory,
        settings: Mapping[str, Any],
        now: float,
        ledger: Ledger,
    ) -> None:
        super().__init__(table, leg, memory, settings, now)
        self._ledger = ledger

    def external_of(self, internal: Endpoint, transport: str = "udp") -> Endpoint | None:
        real = self._real_external_of(internal, transport)
        return real or self._ledger.externals.get((transport, internal))

    def internal_of(self, external: Endpoint, transport: str = "udp") -> Endpoint | None:
        real = super().internal_of(external, transport)
        if real is not None:
            return real
        for (kind, internal), known in self._ledger.externals.items():
            if known == external and kind == transport:
                return internal
        return None

    def map(self, internal: Endpoint, transport: str = "udp") -> Endpoint:
        self._must_be_own(internal)
        known = self.external_of(internal, transport)
        return known or self._predict(transport, internal, pair=False)

    def map_pair(self, internal: Endpoint) -> Endpoint:
        self._must_be_own(internal)
        second = Endpoint(internal.address, internal.port + 1)
        known, above = self.external_of(internal), self.external_of(second)
        if known and above and above.port == known.port + 1:
            return known
        external = self._predict("udp", internal, pair=True)
        self._ledger.add("udp", second, Endpoint(external.address, external.port + 1))
        return external

    def _predict(self, transport: str, internal: Endpoint, pair: bool) -> Endpoint:
        """What the NAT would answer now, if what stands in the ledger were real."""
        table = self._table
        protocol = PROTOCOL_NUMBERS[transport]
        address = table.external_address_of(internal)
        pool = table.assignment.pool(protocol, address).copy()
        for (kind, _), external in self._ledger.externals.items():
            if kind == transport and external.address == address:
                pool.take(external.port)
        policy = table.behavior.ports
        if pair:
            port = pool.choose_pair(internal, policy, self._ledger.rng)
        else:
            port = pool.choose(internal, policy, table.behavior.parity, self._ledger.rng)
        if port is None:
            raise Unavailable(Drop.NO_PORT.sentence)
        external = Endpoint(address, port)
        self._ledger.add(transport, internal, external)
        return external

    def expect(self, internal: Endpoint, *_: Any, **__: Any) -> None:
        """Opens nothing, so the endpoint is all that is looked at."""
        self._must_be_own(internal)

    def close(self, parent: Hashable, internal: Endpoint | None = None) -> None: ...

    def keep(self, seconds: float) -> None: ...
