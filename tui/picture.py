"""Pictures of the screen, drawn by the program: `make pictures` draws those of the documentation.

Each run is a simulation with a fixed seed, so a picture is the same until the screen changes. In
every one of them a changed byte and its reason can be seen; a test looks for both.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from appliance.journal.events import Event
from appliance.settings import files as config
from appliance.sim.scenario import Turns
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario
from tui.app import GlassnatApp
from tui.feed import Feed
from tui.knobs import alg_choices
from tui.paper import without_fonts
from tui.recording import RecordingFeed
from tui.simulated import SimulationFeed

SIZE = (120, 44)
"""Columns and rows of the workbench as the documentation shows it: high enough for every reason."""
MOMENT = 30.0
"""Seconds into the call: audio has been lost for a while, and nobody has hung up."""


class Picture(NamedTuple):
    """One of the documentation: what is pressed before it is drawn, and how large it is."""

    keys: tuple[str, ...] = ()
    size: tuple[int, int] = SIZE


PICTURES = {
    "screenshot.svg": Picture(),
    "diff.svg": Picture(("3",), (80, 32)),
}
"""By the name of the file under `docs/`."""


def picture(wanted: Picture, at: float = MOMENT) -> str:
    """The screen as SVG, `at` seconds (virtual) after the start of the simulation."""
    feed = SimulationFeed(one_way_audio)
    feed.simulation.run_until(at)
    return asyncio.run(_drawn(feed, wanted))


def of_recording(events: Sequence[Event]) -> str:
    """The workbench at the end of a recording."""
    feed = RecordingFeed(events)
    feed.finish()
    return asyncio.run(_drawn(feed, Picture()))


async def _drawn(feed: Feed, wanted: Picture) -> str:
    app = GlassnatApp(feed, alg_choices(), refresh=None)
    async with app.run_test(size=wanted.size) as pilot:
        await app.advance(0.0)
        await pilot.press(*wanted.keys)
        await pilot.pause()
        await pilot.pause()  # the first one lays out, the second scrolls to what matters
        return without_fonts(app.picture())


def one_way_audio(knobs: dict[str, Any], _: Turns | None = None) -> Simulation:
    """The run in the pictures: half a rewrite, so that right and wrong stand side by side."""
    story = load_scenario("one-way-audio")
    settings = config.for_scenario(
        story.name, story.settings, None, ("alg.sip.module=sip-poor:no-sdp",)
    )
    for key, value in knobs.items():
        settings.assign(key, value, "set")
    return Simulation(story, settings)


if __name__ == "__main__":
    for name, each in PICTURES.items():
        (Path(sys.argv[1]) / name).write_text(picture(each), encoding="utf-8")
