"""What each story on the shelf promises: its outcomes, its knobs, and the shape of its guide."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from hashlib import sha256

import msgspec
import pytest

from alg.registry import SpecError
from appliance.gateway.slots import Slots
from appliance.journal.events import encode
from appliance.sim.outcome import Outcome
from appliance.sim.scenario import Expectation, Scenario, Turns
from appliance.sim.staging import simulation, stage
from docs.pitfalls import bites
from tests.support.breaks import CLAIMS
from tests.support.stories import shelf
from tests.support.sweep import sampled

STORIES = {story.name: story for story in shelf()}
EXPECTED = [(name, key) for name, story in STORIES.items() for key in story.expect]
PROMISES = [pytest.param(*each) for each in EXPECTED]
BITES = {
    (each.story, label)
    for each in bites()
    for label, expected in STORIES[each.story].expect.items()
    if expected == each.turned and each.fault in CLAIMS
}
KNOBS = [pytest.param(name, key) for name, story in STORIES.items() for key in story.knobs]


@pytest.mark.parametrize(("name", "label"), sampled(PROMISES, 14))
def test_expectations_hold(name: str, label: str) -> None:
    """And where a fault bites, it breaks what its row says that it does."""
    expected = STORIES[name].expect[label]
    outcome, _, told = played(name, expected)
    assert outcome.outcome == expected.outcome, outcome.sentence
    counts = {key: outcome.evidence[key] for key in expected.evidence}
    assert counts == expected.evidence
    if (name, label) in BITES:
        claim = CLAIMS[expected.alg]
        assert claim.story != name or claim.told in told


@pytest.mark.parametrize(("name", "key"), sampled(KNOBS, 12))
def test_a_knob_that_is_listed_changes_something(name: str, key: str) -> None:
    """Some step or expectation turns it, and then packets are not what they are without it."""
    turned = next((each for each in turns(STORIES[name]) if key in each.set), None)
    assert turned is not None, f"nothing in {name} turns {key}"
    others = {knob: value for knob, value in turned.set.items() if knob != key}
    without = Turns(alg=turned.alg, profile=turned.profile, set=others)
    assert played(name, turned)[1] != played(name, without)[1]


def test_only_what_a_real_appliance_refuses_is_only_simulated() -> None:
    """And is marked so in its story, with the reason: all else is to be played in reality."""
    marked = {(name, key) for name, key in EXPECTED if STORIES[name].expect[key].only_simulated}
    assert {(name, key) for name, key in EXPECTED if is_refused_on_real_wires(name, key)} == marked


@pytest.mark.parametrize("name", STORIES)
def test_a_guide_says_what_to_look_at_first(name: str) -> None:
    """And has five to eight steps."""
    title, _, look, *_ = STORIES[name].guide.split("\n")
    assert title == f"# {STORIES[name].title}"
    assert look.startswith("**Look at first:**")
    assert 5 <= len(STORIES[name].steps) <= 8


def is_refused_on_real_wires(name: str, label: str) -> bool:
    _, settings = stage(STORIES[name], STORIES[name].expect[label])
    try:
        Slots(settings, is_real=True)
    except SpecError:
        return True
    return False


def turns(story: Scenario) -> Iterator[Turns]:
    yield from story.steps
    expectations: list[Expectation] = list(story.expect.values())
    yield from expectations


def played(name: str, turned: Turns) -> tuple[Outcome, bytes, str]:
    """How it ends, a digest of all that happened after the settings were told, and what is told of
    the outcome and its causes."""
    same = Turns(alg=turned.alg, profile=turned.profile, set=turned.set)
    return _played(name, msgspec.json.encode(same))


@cache
def _played(name: str, turned: bytes) -> tuple[Outcome, bytes, str]:
    """Several knobs and an expectation are often about the same run."""
    run = simulation(STORIES[name], msgspec.json.decode(turned, type=Turns))
    outcome = run.run()
    _, *events = run.log.since(0)
    digest = sha256(b"".join(map(encode, events))).digest()
    return outcome, digest, "\n".join((outcome.sentence, *(c.sentence for c in run.causes())))
