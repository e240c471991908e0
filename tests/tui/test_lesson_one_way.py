"""The lesson on one-way audio, key by key, as `docs/lesson-one-way.md` has it."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from textual.pilot import Pilot

from tests.source import ROOT
from tests.tui.reading import screen_of
from tests.tui.test_foresight import Told
from tests.tui.test_simulated import simulation
from tui.app import GlassnatApp
from tui.foresight import Foresight
from tui.knobs import alg_choices
from tui.simulated import SimulationFeed

ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
NAMES = {"/": "slash", "-": "minus"}


class Row(NamedTuple):
    minute: int
    keys: list[str]
    seen: list[str]


def rows() -> list[Row]:
    page = (ROOT / "docs" / "lesson-one-way.md").read_text(encoding="utf-8")
    return [
        Row(int(minute), SPAN.findall(keys), SPAN.findall(seen))
        for minute, keys, seen in ROW.findall(page)
    ]


async def let_it_run(app: GlassnatApp, pilot: Pilot[None], feed: SimulationFeed) -> None:
    """What a minute of the lesson is, when the clock runs."""
    while not app.paused and not feed.ended and len(app.screen_stack) == 1:
        await app.advance(60.0)
    await pilot.pause()


def test_the_lesson_takes_45_minutes_and_every_row_shows_something() -> None:
    minutes = [row.minute for row in rows()]
    assert minutes == sorted(minutes)
    assert (minutes[0], minutes[-1]) == (0, 40)
    assert all(row.keys and row.seen for row in rows())


@pytest.mark.slow
async def test_every_key_of_the_lesson_shows_what_the_page_says() -> None:
    feed = SimulationFeed(simulation, speed=60.0)
    feed.foresight = Foresight(Told)
    app = GlassnatApp(feed, alg_choices(), refresh=None, paused=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await app.advance(0.0)
        for row in rows():
            if "x" in row.keys:  # what has been tried meanwhile
                app.look.remedies = await feed.remedies()
            for key in row.keys:
                await pilot.press(NAMES.get(key, key))
            await let_it_run(app, pilot, feed)
            text = " ".join(screen_of(app).replace("▌", " ").split())
            for seen in row.seen:
                assert seen in text, (row, screen_of(app))
