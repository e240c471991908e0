"""Running dry: what a module that only watches would have been given, without giving it.

The correct module runs beside any other, so that the screen can say what was missed. It must get
the answers that it would get if it were active: the NAT's mappings where there are some, and else
the port that the NAT would choose next (`Mappings.preview`). What it would have opened is written
into a ledger, because later messages refer to it: the registrar repeats the Contact that the module
would have announced.

    the active module   REGISTER, Contact: 192.168.20.100:5060      (it is off)
    the rehearsal       ledger: 192.168.20.100:5060 <-> 203.0.113.1:5060, until 32 s from now
    the answer          Contact: 192.168.20.100:5060                 nothing to restore, and so on

An entry of the ledger ends when what it stands for would have ended, and a host has so many: who
writes more loses its own oldest. When all together have too many, the host with the most does.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Container, Hashable
from dataclasses import dataclass, field

from alg.base import Unavailable
from appliance.gateway.context import ANNOUNCED, FULL, Tables
from nat.assignment import Draft
from nat.conntrack import Conntrack
from nat.drop import Drop
from nat.endpoint import UDP, Endpoint
from nat.mapping import Leg

MOST_OF_A_HOST = 512
"""Entries: as many expectations as one host may have by default."""
MOST = 4096
"""Entries of all hosts, likewise. (Each may be a port that a search has to step over.)"""

Internal = tuple[int, Endpoint]
"""(protocol, internal endpoint)"""


@dataclass(slots=True)
class Entry:
    """A mapping that there would be, held open by what `parents` belong to; `until` is in seconds
    on the clock of `now`."""

    protocol: int
    internal: Endpoint
    external: Endpoint
    until: float
    parents: set[Hashable] = field(default_factory=set)

    @property
    def key(self) -> Internal:
        return self.protocol, self.internal


class Ledger:
    """What a watching module would have opened. Every question takes the time, and sees nothing
    that is over by then.

    The same entries stand in four tables, one for each question:

        which external endpoint has this internal one?    _by_internal
        which internal endpoint has this external one?    _by_external, and which ports are taken
        which entry of a host is its oldest?              _of_host
        which end with this call or registration?         _by_parent
    """

    def __init__(self) -> None:
        self._by_internal: dict[Internal, Entry] = {}
        self._by_external: dict[tuple[int, int], dict[int, Entry]] = {}
        self._of_host: dict[int, OrderedDict[Internal, Entry]] = {}
        self._by_parent: dict[Hashable, dict[Internal, Entry]] = {}
        self.rng = random.Random(0)  # not the NAT's: watching must not change what it draws

    def __len__(self) -> int:
        return len(self._by_internal)

    def find(self, protocol: int, internal: Endpoint, now: float) -> Entry | None:
        """The entry of an internal endpoint."""
        entry = self._by_internal.get((protocol, internal))
        if entry is not None and entry.until <= now:
            self.remove(entry)
            return None
        return entry

    def internal_of(self, protocol: int, external: Endpoint, now: float) -> Endpoint | None:
        """The inside endpoint that would have this external one."""
        entry = self._by_external.get((protocol, external.address), {}).get(external.port)
        return entry.internal if entry is not None and entry.until > now else None

    def taken(self, protocol: int, address: int) -> Container[int]:
        """The ports of an external address that would be in use."""
        return self._by_external.get((protocol, address), ())

    def held_by(self, parent: Hashable, now: float) -> list[Entry]:
        """What would be held open for a call or registration."""
        entries = list(self._by_parent.get(parent, {}).values())
        return [entry for entry in entries if self.find(*entry.key, now) is entry]

    def add(self, entry: Entry, now: float) -> None:
        """Write an entry in, if need be in the place of the host's oldest."""
        self.forget_old(entry.internal.address, now)
        if entry.key in self._by_internal:
            self.remove(self._by_internal[entry.key])
        external = entry.external
        self._by_internal[entry.key] = entry
        self._of_host.setdefault(entry.internal.address, OrderedDict())[entry.key] = entry
        ports = self._by_external.setdefault((entry.protocol, external.address), {})
        ports[external.port] = entry

    def forget_old(self, host: int, now: float) -> None:
        """Make room for one more entry of an inside host: its oldest go that are over, or that are
        too many; and the oldest of the host with the most, if all have too many."""
        mine = self._of_host.get(host)
        while mine:
            oldest = next(iter(mine.values()))
            if oldest.until > now and len(mine) < MOST_OF_A_HOST:
                break
            self.remove(oldest)
        while len(self) >= MOST:
            richest = max(self._of_host.values(), key=len)
            self.remove(next(iter(richest.values())))

    def hold(self, entry: Entry, parent: Hashable, until: float) -> None:
        """`parent` needs the entry, until this time at least."""
        entry.until = max(entry.until, until)
        entry.parents.add(parent)
        self._by_parent.setdefault(parent, {})[entry.key] = entry

    def let_go(self, entry: Entry, parent: Hashable) -> None:
        """`parent` needs the entry no more; an entry without parents is taken out."""
        entry.parents.discard(parent)
        self._forget_parent(entry, parent)
        if not entry.parents and self._by_internal.get(entry.key) is entry:
            self.remove(entry)

    def remove(self, entry: Entry) -> None:
        """Take an entry out of all four tables."""
        del self._by_internal[entry.key]
        place = (entry.protocol, entry.external.address)
        ports = self._by_external[place]
        if ports.get(entry.external.port) is entry:
            del ports[entry.external.port]
            if not ports:
                del self._by_external[place]
        mine = self._of_host[entry.internal.address]
        del mine[entry.key]
        if not mine:
            del self._of_host[entry.internal.address]
        for parent in entry.parents:
            self._forget_parent(entry, parent)

    def _forget_parent(self, entry: Entry, parent: Hashable) -> None:
        held = self._by_parent.get(parent, {})
        if held.pop(entry.key, None) is not None and not held:
            del self._by_parent[parent]


