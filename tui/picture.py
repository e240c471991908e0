"""A picture of the workbench, drawn by the program: `make pictures`.

The run is a simulation with a fixed seed, so the picture is the same until the screen changes.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

from appliance.settings import files as config
from appliance.sim.scenario import Turns
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario
from tui.app import GlassnatApp
from tui.knobs import alg_choices
from tui.simulated import Factory, SimulationFeed

SIZE = (120, 44)
"""Columns and rows of the workbench as the documentation shows it: high enough for every reason."""
MOMENT = 30.0
"""Seconds into the call: audio has been lost for a while, and nobody has hung up."""

_FONT_FACES = re.compile(r"@font-face \{[^}]*\}")


def picture(factory: Factory, at: float = MOMENT) -> str:
    """The screen as SVG, `at` seconds (virtual) after the start of a simulation."""
    return asyncio.run(_drawn(factory, at))


async def _drawn(factory: Factory, at: float) -> str:
    feed = SimulationFeed(factory)
    feed.simulation.run_until(at)
    app = GlassnatApp(feed, alg_choices(), refresh=None)
    async with app.run_test(size=SIZE) as pilot:
        await app.advance(0.0)
        await pilot.pause()
        await pilot.pause()  # the first one lays out, the second scrolls to what matters
        # Fonts of the reader's own machine will do: a picture must not call home.
        return _FONT_FACES.sub("", app.export_screenshot(title="glassnat"))


def one_way_audio(knobs: dict[str, Any], _: Turns | None = None) -> Simulation:
    """The run in the picture: half a rewrite, so that right and wrong stand side by side."""
    story = load_scenario("one-way-audio")
    settings = config.for_scenario(
        story.name, story.settings, None, ("alg.sip.module=sip-poor:no-sdp",)
    )
    for key, value in knobs.items():
        settings.assign(key, value, "set")
    return Simulation(story, settings)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture(one_way_audio), encoding="utf-8")
