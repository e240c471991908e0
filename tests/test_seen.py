"""The table of what was seen of the stories in reality tells no more than was seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.sim.scenario import Expectation
from appliance.sim.stories import load_scenario
from docs import seen

STORY = load_scenario("one-way-audio")
SEEN = {
    "scenario": STORY.name,
    "expects": "off",
    "turned": "--alg off",
    "speed": 4.0,
    "on": "2026-01-02",
    "outcome": "one-way-audio",
    "simulated": "one-way-audio",
    "sentence": "one-way audio: bob hears alice",
    "agrees": True,
}
Table = Callable[..., str]


@pytest.fixture
def row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """The line of a story that expects what `expected` says, when its run with the ALG off was
    seen to end as `more` says."""

    def told(expected: Expectation | None = None, **more: Any) -> str:
        story = load_scenario(STORY.name)
        story.expect = {"off": expected or Expectation(alg="off", outcome="one-way-audio")}
        file = tmp_path / "lab.jsonl"
        file.write_text(json.dumps({**SEEN, **more}) + "\n")
        monkeypatch.setattr(seen, "FILE", file)
        monkeypatch.setattr(seen, "list_scenarios", lambda: [story])
        return seen.in_both_worlds().splitlines()[-1]

    return told


def test_what_agreed_is_told_with_its_speed_and_its_day(row: Table) -> None:
    assert row() == ("| `one-way-audio` | one-way audio | not told | 1 of 1 | 4 | 2026-01-02 |  |")


def test_what_ended_otherwise_is_told_with_what_was_said(row: Table) -> None:
    told = row(outcome="no-audio", sentence="no audio: of anybody", agrees=False)
    assert "| no audio | not told | 0 of 1 |" in told
    assert "off: ends otherwise: no audio: of anybody" in told


def test_what_was_not_played_is_told_with_what_was_said(row: Table) -> None:
    told = row(outcome="", simulated="", sentence="no such device", agrees=False)
    assert "| not played | not told | 0 of 1 |" in told
    assert "off: not played: no such device" in told


def test_what_is_only_simulated_is_told_with_the_reason_and_not_counted(row: Table) -> None:
    unreal = Expectation(alg="off", outcome="one-way-audio", only_simulated="it breaks a promise")
    told = row(unreal, outcome="", simulated="", sentence="it breaks a promise", agrees=False)
    assert "| only simulated | not told | 0 of 0 |" in told
    assert told.endswith("off: only simulated: it breaks a promise |")


@pytest.mark.parametrize(
    "expected",
    [
        Expectation(alg="off", outcome="both-ways"),
        Expectation(alg="off", outcome="one-way-audio", set={"nat.timeouts.udp": 30}),
    ],
)
def test_what_was_seen_of_another_story_does_not_count(row: Table, expected: Expectation) -> None:
    """A story that turns something else now, or ends otherwise, was not tried."""
    told = row(expected)
    assert "| not tried | not told | 0 of 1 |" in told
    assert "1 not tried" in told
