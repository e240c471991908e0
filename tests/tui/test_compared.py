"""Two runs of a story, each played again as it was."""

from __future__ import annotations

import pytest

from tests.tui.test_simulated import simulation
from tui.compared import compared
from tui.look import Run
from tui.simulated import SimulationFeed


@pytest.mark.slow
async def test_a_run_is_remembered_with_what_was_turned_while_it_ran() -> None:
    """What comes beside another is that very run, and not one with the knobs set from the start."""
    feed = SimulationFeed(simulation)
    feed.simulation.run_until(1.0)  # alice has registered
    await feed.set("alg.sip.module", "sip")
    again = feed.again()
    feed.finish()
    assert again is not None
    run = again()
    assert run.run() == feed.simulation.outcome()
    both = compared(Run("off", "one-way-audio", lambda: simulation({})), Run("sip", "", again))
    assert both.found is not None
    assert both.found.t > 1.0
    assert (both.found.field, both.found.edited) == ("via.host", 1)
