"""The memory of runs opens once there is something to compare."""

from __future__ import annotations

from tests.tui.stories import one_way_audio
from tests.tui.test_simulated import simulation
from tests.tui.test_timing import FakeStage
from tui.draw.lines import plain
from tui.look import Run
from tui.recording import RecordingFeed
from tui.runs import Runs
from tui.simulated import SimulationFeed


async def test_there_are_two_runs_before_any_are_set_side_by_side() -> None:
    stage = FakeStage(SimulationFeed(simulation))
    Runs(stage).beside()
    assert "There is one run so far" in stage.look.said
    stage.look.runs = [Run("off", "one-way-audio"), Run("sip", "both-ways")]
    Runs(stage).beside()
    assert len(stage.asked) == 1


async def test_what_was_recorded_goes_through_no_other_module() -> None:
    stage = FakeStage(RecordingFeed(one_way_audio()))
    await Runs(stage).columns()
    assert stage.look.said.startswith("Other modules are for a story")


async def test_a_message_is_set_under_off_the_correct_module_and_the_story_s_faults() -> None:
    feed = SimulationFeed(simulation)
    stage = FakeStage(feed)
    await Runs(stage).columns()
    assert "no message yet" in stage.look.said
    feed.simulation.run_until(1.0)
    await stage.advance(0.0)
    await Runs(stage).columns()
    ((sheet, _),) = stage.asked
    heading = plain(sheet._draw(120))[0]
    assert heading.split() == ["off", "sip", "sip-poor:no-sdp"]
