"""A NAT as small as an ALG can tell: for tests, for `alg diff`, for the pages of the manual.

`MemoryContext` opens the same doors as the running NAT (`alg.base.AlgContext`) over a few
dictionaries: it preserves ports where it can, keeps RTP pairs together, and writes down every
expectation. One context stands for one packet; `facing` makes the next one over the same tables,
so that a dialog is a handful of contexts. What one message asked for can be undone by `rollback`,
exactly as the datapath does when a module fails.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alg.base import Unavailable
from nat.endpoint import Direction, Endpoint

DEFAULT_SETTINGS: Mapping[str, Any] = {
    "media_peers": "signalling",
    "received": "hide",
    "timeout": "auto",
}
"""What `[alg.sip]` says when nobody says anything, as far as a module reads it."""

EXPECTATIONS_PER_PARENT = 8
PORTS = range(1024, 65536)


@dataclass(frozen=True, slots=True)
class Expectation:
    """A door that an ALG asked to be held open. Lifetimes are seconds from the request on."""

    transport: str
    internal: Endpoint
    external: Endpoint
    remote: Endpoint | None
    parent: Hashable
    reason: str
    lifetime: float
    used_lifetime: float | None


@dataclass(slots=True)
class MemoryTables:
    """What outlives a message. Mappings answer "where does the world see this endpoint?",
    `internals` the question the other way round."""

    mappings: dict[tuple[str, Endpoint], Endpoint] = field(default_factory=dict)
    internals: dict[tuple[str, Endpoint], Endpoint] = field(default_factory=dict)
    expectations: list[Expectation] = field(default_factory=list)
    memory: dict[Hashable, Any] = field(default_factory=dict)
    kept: float | None = None

    def add(self, transport: str, internal: Endpoint, external: Endpoint) -> None:
        self.mappings[transport, internal] = external
        self.internals[transport, external] = internal

    def copy(self) -> MemoryTables:
        return MemoryTables(
            dict(self.mappings),
            dict(self.internals),
            list(self.expectations),
            dict(self.memory),
            self.kept,
        )


@dataclass(slots=True)
class MemoryContext:
    """An AlgContext over dictionaries: an empty NAT that knows the flow which carries the message
    and, for UDP and TCP alike, the mappings preset as `presets` (internal to external)."""

    direction: Direction
    internal: Endpoint
    external: Endpoint
    remote: Endpoint
    transport: str = "udp"
    settings: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULT_SETTINGS))
    presets: Mapping[Endpoint, Endpoint] = field(default_factory=dict)
    tables: MemoryTables = field(default_factory=MemoryTables)
    _before: MemoryTables = field(init=False)

    def __post_init__(self) -> None:
        for internal, external in self.presets.items():
            self.tables.add("udp", internal, external)
            self.tables.add("tcp", internal, external)
        self.tables.add(self.transport, self.internal, self.external)
        self.commit()

    def facing(self, direction: Direction, remote: Endpoint | None = None) -> MemoryContext:
        """The context of the next packet of this host, over the same tables."""
        return replace(self, direction=direction, remote=remote or self.remote, presets={})

    @property
    def expectations(self) -> list[Expectation]:
        """Those open now, in the order of opening."""
        return self.tables.expectations

    @property
    def kept(self) -> float | None:
        """Seconds that the signalling flow was last asked to be kept for."""
        return self.tables.kept

    def commit(self) -> None:
        self._before = self.tables.copy()

    def rollback(self) -> None:
        """Undo everything since the last `commit`, also for other contexts over these tables."""
        for name in ("mappings", "internals", "expectations", "memory", "kept"):
            setattr(self.tables, name, getattr(self._before, name))
        self.commit()

    def external_of(self, internal: Endpoint, transport: str = "udp") -> Endpoint | None:
        return self.tables.mappings.get((transport, internal))

    def internal_of(self, external: Endpoint, transport: str = "udp") -> Endpoint | None:
        return self.tables.internals.get((transport, external))

    def is_external_address(self, address: int) -> bool:
        return any(external.address == address for _, external in self.tables.internals)

    def map(self, internal: Endpoint, transport: str = "udp") -> Endpoint:
        found = self.external_of(internal, transport)
        if found:
            return found
        for port in self._candidates(internal.port, step=1):
            if self._free(transport, port):
                return self._open(transport, internal, port)
        raise Unavailable("no external port is free")

    def map_pair(self, internal: Endpoint) -> Endpoint:
        above = Endpoint(internal.address, internal.port + 1)
        rtp, rtcp = self.external_of(internal), self.external_of(above)
        if rtp and rtcp == Endpoint(rtp.address, rtp.port + 1):
            return rtp
        if rtp and rtcp is None and self._free("udp", rtp.port + 1):
            self._open("udp", above, rtp.port + 1)
            return rtp
        if rtp or rtcp or above.port > PORTS[-1]:
            raise Unavailable(f"{internal} and the port above it cannot be a pair")
        for port in self._candidates(internal.port, step=2):
            if self._free("udp", port) and self._free("udp", port + 1):
                self._open("udp", above, port + 1)
                return self._open("udp", internal, port)
        raise Unavailable("no pair of external ports is free")

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
        external = self.external_of(internal, transport)
        if internal.address != self.internal.address:
            raise Unavailable(f"{internal} is not a port of the host that sent the message")
        if external is None:
            raise Unavailable(f"{internal} has no mapping")
        asked = Expectation(
            transport, internal, external, remote, parent, reason, lifetime, used_lifetime
        )
        others = [known for known in self.expectations if not _same_door(known, asked)]
        siblings = {known.internal for known in others if known.parent == parent} | {internal}
        if len(siblings) > EXPECTATIONS_PER_PARENT:
            raise Unavailable(f"{EXPECTATIONS_PER_PARENT} expectations are open for it already")
        self.tables.expectations = [*others, asked]

    def close(self, parent: Hashable, internal: Endpoint | None = None) -> None:
        self.tables.expectations = [
            known
            for known in self.expectations
            if known.parent != parent or internal not in (None, known.internal)
        ]

    def keep(self, seconds: float) -> None:
        self.tables.kept = seconds

    def remember(self, key: Hashable, value: Any, lifetime: float) -> None:
        self.tables.memory[key] = value

    def recall(self, key: Hashable) -> Any:
        return self.tables.memory.get(key)

    def forget(self, key: Hashable) -> None:
        self.tables.memory.pop(key, None)

    def _candidates(self, preferred: int, step: int) -> list[int]:
        """Ports to try: the same, then upwards with a wrap, `step` 2 keeping the parity."""
        lowest = PORTS[0] + (preferred - PORTS[0]) % step
        pool = list(range(lowest, PORTS[-1] + 2 - step, step))
        start = pool.index(preferred) if preferred in pool else 0
        return pool[start:] + pool[:start]

    def _free(self, transport: str, port: int) -> bool:
        taken = (transport, Endpoint(self.external.address, port)) in self.tables.internals
        return port in PORTS and not taken

    def _open(self, transport: str, internal: Endpoint, port: int) -> Endpoint:
        external = Endpoint(self.external.address, port)
        self.tables.add(transport, internal, external)
        return external


def _same_door(one: Expectation, other: Expectation) -> bool:
    return (one.transport, one.internal, one.remote, one.parent) == (
        other.transport,
        other.internal,
        other.remote,
        other.parent,
    )
