"""A click on the timeline goes to that moment."""

from __future__ import annotations

import pytest

from tests.tui.test_app import screen
from tests.tui.test_simulated import simulation
from tui.app import GlassnatApp
from tui.simulated import SimulationFeed


@pytest.mark.slow
async def test_a_click_on_a_simulation_holds_its_clock_there_forth_and_back() -> None:
    app = GlassnatApp(SimulationFeed(simulation), [], refresh=None)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.advance(0.0)
        await pilot.pause()
        for column, moment in ((40, 31.0), (20, 12.5), (70, 56.0)):
            await pilot.click("#timeline", offset=(column, 0))
            await pilot.pause()
            assert abs(app.look.model.now - moment) < 2.0, column
            assert app.paused
        before = app.look.model.now
        await pilot.click("#timeline", offset=(1, 0))
        assert app.look.model.now == before


@pytest.mark.slow
async def test_a_live_nat_shows_the_message_of_that_time() -> None:
    async with screen(live=True) as (app, pilot, _):
        await pilot.click("#timeline", offset=(7, 0))
        assert app.look.message is not None
        assert app.look.message.number == 5
