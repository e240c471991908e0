"""The appliance without its wires: a NAT, its ALG slots, its settings and its event log.

Whoever owns a clock and something to carry packets (the loop, the simulation, a test) makes an
Engine and calls `handle`, `next_deadline` and `expire`. Everything the outside may ask of a running
appliance (`show`, `set`, `flush`) is here as well.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from alg import registry
from appliance.control import filters
from appliance.datapath import Datapath
from appliance.gateway.slot import Slot
from appliance.gateway.slots import Slots
from appliance.journal.counters import WireCounters
from appliance.journal.drops import DropLog
from appliance.journal.events import SettingChanged
from appliance.journal.log import EventLog
from appliance.journal.narrator import Narrator, ends_of, parent_text
from appliance.journal.tap import Points
from appliance.settings import rfc
from appliance.settings.behavior import behavior_of
from appliance.settings.table import SettingError, Settings
from nat.behavior import Behavior
from nat.endpoint import Side
from nat.mapping import Expectation, Flow, Why
from nat.mapping import Mapping as NatMapping
from nat.packet import Packet
from nat.policy import Policy
from nat.translator import Nat

AT_ONCE = 250
"""Flows looked at between two packets, after a setting was changed."""


class Engine:
    """One appliance. `log` is its event log; `rng` decides random ports (None: the system's)."""

    def __init__(
        self,
        settings: Settings,
        name: str,
        mode: str,
        log: EventLog,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.name = name
        self.mode = mode
        self.log = log
        self._rng = rng or random.SystemRandom()
        counters = (WireCounters(), WireCounters())
        drops = DropLog(log)
        self.slots = Slots(settings, is_real=mode != "simulation")
        narrator = Narrator(log, counters, drops, self.slots.give)
        behavior, policy = self._behavior()
        self.nat = Nat(behavior, narrator, policy)
        self.datapath = Datapath(self.nat, counters, drops, log)
        self.handle = self.datapath.handle
        self.outbox = self.nat.outbox
        self.points = Points(self.datapath.taps, log)
        self._work: deque[Iterator[None]] = deque()

    # --- settings ----------------------------------------------------------------------

    def _behavior(self) -> tuple[Behavior, Policy]:
        """What the settings ask of the NAT, and what modules decide in its place."""
        policy = self.slots.policy()
        return policy.behavior(behavior_of(self.settings, self._rng)), policy

    def set(self, key: str, value: Any, who: str, now: float) -> None:
        """Change a setting; flows that exist follow at once. Raises SettingError, and then
        nothing has changed."""
        section, _, word = key.rpartition(".")
        for name in self.slots:
            if section == f"alg.{name}" and word in ("module", "faults"):
                self._check_spec(name, {word: Settings.parse(key, value)})
        old = self.settings.values.get(key, self.settings.values.get(section))
        new = self.settings.change(key, value, "set")
        if old == new:
            return
        for name, slot in self.slots.items():
            if key.startswith(f"alg.{name}."):
                self._configure(slot, word)
        self.nat.change(*self._behavior(), now)
        self.datapath.settings_changed()
        self.log.emit(SettingChanged(key=key, old=old, new=new, who=who), now)

    def _configure(self, slot: Slot, word: str) -> None:
        slot.configure(self.settings.section(f"alg.{slot.name}"))
        if self.slots.ports_changed():
            self._work.append(self.slots.give_anew(self.nat.table))
        if word in ("module", "faults", "timeout"):
            self._work.append(self.slots.choose_timers(slot, self.nat.table))
        self._proceed()

    def _proceed(self) -> None:
        """Look at some more of the flows that follow a changed setting."""
        for _ in range(AT_ONCE):
            if not self._work:
                return
            if next(self._work[0], self) is self:  # the end
                self._work.popleft()

    def _check_spec(self, name: str, changed: Mapping[str, Any]) -> None:
        try:
            self.slots.check(name, {**self.settings.section(f"alg.{name}"), **changed})
        except registry.SpecError as error:
            raise SettingError(str(error)) from None

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When `expire` has something to do, on the clock of `now`."""
        if self._work:
            return 0.0  # at once
        deadlines = (self.nat.next_deadline(), self.datapath.drops.next_deadline())
        return min((each for each in deadlines if each is not None), default=None)

    def expire(self, now: float) -> None:
        """Forget what is over. Bounded work; call again while the next deadline is past."""
        self._proceed()
        self.nat.expire(now)
        self.datapath.drops.flush(now)

    def not_sent(self, packet: Packet, side: Side, now: float) -> None:
        """The wire did not take what `handle` answered (`side`: where the packet had come from)."""
        self.datapath.not_sent(packet, side, now)

    # --- questions and commands --------------------------------------------------------

    def flush(
        self,
        now: float,
        protocol: str | None = None,
        internal: str | None = None,
        external: str | None = None,
    ) -> int:
        """Forget the flows that fit, chosen as in `show flows`; answers how many. Raises ValueError
        for what is no protocol or no end (see `filters.within`)."""
        chosen = {"protocol": protocol, "internal": internal, "external": external}
        given = {name: each for name, each in chosen.items() if each is not None}
        fits = filters.wanted("flows", given)
        doomed = [flow for flow in self.nat.table.flows.values() if fits(ends_of(flow.mapping))]
        for flow in doomed:
            for expectation in list(flow.mapping.expectations):
                self.nat.table.expectations.close(expectation, Why.FLUSHED, now)
            self.nat.table.close_flow(flow, Why.FLUSHED, now)
        return len(doomed)

    def show(self, what: str, now: float) -> object:
        """One of the contract's documents, JSON-able. Raises KeyError for an unknown `what`.

        Long lists come as an iterator over records, so that whoever sends them can pause.
        """
        table = self.nat.table
        documents: dict[str, Any] = {
            "flows": lambda: self._flows(now),
            "mappings": lambda: self._mappings(now),
            "calls": self._calls,
            "expectations": lambda: [
                _expectation(each, now)
                for each in table.expectations.values()
                if each.deadline > now
            ],
            "counters": lambda: self._counters(now),
            "rfc": lambda: rfc.report(self.settings),
            "settings": lambda: {
                key: {"value": value, "origin": self.settings.origins[key]}
                for key, value in self.settings.values.items()
            },
        }
        return documents[what]()

    def _calls(self) -> list[dict[str, object]]:
        followers = [slot.follower for slot in self.slots.values() if slot.follower]
        return [call for follower in followers for call in follower.document(self.log.zero)]

    def _flows(self, now: float) -> Iterator[dict[str, object]]:
        for flow in list(self.nat.table.flows.values()):
            if flow.is_alive(now):
                yield _flow(flow, now)

    def _mappings(self, now: float) -> Iterator[dict[str, object]]:
        for mappings in list(self.nat.table.mappings.by_external.values()):
            for mapping in mappings:
                until = _lives_until(mapping)
                if until > now:
                    yield _mapping(mapping, until, now)

    def _counters(self, now: float) -> dict[str, object]:
        table = self.nat.table
        inside, outside = self.datapath.counters
        return {
            "wires": {
                name: {**counters.document(), "own": self.nat.own_icmp.sent[side]}
                for side, (name, counters) in enumerate((("inside", inside), ("outside", outside)))
            },
            "drops": {
                name: {drop.reason: count for drop, count in counters.drops.items()}
                for name, counters in (("inside", inside), ("outside", outside))
            },
            "flows": {
                "now": len(table.flows),
                "high_water": table.high_water.marks.get("flows", 0),
                "limit": self.nat.behavior.limits.flows,
            },
            "limits": self._limits(now),
            "alg": {name: dict(slot.counters) for name, slot in self.slots.items()},
        }

    def _limits(self, now: float) -> dict[str, dict[str, int]]:
        """Each limit of state: in use now, at most so far, allowed (0: no limit)."""
        nat = self.nat
        kept = (nat.table, nat.table.mappings.assignment, nat.reassembler)
        marks = {limit: mark for each in kept for limit, mark in each.high_water.marks.items()}
        return {
            name: {
                "now": used,
                "high_water": marks.get(name, 0),
                "limit": getattr(nat.behavior.limits, name),
            }
            for name, used in nat.usage(now).items()
        }


def _flow(flow: Flow, now: float) -> dict[str, object]:
    slot = flow.outbound.slot
    return {
        "id": flow.id,
        **ends_of(flow.mapping),
        "remote": str(flow.remote),
        "state": flow.state,
        "expires_in": round(flow.expires_at() - now, 3),
        "opened_by": flow.opened_by,
        "alg": slot.name if slot else None,
        "packets_out": flow.outbound.packets,
        "packets_in": flow.inbound.packets,
        "bytes_out": flow.outbound.bytes,
        "bytes_in": flow.inbound.bytes,
        "mapping": flow.mapping.id,
    }


def _lives_until(mapping: NatMapping) -> float:
    """On the clock of `now`; what is closed has no time left, a forward no end of its own."""
    if mapping.owned:
        return inf
    ends = [mapping.held_until]
    ends += [flow.expires_at() for flow in mapping.flows()]
    ends += [expectation.deadline for expectation in mapping.expectations]
    return max(ends)


def _mapping(mapping: NatMapping, until: float, now: float) -> dict[str, object]:
    """`expires_in` is null for what has no end of its own (a forward)."""
    return {
        "id": mapping.id,
        **ends_of(mapping),
        "flows": sum(flow.is_alive(now) for flow in mapping.flows()),
        "expires_in": None if until == inf else round(until - now, 3),
        "opened_by": mapping.opened_by,
    }


def _expectation(expectation: Expectation, now: float) -> dict[str, object]:
    mapping = expectation.mapping
    return {
        "id": expectation.id,
        **ends_of(mapping),
        "remote": None if expectation.remote is None else str(expectation.remote),
        "parent": parent_text(expectation.parent),
        "reason": expectation.reason,
        "expires_in": round(expectation.deadline - now, 3),
    }
