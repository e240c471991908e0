"""The table of TCP states, and which flags make sense."""

from __future__ import annotations

import pytest

from nat.endpoint import Direction
from nat.tcp import TRANSITIONS, Segment, TcpState, classify, flags_make_sense, next_state
from tests.support.packets import ACK, FIN, PSH, RST, SYN, URG

OUT, IN = Direction.OUT, Direction.IN

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
