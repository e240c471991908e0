"""Dropped packets as events, without a flood of them.

The first drop of its kind is told at once; like ones within a second become one more event with a
count. So the counts of all events add up to the counters, and a port scan is a line a second:

    0.0 s   no-mapping, 198.51.100.9 to 203.0.113.1    told, count 1
    0.1 s   the same 41 times                          noted
    1.0 s   the second is over (`flush`)               told, count 41

A message that is dropped is told by its name ("INVITE"), and is another kind than audio between the
same hosts: a call that was lost must not disappear among the packets around it.

A second has room for so many kinds on each wire, and for few of one sender. What goes beyond is
told of its sender alone, and when there are too many senders (a forged source in each packet) by
its reason alone. Such an event names nobody that not all of its packets have in common:

    0.2 s   INVITE of 198.51.100.7                     told, count 1
    0.3 s   a fifth kind of 198.51.100.7               told, count 1
    0.4 s   a sixth and a seventh                      noted
    1.3 s   the second is over                         told: 198.51.100.7, count 2
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from msgspec.structs import replace

from appliance.journal.events import PacketDropped
from appliance.journal.log import EventLog
from nat.drop import Drop
from nat.endpoint import PROTOCOL_NAMES, TCP, UDP, FiveTuple, Side, address_text
from nat.fragments import Gone
from nat.packet import FRAGMENT_OFFSET, MINIMUM_HEADER, Packet

SECOND = 1.0
MANY_KINDS = 16  # open at a time on a wire; beyond, drops are told by their reason alone
KINDS_OF_A_SENDER = 4  # beyond, its drops are told by sender and reason
ANY = -1  # protocol, source or destination of what is told together
READ = 4096  # bytes of a message that are read for its name
LONGEST_NAME = 128  # characters of a summary or a Call-ID, which come from the network
BEGINS = 12  # bytes by which messages are told apart: "SIP/2.0 200 "
UDP_HEADER, TCP_HEADER = 8, 20  # bytes, at least


class Kind(NamedTuple):
    """What drops have in common that are told together: the wire, the reason, the protocol, the
    addresses, and the first bytes of a message; `ANY` and no bytes where they differ."""

    side: Side
    drop: Drop
    protocol: int
    source: int
    destination: int
    begins: bytes = b""


NameOf = Callable[[bytes], tuple[str, str]]
"""A message in a word or two, and its Call-ID; empty texts for what is none."""


class DropLog:
    """Tells the event log of dropped packets. `name_of` is asked once for each that is told."""

    def __init__(self, log: EventLog, name_of: NameOf) -> None:
        self._log = log
        self._name_of = name_of
        self._open: dict[Kind, PacketDropped] = {}
        self._opened: dict[Kind, float] = {}

    def add(
        self,
        side: Side,
        drop: Drop,
        packet: Packet,
        count: int,
        now: float,
        arrived: FiveTuple | None = None,
    ) -> None:
        """A packet was dropped that stood for `count` on the wire. `arrived`: between whom it came,
        when it has been translated since."""
        start, end = _text(packet)
        begins = bytes(packet.buffer[start : min(start + BEGINS, end)])
        kind = Kind(side, drop, *(arrived[:3] if arrived else _addresses(packet)), begins)
        if not self._is_told(kind, count, now):
            event = _described(kind, arrived[3:] if arrived else _ports(packet))
            event.size = packet.length
            if begins:
                names = self._name_of(bytes(packet.buffer[start : min(start + READ, end)]))
                event.summary, event.call_id = (each[:LONGEST_NAME] for each in names)
            self._tell(kind, event, count, now)

    def add_fragments(self, gone: Gone, now: float) -> None:
        """Fragments that were held were given up: all that is left of them is whose they were."""
        side, source, destination, protocol, _ = gone.datagram
        if gone.drop is not None:
            kind = Kind(side, gone.drop, protocol, source, destination)
            if not self._is_told(kind, gone.pieces, now):
                self._tell(kind, _described(kind), gone.pieces, now)

    def _is_told(self, kind: Kind, count: int, now: float) -> bool:
        """Count a drop into the event of its kind that is open, if one is."""
        self.flush(now)
        waiting = (
            self._open.get(kind)
            or self._open.get(_by_sender(kind))
            or self._open.get(_by_reason(kind))
        )
        if waiting is None:
            return False
        waiting.count += count
        waiting.last = self._log.since_start(now)
        return True

    def _tell(self, kind: Kind, event: PacketDropped, count: int, now: float) -> None:
        event.count = count
        event.first = event.last = self._log.since_start(now)
        self._log.emit(event, now)
        counted_as = self._with_room(kind)
        others = event if counted_as == kind else _described(counted_as)
        self._open[counted_as] = replace(
            others, count=0, id=0, cause=None, first=event.first, last=event.last
        )
        self._opened[counted_as] = now

    def _with_room(self, kind: Kind) -> Kind:
        """As what kind the next ones like this are counted, when there are too many kinds."""
        open_here = [each for each in self._open if each.side is kind.side]
        if len(open_here) >= MANY_KINDS:
            return _by_reason(kind)
        of_sender = sum(each.source == kind.source for each in open_here)
        return kind if of_sender < KINDS_OF_A_SENDER else _by_sender(kind)

    def next_deadline(self) -> float:
        """When the first open second is over."""
        first = next(iter(self._opened.values()), None)
        return inf if first is None else first + SECOND

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


def _by_sender(kind: Kind) -> Kind:
    """The kind that a sender's drops of one reason share when it sends too many kinds."""
    return Kind(kind.side, kind.drop, ANY, kind.source, ANY)


