"""The clock of a simulation, and that of a live NAT, which nobody turns."""

from __future__ import annotations

from typing import Any

from tests.tui.stories import FakeFeed
from tests.tui.test_feed import simulation
from tui.feed import Feed, SimulationFeed
from tui.look import Look
from tui.timing import Timing


class FakeStage:
    """A screen that shows nothing."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.look = Look()
        self.paused = False
        self.asked: list[Any] = []

    async def advance(self, elapsed: float) -> None:
        self.look.model.take(await self.feed.next_frame(elapsed, not self.paused))

    def draw(self) -> None: ...

    def say(self, text: str) -> None:
        self.look.said = text

    def ask(self, question: Any, answer: Any) -> None:
        self.asked.append((question, answer))


async def test_a_step_holds_the_clock_and_goes_one_event_further() -> None:
    stage = FakeStage(SimulationFeed(simulation))
    await stage.advance(0.0)
    seen = stage.look.model.seen
    await Timing(stage).step()
    assert stage.paused
    assert stage.look.model.seen > seen


async def test_the_next_timer_that_runs_out_may_be_far_away() -> None:
    stage = FakeStage(SimulationFeed(simulation))
    await Timing(stage).next_expiry()
    assert stage.look.model.now == 60.0


async def test_another_run_begins_at_the_beginning_and_runs() -> None:
    stage = FakeStage(SimulationFeed(simulation))
    await Timing(stage).next_expiry()
    stage.look.chosen = 3
    await Timing(stage).run_again()
    assert (stage.look.model.now, stage.look.chosen, stage.paused) == (0.0, None, False)


def test_the_speed_has_two_ends_and_a_way_back() -> None:
    feed = SimulationFeed(simulation)
    timing = Timing(FakeStage(feed))
    speeds = []
    for factor in (2, 2, 1000, 0.5, 0, 0.001):
        timing.faster(factor)
        speeds.append(feed.speed)
    assert speeds == [2, 4, 60, 30, 1, 0.25]


async def test_a_live_nat_refuses_in_words() -> None:
    stage = FakeStage(FakeFeed(live=True))
    timing = Timing(stage)
    for turn in (timing.step, timing.next_expiry, timing.run_again):
        stage.look.said = ""
        await turn()
        assert "live" in stage.look.said
    timing.pause()
    assert stage.paused