class Rehearsal(Tables):
    """The ground of a module that only watches: reads what `Tables` reads, and writes into the
    ledger. What was written for a message that fails is taken out again."""

    def __init__(self, table: Conntrack, leg: Leg, now: float, ledger: Ledger) -> None:
        super().__init__(table, leg, now)
        self._ledger = ledger
        self._draft = Draft(ledger.taken, ledger.rng)
        self._added: list[Entry] = []
        self._closed: list[tuple[Hashable, Endpoint | None]] = []

    def external_of(self, protocol: int, internal: Endpoint) -> Endpoint | None:
        real = super().external_of(protocol, internal)
        if real is not None:
            return real
        entry = self._ledger.find(protocol, internal, self._now)
        return entry.external if entry else None

    def internal_of(self, protocol: int, external: Endpoint) -> Endpoint | None:
        real = super().internal_of(protocol, external)
        return real or self._ledger.internal_of(protocol, external, self._now)

    def pin(self, protocol: int, internal: Endpoint) -> Endpoint | Drop:
        entry = self._ledger.find(protocol, internal, self._now)
        # A real mapping that was made since wins: the ledger only says what would have been.
        if entry is not None and self._mappings.lasting(protocol, internal) is None:
            return entry.external
        chosen = self._mappings.preview(protocol, internal, self._now, self._draft)
        if isinstance(chosen, Endpoint):
            self._write(protocol, internal, chosen)
        return chosen

    def pin_pair(self, internal: Endpoint) -> Endpoint | Drop:
        second = internal._replace(port=internal.port + 1)
        """What the ledger has given out is given out again: a repeated message must read the same.
        """
        known = self._ledger.find(UDP, internal, self._now)
        above = self._ledger.find(UDP, second, self._now)
        is_pair = known and above and above.external.port == known.external.port + 1
        if known and is_pair and self._mappings.lasting(UDP, internal) is None:
            return known.external
        pair = self._mappings.preview_pair(internal, self._now, self._draft)
        if isinstance(pair, Drop):
            return pair
        for each, external in zip((internal, second), pair, strict=True):
            self._write(UDP, each, external)
        return pair[0]

    def _write(self, protocol: int, internal: Endpoint, external: Endpoint) -> None:
        """Note what the NAT would have done; nothing where it has done so already."""
        real = self._mappings.lasting(protocol, internal)
        if real is None or real.external != external:
            entry = Entry(protocol, internal, external, self._now + ANNOUNCED)
            self._ledger.add(entry, self._now)
            self._added.append(entry)

    def expect(
        self,
        protocol: int,
        internal: Endpoint,
        remote: Endpoint | None,
        parent: Hashable,
        reason: str,
        lifetime: float,
        used_lifetime: float | None,
    ) -> None:
        entry = self._ledger.find(protocol, internal, self._now)
        if entry is None:
            self._mapping_to_hold(protocol, internal)  # raises when there is none, as live
        held = {each.internal for each in self._ledger.held_by(parent, self._now)}
        held |= {
            each.mapping.internal for each in self._table.expectations.by_parent.get(parent, ())
        }
        if len(held | {internal}) > self._table.behavior.limits.expectations_per_parent:
            raise Unavailable(FULL)
        if entry is not None:
            self._ledger.hold(entry, parent, self._now + lifetime)

    def close(self, parent: Hashable, internal: Endpoint | None) -> None:
        self._closed.append((parent, internal))

    def commit(self) -> None:
        for parent, internal in self._closed:
            for entry in self._ledger.held_by(parent, self._now):
                if internal in (None, entry.internal):
                    self._ledger.let_go(entry, parent)

    def rollback(self) -> None:
        for entry in self._added:
            if self._ledger.find(*entry.key, self._now) is entry:
                self._ledger.remove(entry)
