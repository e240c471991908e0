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


def test_a_window_is_as_wide_as_the_wider_side_has_offered() -> None:
    """RFC 7323 2.2: a FIN behind much that is under way is remembered, and counts in time."""
    for scale, is_believed in ((0, False), (7, True)):
        rig = Rig()
        options = bytes((1, 3, 3, scale))
        left(rig.out(tcp(INSIDE, REMOTE, SYN, sequence=100, options=options)))
        answer = tcp(REMOTE, PUBLIC, SYN | ACK, sequence=500, acknowledgement=101)
        left(rig.into(answer))
        left(rig.out(tcp(INSIDE, REMOTE, ACK, sequence=101, acknowledgement=501)))
        left(rig.into(tcp(REMOTE, PUBLIC, FIN | ACK, sequence=99_000, acknowledgement=101)))
        left(rig.out(tcp(INSIDE, REMOTE, ACK, sequence=101, acknowledgement=99_001)))
        assert (state_of(rig) == "closing-in") is is_believed


BLIND = {
    "a SYN": (SYN, 77_000, 0, b""),
    "a SYN with data": (SYN, 77_000, 0, b"x"),
    "an answer to no SYN": (SYN | ACK, 77_000, 99_000, b""),
    "a FIN": (FIN | ACK, 77_000, 101, b""),
    "a FIN far behind": (FIN | ACK, 4_294_800_000, 99_000, b""),
    "a RST": (RST, 77_000, 0, b""),
    "a RST in the window": (RST, 510, 0, b""),
}


@pytest.mark.parametrize("from_inside", [False, True])
@pytest.mark.parametrize("blind", BLIND.values(), ids=BLIND)
def test_who_guesses_no_number_changes_nothing_of_a_connection(
    blind: tuple[int, int, int, bytes], from_inside: bool
) -> None:
    """RFC 5961. Afterwards the true RST of each side still counts, as does its true FIN."""
    flags, sequence, acknowledgement, payload = blind
    how = {"sequence": sequence, "acknowledgement": acknowledgement, "payload": payload}
    endings = [
        ("reset", (True, RST, 101, 0)),
        ("reset", (False, RST, 501, 0)),
        ("closing-out", (True, FIN | ACK, 101, 501)),
        ("closing-in", (False, FIN | ACK, 501, 101)),
    ]
    for after, (is_out, true_flags, number, wanted) in endings:
        rig = connected()
        (flow,) = rig.nat.table.flows.values()
        due = flow.expires_at()
        if from_inside:
            rig.out(tcp(INSIDE, REMOTE, flags, **how))
        else:
            rig.into(tcp(REMOTE, PUBLIC, flags, **how))
        assert (state_of(rig), flow.expires_at()) == ("established", due)
        ends = (INSIDE, REMOTE) if is_out else (REMOTE, PUBLIC)
        packet = tcp(*ends, true_flags, sequence=number, acknowledgement=wanted)
        left(rig.out(packet) if is_out else rig.into(packet))
        assert state_of(rig) == after, blind


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
