"""Messages over TCP: packets to streams and back (the streams themselves are `alg/stream.py`).

A TCP flow on an ALG's port carries a `Connection` in its slot. Each segment gives its bytes to the
stream of its direction and leaves with what the stream wants sent on; sequence numbers,
acknowledgements and SACK blocks follow the edits for the life of the connection. A connection that
turns out not to be its application's lets go of its slot and is on the fast road again.

A connection whose first byte was not seen never gets here (RFC 3261 18.3 gives no way to find the
next message in the middle of a stream, and attackers have found several).
"""

from __future__ import annotations

from struct import Struct
from weakref import WeakSet

from alg.base import Application
from alg.stream import Manners, Piece, Stream
from appliance.gateway.inspection import Inspector
from appliance.gateway.slot import Slot
from nat.endpoint import Direction
from nat.mapping import FlowLeg, Leg
from nat.mss import MAXIMUM_SEGMENT_SIZE, NO_OPERATION, tcp_options
from nat.packet import MAXIMUM_LENGTH, MINIMUM_HEADER, WORD, Packet
from nat.tcp import ACK, FIN, PSH, RST, SYN, URG

SEQUENCE_BITS = 0xFFFFFFFF
HALF = 0x80000000
NUMBERS = Struct("!II")  # sequence, acknowledgement
FLAGS_AT = 13
URGENT_AT = 18
SACK = 5  # the kind of a TCP option
DEFAULT_SEGMENT = 536  # RFC 9293 3.7.1
MOST_HOLDING = 64
"""Streams that may keep bytes back at one time; of more, the ALG lets go."""
LONGEST_MESSAGE = 65507
HIGHEST_POINTER = 0xFFFF


class Way:
    """One direction of a connection: its stream, and the sequence numbers it began with."""

    def __init__(self, application: Application) -> None:
        self.stream = Stream(application.frame, application.not_a_message)
        self.began: int | None = None
        # Without the 20 bytes that every TCP header has, as the MSS option counts (RFC 9293 3.7.1):
        self.largest_segment = DEFAULT_SEGMENT  # that its receiver takes
        self.largest_sent = DEFAULT_SEGMENT  # that its sender has made: so much fits the way

    def position(self, sequence: int) -> int:
        """A sequence number as a position of the stream, the nearest to what has been received."""
        assert self.began is not None
        near = self.stream.received
        distance = (sequence - self.began - near) & SEQUENCE_BITS
        return near + distance - ((distance & HALF) << 1)

    def number(self, position: int) -> int:
        assert self.began is not None
        return (self.began + position) & SEQUENCE_BITS


