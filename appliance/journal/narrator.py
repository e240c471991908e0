"""Turns what the NAT tells its observer into events, and gives new flows their ALG slot.

An event has only numbers and texts in it, no record of the NAT: a record changes, and is freed with
its flow, but an event is read later, by another process, or from a file. An event that follows from
another one names it as its cause: the flow that opened a mapping, and all that a message opened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from appliance.journal.counters import WireCounters
from appliance.journal.drops import DropLog
from appliance.journal.events import (
    ExpectationClosed,
    ExpectationOpened,
    ExpectationUsed,
    FlowExpired,
    FlowOpened,
    MappingExpired,
    MappingOpened,
    MappingRefreshed,
)
from appliance.journal.log import EventLog
from nat.endpoint import PROTOCOL_NAMES, TCP, Endpoint
from nat.events import Observer
from nat.fragments import Gone
from nat.mapping import Expectation, Flow, Leg, Mapping, Why
from nat.patch import TwicePatch

REFRESHES_APART = 1.0  # seconds between two refresh events of a mapping


class Ends(TypedDict):
    """What every event says about the mapping it is about."""

    protocol: str
    internal: str
    external: str


def ends_of(mapping: Mapping) -> Ends:
    """By what events and `flush` know a mapping."""
    return {
        "protocol": PROTOCOL_NAMES[mapping.protocol],
        "internal": str(mapping.internal),
        "external": str(mapping.external),
    }


class Narrator(Observer):
    """Watches one NAT. `give_slot` gives a new leg the ALG that its packets are for; `drops` tells
    of dropped packets."""

    def __init__(
        self,
        log: EventLog,
        counters: tuple[WireCounters, WireCounters],
        drops: DropLog,
        give_slot: Callable[[Leg], None],
    ) -> None:
        self._log = log
        self._counters = counters
        self._drops = drops
        self._give_slot = give_slot
        self._opening: MappingOpened | None = None  # the last one
        self._refreshed: dict[int, float] = {}

    # These two are on the road of every new flow: written out, they take half the time.

    def mapping_opened(self, mapping: Mapping, now: float) -> None:
        event = MappingOpened(
            mapping=mapping.id,
            protocol=PROTOCOL_NAMES[mapping.protocol],
            internal=str(mapping.internal),
            external=str(mapping.external),
            opened_by=mapping.opened_by,
        )
        self._log.emit(event, now)
        self._opening = event

    def flow_opened(self, flow: Flow, now: float) -> None:
        mapping, slot, opening = flow.mapping, flow.outbound.slot, self._opening
        if opening is not None and opening.mapping != mapping.id:
            opening = None
        event = FlowOpened(
            flow=flow.id,
            mapping=mapping.id,
            protocol=PROTOCOL_NAMES[mapping.protocol],
            internal=opening.internal if opening else str(mapping.internal),
            external=opening.external if opening else str(mapping.external),
            remote=str(flow.remote),
            opened_by=flow.opened_by,
            alg=slot.name if slot else None,
        )
        if type(flow.outbound.patch) is TwicePatch:
            event.by_way_of = _halfway(flow.outbound.patch)
        self._log.emit(event, now, opening.id if opening else None)

    # --- all the others ----------------------------------------------------------------

    def mapping_refreshed(self, mapping: Mapping, last: float, now: float) -> None:
        if self._refreshed.get(mapping.id, -REFRESHES_APART) + REFRESHES_APART > now:
            return
        self._refreshed[mapping.id] = now
        since_zero = self._log.since_start(last)
        event = MappingRefreshed(mapping=mapping.id, **ends_of(mapping), last=since_zero)
        self._log.emit(event, now)

    def mapping_expired(self, mapping: Mapping, why: Why, now: float) -> None:
        self._refreshed.pop(mapping.id, None)
        event = MappingExpired(mapping=mapping.id, **ends_of(mapping), why=why)
        self._log.emit(event, now)

    def leg_made(self, leg: Leg) -> None:
        """No event: `flow_opened` follows, or the leg is for a single packet."""
        self._give_slot(leg)

    def flow_reopened(self, flow: Flow) -> None:
        """Its streams begin anew, with sequence numbers that have nothing to do with the old."""
        flow.outbound.slot = flow.inbound.slot = None
        self._give_slot(flow.outbound)

    def flow_expired(self, flow: Flow, why: Why, now: float) -> None:
        mapping = flow.mapping
        event = FlowExpired(
            flow=flow.id,
            mapping=mapping.id,
            **ends_of(mapping),
            remote=str(flow.remote),
            why=why,
            packets_out=flow.outbound.packets,
            packets_in=flow.inbound.packets,
            bytes_out=flow.outbound.bytes,
            bytes_in=flow.inbound.bytes,
        )
        self._log.emit(event, now)
        if mapping.protocol == TCP:  # what is kept of its streams goes with it
            flow.outbound.slot = flow.inbound.slot = None

    def expectation_opened(self, expectation: Expectation, now: float) -> None:
        event = ExpectationOpened(
            expectation=expectation.id,
            **ends_of(expectation.mapping),
            remote=None if expectation.remote is None else str(expectation.remote),
            parent=parent_text(expectation.parent),
            reason=expectation.reason,
            expires_in=expectation.deadline - now,
        )
        self._log.emit(event, now)

    def expectation_used(self, expectation: Expectation, remote: str, now: float) -> None:
        event = ExpectationUsed(
            expectation=expectation.id,
            **ends_of(expectation.mapping),
            remote=remote,
            parent=parent_text(expectation.parent),
        )
        self._log.emit(event, now)

    def expectation_closed(self, expectation: Expectation, why: Why, now: float) -> None:
        event = ExpectationClosed(
            expectation=expectation.id,
            **ends_of(expectation.mapping),
            parent=parent_text(expectation.parent),
            why=why,
            remote=None if expectation.remote is None else str(expectation.remote),
        )
        self._log.emit(event, now)

    def fragments_gone(self, gone: Gone, now: float) -> None:
        self._counters[gone.datagram.side].fragments_gone(gone.pieces, gone.drop)
        if gone.drop is not None:
            self._drops.add_fragments(gone, now)


def _halfway(patch: TwicePatch) -> str:
    first, _ = patch.stages
    return str(Endpoint(first.source, first.source_port))


def parent_text(parent: object) -> str:
    """How a parent is shown: ("call", "a84b4c76e667", …) as "call a84b4c76e667"."""
    if isinstance(parent, tuple):
        return " ".join(str(part) for part in parent[:2])
    return str(parent)
