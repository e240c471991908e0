"""Who may come in by a door, and until when."""

from __future__ import annotations

import pytest

from nat.endpoint import UDP, Endpoint
from nat.expectation import Expectation
from nat.mapping import Mapping
from tests.nat.packets import EXTERNAL, A, R, S

KNOCKS = [
    # door for, who knocks, at which second, admitted
    (f"{R}:7000", f"{R}:7000", 9.9, True),
    (f"{R}:7000", f"{R}:7001", 9.9, False),
    (f"{R}:7000", f"{S}:7000", 9.9, False),
    (f"{R}:0", f"{R}:7001", 9.9, True),  # any port of that address
    (f"{R}:0", f"{S}:7001", 9.9, False),
    (None, f"{S}:7001", 9.9, True),  # anyone
    (None, f"{S}:7001", 10.0, False),  # too late
    (f"{R}:7000", f"{R}:7000", 10.0, False),
]


@pytest.mark.parametrize(("door", "knocks", "now", "admitted"), KNOCKS)
def test_a_door_is_for_one_remote_and_one_time(
    door: str | None, knocks: str, now: float, admitted: bool
) -> None:
    """Invariant I-E3."""
    ends = Endpoint.parse(f"{A}:7000"), Endpoint.parse(f"{EXTERNAL}:7000")
    remote = None if door is None else Endpoint.parse(door)
    expectation = Expectation(1, Mapping(1, UDP, *ends, "alg"), remote, "call", "media")
    expectation.deadline = 10.0
    assert expectation.admits(Endpoint.parse(knocks), now) is admitted
