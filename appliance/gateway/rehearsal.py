"""Running dry: what a module that only watches would have been given, without giving it.

The correct module runs beside any other, so that the screen can say what was missed. It must get
the answers that it would get if it were active: the NAT's mappings where there are some, and else
the port that the NAT would choose next (`Mappings.preview`). What it would have opened is written
into a ledger, because later messages refer to it: the registrar repeats the Contact that the module
would have announced.

    the active module   REGISTER, Contact: 192.168.20.100:5060      (it is off)
    the rehearsal       ledger: 192.168.20.100:5060 <-> 203.0.113.1:5060, until 32 s from now
    the answer          Contact: 192.168.20.100:5060                 nothing to restore, and so on

When a module is put out of the slot during a call, the rehearsal alone sees the end of that call,
and closes what is left of it.

An entry of the ledger ends when what it stands for would have ended, and a host has so many: who
writes more loses its own oldest. When all together have too many, the host with the most does.
"""

from __future__ import annotations

import random
from collections import Counter, OrderedDict
from collections.abc import Container, Hashable
from dataclasses import dataclass, field
from math import inf

from alg.base import Unavailable
from appliance.gateway.context import ANNOUNCED, FULL, Tables
from nat.assignment import Draft
from nat.conntrack import Conntrack
from nat.drop import Drop
from nat.endpoint import UDP, Endpoint
from nat.mapping import Leg, Terms, Why

MOST_OF_A_HOST = 512
"""Entries: as many expectations as one host may have by default."""
MOST = 4096
"""Entries of all hosts, likewise. (Each may be a port that a search has to step over.)"""

Internal = tuple[int, Endpoint]
"""(protocol, internal endpoint)"""


