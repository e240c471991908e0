"""Looking at single packets, at the four points of their way through the box.

             ①               ②           ③                ④
    wire ─ arrived ─ sound? translated ─ translated ─ ALG, ─ left ─ wire
                     whole?    in           out      MTU

① as the wire gave it; ② as it goes into translation: checked, and whole again if it was fragments;
③ as it comes out of translation; ④ as it is handed to a wire: after an ALG, cut to size. A packet
that turns back (hairpin), or that a fault has translated twice, passes ② and ③ twice; one that goes
no further says why at the last point it came to, and what the appliance answers by itself is shown
as its own.

What looks at packets is a tap; while there is none, packets are not looked at. Of a flood only so
many packets a second are shown, and how many were not is told.

    Taps      all taps of a datapath; tells it when the first comes and the last goes
    Tap       what each of them must be able to do
    Points    the tap that makes an event of each point, for `watch --points`
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from appliance.journal.events import Difference, PacketSeen
from appliance.journal.log import EventLog
from nat.drop import Aside, Drop
from nat.endpoint import PROTOCOL_NAMES, TCP, UDP, Side, address_text
from nat.mapping import FlowLeg, Leg
from nat.packet import CHECKSUM_OFFSET, MINIMUM_TRANSPORT, Packet
from nat.translator import Verdict

EXIT_SIDES = (Side.INSIDE, Side.OUTSIDE, Side.INSIDE)
"""The wire that a leg exits by, and the one that it arrives by: what turns back stays inside."""
PACKETS_PER_SECOND = 500
HEAD = 64
"""Bytes of a packet that are shown as they are: its headers."""


class Point(StrEnum):
    """Where a packet is looked at."""

    ARRIVED = "arrived"
    TRANSLATED_IN = "translated-in"
    TRANSLATED_OUT = "translated-out"
    LEFT = "left"
    DONE = "done"
    """It has left, or it goes no further: no point of its way, but the end of it."""


class Tap(Protocol):
    """What looks at packets."""

    def see(
        self, point: Point, packet: Packet, side: Side, verdict: Verdict | None, now: float
    ) -> None:
        """A packet at a point, to be copied by who wants to keep it. `side` is the wire that it is
        nearest to. `verdict` is known once it was translated; what leaves with a verdict that is no
        leg is another packet in its place (`Aside.REPLACED`) or an answer of our own."""


class Taps:
    """All taps of a datapath, as one. `tapped_by` is told whether there is any."""

    def __init__(self, tapped_by: Callable[[Tap | None], None]) -> None:
        self._taps: list[Tap] = []
        self._tapped_by = tapped_by

    def add(self, tap: Tap) -> None:
        """Show all packets to one more."""
        self._taps.append(tap)
        self._tapped_by(self)

    def remove(self, tap: Tap) -> None:
        """Show it no more packets."""
        self._taps = [each for each in self._taps if each is not tap]
        self._tapped_by(self if self._taps else None)

    def see(
        self, point: Point, packet: Packet, side: Side, verdict: Verdict | None, now: float
    ) -> None:
        for tap in self._taps:
            tap.see(point, packet, side, verdict, now)


Show = Callable[[PacketSeen], None]


class Points:
    """A tap that shows packets as events, dated as those of `log` are."""

    def __init__(self, taps: Taps, log: EventLog) -> None:
        self._taps = taps
        self._log = log
        self._show: Show = lambda seen: None
        self._number = 0
        self._way: list[PacketSeen] | None = None  # of the packet under way; None: not looked at
        self._last: Packet | None = None  # as it was at the last point
        self._second = 0.0
        self._shown = 0
        self._skipped = 0

    def begin(self, show: Show) -> None:
        """From now on packets are handed to `show`, once for each point."""
        self._show = show
        self._taps.add(self)

    def end(self) -> None:
        """Packets are shown no more."""
        self._taps.remove(self)

    def see(
        self, point: Point, packet: Packet, side: Side, verdict: Verdict | None, now: float
    ) -> None:
        if point is Point.ARRIVED:
            self._begin_way(now)
        way = self._way
        if way is None:
            return
        leg = verdict if isinstance(verdict, Leg) else None
        if point is not Point.DONE:
            own = leg is None and point is Point.LEFT and verdict is not Aside.REPLACED
            self._look(point, side, packet, now, leg, own)
            return
        self._way = None
        if leg is None:
            last = max(at for at, seen in enumerate(way) if seen.point != Point.LEFT)
            way[last].end = _end_of(verdict)
        for seen in way:
            self._show(seen)

    def _begin_way(self, now: float) -> None:
        self._number += 1
        self._last = None
        if self._has_time_for_one_more(now):
            self._way = []
        else:
            self._way = None
            self._skipped += 1

    def _has_time_for_one_more(self, now: float) -> bool:
        """Were fewer packets shown in this second than may be?"""
        if now - self._second >= 1.0:
            self._second, self._shown = now, 0
        self._shown += 1
        return self._shown <= PACKETS_PER_SECOND

    def _look(
        self,
        point: Point,
        side: Side,
        packet: Packet,
        now: float,
        leg: Leg | None = None,
        own: bool = False,
    ) -> None:
        """Note what a packet looks like here, and what has changed since the last point. `own`: it
        is an answer of the appliance, and has no last point."""
        assert self._way is not None
        before, current = self._last, packet.copy()
        is_readable = current.check() is None
        facts = _facts(current) if is_readable else {}
        changes = [] if own or before is None or not is_readable else _differences(before, current)
        flow = leg.flow if isinstance(leg, FlowLeg) else None
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
        if is_readable and point is not Point.LEFT:
            self._last = current


def _end_of(verdict: Verdict | None) -> str | None:
    """Why a packet goes no further; None when others go on in its place."""
    if isinstance(verdict, Drop):
        return verdict.reason
    if verdict is Aside.REPLACED:
        return None
    return "held" if verdict is Aside.HELD else "consumed"


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
