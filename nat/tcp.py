"""What the NAT follows of a TCP connection (RFC 5382, RFC 7857 2; the table after RFC 6146 3.5.2).

The NAT does not judge segments; it must only know whether a connection is being opened, is open, or
is closing, because that decides how long its flow may be silent. A RST never ends a flow: one that
the receiver would accept starts the short timer, and any later segment brings the long one back.

Strategy: everything that changes a state is in the one table below. An ordinary connection:

    SYN out         opening        tcp_transitory    4 min
    SYN-ACK in      answered       tcp_transitory
    ACK out         established    tcp_established   2 h 4 min
    FIN out         closing-out    tcp_established   the other side may go on talking
    FIN in          closed         tcp_closing       4 min, for what is repeated
"""

from __future__ import annotations

from enum import Enum

from nat.endpoint import Direction

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
LARGEST_WINDOW = 0xFFFF  # as the header has it
LARGEST_SCALE = 14  # RFC 7323 2.3


class TcpState(Enum):
    OPENING = "opening"  # a SYN went out
    ANSWERED = "answered"  # a SYN in each direction
    ESTABLISHED = "established"
    FIN_OUT = "closing-out"  # the inside has said all it has to say
    FIN_IN = "closing-in"
    CLOSED = "closed"  # a FIN in each direction
    RESET = "reset"  # a RST that the receiver would accept

    @property
    def is_established(self) -> bool:
        """Does the long timer apply? (Half-closed connections may go on for hours.)"""
        return self in (TcpState.ESTABLISHED, TcpState.FIN_OUT, TcpState.FIN_IN)

    @property
    def is_over(self) -> bool:
        """Does a SYN begin something new?"""
        return self in (TcpState.CLOSED, TcpState.RESET)

    @property
    def timer(self) -> str:
        """Which timeout counts (RFC 5382 REQ-5; RFC 7857 2.1 parts opening from closing)."""
        if self.is_established:
            return "tcp_established"
        return "tcp_closing" if self.is_over else "tcp_transitory"


class Segment(Enum):
    """What a segment means to the table: which flag counts, and which way it goes."""

    SYN_OUT = (SYN, Direction.OUT)
    SYN_IN = (SYN, Direction.IN)
    ANSWER_OUT = (SYN | ACK, Direction.OUT)  # the inside agrees to what the outside began
    FIN_OUT = (FIN, Direction.OUT)
    FIN_IN = (FIN, Direction.IN)
    RST_OUT = (RST, Direction.OUT)
    RST_IN = (RST, Direction.IN)
    DATA_OUT = (0, Direction.OUT)
    DATA_IN = (0, Direction.IN)


_S, _E = TcpState, Segment

# fmt: off
TRANSITIONS: dict[TcpState, dict[Segment, TcpState]] = {
    _S.OPENING:     {_E.SYN_IN: _S.ANSWERED, _E.RST_IN: _S.RESET, _E.RST_OUT: _S.RESET},
    _S.ANSWERED:    {_E.DATA_OUT: _S.ESTABLISHED, _E.DATA_IN: _S.ESTABLISHED,
                     _E.FIN_OUT: _S.FIN_OUT, _E.FIN_IN: _S.FIN_IN,
                     _E.RST_IN: _S.RESET, _E.RST_OUT: _S.RESET},
    _S.ESTABLISHED: {_E.FIN_OUT: _S.FIN_OUT, _E.FIN_IN: _S.FIN_IN,
                     _E.RST_IN: _S.RESET, _E.RST_OUT: _S.RESET},
    _S.FIN_OUT:     {_E.FIN_IN: _S.CLOSED, _E.RST_IN: _S.RESET, _E.RST_OUT: _S.RESET},
    _S.FIN_IN:      {_E.FIN_OUT: _S.CLOSED, _E.RST_IN: _S.RESET, _E.RST_OUT: _S.RESET},
    _S.CLOSED:      {_E.SYN_OUT: _S.OPENING, _E.ANSWER_OUT: _S.ANSWERED},
    _S.RESET:       {_E.SYN_OUT: _S.OPENING, _E.ANSWER_OUT: _S.ANSWERED,
                     _E.DATA_OUT: _S.ESTABLISHED, _E.DATA_IN: _S.ESTABLISHED},
}
# fmt: on

_SEGMENTS = {segment.value: segment for segment in Segment}


