"""The table of TCP states, and the timelines of RFC 5382 and RFC 7857 through a NAT."""

from __future__ import annotations

import pytest

from nat.drop import Drop
from nat.endpoint import Direction
from nat.tcp import TRANSITIONS, Segment, TcpState, classify, flags_make_sense, next_state
from tests.support.packets import ACK, EXTERNAL, FIN, PSH, RST, SYN, URG, A, R, slow_checksum, tcp
from tests.support.rig import Rig, left

OUT, IN = Direction.OUT, Direction.IN
INSIDE, REMOTE, PUBLIC = f"{A}:4000", f"{R}:80", f"{EXTERNAL}:4000"

STORIES = [
    ("three-way handshake", [(OUT, SYN), (IN, SYN | ACK), (OUT, ACK)], "established"),
    ("simultaneous open", [(OUT, SYN), (IN, SYN), (OUT, SYN | ACK), (IN, ACK)], "established"),
    ("only a SYN", [(OUT, SYN), (OUT, SYN)], "opening"),
    ("refused", [(OUT, SYN), (IN, RST | ACK)], "reset"),
    ("half closed by the inside", [(OUT, SYN), (IN, SYN), (OUT, ACK), (OUT, FIN)], "closing-out"),
    ("half closed by the far end", [(OUT, SYN), (IN, SYN), (OUT, ACK), (IN, FIN)], "closing-in"),
    ("closed", [(OUT, SYN), (IN, SYN), (OUT, ACK), (IN, FIN), (OUT, FIN)], "closed"),
    ("closed, late data", [(OUT, SYN), (IN, SYN), (OUT, FIN), (IN, FIN), (IN, ACK)], "closed"),
    ("a SYN from outside reopens nothing",
     [(OUT, SYN), (IN, SYN), (OUT, FIN), (IN, FIN), (IN, SYN)], "closed"),
    ("a SYN from inside does",
     [(OUT, SYN), (IN, SYN), (OUT, FIN), (IN, FIN), (OUT, SYN)], "opening"),
    ("both sides reopen it from outside",
     [(OUT, SYN), (IN, SYN), (OUT, FIN), (IN, FIN), (IN, SYN), (OUT, SYN | ACK), (IN, ACK)],
     "established"),
    ("data after a RST brings it back", [(OUT, SYN), (IN, SYN), (OUT, ACK), (IN, RST), (OUT, ACK)],
     "established"),
    ("RST counts before FIN", [(OUT, SYN), (IN, SYN), (OUT, ACK), (OUT, RST | FIN)], "reset"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("segments", "expected"), [story[1:] for story in STORIES], ids=[s[0] for s in STORIES]
)
def test_where_a_connection_stands_after_a_story(
    segments: list[tuple[Direction, int]], expected: str
) -> None:
    state = TcpState.OPENING
    for direction, flags in segments[1:]:
        state = next_state(state, classify(flags, direction))
    assert state.value == expected


def test_every_state_is_in_the_table_and_can_be_left() -> None:
    assert set(TRANSITIONS) == set(TcpState)
    assert all(TRANSITIONS.values())
    assert all(next_state(state, segment) in TcpState for state in TcpState for segment in Segment)


SENSE = [
    (SYN, True), (SYN | ACK, True), (ACK, True), (RST, True), (RST | ACK, True), (FIN | ACK, True),
    (FIN | PSH | URG | ACK, True), (ACK | PSH, True), (SYN | URG, True),
    (0, False), (SYN | FIN, False), (SYN | RST, False), (FIN, False), (FIN | PSH | URG, False),
    (PSH, False), (URG, False), (63, False),
]  # fmt: skip


@pytest.mark.parametrize(("flags", "sensible"), SENSE)
def test_flags_that_cannot_stand_together(flags: int, sensible: bool) -> None:
    """RFC 9293 3.10.7."""
    assert flags_make_sense(flags) is sensible


def connected() -> Rig:
    """A connection: the next byte from outside is 501, from inside 101."""
    rig = Rig()
    left(rig.out(tcp(INSIDE, REMOTE, SYN, sequence=100)))
    left(rig.into(tcp(REMOTE, PUBLIC, SYN | ACK, sequence=500, acknowledgement=101)))
    left(rig.out(tcp(INSIDE, REMOTE, ACK, sequence=101, acknowledgement=501)))
    return rig


def state_of(rig: Rig) -> str:
    (flow,) = rig.nat.table.flows.values()
    return flow.state


def lifetime_of(rig: Rig) -> float:
    (flow,) = rig.nat.table.flows.values()
    assert flow.timer is not None
    return flow.timer.timeout


def test_established_connections_live_two_hours_and_others_four_minutes() -> None:
    """RFC 5382 REQ-5."""
    rig = Rig()
    left(rig.out(tcp(INSIDE, REMOTE, SYN)))
    assert lifetime_of(rig) == 240.0
    assert lifetime_of(connected()) == 7440.0


RESETS = [
    ("out of the window", 40_000, "established"),
    ("in the window but not next", 502, "established"),
    ("the one the receiver accepts", 501, "reset"),
]


@pytest.mark.parametrize(
    ("sequence", "state"), [row[1:] for row in RESETS], ids=[row[0] for row in RESETS]
)
def test_only_a_reset_that_the_receiver_would_accept_shortens_the_timer(
    sequence: int, state: str
) -> None:
    """RFC 7857 2.2, RFC 5961 3.2: a forged RST must not take a mapping away."""
    rig = connected()
    left(rig.into(tcp(REMOTE, PUBLIC, RST, sequence=sequence)))
    assert state_of(rig) == state
    rig.wait(239.0)
    left(rig.out(tcp(INSIDE, REMOTE, ACK, sequence=101, acknowledgement=501)))
    assert state_of(rig) == "established"


def test_a_reset_out_is_checked_as_well() -> None:
    rig = connected()
    left(rig.into(tcp(REMOTE, PUBLIC, ACK, sequence=501, acknowledgement=101)))
    left(rig.out(tcp(INSIDE, REMOTE, RST, sequence=99)))
    assert state_of(rig) == "established"
    left(rig.out(tcp(INSIDE, REMOTE, RST, sequence=101)))
    assert state_of(rig) == "reset"


def test_a_syn_in_an_established_connection_passes_for_the_challenge_ack() -> None:
    """RFC 5961 4: the peer answers with an ACK, the inside with a RST, then a new SYN works."""
    rig = connected()
    left(rig.out(tcp(INSIDE, REMOTE, SYN, sequence=7000)))
    left(rig.into(tcp(REMOTE, PUBLIC, ACK, sequence=501, acknowledgement=101)))
    left(rig.out(tcp(INSIDE, REMOTE, RST, sequence=101)))
    assert state_of(rig) == "reset"
    left(rig.out(tcp(INSIDE, REMOTE, SYN, sequence=7000)))
    assert state_of(rig) == "opening"


MALFORMED = [
    ("no flags", 0, 5, Drop.BAD_FLAGS),
    ("SYN and FIN", SYN | FIN, 5, Drop.BAD_FLAGS),
    ("Christmas tree", FIN | PSH | URG, 5, Drop.BAD_FLAGS),
    ("data offset 2", ACK, 2, Drop.MALFORMED),
    ("data offset 15", ACK, 15, Drop.MALFORMED),
]


@pytest.mark.parametrize(
    ("flags", "offset", "drop"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_also_a_known_flow_carries_no_nonsense(flags: int, offset: int, drop: Drop) -> None:
    rig = connected()
    assert rig.out(tcp(INSIDE, REMOTE, flags, offset=offset)) is drop
    assert rig.into(tcp(REMOTE, PUBLIC, flags, offset=offset)) is drop


def test_a_known_flow_carries_no_tcp_header_cut_short() -> None:
    rig = connected()
    whole = tcp(INSIDE, REMOTE, ACK, payload=b"x" * 20)
    for length in range(20, 40):
        cut = whole[:2] + length.to_bytes(2, "big") + whole[4:10] + b"\0\0" + whole[12:length]
        sound = cut[:10] + slow_checksum(cut[:20]).to_bytes(2, "big") + cut[12:]
        assert rig.out(sound) is Drop.MALFORMED


@pytest.mark.parametrize("flags", [ACK, ACK | PSH, RST, RST | ACK, FIN | ACK, SYN | ACK])
def test_only_a_syn_opens_a_connection(flags: int) -> None:
    """RFC 7857 2: no "loose" pick-up; a RST without a connection creates nothing."""
    rig = Rig()
    assert rig.out(tcp(INSIDE, REMOTE, flags)) is Drop.NOT_OPENING
    assert not rig.nat.table.flows
    assert not rig.nat.table.hosts


def test_a_handshake_that_ends_with_a_fin_counts_as_answered() -> None:
    rig = Rig()
    left(rig.out(tcp(INSIDE, REMOTE, SYN)))
    left(rig.into(tcp(REMOTE, PUBLIC, SYN | ACK)))
    left(rig.out(tcp(INSIDE, REMOTE, FIN | ACK)))
    (host,) = rig.nat.table.hosts.values()
    assert (host.flows, host.unanswered) == (1, 0)


def test_the_outside_alone_keeps_no_connection_alive() -> None:
    """Invariant I-T5: a peer that resets and goes on in turn only shortens its life."""
    rig = connected()
    for _ in range(3):
        rig.wait(100.0)
        rig.into(tcp(REMOTE, PUBLIC, RST, sequence=501))
        rig.into(tcp(REMOTE, PUBLIC, ACK, sequence=501, acknowledgement=101))
    assert rig.into(tcp(REMOTE, PUBLIC, ACK, sequence=501, acknowledgement=101)) is not None
    rig.wait(50.0)
    assert rig.into(tcp(REMOTE, PUBLIC, ACK, sequence=501, acknowledgement=101)) in (
        Drop.NOT_OPENING,
        Drop.NO_MAPPING,
    )


def test_the_inside_brings_a_reset_connection_back_for_hours() -> None:
    """RFC 7857 2.2."""
    rig = connected()
    left(rig.into(tcp(REMOTE, PUBLIC, RST, sequence=501)))
    left(rig.out(tcp(INSIDE, REMOTE, ACK, sequence=101, acknowledgement=501)))
    rig.wait(7000.0)
    left(rig.into(tcp(REMOTE, PUBLIC, ACK, sequence=501, acknowledgement=101)))