def _by_reason(kind: Kind) -> Kind:
    """The kind that all drops of one reason share when there are too many kinds."""
    return Kind(kind.side, kind.drop, ANY, ANY, ANY)


def _addresses(packet: Packet) -> tuple[int, int, int]:
    """(protocol, source, destination) as far as the bytes can be trusted to hold them."""
    if packet.length < MINIMUM_HEADER or packet.buffer[0] >> 4 != 4:
        return 0, 0, 0
    return packet.protocol, packet.source_address, packet.destination_address


def _ports(packet: Packet) -> tuple[int, int] | None:
    protocol, _, _ = _addresses(packet)
    header = packet.header_length if protocol in (TCP, UDP) else 0
    if header < MINIMUM_HEADER or packet.length < header + 4 or _is_later_piece(packet):
        return None
    return packet.ports


def _text(packet: Packet) -> tuple[int, int]:
    """Where in the buffer that begins and ends what TCP or UDP carries, if it begins as text with a
    first line does, with a capital; nothing for audio, and for bytes that cannot be trusted."""
    protocol, _, _ = _addresses(packet)
    header = packet.header_length if protocol in (TCP, UDP) else 0
    shortest = UDP_HEADER if protocol == UDP else TCP_HEADER
    if header < MINIMUM_HEADER or packet.length <= header + shortest or _is_later_piece(packet):
        return 0, 0
    start = header + (UDP_HEADER if protocol == UDP else packet.buffer[header + 12] >> 4 << 2)
    is_text = start < packet.length and 0x41 <= packet.buffer[start] <= 0x5A  # A to Z
    return (start, packet.length) if is_text else (0, 0)


def _is_later_piece(packet: Packet) -> bool:
    """Behind the header of a later fragment stand no ports."""
    return bool(packet.flags_and_offset & FRAGMENT_OFFSET)


def _described(kind: Kind, ports: tuple[int, int] | None = None) -> PacketDropped:
    side, drop, protocol, source, destination, _ = kind
    source_port, destination_port = (f":{port}" for port in ports) if ports else ("", "")
    named = "" if protocol == ANY else PROTOCOL_NAMES.get(protocol, str(protocol))
    return PacketDropped(
        side=str(side),
        reason=drop.reason,
        sentence=drop.sentence,
        rfc=drop.rfc,
        protocol=named,
        source="" if source == ANY else address_text(source) + source_port,
        destination="" if destination == ANY else address_text(destination) + destination_port,
        size=0,
    )
