"""How a flow follows its packets: the timelines of RFC 5382 and RFC 7857 through a NAT."""

from __future__ import annotations

import pytest

from nat.drop import Drop
from tests.support.packets import ACK, EXTERNAL, FIN, PSH, RST, SYN, URG, A, R, slow_checksum, tcp
from tests.support.rig import Rig, left

INSIDE, REMOTE, PUBLIC = f"{A}:4000", f"{R}:80", f"{EXTERNAL}:4000"


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


FINS = [
    ("far away", 2_000_000, "established"),
    ("in the window but not next", 502, "established"),
    ("the next one", 501, "closing-in"),
]


@pytest.mark.parametrize(("sequence", "state"), [row[1:] for row in FINS], ids=[r[0] for r in FINS])
def test_only_a_fin_that_the_receiver_would_take_now_ends_a_direction(
    sequence: int, state: str
) -> None:
    """RFC 9293 3.10.7.4, eighth: a FIN is processed when all before it has come."""
    rig = connected()
    left(rig.into(tcp(REMOTE, PUBLIC, FIN | ACK, sequence=sequence, acknowledgement=101)))
    left(rig.out(tcp(INSIDE, REMOTE, ACK, sequence=101, acknowledgement=501)))
    assert state_of(rig) == state


def test_a_fin_that_overtakes_what_is_in_flight_counts_when_it_is_acknowledged() -> None:
    """A server says all it has to say before anything of it is acknowledged."""
    rig = connected()
    left(rig.into(tcp(REMOTE, PUBLIC, ACK, sequence=501, acknowledgement=101, payload=b"x" * 99)))
    left(rig.into(tcp(REMOTE, PUBLIC, FIN | ACK, sequence=600, acknowledgement=101, payload=b"y")))
    assert state_of(rig) == "established"
    left(rig.out(tcp(INSIDE, REMOTE, ACK, sequence=101, acknowledgement=600)))
    assert state_of(rig) == "established"
    left(rig.out(tcp(INSIDE, REMOTE, FIN | ACK, sequence=101, acknowledgement=602)))
    assert state_of(rig) == "closed"


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
