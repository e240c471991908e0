"""A tap that keeps packets: each one as it came and as it left, with what was made of it and why.

    ① arrived on the inside   "mapping-opened …", "dropped: …"       what the NAT made of it
    ④ left on the outside     "INVITE out …: rewritten" and each edit  what an ALG made of it

Both have the same number, so that they can be found beside each other. What the appliance says by
itself has the number of the packet that made it do so. What had to wait (a message for its turn)
leaves under a number of its own.

What is handed to a keeper is valid until it returns. Whether there is room is asked before anything
is copied: else the packet goes by, and is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from appliance.journal.events import Event, MessagePassed, PacketDropped, Started
from appliance.journal.log import EventLog
from appliance.journal.sentences import Teller
from appliance.journal.tap import Point, Taps
from nat.drop import Aside, Drop
from nat.endpoint import TCP, UDP, Side
from nat.mapping import Leg
from nat.packet import MINIMUM_TRANSPORT, Packet
from nat.translator import Verdict

OWN = "the appliance's own answer"
_ASIDE = {
    Aside.HELD: ("held: a fragment waits for the others, or a message for its turn",),
    Aside.ANSWERED: ("answered by the NAT itself",),
    Aside.KEPT: ("kept: its bytes wait for the rest of their message",),
}


class Captured(NamedTuple):
    """A packet on a wire, at `t` seconds since the start. `number` counts what arrived."""

    t: float
    side: Side
    has_left: bool
    number: int
    packet: Packet
    comments: tuple[str, ...] = ()


class Keeper(Protocol):
    """Who keeps packets."""

    @property
    def has_room(self) -> bool:
        """May there be more now?"""

    def write(self, captured: Captured) -> None:
        """Keep a packet."""

    def lose(self, side: Side, packets: int) -> None:
        """So many were on this wire while there was no room."""


class Capture:
    """Hands every packet on both wires to a keeper, from `begin` to `end`. `started` has the names
    that comments use."""

    def __init__(self, taps: Taps, log: EventLog, started: Started, keeper: Keeper) -> None:
        self._taps = taps
        self._log = log
        self._keeper = keeper
        self._teller = Teller()
        self._teller.tell(started)
        self._number = 0
        self._arrived: Packet | None = None  # the packet under way, as it came
        self._left: list[tuple[Packet, Side, bool]] = []  # so far, and: the appliance's own?
        self._goes_by = False  # there is no room for the packet under way
        self._last_event = 0
        self._waited: list[MessagePassed] = []  # messages whose packets have yet to leave

    def begin(self) -> None:
        self._last_event = self._log.last_id
        self._taps.add(self)

    def end(self) -> None:
        self._taps.remove(self)

    def see(
        self, point: Point, packet: Packet, side: Side, verdict: Verdict | None, now: float
    ) -> None:
        if point is Point.ARRIVED:
            self._begin_way(packet, side)
        elif point is Point.LEFT:
            self._leave(packet, side, verdict, now)
        elif point is Point.DONE:
            if self._arrived is not None:
                self._tell(self._arrived, side, verdict, now)
            self._arrived = None
            self._goes_by = False

    def _begin_way(self, packet: Packet, side: Side) -> None:
        self._number += 1
        self._goes_by = not self._keeper.has_room
        self._arrived = None
        self._left.clear()
        if self._goes_by:
            self._keeper.lose(side, packet.segments)
            return
        self._arrived = packet.copy()
        self._last_event = self._log.last_id
        self._waited.clear()

    def _leave(self, packet: Packet, side: Side, verdict: Verdict | None, now: float) -> None:
        if self._arrived is not None:
            own = not isinstance(verdict, Leg) and verdict is not Aside.REPLACED
            self._left.append((packet, side, own))
        elif self._goes_by or not self._keeper.has_room:
            self._keeper.lose(side, packet.segments)
        else:
            self._leave_late(packet, side, now)

    def _tell(self, arrived: Packet, side: Side, verdict: Verdict | None, now: float) -> None:
        """All of a packet's way is known: hand it over as it came, and then what left."""
        t = self._log.since_start(now)
        events = list(self._events())
        messages = [event for event in events if isinstance(event, MessagePassed)]
        left = [
            Captured(t, wire, True, self._number, sent, self._said_of(sent, own, messages))
            for sent, wire, own in self._left
        ]
        said = _fate(verdict)
        for event in events:
            if event in messages or not isinstance(event, MessagePassed):
                said += tuple(self._teller.say(event))
        for captured in (Captured(t, side, False, self._number, arrived, said), *left):
            self._keeper.write(captured)

    def _leave_late(self, packet: Packet, side: Side, now: float) -> None:
        """Something leaves while no packet is under way: it has waited, or a timer has run out."""
        self._number += 1
        self._waited += (event for event in self._events() if isinstance(event, MessagePassed))
        said = self._said_of(packet, packet.receipt is None, self._waited)
        t = self._log.since_start(now)
        self._keeper.write(Captured(t, side, True, self._number, packet, said))

    def _events(self) -> Iterator[Event]:
        """What has been told since the last look, but for drops, which are told together."""
        if self._last_event != self._log.last_id:
            for event in self._log.since(self._last_event):
                if not isinstance(event, PacketDropped):
                    yield event
            self._last_event = self._log.last_id

    def _said_of(self, packet: Packet, own: bool, messages: list[MessagePassed]) -> tuple[str, ...]:
        """What there is to say of a packet that leaves. A message is told at the first packet that
        goes between its ends, and taken out of the list."""
        if own:
            return (OWN,)
        ends = _ends(packet) if messages else None
        for message in messages:
            if (message.new_source, message.new_destination) == ends:
                messages.remove(message)
                return tuple(self._teller.say(message))
        return ()


def _fate(verdict: Verdict | None) -> tuple[str, ...]:
    """Why a packet goes no further; nothing when it does, or others in its place."""
    if isinstance(verdict, Drop):
        rule = f"; {verdict.rfc}" if verdict.rfc else ""
        return (f"dropped: {verdict.sentence} ({verdict.reason}{rule})",)
    return _ASIDE.get(verdict, ()) if isinstance(verdict, Aside) else ()


def _ends(packet: Packet) -> tuple[str, str] | None:
    """Between whom a packet goes, as events have it; None for what has no ports."""
    size = packet.length - packet.header_length
    if packet.protocol not in (TCP, UDP) or size < MINIMUM_TRANSPORT[packet.protocol]:
        return None
    return str(packet.source), str(packet.destination)
