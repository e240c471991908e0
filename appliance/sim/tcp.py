"""TCP as a simulated host speaks it: one connection (RFC 9293).

A pure state machine: segments, orders of the program and the time go in; segments and news for the
program come out, in two lists that the host empties. Its states are in `tcp_states.py`, what comes
is put in order by `incoming.py`. What it has sent, and what it may send next, are numbers on one
line (3.3.1):

       acknowledged      in flight        may be sent     may not be sent yet
    ──────────────────┼────────────────┼────────────────┼──────────────────────►  sequence numbers
                  SND.UNA          SND.NXT      SND.UNA + SND.WND

It is honest and small. Left out is what memory would make necessary and virtual links do not:
congestion control (a link carries everything), delayed acknowledgements, Nagle's algorithm, options
other than the segment size. The retransmission timeout starts from its lower bound, one second,
which is what RFC 6298 comes to on links as short as these.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from appliance.parties.party import Closed, Connected, Ending, Finished, News, Obstacle, Received
from appliance.sim.incoming import Incoming
from appliance.sim.segment import WINDOW, Segment, advanced, cut, distance, refusal
from appliance.sim.tcp_states import RECEIVING, SENDING, TRANSITIONS, State, Step
from nat.endpoint import Endpoint
from nat.tcp import ACK, FIN, PSH, RST, SYN

OWN_SEGMENT = 1460  # bytes in the segments that a host is ready to receive
DEFAULT_SEGMENT = 536  # bytes; for a peer that does not say (3.7.1)
MOST_UNSENT = 1 << 20  # bytes

FIRST_TIMEOUT = 1.0  # seconds (RFC 6298 2.1 and 2.4)
LONGEST_TIMEOUT = 60.0  # seconds (RFC 6298 2.5)
PATIENCE = 100.0  # seconds without an acknowledgement (3.8.3: R2)
PATIENCE_TO_OPEN = 180.0  # seconds (3.8.3)
TIME_WAIT = 30.0
"""Seconds. RFC 9293 3.4.2 has four minutes, because a segment may wander through the Internet for
two. Here none lives longer than the links' delays, and the other side may repeat its FIN four times
in this time until it hears our last acknowledgement."""
CHALLENGES = 10
"""Acknowledgements a second to segments that might be forged (RFC 5961 7)."""


HARD_ERRORS = {Obstacle.PROTOCOL_UNREACHABLE, Obstacle.PORT_UNREACHABLE}  # 3.9.2.2


class InFlight(NamedTuple):
    """A segment that has not been acknowledged yet."""

    sequence: int
    payload: bytes
    flags: int


class Connection:
    """One connection from its first segment on. `initial` is its first sequence number.

    What is to be sent goes to `out`, what the program hears to `news`.
    """

    def __init__(
        self,
        local: Endpoint,
        remote: Endpoint,
        initial: int,
        out: list[Segment],
        news: list[News],
    ) -> None:
        self.local = local
        self.remote = remote
        self.state = State.CLOSED
        self.deadline: float | None = None
        """When `expire` has something to do (seconds)."""
        self._out = out
        self._news = news
        self._is_passive = False
        # sending
        self._acknowledged = initial  # SND.UNA
        self._next = initial  # SND.NXT
        self._window = 0  # SND.WND
        self._widest = 0  # the widest window that was ever offered
        self._window_told_by = (0, 0)  # SND.WL1, SND.WL2
        self._largest = DEFAULT_SEGMENT
        self._unsent: deque[bytes] = deque()
        self._in_flight: deque[InFlight] = deque()
        self._has_closed = False  # the program
        self._fin_is_sent = False
        self._timeout = FIRST_TIMEOUT
        self._waiting_since = 0.0
        self._lost_before = initial  # what was in flight when the timer ran out
        # receiving
        self._incoming = Incoming(0)
        self._owes_acknowledgement = False
        self._challenges = (0, 0)  # in which second, and how many

    # --- orders of the program ----------------------------------------------------------

    def connect(self, now: float) -> None:
        """Open it from this side (3.10.1)."""
        self.state = State.SYN_SENT
        self._emit(b"", SYN)
        self._watch(now)

    def accept(self, syn: Segment, now: float) -> None:
        """The other side opens it (3.10.7.2)."""
        self.state = State.SYN_RECEIVED
        self._is_passive = True
        self._begin_receiving(syn)
        self._emit(b"", SYN | ACK)
        self._watch(now)

    def write(self, payload: bytes, sizes: Sequence[int], now: float) -> None:
        """Say this, as soon as it is open and the other side has room. What comes after a close,
        and more than can be kept, ends the connection as a broken program does."""
        if self.state in (State.TIME_WAIT, State.CLOSED):
            return  # too late
        waiting = sum(map(len, self._unsent))
        if self._has_closed or waiting + len(payload) > MOST_UNSENT:
            self.abort()
            self._news.append(Closed(self.local, self.remote, Ending.IMPOSSIBLE))
            return
        self._unsent += cut(payload, sizes)
        self._send_what_fits()
        self._watch(now)

    def close(self, now: float) -> None:
        """Say no more (3.10.4). Before the connection is open this waits, as what was written
        does."""
        self._has_closed = True
        self._step(Step.CLOSE, now)
        self._send_what_fits()
        self._watch(now)

    def abort(self) -> None:
        """End it in both directions (3.10.5)."""
        if self.state not in (State.SYN_SENT, State.TIME_WAIT, State.CLOSED):
            self._out.append(self._segment(self._next, b"", RST | ACK))
        self._forget()

    # --- time ---------------------------------------------------------------------------

    def expire(self, now: float) -> None:
        """Say it again, more and more slowly, or give up (3.8.1, RFC 6298 5)."""
        if self.deadline is None or now < self.deadline:
            return
        opening = self.state in (State.SYN_SENT, State.SYN_RECEIVED)
        patience = PATIENCE_TO_OPEN if opening else PATIENCE
        if self.state is State.TIME_WAIT:
            self._forget()
        elif now - self._waiting_since >= patience:
            self._end(Ending.TIMED_OUT)
        else:
            self._timeout = min(2 * self._timeout, LONGEST_TIMEOUT)
            self.deadline = now + self._timeout
            self._lost_before = self._next
            if self._in_flight:
                self._send_again()
            else:
                self._send_next(1)  # 3.8.6.1: ask whether the window is still closed

    def _watch(self, now: float) -> None:
        """Keep the timer running while something is to be acknowledged."""
        if self.state in (State.TIME_WAIT, State.CLOSED):
            return
        if not self._in_flight and not self._unsent:
            self.deadline = None
        elif self.deadline is None:
            self.deadline = now + self._timeout
            self._waiting_since = now

    # --- segments in --------------------------------------------------------------------

    def receive(self, segment: Segment, now: float) -> None:
        """A segment of this connection whose checksum was right (3.10.7)."""
        if self.state is State.CLOSED:
            return  # an abort may have overtaken it
        if self.state is State.SYN_SENT:
            self._receive_answer(segment, now)
        elif self._is_for_this_connection(segment, now) and self._hear_acknowledgement(
            segment, now
        ):
            self._hear_data(segment)
            self._hear_fin(now)
        self._send_what_fits()
        self._watch(now)

    def hear_error(self, obstacle: Obstacle, sequence: int) -> None:
        """An ICMP error about a segment (3.9.2.2). It ends a connection only when it says that
        nobody is there, about the SYN that is on its way (RFC 5461 4.1, RFC 5927 4.1)."""
        hard = obstacle in HARD_ERRORS and self.state is State.SYN_SENT
        if hard and sequence == self._acknowledged:
            self._end(Ending.UNREACHABLE)

    def may_be_followed_by(self, syn: Segment) -> bool:
        """May the same two ends begin anew with this SYN (3.10.7.4, RFC 6191)?"""
        is_new = syn.flags & (SYN | ACK | RST) == SYN
        after = distance(syn.sequence, self._incoming.expected) > 0
        return self.state is State.TIME_WAIT and is_new and after

    def acknowledge(self) -> None:
        """Acknowledge what has not been acknowledged by a segment that went out anyway."""
        if self._owes_acknowledgement:
            self._out.append(self._segment(self._next, b"", ACK))

    def _receive_answer(self, segment: Segment, now: float) -> None:
        """3.10.7.3: the answer to our SYN."""
        flags = segment.flags
        in_flight = distance(self._next, self._acknowledged)
        is_ours = 0 < distance(segment.acknowledgement, self._acknowledged) <= in_flight
        if flags & ACK and not is_ours:
            self._refuse(segment)
        elif flags & RST:
            if flags & ACK:
                self._end(Ending.REFUSED)
        elif flags & SYN:
            self._begin_receiving(segment)
            if flags & ACK:
                self._forward_to(segment.acknowledgement, now)
                self._open(now)
                self.acknowledge()  # at once, as kernels do, and not with the first data
            else:  # both have opened at the same time (3.5, figure 8)
                self.state = State.SYN_RECEIVED
                self._in_flight[0] = self._in_flight[0]._replace(flags=SYN | ACK)
                self._send_again()

    def _begin_receiving(self, syn: Segment) -> None:
        """Data that comes with a SYN is not taken: it will come again."""
        self._incoming = Incoming(advanced(syn.sequence, 1))
        self._largest = min(syn.largest or DEFAULT_SEGMENT, OWN_SEGMENT)
        self._window = self._widest = syn.window
        self._window_told_by = (syn.sequence, syn.acknowledgement)
        self._owes_acknowledgement = True

    def _open(self, now: float) -> None:
        self.state = State.ESTABLISHED
        self._news.append(Connected(self.local, self.remote))
        if self._has_closed:
            self._step(Step.CLOSE, now)

    def _is_for_this_connection(self, segment: Segment, now: float) -> bool:
        """3.10.7.4, first to fourth: sequence number, RST, SYN. False: nothing more is to be done.

        RFC 5961 3.2 and 4.2: only a RST with exactly the next number ends the connection. One that
        is merely near, and a SYN, are answered by an acknowledgement; if the other side has really
        forgotten the connection, it says so with a RST of the right number.
        """
        is_reset = segment.flags & RST
        if not self._incoming.is_in_window(segment):
            if not is_reset:
                self._challenge(now)
            if segment.flags & FIN and self.state is State.TIME_WAIT:
                self.deadline = now + TIME_WAIT  # its sender has not heard our last word
            return False
        if is_reset and self._incoming.ahead(segment) == 0:
            self._end(Ending.RESET)
            return False
        if segment.flags & (RST | SYN):
            self._challenge(now)
            return False
        return bool(segment.flags & ACK)

    def missing_before(self, segment: Segment) -> int:
        """Bytes of the stream that must come before what this segment brings."""
        return max(0, self._incoming.ahead(segment)) if self.state in RECEIVING else 0

    def _challenge(self, now: float) -> None:
        """Tell the other side where we are, but do not let anybody make us do so without end."""
        second, count = self._challenges
        count = count + 1 if second == int(now) else 1
        self._challenges = (int(now), count)
        if count <= CHALLENGES:
            self._owes_acknowledgement = True

    # --- acknowledgements ---------------------------------------------------------------

    def _hear_acknowledgement(self, segment: Segment, now: float) -> bool:
        """3.10.7.4, fifth. False: it acknowledges what was never sent."""
        new = distance(segment.acknowledgement, self._acknowledged)
        in_flight = distance(self._next, self._acknowledged)
        if self.state is State.SYN_RECEIVED:
            if not 0 < new <= in_flight:
                self._refuse(segment)
                return False
            self._open(now)
        if not -max(self._widest, 1) <= new <= in_flight:  # RFC 5961 5.2
            self._challenge(now)
            return False
        if new > 0:
            self._forward_to(segment.acknowledgement, now)
        if new >= 0:
            self._hear_window(segment, now)
        return True

    def _forward_to(self, acknowledged: int, now: float) -> None:
        """All before this number has arrived."""
        self._acknowledged = acknowledged
        self._timeout = FIRST_TIMEOUT
        self.deadline = None
        while self._in_flight:
            sequence, payload, flags = self._in_flight[0]
            arrived = distance(acknowledged, sequence)
            if arrived < len(payload) + bool(flags & (SYN | FIN)):
                if arrived > 0:
                    rest = InFlight(acknowledged, payload[arrived:], flags)
                    self._in_flight[0] = rest
                if distance(self._lost_before, acknowledged) > 0:
                    self._send_again()  # RFC 6582 3.2: the next is lost too, do not wait for it
                return
            self._in_flight.popleft()
            if flags & FIN:
                self._step(Step.FIN_ACKNOWLEDGED, now)

    def _hear_window(self, segment: Segment, now: float) -> None:
        """3.10.7.4: an older segment must not take back what a newer one has offered."""
        told_by, acknowledged = self._window_told_by
        newer = distance(segment.sequence, told_by)
        if newer < 0 or (newer == 0 and distance(segment.acknowledgement, acknowledged) < 0):
            return
        was_closed, self._window = self._window == 0, segment.window
        self._widest = max(self._widest, segment.window)
        self._window_told_by = (segment.sequence, segment.acknowledgement)
        if segment.window == 0:
            self._waiting_since = now  # 3.8.6.1: who answers may keep us waiting
        elif was_closed and self._in_flight:
            self._send_again()

    # --- data in ------------------------------------------------------------------------

    def _hear_data(self, segment: Segment) -> None:
        """3.10.7.4, seventh."""
        if self.state in RECEIVING and (segment.payload or segment.flags & FIN):
            self._owes_acknowledgement = True
            payload = self._incoming.take(segment)
            if payload:
                self._news.append(Received(self.local, self.remote, payload))

    def _hear_fin(self, now: float) -> None:
        """3.10.7.4, eighth: once all that was said before it has been heard."""
        if self.state in RECEIVING and self._incoming.take_end():
            self._news.append(Finished(self.local, self.remote))
            self._step(Step.FIN_HEARD, now)

    # --- states -------------------------------------------------------------------------

    def _step(self, step: Step, now: float) -> None:
        state = TRANSITIONS[step].get(self.state)
        if state is None:
            return
        self.state = state
        if state is State.TIME_WAIT:
            self.deadline = now + TIME_WAIT
            self._news.append(Closed(self.local, self.remote, Ending.ORDERLY))
        elif state is State.CLOSED:
            self._end(Ending.ORDERLY)

    def _end(self, how: Ending) -> None:
        """The program hears of it, unless it never heard of the connection."""
        heard_of = not (self._is_passive and self.state is State.SYN_RECEIVED)
        self._forget()
        if heard_of:
            self._news.append(Closed(self.local, self.remote, how))

    def _forget(self) -> None:
        self.state = State.CLOSED
        self.deadline = None
        self._owes_acknowledgement = False
        self._unsent.clear()
        self._in_flight.clear()

    # --- segments out -------------------------------------------------------------------

    def _send_what_fits(self) -> None:
        """What the other side's window has room for. A piece waits until it fits as a whole; but
        one that is larger than the window goes in parts."""
        if self.state not in SENDING:
            return
        while self._unsent:
            room = self._window - distance(self._next, self._acknowledged)
            size = min(len(self._unsent[0]), self._largest)
            if room <= 0 or (size > room and self._in_flight):
                return
            self._send_next(min(size, room))
        if self._has_closed and not self._fin_is_sent:
            self._fin_is_sent = True
            self._emit(b"", FIN | ACK)

    def _send_next(self, size: int) -> None:
        """The next bytes that wait, at most one piece of them."""
        piece = self._unsent.popleft()
        if len(piece) > size:
            self._unsent.appendleft(piece[size:])
        self._emit(piece[:size], ACK if self._unsent else ACK | PSH)

    def _emit(self, payload: bytes, flags: int) -> None:
        """Send something for the first time."""
        sent = InFlight(self._next, payload, flags)
        self._in_flight.append(sent)
        self._out.append(self._segment(*sent))
        length = len(payload) + bool(flags & (SYN | FIN))
        self._next = advanced(self._next, length)

    def _send_again(self) -> None:
        self._out.append(self._segment(*self._in_flight[0]))

    def _refuse(self, segment: Segment) -> None:
        answer = refusal(segment)
        if answer is not None:
            self._out.append(answer)

    def _segment(self, sequence: int, payload: bytes, flags: int) -> Segment:
        self._owes_acknowledgement = False
        return Segment(
            self.local,
            self.remote,
            sequence,
            self._incoming.expected if flags & ACK else 0,
            flags,
            WINDOW,
            payload,
            OWN_SEGMENT if flags & SYN else 0,
        )
