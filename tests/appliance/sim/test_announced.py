"""What is told of a story before it can be played is what is told of it afterwards."""

from __future__ import annotations

import pytest

from appliance.sim.announced import announced
from appliance.sim.stories import load_scenario
from appliance.sim.titles import scenario_names

TOLD = ("name", "title", "lesson", "symptom", "duration", "guide", "script", "steps")


def test_every_story_is_announced_as_it_will_be_played() -> None:
    for name in scenario_names():
        story, whole = announced(name), load_scenario(name)
        assert story is not None
        assert {word: getattr(story, word) for word in TOLD} == {
            word: getattr(whole, word) for word in TOLD
        }
        assert {party: (each.side, each.address) for party, each in story.parties.items()} == {
            party: (each.side, each.address) for party, each in whole.parties.items()
        }


@pytest.mark.parametrize("name", ["one-way-audoi", "./my-story", "../one-way-audio", ""])
def test_one_that_does_not_come_with_the_program_is_read_whole(name: str) -> None:
    assert announced(name) is None
