"""The keys of time: a simulation's clock can be held, stepped and begun again, a live one not."""

from __future__ import annotations

from appliance.journal.events import ExpectationClosed, FlowExpired, MappingExpired
from tui.feed import FASTEST, SLOWEST, SimulationFeed
from tui.keys import TIME
from tui.stage import Stage

TIMERS = (FlowExpired, MappingExpired, ExpectationClosed)
"""What happens when a timer runs out."""


class Timing:
    """Turns the clock of the screen's feed."""

    keys = TIME

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def pause(self) -> None:
        self._stage.paused = not self._stage.paused

    def _simulation(self) -> SimulationFeed | None:
        """The simulation's clock, or a sentence on why there is none to turn."""
        if isinstance(self._stage.feed, SimulationFeed):
            return self._stage.feed
        self._stage.say("This NAT is live: its packets cannot be held, stepped or run again.")
        return None

    async def step(self) -> None:
        if simulation := self._simulation():
            self._stage.paused = True
            simulation.step()
            await self._stage.advance(0.0)

    async def next_expiry(self) -> None:
        if simulation := self._simulation():
            self._stage.paused = True
            simulation.step(TIMERS)
            await self._stage.advance(0.0)

    def faster(self, factor: float) -> None:
        """Faster or slower; 0: as fast as the wall clock."""
        if simulation := self._simulation():
            speed = simulation.speed * factor if factor else 1.0
            simulation.speed = min(max(speed, SLOWEST), FASTEST)

    async def run_again(self) -> None:
        if simulation := self._simulation():
            simulation.restart()
            self._stage.look.begin_again()
            self._stage.paused = False
            await self._stage.advance(0.0)
