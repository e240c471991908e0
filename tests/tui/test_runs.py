"""The memory of runs opens once there is something to compare."""

from __future__ import annotations

from tests.tui.test_simulated import simulation
from tests.tui.test_timing import FakeStage
from tui.look import Run
from tui.runs import Runs
from tui.simulated import SimulationFeed


async def test_there_are_two_runs_before_any_are_set_side_by_side() -> None:
    stage = FakeStage(SimulationFeed(simulation))
    Runs(stage).beside()
    assert "There is one run so far" in stage.look.said
    stage.look.runs = [Run("off", "one-way-audio"), Run("sip", "both-ways")]
    Runs(stage).beside()
    assert len(stage.asked) == 1
