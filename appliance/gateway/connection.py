"""A TCP connection that an ALG reads: two streams, and the numbers that its segments have on them.

A segment is believed only if its receiver would believe it (RFC 9293 3.10.7.4, RFC 5961): what
anybody can send who guesses two ports must neither end the reading nor change how messages are cut.
"""

from __future__ import annotations

from math import inf
from struct import Struct
from typing import NamedTuple

from alg.delivery import FIRST_PATIENCE
from alg.stream import LONGEST_HELD, MOST_KEPT, Stream
from appliance.gateway.slot import Slot
from nat.endpoint import Direction
from nat.mapping import FlowLeg, Leg
from nat.mss import MAXIMUM_SEGMENT_SIZE, tcp_options
from nat.packet import LONG, WORD, Packet
from nat.tcp import ACK, FIN, RST, TcpState

SEQUENCE_BITS = 0xFFFFFFFF
HALF = 0x80000000
NUMBERS = Struct("!IIBBH")  # sequence, acknowledgement, data offset, flags, window
WINDOW_SCALE, SACK, TIMESTAMPS = 3, 5, 8  # kinds of TCP options
TIMESTAMPS_LENGTH = 10
DEFAULT_SEGMENT = 536  # RFC 9293 3.7.1
SMALLEST_SEGMENT = 64
LARGEST_WINDOW = 65535
LARGEST_SCALE = 14  # RFC 7323 2.3
LONGEST_FIRST_PATIENCE = 3.0  # seconds
OPENING = (TcpState.OPENING, TcpState.ANSWERED)


class Segment(NamedTuple):
    """What is asked of a TCP header; sequence and acknowledgement as they came."""

    sequence: int
    acknowledgement: int
    flags: int
    window: int
    payload: bytes

    @classmethod
    def of(cls, packet: Packet) -> Segment:
        numbers = NUMBERS.unpack_from(packet.buffer, packet.header_length + 4)
        sequence, acknowledgement, _, flags, window = numbers
        return cls(sequence, acknowledgement, flags, window, packet.payload)


class Way:
    """One direction of a connection: its stream, the sequence numbers it began with, and what its
    two ends have told of themselves. Windows are as in the header, `scale` is their shift."""

    def __init__(self, slot: Slot) -> None:
        self.stream = Stream(slot.application.frame, slot.application.not_a_message)
        self.began: int | None = None
        self.began_at: float | None = None  # seconds; until the answer has come
        self.is_confirmed = False  # has the other side repeated the number?
        # Without the 20 bytes that every TCP header has, as the MSS option counts (RFC 9293 3.7.1):
        self.largest_segment = DEFAULT_SEGMENT  # that its receiver takes
        self.largest_sent = DEFAULT_SEGMENT  # that its sender has made: so much fits the way
        self.window = 0  # that its receiver has offered last
        self.scale = 0  # of its receiver's windows
        self.offered_scale: int | None = None
        self.is_scale_known = True
        self.told = 0  # what its sender was last told: an acknowledgement number
        self.told_window = 0  # and a window
        self.stamp: int | None = None  # the newest timestamp of its sender (RFC 7323)

    def position(self, sequence: int) -> int:
        """A sequence number as a position of the stream, the nearest to what has been received."""
        return self._nearest(sequence, self.stream.received)

    def shown_position(self, number: int) -> int:
        """An acknowledgement number of the receiver as a shown position."""
        return self._nearest(number, self.stream.end)

    def _nearest(self, number: int, near: int) -> int:
        assert self.began is not None
        distance = (number - self.began - near) & SEQUENCE_BITS
        return near + distance - ((distance & HALF) << 1)

    def number(self, position: int) -> int:
        assert self.began is not None
        return (self.began + position) & SEQUENCE_BITS

    @property
    def widest(self) -> int:
        """Bytes: as far as its receiver's window can ever have reached."""
        return max(MOST_KEPT, LARGEST_WINDOW << self.scale)

    def may_send(self, position: int, size: int, holds: bool) -> bool:
        """Do bytes at this position lie in the window, or before it (RFC 9293 3.10.7.4, first)?"""
        width = MOST_KEPT if holds and not self.stream.over else self.widest
        return position + size <= self.stream.received + width

    def may_acknowledge(self, shown: int) -> bool:
        """Would the sender believe this acknowledgement (RFC 5961 5.2)? Of a stream that is over
        nobody has followed what was sent."""
        stream = self.stream
        return stream.over or stream.delivery.acknowledged - self.widest <= shown <= stream.end

    def hear(self, segment: Segment, now: float) -> int:
        """The receiver acknowledges something and offers a window; answers the shown position. As
        long as nothing else is told, this is what the sender hears."""
        shown = self.shown_position(segment.acknowledgement)
        self.stream.acknowledge(shown, now)
        if shown >= self.stream.delivery.acknowledged:
            self.window = segment.window
        self.told, self.told_window = segment.acknowledgement, segment.window
        return shown

    def tell(self, shown: int, window: int, adjusts: bool, now: float) -> tuple[int, int]:
        """What the sender is told when the receiver acknowledges a shown position and offers a
        window: an acknowledgement number and a window (as in the header).

        What was answered once stays acknowledged; and the sender is offered no more than can be
        kept, but as much as a message needs to become whole.
        """
        stream = self.stream
        if not adjusts:
            return self.number(shown), window
        told = heard = stream.sent(shown)
        edge = heard + (window << self.scale)
        if not stream.over:
            if stream.is_holding:
                stream.answer(now)
                edge = max(edge, stream.received + LONGEST_HELD)
            edge = min(edge, stream.received + stream.room)
        told = max(told, stream.delivery.answered)
        largest = LARGEST_WINDOW if self.is_scale_known else window
        return self.number(told), min(max(0, edge - told) >> self.scale, largest)


