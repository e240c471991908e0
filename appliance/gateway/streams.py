"""Messages over TCP: packets to streams and back (the streams themselves are `alg/stream.py`).

A TCP flow on an ALG's port carries a `Connection` in its slot. Each segment gives its bytes to the
stream of its direction and leaves with what the stream wants sent on; sequence numbers,
acknowledgements, windows and SACK blocks follow the edits for the life of the connection. A
connection that turns out not to be its application's lets go of its slot and is on the fast road
again.

    phone                     NAT                          server
      │ ── head of INVITE ──►  │ holds it                    │
      │ ◄────────── ACK own ── │                             │    the phone may go on, and the NAT
      │ ── body ────────────►  │ the message is whole        │    answers for the head from here on
      │                        │ ── INVITE, edited ──x       │    lost
      │                        │ ── INVITE, edited, own ──►  │    after 0.2 s
      │ ◄──────────────────────┼────────────────────── ACK ──│    the NAT may forget it

A segment that its receiver would not believe passes and changes nothing here. Work is bounded: of
one stream `AT_ONCE` messages are read with a segment, and none when the turn is used up; the others
wait until it is their host's turn (`turns.py`).

A connection whose first byte was not seen never gets here (RFC 3261 18.3 gives no way to find the
next message in the middle of a stream, and attackers have found several).
"""

from __future__ import annotations

from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import inf
from weakref import ref

from alg.delivery import Piece
from alg.stream import Edit, Manners, Stream
from appliance.gateway import segments
from appliance.gateway.connection import Connection, Segment, Way, opposite
from appliance.gateway.inspection import Inspector
from appliance.gateway.shares import Shares
from appliance.gateway.turns import Turns
from appliance.journal.tap import EXIT_SIDES
from nat.endpoint import Direction, FiveTuple, Side
from nat.mapping import FlowLeg
from nat.packet import Packet
from nat.tcp import ACK, FIN, PSH, RST, SYN, URG

LONGEST_MESSAGE = 65507
AT_ONCE = 4
"""Messages of one stream that are read with one segment."""
DUE_IN_A_TURN = 64  # connections that are looked at by one call of `expire`
IT_ENDS = "the connection ends"

Due = tuple[float, int, FlowLeg, "ref[Connection]"]


