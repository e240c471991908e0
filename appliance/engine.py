"""The appliance without its wires: a NAT, its ALG slots, its settings and its event log.

What owns a clock and something to carry packets (the loop, the simulation, a test) makes an Engine
and calls `handle`, `next_deadline` and `expire`. What a running appliance may be told to do (`set`,
`flush`) is here as well; what it answers to `show` is in the control room.

What a changed setting goes through, in this order:

    Settings.change            is the value possible? does it agree with all others?
    Slot.configure             the settings of an ALG: another module, other ports, other faults
    Nat.change                 what the NAT is to do from the next packet on (`nat/changes.py`)
    Datapath.settings_changed  how narrow the wires are
    log.emit                   an event says who changed what

What must look at every flow is done in slices between packets, here (which ALG a flow has, how long
it may be silent for that) as in the NAT.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from alg import registry
from appliance.datapath import Datapath
from appliance.gateway.conversations import Conversations
from appliance.gateway.lookout import Hints, Lookout
from appliance.gateway.slot import Slot
from appliance.gateway.slots import Slots
from appliance.gateway.workers.nursery import Nursery
from appliance.gateway.workers.workshop import Workshop
from appliance.journal.counters import AskUse, WireCounters
from appliance.journal.drops import DropLog
from appliance.journal.events import SettingChanged
from appliance.journal.log import SMALL, EventLog
from appliance.journal.narrator import Narrator, ends_of
from appliance.journal.tap import Points
from appliance.journal.weight import weight_of
from appliance.settings.behavior import behavior_of
from appliance.settings.table import SettingError, Settings
from appliance.wires.statistics import KernelDrops
from nat.behavior import Behavior
from nat.endpoint import Side
from nat.mapping import Why
from nat.packet import Packet
from nat.policy import Decide, Policy
from nat.translator import Nat

KernelDropsNow = Callable[[], KernelDrops | None]
AT_ONCE = 250
"""Flows looked at between two packets, after a setting was changed."""


class Flushed(NamedTuple):
    """How much was forgotten on request."""

    flushed: int
    """Flows."""
    expectations: int


class Engine:
    """One appliance. `mode` is "appliance" or "simulation", `log` its event log; `rng` decides
    random ports (None: the system's); `nursery` starts the processes of somebody's own modules
    (None: the one that all share). What is `decided` already, at points of `nat/policy.py`, is no
    module's to decide.

    Others put here what is theirs to tell in `show counters`: `kernel_drops`, for each side what
    the kernel has dropped at its wire, and `kept`, what they keep."""

    def __init__(
        self,
        settings: Settings,
        name: str,
        mode: str,
        log: EventLog,
        rng: random.Random | None = None,
        nursery: Nursery | None = None,
        decided: Mapping[str, Decide] | None = None,
    ) -> None:
        self.settings = settings
        self.name = name
        self.mode = mode
        self.log = log
        self._rng = rng or random.SystemRandom()
        self._decided = decided or {}
        counters = (WireCounters(), WireCounters())
        drops = DropLog(log, registry.message_name)
        workshop = Workshop(nursery, is_live=mode == "appliance")
        self.hints = Hints(registry.SIGNS, settings, log)
        self.slots = Slots(settings, mode != "simulation", workshop, Lookout(self.hints))
        narrator = Narrator(log, counters, drops, self.slots.give)
        behavior, policy = self._behavior()
        self.nat = Nat(behavior, narrator, policy)
        is_live = mode != "simulation"
        self.conversations = Conversations(self.slots, log, self.nat.table, is_live)
        self.datapath = Datapath(self.nat, counters, drops, log, self.hints)
        self.handle = self.datapath.handle
        self.begin_turn = self.datapath.turns.begin
        self.outbox = self.nat.outbox
        self.points = Points(self.datapath.taps, log)
        self.kept: dict[str, AskUse] = {}
        self.kernel_drops: dict[str, KernelDropsNow] = {}
        self._work: deque[tuple[str, Iterator[None]]] = deque()
        self._bound_memory()

    # --- settings ----------------------------------------------------------------------

    def _behavior(self) -> tuple[Behavior, Policy]:
        """What the settings ask of the NAT, and what modules decide in its place."""
        policy = self.slots.policy(self._decided)
        return policy.behavior(behavior_of(self.settings, self._rng)), policy

    def set(self, key: str, value: Any, who: str, now: float) -> None:
        """Change a setting; flows that exist follow at once. Raises SettingError, and then
        nothing has changed."""
        section, _, word = key.rpartition(".")
        for name in self.slots:
            if section == f"alg.{name}" and word in ("module", "faults"):
                self._check_spec(name, {word: Settings.parse(key, value)})
        old = self.settings.written(self.settings.name_of(key))
        new = self.settings.change(key, value, "set")
        if old == new:
            return
        for name, slot in self.slots.items():
            if key.startswith(f"alg.{name}."):
                self._configure(slot, word)
        self.nat.change(*self._behavior(), now)
        self.datapath.settings_changed()
        self._bound_memory()
        event = SettingChanged(key=key, old=old, new=new, who=who)
        self.log.emit(event, now, size=SMALL + weight_of(event))

    def _bound_memory(self) -> None:
        """How many bytes may be kept of events, and of what modules remember."""
        self.log.keep_at_most(self.settings["memory.events"])
        for slot in self.slots.values():
            slot.bounds.most = self.settings["memory.modules"]
            slot.bounds.of_a_host = self.settings["memory.modules_per_host"]

    def _configure(self, slot: Slot, word: str) -> None:
        """The setting `word` of an ALG has changed."""
        slot.configure(self.settings.section(f"alg.{slot.name}"))
        if self.slots.settings_changed():
            self._add_work("slots", self.slots.give_anew(self.nat.table))
        if word in ("module", "faults", "timeout"):
            self._add_work(slot.name, self.slots.choose_timers(slot, self.nat.table))
        self._proceed()

    def _add_work(self, what: str, steps: Iterator[None]) -> None:
        """Look at all flows, later. What waits already and has not begun will find the new
        setting: so settings that are changed in a loop leave no more to do than once or twice."""
        if what not in [waiting for waiting, _ in islice(self._work, 1, None)]:
            self._work.append((what, steps))

    def _proceed(self) -> None:
        """Look at some more of the flows that follow a changed setting."""
        for _ in range(AT_ONCE):
            if not self._work:
                return
            if next(self._work[0][1], self) is self:  # the end
                self._work.popleft()

    def _check_spec(self, name: str, changed: Mapping[str, Any]) -> None:
        """Could the slot `name` have these settings? Raises SettingError."""
        try:
            self.slots.check(name, {**self.settings.section(f"alg.{name}"), **changed})
        except registry.SpecError as error:
            raise SettingError(str(error)) from None

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When `expire` has something to do, on the clock of `now`; inf: never, as things are."""
        if self._work:
            return 0.0  # at once
        return min(
            self.nat.next_deadline(),
            self.datapath.turns.next_deadline(),
            self.datapath.streams.next_deadline(),
            self.datapath.drops.next_deadline(),
            self.conversations.next_deadline(),
            self.slots.next_look(),
        )

    def expire(self, now: float) -> None:
        """Forget what is over. Bounded work; call again while the next deadline is past."""
        self._proceed()
        waiting = len(self.outbox)
        self.nat.expire(now)
        self.datapath.turns.proceed(now)
        self.datapath.streams.expire(now)
        self.datapath.show_sent(waiting, None, now)
        self.datapath.drops.flush(now)
        self.conversations.expire(now)
        if self.slots.look(self.log, now):
            self.nat.change(*self._behavior(), now)

    def not_sent(self, packet: Packet, side: Side, now: float) -> None:
        """The wire did not take what `handle` answered (`side`: where the packet had come from)."""
        self.datapath.not_sent(packet, side, now)

    def own_not_sent(self, packet: Packet, now: float) -> None:
        """The wire did not take a packet of the outbox."""
        self.datapath.own_not_sent(packet, now)

    # --- questions and commands --------------------------------------------------------

    def flush(self, now: float, fits: Callable[[Mapping[str, Any]], bool] | None = None) -> Flushed:
        """Forget the flows whose ends (as `ends_of` tells them) fit, or all, and what an ALG
        expects at their mappings."""
        flows = list(self.nat.table.flows.values())
        # Expectations go first: they would keep the mapping of a flow open.
        doomed = [flow for flow in flows if fits is None or fits(ends_of(flow.mapping))]
        before = len(self.nat.table.expectations)
        for flow in doomed:
            for expectation in list(flow.mapping.expectations):
                self.nat.table.expectations.close(expectation, Why.FLUSHED, now)
            self.nat.table.close_flow(flow, Why.FLUSHED, now)
        return Flushed(len(doomed), before - len(self.nat.table.expectations))
