"""Predict, see, next step."""

from __future__ import annotations

import pytest

from appliance.sim.scenario import Step
from tests.tui.stories import FakeFeed
from tests.tui.test_simulated import simulation
from tests.tui.test_timing import FakeStage
from tui.lesson import Lesson
from tui.simulated import SimulationFeed

STEPS = [
    Step(title="off", predict="?", see="!", shows=[]),
    Step(title="look again", predict="?", see="!", shows=[]),
    Step(title="sip", predict="?", see="!", shows=[], alg="sip"),
]


async def opened() -> tuple[FakeStage, Lesson, SimulationFeed]:
    feed = SimulationFeed(simulation)
    stage = FakeStage(feed)
    stage.look.story = feed.simulation.scenario
    stage.look.story.steps = STEPS
    await stage.advance(0.0)
    return stage, Lesson(stage), feed


@pytest.mark.slow
async def test_each_step_asks_with_all_hidden_and_then_shows_what_came_of_it() -> None:
    stage, lesson, feed = await opened()
    look, seen = stage.look, []
    for _key in range(7):
        await lesson.forward()
        module = feed.simulation.engine.settings["alg.sip.module"]
        seen.append((look.step_at, look.is_revealed, look.hidden, feed.ended, module))
    assert seen == [
        (0, False, True, False, "off"),
        (0, True, False, True, "off"),
        (1, False, True, True, "off"),
        (1, True, False, True, "off"),
        (2, False, True, False, "sip"),
        (2, True, False, True, "sip"),
        (2, True, False, True, "sip"),
    ]
    assert (look.view, look.said) == ("guide", "That was the last step of the guide.")


@pytest.mark.slow
async def test_the_step_before_asks_again() -> None:
    stage, lesson, feed = await opened()
    for _key in range(5):
        await lesson.forward()
    await lesson.backward()
    assert (stage.look.step_at, stage.look.hidden) == (1, True)
    await lesson.backward()
    assert (stage.look.step_at, feed.simulation.now, stage.paused) == (0, 0.0, True)


async def test_one_can_predict_without_a_guide_and_on_a_live_nat_too() -> None:
    stage = FakeStage(FakeFeed(live=True))
    lesson = Lesson(stage)
    lesson.hide()
    assert stage.look.hidden
    await lesson.forward()
    assert (stage.look.view, stage.look.step_at) == ("guide", None)
