"""Whom a door lets in, and until when (invariant I-E3)."""

from __future__ import annotations

import pytest

from nat.endpoint import UDP, Endpoint
from nat.expectation import Expectation
from nat.mapping import Mapping
from tests.nat.packets import EXTERNAL, A, R, S

KNOCKS = [
    # the door is for, who knocks, is let in
    (f"{R}:7000", f"{R}:7000", True),
    (f"{R}:7000", f"{R}:7001", False),
    (f"{R}:7000", f"{S}:7000", False),
    (f"{R}:0", f"{R}:7001", True),  # any port of that address
    (f"{R}:0", f"{S}:7001", False),
    (None, f"{S}:7001", True),  # anyone
]


def door(remote: str | None) -> Expectation:
    """A door with a deadline at 10 s."""
    ends = Endpoint.parse(f"{A}:7000"), Endpoint.parse(f"{EXTERNAL}:7000")
    wanted = None if remote is None else Endpoint.parse(remote)
    made = Expectation(1, Mapping(1, UDP, *ends, "alg"), wanted, "call", "media")
    made.deadline = 10.0
    return made


@pytest.mark.parametrize(("remote", "knocks", "admitted"), KNOCKS)
def test_a_door_is_for_one_endpoint_one_host_or_anyone(
    remote: str | None, knocks: str, admitted: bool
) -> None:
    assert door(remote).admits(Endpoint.parse(knocks), 9.9) is admitted


@pytest.mark.parametrize("remote", [None, f"{R}:0", f"{R}:7000"])
def test_a_door_is_shut_from_its_deadline_on(remote: str | None) -> None:
    """Invariant I-T1: also when nobody has tidied it up yet."""
    moments = (9.999, 10.0, 11.0)
    admitted = [door(remote).admits(Endpoint.parse(f"{R}:7000"), now) for now in moments]
    assert admitted == [True, False, False]


def test_a_door_that_was_given_no_time_lets_nobody_in() -> None:
    fresh = Expectation(1, door(None).mapping, None, "call", "media")
    assert not fresh.admits(Endpoint.parse(f"{R}:7000"), 0.0)
    assert (fresh.flow, fresh.used_lifetime) == (None, None), "and use would not prolong it"
