"""All that has keys and no place on the screen, and what is to be done beside the screen.

It knows the engine, so that it is loaded only once there is something to look at.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.sim.simulation import Simulation
from tui.knobs import Knobs
from tui.lesson import Lesson
from tui.model import BOTH_WAYS
from tui.runs import Runs
from tui.saving import Saving
from tui.simulated import SimulationFeed
from tui.stage import Stage
from tui.timing import Timing
from tui.widgets.alg_menu import Choices

Handed = Timing | Knobs | Lesson | Runs | Saving
"""Who has keys and no place on the screen."""


class Hands:
    """Those of one screen. `timing` is the clock, `knobs` turns settings, `all` has everybody
    whose keys are pressed."""

    def __init__(self, stage: Stage, choices: Sequence[Choices]) -> None:
        """`choices`: what may stand in the slot of each application, for the menu."""
        self._stage = stage
        self._judged: tuple[Simulation, str] | None = None
        self.timing = Timing(stage)
        self.knobs, lesson = Knobs(stage, choices), Lesson(stage)
        self.all: Sequence[Handed] = (self.timing, self.knobs, lesson, Runs(stage), Saving(stage))
        if isinstance(stage.feed, SimulationFeed):
            stage.look.story = stage.feed.simulation.scenario

    def prepare(self) -> None:
        """Make ready beside the screen what somebody may ask for soon."""
        if isinstance(self._stage.feed, SimulationFeed):
            self._stage.feed.foresight.prepare()

    def follow_outcome(self, tries_remedies: bool) -> None:
        """When a simulation has got another outcome: look for what would help, and remember how it
        ended."""
        feed, look = self._stage.feed, self._stage.look
        outcome = look.model.outcome
        if outcome is None or not isinstance(feed, SimulationFeed):
            return
        if feed.ended:
            look.remember(feed.label, feed.again())
        if self._judged != (judged := (feed.simulation, outcome.outcome)):
            self._judged = judged
            look.remedies = None
            if outcome.outcome != BOTH_WAYS and tries_remedies:
                self._stage.do_beside(self._try_remedies(feed))

    async def _try_remedies(self, feed: SimulationFeed) -> None:
        run = feed.simulation
        found = await feed.remedies()
        if feed.simulation is run:
            self._stage.look.remedies = found
            self._stage.draw()