class Connection:
    """What stands in the slot of a TCP flow: the ALG's slot, and both directions."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.ways = {direction: Way(slot.application) for direction in Direction}

    @property
    def name(self) -> str:
        return self.slot.name

    def give_up(self, why: str) -> None:
        """Read no more of it. What is held goes on when its sender repeats it."""
        for way in self.ways.values():
            if not way.stream.over:
                way.stream.give_up(why)

    def is_only_read(self) -> bool:
        """Does nobody want to edit, and has nobody edited?"""
        streams = [way.stream for way in self.ways.values()]
        return self.slot.is_off and all(each.is_untouched for each in streams)

    def is_done(self) -> bool:
        """Nothing is read any more, and nothing has to be adjusted."""
        streams = [way.stream for way in self.ways.values()]
        return all(stream.over and stream.is_untouched for stream in streams)


class StreamInspector:
    """Takes translated segments of connections with a slot and says what is to be sent on."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._holding: WeakSet[Stream] = WeakSet()

    def inspect(self, packet: Packet, leg: Leg, connection: Connection, now: float) -> list[Packet]:
        """The packets to send in the place of `packet` (itself, when nothing changes); none when
        its bytes are held until their message is whole."""
        way = connection.ways[leg.direction]
        back = connection.ways[_opposite(leg.direction)]
        start = packet.header_length
        flags = packet.buffer[start + FLAGS_AT]
        if flags & SYN:
            return [self._begin(packet, leg, connection)]
        if way.began is None or (flags & ACK and back.began is None):
            connection.give_up("its beginning was not seen")
            self._end(leg, connection)
            return [packet]
        sequence, acknowledgement = NUMBERS.unpack_from(packet.buffer, start + 4)
        manners = connection.slot.module.manners
        shown = acknowledgement
        if flags & ACK:
            shown = self._acknowledge(packet, back, acknowledgement, manners)
        position = way.position(sequence)
        data = bytes(packet.buffer[packet.payload_start : packet.length])
        pieces = self._take(way, position, data, leg, connection, now) if data else []
        is_last = flags & (FIN | RST) and position + len(data) == way.stream.received
        if is_last and not way.stream.over:
            pieces += way.stream.give_up("the connection ends")
        if connection.is_only_read():
            packets = [packet]  # RFC 5382 REQ-6: without an ALG nothing is touched
        else:
            if not data and not pieces:
                pieces = [Piece(way.stream.shown(position), b"")]
            packets = self._packets(packet, way, _numbered(way, pieces, manners), shown)
        if way.stream.over:
            connection.give_up(way.stream.why_over)
        if connection.is_done():
            self._end(leg, connection)
        return packets

    def _begin(self, packet: Packet, leg: Leg, connection: Connection) -> Packet:
        """A SYN says where its direction begins, and how much its sender can take. Who gets no
        answer may begin anew, with another number."""
        way = connection.ways[leg.direction]
        back = connection.ways[_opposite(leg.direction)]
        start = packet.header_length
        sequence, acknowledgement = NUMBERS.unpack_from(packet.buffer, start + 4)
        if back.began is None and packet.buffer[start + FLAGS_AT] & ACK:
            # A forward lets a SYN in without a flow to remember it; its answer says its number.
            back.began = acknowledgement - 1 & SEQUENCE_BITS
        track = leg.flow.tcp if isinstance(leg, FlowLeg) else None
        if way.began is None or (track is not None and not track.state.is_established):
            way.began = sequence
        if packet.payload:
            connection.give_up("data came with the SYN (RFC 7413)")
        for kind, at, size in tcp_options(packet):
            if kind == MAXIMUM_SEGMENT_SIZE and size == 4:
                back.largest_segment = max(64, WORD.unpack_from(packet.buffer, at + 2)[0])
        return packet

    def _end(self, leg: Leg, connection: Connection) -> None:
        """From now on the connection is like any other."""
        if isinstance(leg, FlowLeg) and connection.is_done() and not leg.flow.is_over:
            leg.slot = leg.opposite.slot = None

    def _take(
        self,
        way: Way,
        position: int,
        data: bytes,
        leg: Leg,
        connection: Connection,
        now: float,
    ) -> list[Piece]:
        slot = connection.slot

        def edit(message: bytes) -> bytes:
            after = self._inspector.inspect(slot, leg, message, LONGEST_MESSAGE, now)
            return b"" if after is None else after

        hold = not slot.is_off
        pieces = way.stream.take(position, data, edit, now, hold, slot.module.manners)
        return pieces + self._count_held(way.stream)

    def _count_held(self, stream: Stream) -> list[Piece]:
        """Bounded memory: a stream too many is let go."""
        if not stream.is_holding:
            self._holding.discard(stream)
        elif len(self._holding) < MOST_HOLDING or stream in self._holding:
            self._holding.add(stream)
        else:
            return stream.give_up("too many messages are being waited for")
        return []

    # --- acknowledgements --------------------------------------------------------------

    def _acknowledge(
        self, packet: Packet, back: Way, acknowledgement: int, manners: Manners
    ) -> int:
        """What is acknowledged are positions as shown; their sender counts positions as sent."""
        shown = _near(back, acknowledgement)
        back.stream.acknowledge(shown)
        if back.stream.is_untouched or not manners.adjusts:
            return acknowledgement
        _translate_sack(packet, back)
        return back.number(back.stream.sent(shown))

    # --- segments ----------------------------------------------------------------------

    def _packets(
        self,
        packet: Packet,
        way: Way,
        pieces: list[Piece],
        acknowledgement: int,
    ) -> list[Packet]:
        """Segments for the pieces, each with the header of the segment that came."""
        start = packet.header_length
        flags = packet.buffer[start + FLAGS_AT]
        urgent = _urgent(packet, way) if flags & URG else None
        way.largest_sent = max(way.largest_sent, _size_of_segments(packet))
        room = _room_for_data(packet, min(way.largest_segment, way.largest_sent))
        cut = [
            Piece(position + at, data[at : at + room])
            for position, data in pieces
            for at in range(0, max(1, len(data)), room)
        ]
        packets = []
        for number, (position, data) in enumerate(cut):
            segment = packet.copy()
            segment.segment_size = 0
            is_last = number == len(cut) - 1
            segment.buffer[start + FLAGS_AT] = flags if is_last else flags & ~(FIN | PSH)
            NUMBERS.pack_into(segment.buffer, start + 4, way.number(position), acknowledgement)
            if urgent is not None:
                _point_at(segment, urgent - position)
            segment.replace_payload(data)
            packets.append(segment)
        return packets