class StreamInspector:
    """Takes translated segments of connections with a slot and says what is to be sent on. What
    the appliance says by itself goes to `outbox`."""

    def __init__(
        self, inspector: Inspector, turns: Turns, outbox: list[tuple[Side, Packet]]
    ) -> None:
        self._inspector = inspector
        self._turns = turns
        self._outbox = outbox
        self.shares = Shares()
        self._due: list[Due] = []
        self._numbers = count()

    # --- a segment ---------------------------------------------------------------------

    def inspect(
        self, packet: Packet, leg: FlowLeg, connection: Connection, now: float
    ) -> list[Packet]:
        """The packets to send in the place of `packet` (itself, when nothing changes); none when
        its bytes are held until their message is whole."""
        way = connection.ways[leg.direction]
        back = connection.ways[opposite(leg.direction)]
        segment = Segment.of(packet)
        if segment.flags & SYN:
            was_begun = back.began is not None
            is_believed = connection.begin(packet, leg, now)
            # In answer to a SYN only what acknowledges it counts: anybody can send another SYN.
            is_first_or_answer = not was_begun or segment.flags & ACK
            if is_believed and segment.payload and is_first_or_answer:
                self._let_go(leg, connection, "data came with the SYN (RFC 7413)", now)
            segments.note_timestamp(packet, way)
            return [packet]
        if way.began is None or (segment.flags & ACK and back.began is None):
            self._let_go(leg, connection, "its beginning was not seen", now)
            return [packet]
        is_believed = connection.believes(segment, leg.direction, now)
        if is_believed:
            packets = self._inspect_believed(packet, segment, leg, connection, now)
        else:
            packets = self._pass_unread(packet, segment, way, back, connection)
        self._follow_up(leg, connection, now)
        return packets

    def _pass_unread(
        self, packet: Packet, segment: Segment, way: Way, back: Way, connection: Connection
    ) -> list[Packet]:
        """Its receiver is to judge it: only its numbers are translated."""
        if connection.is_only_read():
            return [packet]
        manners = connection.slot.module.manners
        position = way.position(segment.sequence)
        acknowledgement = segment.acknowledgement
        if segment.flags & ACK and manners.adjusts:
            shown = back.shown_position(acknowledgement)
            acknowledgement = back.number(back.stream.sent(shown))
        pieces = [Piece(way.stream.shown(position), segment.payload)]
        return self._packets(
            packet, segment, way, pieces, (acknowledgement, segment.window), manners
        )

    def _inspect_believed(
        self, packet: Packet, segment: Segment, leg: FlowLeg, connection: Connection, now: float
    ) -> list[Packet]:
        way = connection.ways[leg.direction]
        back = connection.ways[opposite(leg.direction)]
        if segment.flags & RST:
            return self._reset(packet, segment, way, back, connection)
        before = back.told, back.told_window
        if connection.is_only_read():
            back.hear(segment, now)
            self._read(segment, leg, connection, now)
            return [packet]  # RFC 5382 REQ-6: without an ALG nothing is touched
        told = self._acknowledge(packet, segment, back, connection, now)
        pieces = self._read(segment, leg, connection, now)
        segments.note_timestamp(packet, way)
        stream, position = way.stream, way.position(segment.sequence)
        if segment.flags & FIN and not stream.over:
            # Its place is behind messages that are still to be shown; it will be repeated.
            packet.buffer[packet.header_length + segments.FLAGS_AT] &= ~FIN
        if self._asks_for_an_answer(segment, stream, position, pieces):
            self._answer(leg, connection, way, back, now)
            if not pieces and told == before:
                return []
        if not pieces:
            at = position if stream.over else min(position, stream.passed)
            pieces = [Piece(stream.shown(at), b"")]
        return self._packets(packet, segment, way, pieces, told, connection.slot.module.manners)

    def _read(
        self, segment: Segment, leg: FlowLeg, connection: Connection, now: float
    ) -> list[Piece]:
        """What is to be shown now that these bytes have come."""
        stream = connection.ways[leg.direction].stream
        was_over = stream.over
        pieces: list[Piece] = []
        if segment.payload:
            if not was_over and self.shares.is_full(leg.mapping.internal.address):
                self._let_go(leg, connection, "too much of its host is being kept", now)
            pieces = self._take(segment, leg, connection, now)
        end = connection.ways[leg.direction].position(segment.sequence) + len(segment.payload)
        if segment.flags & FIN and end == stream.received and not stream.has_backlog:
            if not stream.over:
                pieces += stream.give_up(IT_ENDS)
            stream.has_ended = True
        if stream.over and not was_over:
            self._let_go(leg, connection, stream.why_over, now)
        return pieces

    def _asks_for_an_answer(
        self, segment: Segment, stream: Stream, position: int, pieces: list[Piece]
    ) -> bool:
        """Is the sender to hear of us, because its receiver hears nothing, or not of all? (An empty
        segment from before the next byte is a keep-alive, RFC 9293 3.8.4.)"""
        if stream.over:
            return False
        if segment.payload or segment.flags & FIN:
            return stream.is_holding or not pieces
        return stream.is_holding and position < stream.received

    def _reset(
        self, packet: Packet, segment: Segment, way: Way, back: Way, connection: Connection
    ) -> list[Packet]:
        """Nobody is there any more to show anything to."""
        only_read = connection.is_only_read()
        position = way.position(segment.sequence)
        if not way.stream.over:
            position = min(position, way.stream.passed)
        pieces = [Piece(way.stream.shown(position), b"")]
        for stream in connection.streams:
            stream.forget()
        if only_read:
            return [packet]
        manners = connection.slot.module.manners
        acknowledgement = segment.acknowledgement
        if segment.flags & ACK and back.began is not None and manners.adjusts:
            shown = back.shown_position(acknowledgement)
            acknowledgement = back.number(back.stream.sent(shown))
        return self._packets(
            packet, segment, way, pieces, (acknowledgement, segment.window), manners
        )

    def _acknowledge(
        self, packet: Packet, segment: Segment, back: Way, connection: Connection, now: float
    ) -> tuple[int, int]:
        """What is acknowledged are positions as shown; their sender counts positions as sent. The
        number and the window for it."""
        shown = back.hear(segment, now)
        adjusts = connection.slot.module.manners.adjusts
        back.told, back.told_window = back.tell(shown, segment.window, adjusts, now)
        if adjusts and (not back.stream.is_untouched or back.stream.is_owing):
            segments.translate_sack(packet, back, back.told)
        return back.told, back.told_window

    def _take(
        self, segment: Segment, leg: FlowLeg, connection: Connection, now: float
    ) -> list[Piece]:
        slot, way = connection.slot, connection.ways[leg.direction]
        return way.stream.take(
            way.position(segment.sequence),
            segment.payload,
            self._edit(leg, connection, now),
            now,
            not slot.is_off,
            slot.module.manners,
            AT_ONCE if self._turns.may_read(leg.mapping.internal.address) else 0,
        )

    def _edit(self, leg: FlowLeg, connection: Connection, now: float) -> Edit:
        def edit(message: bytes) -> bytes:
            after = self._inspector.inspect(connection.slot, leg, message, LONGEST_MESSAGE, now)
            return b"" if after is None else after

        return edit

    def _packets(
        self,
        packet: Packet,
        segment: Segment,
        way: Way,
        pieces: list[Piece],
        told: tuple[int, int],
        manners: Manners,
    ) -> list[Packet]:
        """Segments for the pieces in the place of the one that came."""
        urgent = 0
        if segment.flags & URG:
            urgent = segments.urgent_position(packet, way, way.position(segment.sequence))
        if not manners.adjusts:
            pieces = [Piece(way.stream.sent(position), data) for position, data in pieces]
        return segments.replaced(packet, way, pieces, *told, urgent)

    # --- what the appliance says by itself -----------------------------------------------

    def _answer(
        self, leg: FlowLeg, connection: Connection, way: Way, back: Way, now: float
    ) -> None:
        """Acknowledge to the sender of a way what is held."""
        manners = connection.slot.module.manners
        if not manners.adjusts or way.stream.answer(now) is None:
            return
        shown = way.stream.delivery.acknowledged
        way.told, way.told_window = way.tell(shown, way.window, True, now)
        here = [Piece(back.stream.end, b"")]
        self._say(leg, connection, opposite(leg.direction), here, ACK)

    def _say(
        self,
        leg: FlowLeg,
        connection: Connection,
        direction: Direction,
        pieces: list[Piece],
        flags: int,
    ) -> None:
        """Send segments of our own in a direction of a connection."""
        flow = leg.flow
        onward, answers = flow.outbound, flow.inbound
        if direction is Direction.IN:
            onward, answers = answers, onward
        way, back = connection.ways[direction], connection.ways[opposite(direction)]
        if not pieces or way.began is None or back.began is None:
            return
        side = EXIT_SIDES[onward.exit]
        for own in segments.own(_reversed(answers.key), way, back, pieces, flags):
            self._outbox.append((side, own))

    def _let_go(self, leg: FlowLeg, connection: Connection, why: str, now: float) -> None:
        """Read no more of it. What is held in the other direction goes on at once: its sender may
        have been told that it has arrived."""
        if why != IT_ENDS and not connection.is_let_go:
            self._inspector.let_go(connection.slot, leg, why, now)
        connection.is_let_go = True
        for direction, way in connection.ways.items():
            if not way.stream.over:
                pieces = way.stream.give_up(why)
                self._say(leg, connection, direction, pieces, ACK | PSH)

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When `expire` has something to do (seconds)."""
        return self._due[0][0] if self._due else inf

    def expire(self, now: float) -> None:
        """Show again what was not acknowledged, and let pass what took too long."""
        for _ in range(DUE_IN_A_TURN):
            if not self._due or self._due[0][0] > now:
                return
            due, _, leg, reference = heappop(self._due)
            connection = reference()
            if connection is None or connection.due != due or not _is_in_use(leg, connection):
                continue
            connection.due = inf
            self._expire(leg, connection, now)
            self._follow_up(leg, connection, now)

    def _expire(self, leg: FlowLeg, connection: Connection, now: float) -> None:
        for direction, way in connection.ways.items():
            stream = way.stream
            was_over = stream.over
            if connection.slot.is_off and stream.is_holding:
                pieces = stream.let_pass()
            else:
                pieces = stream.expire(now)
            self._say(leg, connection, direction, pieces, ACK | PSH)
            if stream.over and not was_over:
                self._let_go(leg, connection, stream.why_over, now)
            if stream.delivery.is_stranded:
                self._strand(leg, connection)
                return

    def _strand(self, leg: FlowLeg, connection: Connection) -> None:
        """Bytes that their sender believes to have arrived will never arrive: both must know."""
        for direction, way in connection.ways.items():
            end = [Piece(way.stream.delivery.acknowledged, b"")]
            if not way.stream.delivery.is_stranded:
                end = [Piece(way.stream.end, b"")]
            self._say(leg, connection, direction, end, RST | ACK)
            way.stream.forget()
            way.stream.delivery.is_stranded = False

    def _proceed(self, leg: FlowLeg, connection: Connection, now: float) -> None:
        """Read some of the messages that were too many at once."""
        connection.is_queued = False
        if not _is_in_use(leg, connection):
            return
        slot = connection.slot
        for direction, way in connection.ways.items():
            stream = way.stream
            if stream.has_backlog:
                onward = leg.flow.outbound if direction is Direction.OUT else leg.flow.inbound
                edit = self._edit(onward, connection, now)
                pieces = stream.proceed(edit, now, not slot.is_off, slot.module.manners, AT_ONCE)
                self._say(leg, connection, direction, pieces, ACK | PSH)
                if stream.over:
                    self._let_go(leg, connection, stream.why_over, now)
        self._follow_up(leg, connection, now)

    def settings_changed(self) -> None:
        """Another module may stand in the slot: what it does not want held is let go at once."""
        for _, _, leg, reference in list(self._due):
            connection = reference()
            if connection is not None and connection.slot.is_off and connection.due != 0.0:
                connection.due = 0.0
                heappush(self._due, (0.0, next(self._numbers), leg, reference))

    def _follow_up(self, leg: FlowLeg, connection: Connection, now: float) -> None:
        """Book when the connection is to be looked at again; or it is like any other from now."""
        if leg.flow.is_over:
            return
        if not self.shares.charge(connection, leg.mapping.internal.address):
            self._let_go(leg, connection, "too many messages are being waited for", now)
        one, other = connection.streams
        if one.over and connection.is_done():
            leg.slot = leg.opposite.slot = None
            return
        if not connection.is_queued and (one.has_backlog or other.has_backlog):
            connection.is_queued = True
            go_on = partial(self._proceed, leg, connection)
            self._turns.wait(leg.mapping.internal.address, go_on)
        if not (one.is_untouched and other.is_untouched):
            _tell_track(leg, connection)
        deadline = connection.next_deadline()
        if deadline < connection.due:
            connection.due = deadline
            heappush(self._due, (deadline, next(self._numbers), leg, ref(connection)))


def _tell_track(leg: FlowLeg, connection: Connection) -> None:
    """The NAT follows numbers as well, and must know how far the two ends have come apart."""
    track = leg.flow.tcp
    if track is not None:
        track.ahead_of_inside = connection.ways[Direction.OUT].stream.ahead
        track.ahead_of_outside = connection.ways[Direction.IN].stream.ahead


def _is_in_use(leg: FlowLeg, connection: Connection) -> bool:
    return not leg.flow.is_over and leg.slot is connection


def _reversed(tuple_: FiveTuple) -> FiveTuple:
    protocol, source, destination, source_port, destination_port = tuple_
    return (protocol, destination, source, destination_port, source_port)
