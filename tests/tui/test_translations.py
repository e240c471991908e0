"""The table: a row for each flow, and what is left when it is gone."""

from __future__ import annotations

from tests.tui.rows import HOLE, expired, shown, table
from tests.tui.stories import (
    AUDIO,
    flow,
    flow_in_version_6,
)
from tui.translations import GHOST


def test_a_flow_that_ended_stays_as_a_ghost_and_then_goes() -> None:
    made = table(flow())
    made.fold(expired(101.0))
    made.take([], [], 107.0)
    assert "gone 6s" in shown(made, 107.0)[0]
    made.take([], [], 101.0 + GHOST)
    assert made.rows() == []


def test_a_snapshot_that_is_older_than_the_end_does_not_bring_a_flow_back() -> None:
    made = table(flow())
    made.fold(expired(101.0))
    made.take([flow()], [], 101.0)
    assert made.rows()[0].gone_at == 101.0


def test_a_hole_of_the_alg_waits_until_a_flow_uses_it() -> None:
    made = table(flow(), holes=(HOLE,))
    assert shown(made)[1].endswith("203.0.113.9:* alg ▓▓▓▓▓ 180s waits")
    made.take([flow(), AUDIO | {"opened_by": "alg"}], [HOLE], 101.0)
    assert [row.key for row in made.rows()] == ["flow 1", "flow 2"]


def test_a_hole_for_anyone_says_so() -> None:
    assert "anyone" in shown(table(holes=(HOLE | {"remote": None},)))[0]


def test_a_hole_for_an_ipv6_host_waits_until_a_flow_uses_it() -> None:
    hole = flow_in_version_6(HOLE)
    made = table(holes=(hole,))
    assert made.rows()[0].remote == "[2001:db8:113:1111:2222:3333:4444:9]:*"
    made.take([flow_in_version_6(AUDIO)], [hole], 101.0)
    assert [row.key for row in made.rows()] == ["flow 2"]
