"""Looking at single packets, at the four points of their way through the box.

             ①               ②           ③                ④
    wire ─ arrived ─ sound? translated ─ translated ─ ALG, ─ left ─ wire
                     whole?    in           out      MTU

① as the wire gave it; ② as it goes into translation: checked, and whole again if it was fragments;
③ as it comes out of translation; ④ as it is handed to a wire: after an ALG, cut to size. A packet
that turns back (hairpin) passes ② and ③ twice; one that goes no further says why at the last point
it came to, and what the appliance answers by itself is shown as its own.

Nobody looks, nothing is paid: `Points.begin` steps between the loop and the datapath, and beside
the translation; `end` steps back. Of a flood only so many packets a second are shown, and how many
were not is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from appliance.datapath import EXIT_SIDES, Datapath
from appliance.journal.events import Difference, PacketSeen
from appliance.journal.log import EventLog
from nat.endpoint import PROTOCOL_NAMES, TCP, UDP, Side, address_text
from nat.mapping import Arrival, Leg
from nat.packet import CHECKSUM_OFFSET, MINIMUM_TRANSPORT, Packet
from nat.translator import SIDES, Verdict

PACKETS_PER_SECOND = 500
HEAD = 64
"""Bytes of a packet that are shown as they are: its headers."""

Show = Callable[[PacketSeen], None]


class Handling(Protocol):
    """What is needed of `appliance.engine.Engine`."""

    handle: Callable[[Packet, Side, float], Leg | None]


class Points:
    """Shows the packets of one datapath, dated as the events of `log` are."""

    def __init__(self, engine: Handling, datapath: Datapath, log: EventLog) -> None:
        self._engine = engine
        self._datapath = datapath
        self._log = log
        self._show: Show = lambda seen: None
        self._number = 0
        self._way: list[PacketSeen] | None = None  # of the packet under way; None: not looked at
        self._last: Packet | None = None  # as it was at the last point
        self._patch: _PatchSeen | None = None
        self._second = 0.0
        self._shown = 0
        self._skipped = 0

    def begin(self, show: Show) -> None:
        """From now on packets are handed to `show`, once for each point."""
        self._show = show
        self._engine.handle = self.handle
        self._datapath.translate_by(self._translate)

    def end(self) -> None:
        """Nobody looks any more."""
        self._engine.handle = self._datapath.handle
        self._datapath.translate_by(self._datapath.nat.translate)

    def handle(self, packet: Packet, side: Side, now: float) -> Leg | None:
        """`Datapath.handle`, looked at."""
        self._number += 1
        if not self._has_time_for_one_more(now):
            self._skipped += 1
            return self._datapath.handle(packet, side, now)
        outbox = self._datapath.nat.outbox
        waiting, books = len(outbox), self._books(side)
        self._way, self._last = [], None
        way = self._way
        self._look("arrived", side, packet, now)
        leg = self._datapath.handle(packet, side, now)
        if self._patch is not None:
            self._patch.step_aside()
        if leg is not None:
            self._look("left", EXIT_SIDES[leg.exit], packet, now, leg)
        else:
            way[-1].end = next(iter(self._books(side) - books), None)
            is_own = way[-1].end is not None
            for exit_side, sent in outbox[waiting:]:
                self._look("left", exit_side, sent, now, own=is_own)
        self._way = None
        for seen in way:
            self._show(seen)
        return leg

    def _translate(self, packet: Packet, arrival: Arrival, now: float) -> Verdict:
        """`Nat.translate`, looked at; and so is what the datapath does with its answer."""
        verdict = self._datapath.nat.translate(packet, arrival, now)
        if self._way is not None and isinstance(verdict, Leg):
            self._look("translated-in", SIDES[arrival], packet, now, verdict)
            self._patch = _PatchSeen(
                verdict, lambda out: self._look_at_translated(out, verdict, now)
            )
        return verdict

    def _look_at_translated(self, packet: Packet, leg: Leg, now: float) -> None:
        self._look("translated-out", EXIT_SIDES[leg.exit], packet, now, leg)

    def _has_time_for_one_more(self, now: float) -> bool:
        if now - self._second >= 1.0:
            self._second, self._shown = now, 0
        self._shown += 1
        return self._shown <= PACKETS_PER_SECOND

    def _books(self, side: Side) -> Counter[str]:
        """What became of the packets of a wire that went no further, by the reason. (A fragment
        that was held is consumed when its datagram goes on: no end of anything.)"""
        counters = self._datapath.counters[side]
        reasons = {drop.reason: count for drop, count in counters.drops.items()}
        kept = counters.held + counters.consumed
        return Counter({**reasons, "held": counters.held, "consumed": kept})

    def _look(
        self,
        point: str,
        side: Side,
        packet: Packet,
        now: float,
        leg: Leg | None = None,
        own: bool = False,
    ) -> None:
        assert self._way is not None
        before, current = self._last, packet.copy()
        is_readable = current.check() is None
        facts = _facts(current) if is_readable else {}
        changes = [] if own or before is None or not is_readable else _differences(before, current)
        flow = leg.flow if leg is not None else None
        self._way.append(
            PacketSeen(
                t=self._log.since_start(now),
                packet=self._number,
                point=point,
                side=str(side),
                protocol=facts.get("protocol", ""),
                source=facts.get("source", ""),
                destination=facts.get("destination", ""),
                ttl=current.ttl if is_readable else None,
                size=packet.length,
                segments=packet.segments if is_readable else 1,
                flow=flow.id if flow is not None else None,
                changes=changes,
                own=own,
                skipped=self._skipped,
                head=bytes(packet.buffer[: min(packet.length, HEAD)]).decode("latin-1"),
            )
        )
        self._skipped = 0
        if is_readable and point != "left":
            self._last = current


class _PatchSeen:
    """Stands in the place of a leg's patch for one packet: applies it, and then lets it be seen."""

    def __init__(self, leg: Leg, look: Callable[[Packet], None]) -> None:
        self._leg = leg
        self._patch = leg.patch
        self._look = look
        leg.patch = self

    def apply(self, packet: Packet) -> None:
        self.step_aside()
        self._patch.apply(packet)
        self._look(packet)

    def step_aside(self) -> None:
        """Also when the packet did not come so far."""
        if self._leg.patch is self:
            self._leg.patch = self._patch


def _facts(packet: Packet) -> dict[str, str]:
    """What of a packet can change on its way, as text."""
    protocol = packet.protocol
    facts = {
        "protocol": PROTOCOL_NAMES.get(protocol, str(protocol)),
        "source": address_text(packet.source_address),
        "destination": address_text(packet.destination_address),
        "TTL": str(packet.ttl),
    }
    start = packet.header_length
    if packet.is_fragment or packet.length < start + MINIMUM_TRANSPORT.get(protocol, 65536):
        return facts
    if protocol in (TCP, UDP):
        source, destination = packet.ports
        facts["source"] += f":{source}"
        facts["destination"] += f":{destination}"
    if protocol in CHECKSUM_OFFSET:
        facts["checksum"] = f"0x{packet.transport_checksum:04x}"
    return facts


def _differences(before: Packet, after: Packet) -> list[Difference]:
    old, new = _facts(before), _facts(after)
    changes = [
        Difference(field=name, before=old[name], after=new[name])
        for name in old.keys() & new.keys()
        if old[name] != new[name]
    ]
    changes.sort(key=lambda change: list(new).index(change.field))
    if before.length != after.length:
        sizes = f"{before.length} bytes", f"{after.length} bytes"
        changes.append(Difference(field="size", before=sizes[0], after=sizes[1]))
    return changes
