"""What is done beside the screen when a run has come to an outcome."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from tests.tui.test_simulated import simulation
from tests.tui.test_timing import FakeStage
from tui.hands import Hands
from tui.simulated import SimulationFeed


class Stage(FakeStage):
    """Counts what is to be done beside it."""

    begun = 0

    def do_beside(self, work: Coroutine[Any, Any, None]) -> None:
        work.close()
        self.begun += 1


@pytest.mark.parametrize("tries", [True, False])
async def test_a_run_that_ends_badly_is_remembered_and_what_helps_is_tried_once(
    tries: bool,
) -> None:
    feed = SimulationFeed(simulation)
    stage = Stage(feed)
    hands = Hands(stage, ())
    assert stage.look.story is feed.simulation.scenario
    feed.finish()
    for _frame in range(2):
        await stage.advance(0.0)
        hands.follow_outcome(tries_remedies=tries)
    assert [run.outcome for run in stage.look.runs] == ["one-way-audio"]
    assert stage.begun == int(tries)
