"""Dropped packets as events, without a flood of them.

The first drop of its kind is told at once; like ones within a second become one more event with a
count. So the counts of all events add up to the counters, and a port scan is a line a second.
"""

from __future__ import annotations

from appliance.eventlog import EventLog
from appliance.events import PacketDropped
from nat.drop import Drop
from nat.endpoint import PROTOCOL_NAMES, TCP, UDP, Side, address_text
from nat.packet import MINIMUM_HEADER, Packet

SECOND = 1.0
MANY_KINDS = 64  # open at a time; beyond, drops are told together by their reason alone

Kind = tuple[Side, Drop, int, int, int]


class DropLog:
    """Tells the event log of dropped packets."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._open: dict[Kind, PacketDropped] = {}
        self._opened: dict[Kind, float] = {}

    def add(self, side: Side, drop: Drop, packet: Packet, now: float) -> None:
        self.flush(now)
        protocol, source, destination = _addresses(packet)
        kind = (side, drop, protocol, source, destination)
        if kind not in self._open and len(self._open) >= MANY_KINDS:
            kind = (side, drop, 0, 0, 0)
        waiting = self._open.get(kind)
        if waiting is not None:
            waiting.count += packet.segments if protocol else 1
            waiting.last = now - self._log.zero
            return
        event = _describe(side, drop, packet)
        event.first = event.last = now - self._log.zero
        self._log.emit(event, now)
        repeated = _describe(side, drop, packet)
        repeated.count = 0
        repeated.first = event.first
        self._open[kind] = repeated
        self._opened[kind] = now

    def next_deadline(self) -> float | None:
        first = next(iter(self._opened.values()), None)
        return None if first is None else first + SECOND

    def flush(self, now: float) -> None:
        """Tell what has been repeated within the second that is over."""
        while self._opened:
            kind, opened = next(iter(self._opened.items()))
            if opened + SECOND > now:
                return
            del self._opened[kind]
            event = self._open.pop(kind)
            if event.count:
                self._log.emit(event, now)


def _addresses(packet: Packet) -> tuple[int, int, int]:
    """(protocol, source, destination) as far as the bytes can be trusted to hold them."""
    if packet.length < MINIMUM_HEADER or packet.buffer[0] >> 4 != 4:
        return 0, 0, 0
    return packet.protocol, packet.source_address, packet.destination_address


def _describe(side: Side, drop: Drop, packet: Packet) -> PacketDropped:
    protocol, source, destination = _addresses(packet)
    name = PROTOCOL_NAMES.get(protocol, str(protocol))
    source_text, destination_text = address_text(source), address_text(destination)
    header = packet.header_length if protocol else 0
    if protocol in (TCP, UDP) and header >= MINIMUM_HEADER and packet.length >= header + 4:
        source_port, destination_port = packet.ports
        source_text += f":{source_port}"
        destination_text += f":{destination_port}"
    return PacketDropped(
        side=str(side),
        reason=drop.reason,
        sentence=drop.sentence,
        rfc=drop.rfc,
        protocol=name,
        source=source_text,
        destination=destination_text,
        size=packet.length,
    )