def classify(flags: int, direction: Direction) -> Segment:
    """RST counts before SYN, SYN before FIN."""
    if direction is Direction.OUT and flags & (RST | SYN | ACK) == SYN | ACK:
        return Segment.ANSWER_OUT
    for flag in (RST, SYN, FIN):
        if flags & flag:
            return _SEGMENTS[flag, direction]
    return _SEGMENTS[0, direction]


def next_state(state: TcpState, segment: Segment) -> TcpState:
    """The state after a segment; what the table does not name changes nothing."""
    return TRANSITIONS[state].get(segment, state)


def flags_make_sense(flags: int) -> bool:
    """RFC 9293 3.10.7 gives no meaning to a segment without any of SYN, FIN, RST, ACK, nor to SYN
    with FIN or RST; a FIN always comes with an ACK."""
    flags &= FIN | SYN | RST | ACK
    if flags & SYN:
        return not flags & (FIN | RST)
    if flags & FIN:
        return bool(flags & ACK)
    return flags != 0


class TcpTrack:
    """Where a connection stands, and the sequence number each side must send next as its peer
    last acknowledged it: what its receiver would not believe must not end a flow (RFC 5961). None:
    the peer has acknowledged nothing yet. Then a RST counts only in answer to the SYN.

    `scale`: the larger shift of windows that a SYN has offered (RFC 7323 2.2); None: none was seen.
    `ahead_of_inside`: how many bytes more the outside has been shown than the inside has sent, if
    somebody edits the stream (an ALG); `ahead_of_outside` the other way round.
    """

    __slots__ = (
        "ahead_of_inside",
        "ahead_of_outside",
        "answer_to_syn",
        "end_of_inside",
        "end_of_outside",
        "next_from_inside",
        "next_from_outside",
        "scale",
        "state",
    )

    def __init__(self, state: TcpState) -> None:
        self.state = state
        self.next_from_inside: int | None = None
        self.next_from_outside: int | None = None
        self.answer_to_syn: int | None = None
        self.end_of_inside: int | None = None  # the number behind a FIN, until it counts
        self.end_of_outside: int | None = None
        self.ahead_of_inside = self.ahead_of_outside = 0
        self.scale: int | None = None

    def begin(self, outward: bool, sequence: int) -> None:
        """A side opens anew: what its peer once acknowledged no longer counts."""
        self.answer_to_syn = sequence + 1 & 0xFFFFFFFF
        if outward:
            self.next_from_outside = self.end_of_outside = None
        else:
            self.next_from_inside = self.end_of_inside = None

    def acknowledge(self, outward: bool, number: int) -> bool:
        """A segment says which number its sender wants next from its peer. True: so the peer's FIN
        has been taken, which came too early to count."""
        if outward:
            number = number - self.ahead_of_outside & 0xFFFFFFFF
            self.next_from_outside, end = number, self.end_of_outside
        else:
            number = number - self.ahead_of_inside & 0xFFFFFFFF
            self.next_from_inside, end = number, self.end_of_inside
        return number == end

    def is_in_window(self, outward: bool, sequence: int) -> bool:
        """May a segment be one that its receiver takes, or took before (RFC 9293 3.10.7.4)? A
        window reaches from what was acknowledged last to a window's width further."""
        expected = self.next_from_inside if outward else self.next_from_outside
        if expected is None:
            return True
        widest = LARGEST_WINDOW << (LARGEST_SCALE if self.scale is None else self.scale)
        return (sequence - expected + widest) & 0xFFFFFFFF <= 2 * widest

    def accepts_fin(self, outward: bool, sequence: int, size: int) -> bool:
        """Does a FIN behind `size` bytes count now? Its receiver takes it when it has everything
        before it (RFC 9293 3.10.7.4, eighth). Until then it is remembered, and counts when it is
        acknowledged; a forged one never is."""
        expected = self.next_from_inside if outward else self.next_from_outside
        if expected is None or sequence == expected:
            return True
        if outward:
            self.end_of_inside = sequence + size + 1 & 0xFFFFFFFF
        else:
            self.end_of_outside = sequence + size + 1 & 0xFFFFFFFF
        return False

    def accepts_reset(self, outward: bool, sequence: int, acknowledgement: int) -> bool:
        """Would the receiver take this RST? Only with the sequence number that comes next (RFC
        5961 3.2), or, when nothing has come yet, in answer to its SYN (RFC 9293 3.10.7.3)."""
        expected = self.next_from_inside if outward else self.next_from_outside
        if expected is None:
            return acknowledgement == self.answer_to_syn
        return sequence == expected
