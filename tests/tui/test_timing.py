"""The clock of a simulation, and that of a live NAT, which nobody turns."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from tests.tui.rows import expired, refused
from tests.tui.stories import FakeFeed, one_way_audio
from tests.tui.test_simulated import simulation
from tui.feed import Feed
from tui.look import Look
from tui.simulated import SimulationFeed
from tui.timing import Timing, is_expiry, is_message


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

    def do_beside(self, work: Coroutine[Any, Any, None]) -> None:
        work.close()


async def test_a_step_holds_the_clock_and_goes_one_event_further() -> None:
    stage = FakeStage(SimulationFeed(simulation))
    await stage.advance(0.0)
    seen = stage.look.model.seen
    await Timing(stage).next_event()
    assert stage.paused
    assert stage.look.model.seen > seen
    assert stage.look.said


async def test_from_message_to_message_the_newest_is_looked_at_and_said() -> None:
    stage = FakeStage(SimulationFeed(simulation))
    timing = Timing(stage)
    said = []
    for go in (timing.next_message, timing.next_message, timing.next_message, timing.last_message):
        await go()
        assert stage.look.chosen == len(stage.look.model.messages)
        said.append(stage.look.said.split()[1])
    assert said == ["REGISTER", "200", "INVITE", "200"]


@pytest.mark.slow
async def test_steps_do_not_stop_at_counts_of_audio() -> None:
    feed = SimulationFeed(simulation)
    feed.simulation.run_until(10.0)
    stage = FakeStage(feed)
    await Timing(stage).next_event()
    assert stage.look.model.now > 10.5
    assert not any(word in stage.look.said for word in ("packets heard", "still"))
    await Timing(stage).last_event()
    assert stage.look.model.now < 10.0


async def test_at_both_ends_it_is_said_that_there_is_no_more() -> None:
    feed = SimulationFeed(simulation)
    stage = FakeStage(feed)
    await Timing(stage).last_event()
    assert stage.look.said == "This is the beginning."
    feed.simulation.run_until(58.0)
    await Timing(stage).next_message()
    assert stage.look.said == "No message comes any more before the end."


async def test_with_nothing_turned_it_runs_as_at_first() -> None:
    feed = SimulationFeed(simulation)
    stage = FakeStage(feed)
    await feed.set("alg.sip.module", "sip")
    await Timing(stage).run_as_at_first()
    assert feed.simulation.engine.settings["alg.sip.module"] == "off"


def test_what_somebody_closes_ends_by_no_timer() -> None:
    assert [is_expiry(expired(1.0, why)) for why in ("expired", "closed", "flushed")] == [
        True,
        False,
        False,
    ]


def test_a_message_that_the_nat_refuses_is_one_to_stop_at() -> None:
    """Once for each time that it is sent; other packets that are dropped are no message."""
    assert [is_message(refused(summary, "c1")) for summary in ("INVITE", "")] == [True, False]


@pytest.mark.slow
async def test_the_next_timer_that_runs_out_may_be_far_away() -> None:
    stage = FakeStage(SimulationFeed(simulation))
    await Timing(stage).next_expiry()
    assert stage.look.model.now == 60.0
    assert stage.look.said == "No timer runs out any more before the end."


@pytest.mark.slow
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
    for turn in (timing.next_event, timing.last_event, timing.next_expiry, timing.run_again):
        stage.look.said = ""
        await turn()
        assert "live" in stage.look.said
    timing.pause()
    assert stage.paused


async def test_on_a_live_nat_the_keys_go_through_the_messages_that_have_passed() -> None:
    stage = FakeStage(FakeFeed(one_way_audio(), live=True))
    await stage.advance(0.0)
    timing = Timing(stage)
    numbers = []
    for go in (timing.next_message, timing.next_message, timing.last_message):
        await go()
        numbers.append(stage.look.chosen)
    assert numbers == [2, 3, 2]
