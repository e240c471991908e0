"""What is done beside the screen when a run has come to an outcome."""

from __future__ import annotations

import inspect
from collections.abc import Coroutine
from typing import Any

import pytest
from textual.actions import parse

from tests.tui.stories import FakeFeed
from tests.tui.test_simulated import simulation
from tests.tui.test_timing import FakeStage
from tui.feed import Feed
from tui.hands import Hands
from tui.key import Key
from tui.keys import EVERYWHERE, for_mode
from tui.knobs import alg_choices
from tui.simulated import SimulationFeed
from tui.views.table import VIEWS


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


async def _pressed(hands: Hands, stage: FakeStage, key: Key) -> None:
    """As the screen does it: whoever has the key acts, and then all views are drawn."""
    views = [view(stage.look) for view in VIEWS]
    owners: list[Any] = [each for each in (*hands.all, *views) if key in each.keys]
    assert owners, key
    _, name, arguments = parse(key.action)
    for owner in owners:
        done = getattr(owner, name)(*arguments)
        if inspect.isawaitable(done):
            await done
    for view in views:
        view.page(80, 20)


@pytest.mark.parametrize("kind", ["live", "simulation"])
async def test_no_key_ends_a_screen_that_has_had_no_news(kind: str) -> None:
    """The first key may come before the first frame: not even the settings have been told."""
    live = kind == "live"
    for key in for_mode(live):
        if key in EVERYWHERE:
            continue
        feed: Feed = FakeFeed(live=True) if live else SimulationFeed(simulation)
        stage = FakeStage(feed)
        await _pressed(Hands(stage, alg_choices()), stage, key)