@dataclass(slots=True)
class Entry:
    """A mapping that there would be; `until` is in seconds on the clock of `now`. `expected` are
    the remotes that each parent would let in to it. `instead_of` is the number of a real one whose
    place it would take, or that would be held open."""

    protocol: int
    internal: Endpoint
    external: Endpoint
    until: float
    instead_of: int = 0
    expected: dict[Hashable, set[Endpoint | None]] = field(default_factory=dict)

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

    `expected` counts what would be let in, by host, for the limits.
    """

    def __init__(self) -> None:
        self._by_internal: dict[Internal, Entry] = {}
        self._by_external: dict[tuple[int, int], dict[int, Entry]] = {}
        self._of_host: dict[int, OrderedDict[Internal, Entry]] = {}
        self._by_parent: dict[Hashable, dict[Internal, Entry]] = {}
        self.expected: Counter[int] = Counter()
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

    def hold(self, entry: Entry, parent: Hashable, remote: Endpoint | None, until: float) -> None:
        """`parent` lets `remote` in by the entry, until this time at least."""
        entry.until = max(entry.until, until)
        remotes = entry.expected.setdefault(parent, set())
        if remote not in remotes:
            remotes.add(remote)
            self.expected[entry.internal.address] += 1
        self._by_parent.setdefault(parent, {})[entry.key] = entry

    def let_go(self, entry: Entry, parent: Hashable) -> None:
        """`parent` needs the entry no more; an entry without parents is taken out."""
        self._forget_parent(entry, parent)
        if not entry.expected and self._by_internal.get(entry.key) is entry:
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
        for parent in list(entry.expected):
            self._forget_parent(entry, parent)

    def _forget_parent(self, entry: Entry, parent: Hashable) -> None:
        host = entry.internal.address
        self.expected[host] -= len(entry.expected.pop(parent, ()))
        if not self.expected[host]:
            del self.expected[host]
        held = self._by_parent.get(parent, {})
        if held.pop(entry.key, None) is not None and not held:
            del self._by_parent[parent]


class Rehearsal(Tables):
    """The ground of a module that only watches: reads what `Tables` reads, and writes into the
    ledger. What was written for a message that fails is taken out again."""

    def __init__(
        self, table: Conntrack, leg: Leg, now: float, ledger: Ledger, module: object = None
    ) -> None:
        """`module` is the one that is active."""
        super().__init__(table, leg, now, module)
        self._ledger = ledger
        self._draft = Draft(ledger.taken, self._given, ledger.rng)
        self._added: list[Entry] = []
        self._asked_for: set[Internal] = set()
        self._closed: list[tuple[Hashable, Endpoint | None]] = []

    def external_of(self, protocol: int, internal: Endpoint) -> Endpoint | None:
        return self._given(protocol, internal) or super().external_of(protocol, internal)

    def _given(self, protocol: int, internal: Endpoint) -> Endpoint | None:
        """What the ledger has given to an internal endpoint, unless a real mapping has been made
        since: the ledger only says what would have been."""
        entry = self._ledger.find(protocol, internal, self._now)
        real = self._mappings.lasting(protocol, internal)
        if entry is None or (real is not None and real.id != entry.instead_of):
            return None
        return entry.external

    def internal_of(self, protocol: int, external: Endpoint) -> Endpoint | None:
        real = super().internal_of(protocol, external)
        return real or self._ledger.internal_of(protocol, external, self._now)

    def pin(self, protocol: int, internal: Endpoint) -> Endpoint | Drop:
        self._asked_for.add((protocol, internal))
        given = self._given(protocol, internal)
        if given is not None:
            return given
        chosen = self._mappings.preview(protocol, internal, self._now, self._draft)
        if isinstance(chosen, Endpoint):
            self._write(protocol, internal, chosen)
        return chosen

    def pin_pair(self, internal: Endpoint) -> Endpoint | Drop:
        second = internal._replace(port=internal.port + 1)
        pair = self._mappings.preview_pair(internal, self._now, self._draft)
        if isinstance(pair, Drop):
            return self._given_apart(internal) or pair
        for each, external in zip((internal, second), pair, strict=True):
            self._asked_for.add((UDP, each))
            if self._given(UDP, each) != external:
                self._write(UDP, each, external)
        return pair[0]

    def _given_apart(self, internal: Endpoint) -> Endpoint | None:
        """What there is of a pair in a NAT that keeps none (`rtcp_port` in `nat/policy.py`): that
        is its own fault, and nothing is wrong with a message that names the port of RTP."""
        real = self._mappings.lasting(UDP, internal)
        keeps_pairs = "rtcp_port" not in self._table.policy.others
        return None if real is None or keeps_pairs else real.external

    def _write(self, protocol: int, internal: Endpoint, external: Endpoint) -> None:
        """Note what the NAT would have done; nothing where it has done so already."""
        real = self._mappings.lasting(protocol, internal)
        if real is None or real.external != external:
            instead_of = real.id if real else 0
            entry = Entry(protocol, internal, external, self._now + ANNOUNCED, instead_of)
            self._ledger.add(entry, self._now)
            self._added.append(entry)

    def expect(
        self,
        protocol: int,
        internal: Endpoint,
        remote: Endpoint | None,
        parent: Hashable,
        reason: str,
        terms: Terms,
    ) -> None:
        lasting = self._mappings.lasting(protocol, internal)
        if lasting and self._table.expectations.find(lasting, remote, parent):
            return  # the active module has opened it, or one before
        known = self._ledger.find(protocol, internal, self._now)
        entry = known or self._as_it_stands(protocol, internal)
        if self._is_too_many(entry, remote, parent):
            raise Unavailable(FULL)
        if known is None and lasting is not None:
            self._ledger.add(entry, self._now)
            self._added.append(entry)
        if known or lasting:
            # Nobody sends to what was not opened: so it is silent from now on.
            seconds = min(terms.lifetime, inf if terms.silence is None else terms.silence)
            self._ledger.hold(entry, parent, remote, self._now + seconds)

    def _as_it_stands(self, protocol: int, internal: Endpoint) -> Entry:
        """A real mapping that would be held open, the message's own or one that would be pinned.
        Raises Unavailable when there is none, as live."""
        mapping = self._mappings.lasting(protocol, internal)
        if mapping is None or (protocol, internal) not in self._asked_for:
            mapping = self._mapping_to_hold(protocol, internal)
        return Entry(protocol, internal, mapping.external, self._now, mapping.id)

    def _is_too_many(self, entry: Entry, remote: Endpoint | None, parent: Hashable) -> bool:
        """Would a limit forbid one more, with those that there are really?"""
        if remote in entry.expected.get(parent, ()):
            return False
        ledger, expectations, internal = self._ledger, self._table.expectations, entry.internal
        limits = self._table.behavior.limits
        held = {each.internal for each in ledger.held_by(parent, self._now)}
        held |= {each.mapping.internal for each in expectations.by_parent.get(parent, ())}
        host = self._table.hosts.get(internal.address)
        of_host = ledger.expected[internal.address] + (host.expectations if host else 0)
        return (
            len(held | {internal}) > limits.expectations_per_parent
            or of_host >= limits.expectations_per_host
            or ledger.expected.total() + len(expectations) >= limits.expectations
        )

    def close(self, parent: Hashable, internal: Endpoint | None) -> None:
        self._closed.append((parent, internal))

    def commit(self) -> None:
        for parent, internal in self._closed:
            for entry in self._ledger.held_by(parent, self._now):
                if internal in (None, entry.internal):
                    self._ledger.let_go(entry, parent)
            self._close_what_is_left(parent, internal)

    def _close_what_is_left(self, parent: Hashable, internal: Endpoint | None) -> None:
        """The one thing that watching does: what a module has opened that stands in the slot no
        more, nobody else would close when the call ends. What the active one has opened is its own
        to close, or (a fault) to forget."""
        expectations = self._table.expectations
        for each in list(expectations.by_parent.get(parent, ())):
            if internal in (None, each.mapping.internal) and each.asked_by is not self._module:
                expectations.close(each, Why.CLOSED, self._now)

    def rollback(self) -> None:
        for entry in self._added:
            if self._ledger.find(*entry.key, self._now) is entry:
                self._ledger.remove(entry)