def _size_of_segments(packet: Packet) -> int:
    """How large a segment of this packet is on the wire, counted as the MSS option does."""
    largest = packet.on_the_wire()[1] if packet.segment_size else packet.length
    return min(largest, packet.length) - packet.header_length - MINIMUM_HEADER


def _room_for_data(packet: Packet, largest_segment: int) -> int:
    """How many bytes go into one segment with the headers of `packet`."""
    options = packet.transport_header_length - MINIMUM_HEADER
    return min(max(64, largest_segment - options), MAXIMUM_LENGTH - packet.payload_start)


def _numbered(way: Way, pieces: list[Piece], manners: Manners) -> list[Piece]:
    """The pieces with the positions that their sequence numbers are to tell."""
    if manners.adjusts:
        return pieces
    return [Piece(way.stream.sent(position), data) for position, data in pieces]


def _urgent(packet: Packet, way: Way) -> int:
    """The position, as shown, that the urgent pointer names (RFC 9293 3.8.5)."""
    start = packet.header_length
    sequence, _ = NUMBERS.unpack_from(packet.buffer, start + 4)
    (pointer,) = WORD.unpack_from(packet.buffer, start + URGENT_AT)
    return way.stream.shown(way.position(sequence) + pointer)


def _point_at(segment: Packet, ahead: int) -> None:
    """Let the urgent pointer of a segment name a byte so far ahead of its first one."""
    start = segment.header_length
    if 0 < ahead <= HIGHEST_POINTER:
        WORD.pack_into(segment.buffer, start + URGENT_AT, ahead)
    else:
        segment.buffer[start + FLAGS_AT] &= ~URG


def _opposite(direction: Direction) -> Direction:
    return Direction.IN if direction is Direction.OUT else Direction.OUT


def _near(way: Way, number: int) -> int:
    """An acknowledgement number as a shown position."""
    assert way.began is not None
    near = way.stream.shown(way.stream.received)
    distance = (number - way.began - near) & SEQUENCE_BITS
    return near + distance - ((distance & HALF) << 1)


def _translate_sack(packet: Packet, back: Way) -> None:
    """SACK blocks (RFC 2018) in positions as sent. One that touches an edited message is blotted
    out with all others: SACK is advice, and a sender without it only sends more."""
    for kind, at, size in tcp_options(packet):
        if kind != SACK:
            continue
        edges = [
            int.from_bytes(packet.buffer[edge : edge + 4], "big")
            for edge in range(at + 2, at + size - 3, 4)
        ]
        shown = [_near(back, edge) for edge in edges]
        sent = [back.stream.sent(position) for position in shown]
        if [back.stream.shown(position) for position in sent] != shown:
            packet.buffer[at : at + size] = bytes((NO_OPERATION,)) * size
            continue
        for edge, position in zip(range(at + 2, at + size - 3, 4), sent, strict=True):
            packet.buffer[edge : edge + 4] = back.number(position).to_bytes(4, "big")
