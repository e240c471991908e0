"""What each story on the shelf promises: its outcomes, its knobs, and the shape of its guide."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.journal.events import encode
from appliance.sim.scenario import Expectation, Scenario, Turns
from appliance.sim.staging import simulation
from appliance.sim.stories import list_scenarios, load_scenario

STORIES = {story.name: story for story in list_scenarios()}
PROMISES = [(name, label) for name, story in STORIES.items() for label in story.expect]
KNOBS = [(name, key) for name, story in STORIES.items() for key in story.knobs]


@pytest.mark.parametrize(("name", "label"), PROMISES)
def test_expectations_hold(name: str, label: str) -> None:
    story = load_scenario(name)
    expected = story.expect[label]
    outcome = simulation(story, expected).run()
    assert outcome.outcome == expected.outcome, outcome.sentence
    counts = {key: outcome.evidence[key] for key in expected.evidence}
    assert counts == expected.evidence


@pytest.mark.parametrize(("name", "key"), KNOBS)
def test_a_knob_that_is_listed_changes_something(name: str, key: str) -> None:
    """Some step or expectation turns it, and then packets are not what they are without it."""
    turned = next((each for each in turns(STORIES[name]) if key in each.set), None)
    assert turned is not None, f"nothing in {name} turns {key}"
    others = {knob: value for knob, value in turned.set.items() if knob != key}
    without = Turns(alg=turned.alg, profile=turned.profile, set=others)
    assert told(name, turned) != told(name, without)


@pytest.mark.parametrize("name", STORIES)
def test_a_guide_says_what_to_look_at_first(name: str) -> None:
    """And has five to eight steps."""
    title, _, look, *_ = STORIES[name].guide.split("\n")
    assert title == f"# {STORIES[name].title}"
    assert look.startswith("**Look at first:**")
    assert 5 <= len(STORIES[name].steps) <= 8


def turns(story: Scenario) -> Iterator[Turns]:
    yield from story.steps
    expectations: list[Expectation] = list(story.expect.values())
    yield from expectations


def told(name: str, turned: Turns) -> list[bytes]:
    """All that happened after the settings were told."""
    run = simulation(load_scenario(name), turned)
    run.run()
    return [encode(event) for event in run.log.since(0)][1:]
