"""Which flow gets which ALG: all slots of an appliance, by the ports that they look at.

What stands in a leg's `slot`:

    a UDP leg with a port of an ALG          the slot: each datagram is a message
    a TCP flow with such a port              a `Connection`, which cuts its streams into messages
    the same, but it turns back (hairpin)    nothing: cut segments would have to turn once more
    one whose remote sees inside addresses   nothing: there is nothing to translate
    any other                                a `Lookout` (lookout.py) for its first packets; then
                                             nothing, and the datapath asks no further
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from alg import registry
from alg.base import Alg
from appliance.gateway.connection import Connection
from appliance.gateway.lookout import Lookout
from appliance.gateway.slot import Slot
from appliance.gateway.workers.workshop import Workshop
from appliance.journal.events import AlgError
from appliance.journal.log import EventLog
from appliance.settings.table import Settings
from nat.conntrack import Conntrack
from nat.endpoint import TCP, UDP
from nat.mapping import Arrival, FlowLeg, Leg, OpenedBy
from nat.policy import Decide, Policy, UnknownPoint

INSIDE, HAIRPIN = Arrival.INSIDE, Arrival.HAIRPIN
UNTRANSLATED = OpenedBy.UNTRANSLATED
GLANCED_AT = (UDP, TCP)
SIMULATION_ONLY = frozenset(("untranslated",))
"""Decisions that no module may take on real wires: no packet with an internal source ever leaves
the outside one."""


class Slots(dict[str, Slot]):
    """A slot for each application of `alg.registry`. `is_real`: are there real wires? Modules of
    somebody's own are run in the `workshop` (None: one in virtual time). What nobody reads the
    `lookout` glances at, if there is one. Raises alg.registry.SpecError."""

    def __init__(
        self,
        settings: Settings,
        is_real: bool,
        workshop: Workshop | None = None,
        lookout: Lookout | None = None,
    ) -> None:
        super().__init__()
        self._is_real = is_real
        self._lookout = lookout
        for name, application in registry.APPLICATIONS.items():
            try:
                slot = self[name] = Slot(application, settings.section(f"alg.{name}"), workshop)
                self._check_decisions(slot.module)
            except registry.SpecError as error:
                raise registry.SpecError(f"alg.{name}.module: {error}") from error
        if workshop is not None:
            workshop.opens()
        self._by_port: dict[tuple[int, int], Slot] = {}
        self._foreign: list[Slot] = []
        self.settings_changed()

    # --- modules -----------------------------------------------------------------------

    def check(self, name: str, settings: Mapping[str, Any]) -> None:
        """Could the slot `name` have these settings? Raises SpecError."""
        self._check_decisions(self[name].prepare(settings))

    def _check_decisions(self, module: Alg) -> None:
        """Raises SpecError for a module that would decide what is not its own to decide."""
        try:
            Policy(module.decisions)
        except UnknownPoint as error:
            raise registry.SpecError(str(error)) from None
        if self._is_real and SIMULATION_ONLY & set(module.decisions):
            raise registry.SpecError(
                f"{module.name!r} would let packets out untranslated: in simulation only"
            )

    def policy(self, decided: Mapping[str, Decide]) -> Policy:
        """What the modules decide in the place of the NAT, but for what is `decided` already."""
        return Policy(*(slot.decisions() for slot in self.values()), decided)

    def look(self, log: EventLog, now: float) -> bool:
        """Look after modules of somebody's own, and tell what went wrong with them; True when they
        decide at other points than before. To be called at `next_look`, too often does no harm."""
        changed = [slot.look(now) for slot in self._foreign]
        for slot in self._foreign:
            for complaint in slot.complaints():
                log.emit(AlgError(alg=slot.name, module=slot.spec, error=complaint[:200]), now)
        return any(changed)

    def next_look(self) -> float:
        """When `look` has something to do; inf: never, as things are."""
        return min(slot.next_look for slot in self._foreign) if self._foreign else inf

    # --- flows -------------------------------------------------------------------------

    def settings_changed(self) -> bool:
        """Look at the settings again; True when other flows than before are looked at."""
        self._foreign = [slot for slot in self.values() if slot.is_foreign]
        before = self._by_port
        self._by_port = {port: slot for slot in self.values() for port in slot.ports()}
        self._looked_at = {port for _, port in self._by_port}
        return before != self._by_port

    def give(self, leg: Leg) -> None:
        """Give a leg that was just made the slot of its port, if there is one; the outbound leg of
        a flow has it together with the inbound one.

        A TCP flow gets a connection to hold its streams: it begins with the flow, at the SYN, or
        never (see `streams.py`). None that turns back (hairpin): its segments would have to turn
        once more after they were cut.
        """
        slot = self.slot_of(leg)
        if slot is None:
            is_read = leg.key[0] in GLANCED_AT and leg.exit is not HAIRPIN
            if is_read and isinstance(leg, FlowLeg) and leg.mapping.opened_by is not UNTRANSLATED:
                leg.slot = self._lookout
            return
        if leg.key[0] == UDP:
            leg.slot = slot
        elif isinstance(leg, FlowLeg) and leg.exit is not HAIRPIN:
            leg.slot = Connection(slot)
        if isinstance(leg, FlowLeg):
            leg.opposite.slot = leg.slot

    def slot_of(self, leg: Leg) -> Slot | None:
        """The slot whose port this leg has, if any. Who sees inside addresses needs no ALG."""
        protocol, _, _, source_port, destination_port = leg.key
        remote_port = destination_port if leg.arrival is INSIDE else source_port
        internal_port = leg.mapping.internal.port
        looked_at = self._looked_at
        if remote_port not in looked_at and internal_port not in looked_at:
            return None  # nearly always
        if leg.mapping.opened_by is UNTRANSLATED:
            return None
        by_port = self._by_port
        return by_port.get((protocol, remote_port)) or by_port.get((protocol, internal_port))

    def give_anew(self, table: Conntrack) -> Iterator[None]:
        """After other ports are looked at: give each UDP flow its slot, one at each step."""
        for flow in list(table.flows.values()):
            if not flow.is_over and flow.mapping.protocol == UDP:
                flow.outbound.slot = flow.inbound.slot = self.slot_of(flow.outbound)
            yield

    def choose_timers(self, slot: Slot, table: Conntrack) -> Iterator[None]:
        """After another module stands in a slot: how long signalling keeps its mapping is the new
        one's to say, from its next message on. A flow at each step."""
        for flow in list(table.flows.values()):
            if not flow.is_over and flow.outbound.slot is slot:
                table.keep(flow, None)
            yield
