"""A story stands on the screen before what plays it is loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from appliance.sim.announced import announced
from tests.tui.reading import screen_of
from tests.tui.test_simulated import simulation
from tui.app import GlassnatApp
from tui.coming import Arrived, Coming
from tui.simulated import SimulationFeed

STORY = "one-way-audio"


@asynccontextmanager
async def screen(
    arrive: Callable[[], Arrived], refresh: float | None = None
) -> AsyncIterator[tuple[GlassnatApp, Pilot[None]]]:
    story = announced(STORY)
    assert story is not None
    app = GlassnatApp(Coming(story, arrive), (), refresh, paused=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        yield app, pilot


def _arrived() -> Arrived:
    return SimulationFeed(simulation), ()


def _broken() -> Arrived:
    raise LookupError("no such module")


async def test_the_first_picture_tells_who_is_there_and_what_they_will_do() -> None:
    async with screen(_arrived) as (app, pilot):
        first = screen_of(app).splitlines()
        assert f"SIM {STORY} │ loading what plays it" in first[0]
        assert "[?]" not in first[0]
        app._take_up()
        await app.advance(0.0)
        await pilot.pause()
        then = screen_of(app).splitlines()
    assert "ALG [off]" in then[0]
    assert then[1].startswith(first[1][:20])
    assert then[2:] == first[2:]


async def test_a_key_that_comes_early_waits_for_what_plays_it() -> None:
    async with screen(_arrived) as (app, pilot):
        await pilot.press("n")
        assert isinstance(app.feed, SimulationFeed)
        assert [each.event.summary for each in app.look.model.messages] == ["REGISTER"]


@pytest.mark.parametrize("refresh", [None, 0.05])
async def test_what_cannot_be_loaded_is_told_on_a_screen_that_is_tidy(
    refresh: float | None,
) -> None:
    async with screen(_broken, refresh) as (app, pilot):
        if refresh is None:
            await pilot.press("n")
    assert isinstance(app.failure, LookupError)


@pytest.mark.slow
def test_the_first_picture_needs_nothing_that_plays_a_story() -> None:
    program = (
        "import sys, appliance.cli.sim, tui.ways_in;"
        "print(*{'appliance.engine', 'alg.base', 'nat.mapping', 'appliance.sim.simulation'}"
        "& {*sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert said.stdout.split() == []
