"""What a flow learns from its packets: its first answer, and where its TCP connection stands.

Most packets tell a flow nothing new, and do not come here. Those of a leg that still is to `follow`
do: every segment of TCP (RFC 5382, RFC 7857 2), and the first answer to anything else.

A packet that comes here either goes on like any other and keeps its flow alive (None), or goes on
without keeping it alive (its leg), or is refused (a Drop).
"""

from __future__ import annotations

from struct import Struct

from nat.behavior import Behavior
from nat.conntrack import Conntrack
from nat.drop import Drop
from nat.endpoint import Direction
from nat.events import Observer
from nat.mapping import Arrival, Flow, FlowLeg, Why
from nat.mss import clamp, window_scale
from nat.packet import Packet
from nat.policy import Policy
from nat.tcp import ACK, FIN, RST, SYN, TcpState, TcpTrack, classify, flags_make_sense, next_state

INSIDE = Arrival.INSIDE
ESTABLISHED = TcpState.ESTABLISHED
_AGAINST = {Direction.OUT: Direction.IN, Direction.IN: Direction.OUT}
TCP_HEADER = 20  # bytes, without options
TCP_NUMBERS = Struct("!IIH")  # sequence, acknowledgement, data offset and flags


class Following:
    """Follows the flows of one NAT."""

    def __init__(self, table: Conntrack, observer: Observer) -> None:
        self._table = table
        self._observer = observer

    def settings_changed(self, behavior: Behavior, policy: Policy) -> None:
        self._behavior = behavior
        self._policy = policy

    def follow(self, leg: FlowLeg, packet: Packet, now: float) -> FlowLeg | Drop | None:
        """Tell a flow what a packet says of it."""
        track = leg.flow.tcp
        if track is None:
            return self._hear_first_answer(leg, packet)
        return self.follow_tcp(leg, track, packet, now)

    def _hear_first_answer(self, leg: FlowLeg, packet: Packet) -> Drop | None:
        """Something came back: the flow is answered, and UDP goes under the longer timer (RFC 4787
        REQ-5). From now on packets of this leg tell it nothing new. A packet that is damaged is
        no answer."""
        flow = leg.flow
        drop = packet.check_transport()
        if drop:
            return drop
        leg.follow = False
        self._table.mark_answered(flow)
        if flow.timer is self._table.deadlines.timers["udp_unanswered"]:
            self._table.choose_timer(flow)
        return None

    def follow_tcp(
        self, leg: FlowLeg, track: TcpTrack, packet: Packet, now: float
    ) -> FlowLeg | Drop | None:
        """What a connection must know of each segment."""
        start = (packet.buffer[0] & 15) * 4
        if packet.length < start + TCP_HEADER:
            return Drop.MALFORMED
        sequence, acknowledgement, offset_and_flags = TCP_NUMBERS.unpack_from(
            packet.buffer, start + 4
        )
        header = (offset_and_flags >> 12) * 4
        if not TCP_HEADER <= header <= packet.length - start:
            return Drop.MALFORMED
        flags = offset_and_flags & 0xFF
        if not flags_make_sense(flags):
            return Drop.BAD_FLAGS
        flow = leg.flow
        outward = leg.arrival is INSIDE
        if flags & RST and not self._resets(leg, track, sequence, acknowledgement, now):
            return leg
        if not flags & (RST | SYN) and not track.is_in_window(outward, sequence):
            return leg  # RFC 5961: its receiver is to judge it
        if flags & SYN and self._behavior.mss_clamp:
            clamp(packet, min(self._behavior.mtu))
        state = track.state
        # A SYN says nothing of a connection that is open (RFC 5961 4): anybody can send one.
        if not flags & RST and not (flags & SYN and state.is_established):
            state = self._note_numbers(leg, track, packet, flags, sequence, acknowledgement)
        size = packet.length - start - header
        if flags & FIN and not track.accepts_fin(outward, sequence, size):
            flags &= ~FIN
        state = next_state(state, classify(flags, leg.direction))
        # A repeated SYN must not keep a connection alive that never comes about.
        repeats = state is track.state and state.timer == "tcp_transitory"
        self._move(flow, track, state, outward and not flags & RST, now)
        return leg if flags & RST or repeats else None

    def _note_numbers(
        self,
        leg: FlowLeg,
        track: TcpTrack,
        packet: Packet,
        flags: int,
        sequence: int,
        acknowledgement: int,
    ) -> TcpState:
        """What a segment tells of both sides' numbers; answers the state, which is another one when
        the peer's FIN has been taken."""
        outward = leg.arrival is INSIDE
        if flags & SYN:
            track.scale = max(track.scale or 0, window_scale(packet))
        if not flags & ACK:
            track.begin(outward, sequence)
        elif track.acknowledge(outward, acknowledgement):
            return next_state(track.state, classify(FIN, _AGAINST[leg.direction]))
        return track.state

    def _resets(
        self, leg: FlowLeg, track: TcpTrack, sequence: int, acknowledgement: int, now: float
    ) -> bool:
        """Does a RST end the connection? One that its receiver would not accept is translated and
        nothing more: anybody outside may have sent or provoked it, so it must neither end the
        connection nor keep it alive (RFC 7857 2.2 and 7)."""
        if self._policy.cuts_on_rst(False, leg.flow):
            self._table.close_flow(leg.flow, Why.CUT, now)
            return False
        return track.accepts_reset(leg.arrival is INSIDE, sequence, acknowledgement)

    def _move(
        self, flow: Flow, track: TcpTrack, state: TcpState, inside_spoke: bool, now: float
    ) -> None:
        """A connection comes to another state, and so under another timer, which begins now.

        But when the outside or a RST ends it, or the outside brings it back, it lives no longer
        for that. Otherwise strangers could keep it alive for ever, with RST and data in turn or
        with data that the inside answers by RST (RFC 7857 7.1). `inside_spoke`: of its own accord.

            established (2 h 4 min) ── RST from outside ──► reset (4 min, but not beyond the 2 h 4)
            reset ── data from outside ──► established, with the end that `reset` had
            reset ── data from inside ───► established, for 2 h 4 min from now
        """
        if state is track.state:
            return
        end = flow.expires_at()
        may_prolong = inside_spoke or not (track.state.is_over or state.is_over)
        if track.state.is_over and not state.is_established and not state.is_over:
            self._observer.flow_reopened(flow)
        track.state = state
        flow.refreshed = now if may_prolong else min(now, end - self._table.timeout_of(flow))
        if state.is_established:
            self._table.mark_answered(flow)
        self._table.choose_timer(flow)