class Share:
    """What a connection takes at this time."""

    def __init__(self, host: int) -> None:
        self.host = host
        self.kept = 0
        self.holding = 0


class Connection:
    """What stands in the slot of a TCP flow: the ALG's slot, and both directions."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.ways = {direction: Way(slot) for direction in Direction}
        self.streams = [way.stream for way in self.ways.values()]
        self.due = inf
        """When it is booked to be looked at; inf: it is not."""
        self.share: Share | None = None
        self.is_let_go = False
        """Has it been told that it is not read any more?"""
        self.is_queued = False
        """Does it wait for its turn, with messages that were too many?"""

    @property
    def name(self) -> str:
        return self.slot.name

    @property
    def handler(self) -> str | None:
        """The name of the module that handles its messages."""
        return self.slot.handler

    def is_only_read(self) -> bool:
        """Does nobody want to edit, and has nobody edited or answered?"""
        one, other = self.streams
        return self.slot.is_off and one.is_plain and other.is_plain

    def is_done(self) -> bool:
        """Nothing is read any more, and nothing has to be adjusted or shown again."""
        return all(each.over and each.is_untouched and not each.is_owing for each in self.streams)

    def next_deadline(self) -> float:
        """When one of its streams is to be looked at (seconds)."""
        return min(stream.next_deadline() for stream in self.streams)

    # --- what is believed --------------------------------------------------------------

    def begin(self, packet: Packet, leg: Leg, now: float) -> bool:
        """A SYN says where its direction begins, and how much its sender can take. Who gets no
        answer may begin anew, with another number. Once a connection is open a SYN says nothing
        (RFC 5961 4): it passes, for its receiver to answer. Is it believed?"""
        way, back = self.ways[leg.direction], self.ways[opposite(leg.direction)]
        segment = Segment.of(packet)
        answers = segment.acknowledgement - 1 & SEQUENCE_BITS
        if segment.flags & ACK and back.began is None:
            # A forward lets a SYN in without a flow to remember it; its answer says its number.
            back.began, back.is_confirmed = answers, True
        track = leg.flow.tcp if isinstance(leg, FlowLeg) else None
        is_open = way.began is not None and track is not None and track.state not in OPENING
        if segment.flags & ACK:
            is_known = back.began == answers
        else:
            is_known = not way.is_confirmed or segment.sequence == way.began
        if is_open or not is_known:
            return False
        way.began, way.began_at = segment.sequence, now
        way.told = way.number(1)
        self._take_options(packet, segment.flags, way, back)
        back.window = back.told_window = segment.window
        if segment.flags & ACK:
            way.is_confirmed = back.is_confirmed = True
            self._measure(back, now)
        return True

    def _take_options(self, packet: Packet, flags: int, way: Way, back: Way) -> None:
        """What the sender of a SYN can do as a receiver of what comes back."""
        back.offered_scale = None
        for kind, at, size in tcp_options(packet):
            if kind == MAXIMUM_SEGMENT_SIZE and size == 4:
                (largest,) = WORD.unpack_from(packet.buffer, at + 2)
                back.largest_segment = max(SMALLEST_SEGMENT, largest)
            elif kind == WINDOW_SCALE and size == 3:
                back.offered_scale = min(packet.buffer[at + 2], LARGEST_SCALE)
        if flags & ACK:
            # RFC 7323 1.3: it is in the answer only when both have offered it.
            scaled = back.offered_scale is not None
            back.scale = back.offered_scale or 0
            way.scale = way.offered_scale or 0 if scaled else 0
            way.is_scale_known = not scaled or way.offered_scale is not None

    def _measure(self, way: Way, now: float) -> None:
        """A SYN has been answered: so long takes it to the way's receiver and back (RFC 6298 2.2:
        three times the first measurement)."""
        if way.began_at is not None:
            measured = 3 * (now - way.began_at)
            way.stream.delivery.patience = min(
                max(FIRST_PATIENCE, measured), LONGEST_FIRST_PATIENCE
            )
            way.began_at = None

    def believes(self, segment: Segment, direction: Direction, now: float) -> bool:
        """Would the receiver take a segment of the open connection?"""
        way, back = self.ways[direction], self.ways[opposite(direction)]
        position = way.position(segment.sequence)
        if segment.flags & RST:
            # RFC 5961 3.2: exactly the next number, as far as either end may know it.
            stream = way.stream
            received, answered = stream.received, stream.delivery.answered
            return position in (received, received + stream.has_ended, answered)
        if not segment.flags & ACK:
            return False
        acknowledged = back.shown_position(segment.acknowledgement)
        holds = not self.slot.is_off
        size = len(segment.payload) + bool(segment.flags & FIN)
        if not (way.may_send(position, size, holds) and back.may_acknowledge(acknowledged)):
            return False
        self._measure(back, now)
        return True


def opposite(direction: Direction) -> Direction:
    return Direction.IN if direction is Direction.OUT else Direction.OUT


def timestamp_at(packet: Packet) -> int | None:
    """Where the two values of the timestamps option stand."""
    for kind, at, size in tcp_options(packet):
        if kind == TIMESTAMPS and size == TIMESTAMPS_LENGTH:
            return at + 2
    return None


def timestamp(packet: Packet) -> int | None:
    """The time that the sender of a segment tells (RFC 7323 3.2)."""
    at = timestamp_at(packet)
    return None if at is None else int(LONG.unpack_from(packet.buffer, at)[0])
