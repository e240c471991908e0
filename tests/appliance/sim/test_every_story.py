"""What each story on the shelf promises: its outcomes, its knobs, and the shape of its guide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import NamedTuple

import msgspec
import pytest

from alg.registry import SpecError
from appliance.gateway.slots import Slots
from appliance.journal.events import PacketDropped, PacketLost, encode
from appliance.journal.sentences import Teller
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
BY_THE_NAT = "dropped by the NAT"
KNOBS = [pytest.param(name, key) for name, story in STORIES.items() for key in story.knobs]


@pytest.mark.parametrize(("name", "label"), sampled(PROMISES, 14))
def test_expectations_hold(name: str, label: str) -> None:
    """And where a fault bites, it breaks what its row says that it does."""
    expected = STORIES[name].expect[label]
    outcome, told = played(name, expected)[:2]
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
    assert played(name, turned).happened != played(name, without).happened


@pytest.mark.parametrize(("name", "label"), sampled(PROMISES, 14))
def test_every_packet_that_is_lost_is_told_or_counted_in_a_line_that_follows(
    name: str, label: str
) -> None:
    run = played(name, STORIES[name].expect[label])
    assert run.told_as_lost == run.counted_as_lost
    assert run.told_as_dropped == run.counted_as_dropped


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


class Played(NamedTuple):
    """A run: how it ended, what is told of that and its causes, a digest of all that happened after
    the settings were told, and packets that reached nobody, as lines tell them and as they were
    counted."""

    outcome: Outcome
    told: str
    happened: bytes
    told_as_lost: int
    counted_as_lost: int
    told_as_dropped: int
    counted_as_dropped: int


def played(name: str, turned: Turns) -> Played:
    same = Turns(alg=turned.alg, profile=turned.profile, set=turned.set)
    return _played(name, msgspec.json.encode(same))


@cache
def _played(name: str, turned: bytes) -> Played:
    """Several knobs and an expectation are often about the same run."""
    run = simulation(STORIES[name], msgspec.json.decode(turned, type=Turns))
    outcome = run.run()
    _, *events = run.log.since(0)
    drops = [each for each in events if isinstance(each, PacketDropped)]
    teller = Teller()
    losses = (each for each in events if isinstance(each, PacketLost | PacketDropped))
    lines = [line for each in losses for line in teller.tell(each)] + teller.rest()
    return Played(
        outcome,
        "\n".join((outcome.sentence, *(cause.sentence for cause in run.causes()))),
        sha256(b"".join(map(encode, events))).digest(),
        sum(packets(line) for line in lines if "  lost " in line),
        sum(count for place, count in run.world.lost.items() if not place.startswith(BY_THE_NAT)),
        sum(packets(line) for line in lines if "  dropped " in line),
        sum(each.count for each in drops),
    )


def packets(line: str) -> int:
    """How many a line is about: "lost at alice: 50 times udp …", "dropped 7 packets on …"."""
    count = re.search(r"  (?:lost [^:]*: ([\d,]+) times |dropped ([\d,]+) packets )", line)
    return int((count[1] or count[2]).replace(",", "")) if count else 1
