"""The keys that set runs side by side: any two of those that were tried, and one message under each
module."""

from __future__ import annotations

import asyncio
from functools import partial

from alg import registry
from alg.spec import is_foreign
from tui.compared import compared
from tui.draw.beside import Compared
from tui.draw.columns import columns
from tui.draw.lines import Line
from tui.keys import RUNS
from tui.look import Run
from tui.simulated import SimulationFeed
from tui.stage import Stage
from tui.under import number_of, under_each
from tui.widgets.run_menu import RunMenu
from tui.widgets.sheet import Sheet


class Runs:
    """Opens the list."""

    keys = RUNS

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def beside(self) -> None:
        runs = self._stage.look.runs
        if len(runs) < 2:
            self._stage.say("There is one run so far, or none: turn something, and run it again.")
            return
        self._stage.ask(RunMenu(runs, _played), None)

    async def columns(self) -> None:
        """The selected message under off, the correct module and the faults of the story."""
        look, feed = self._stage.look, self._stage.feed
        message = look.message
        if not isinstance(feed, SimulationFeed):
            self._stage.say("Other modules are for a story that is played.")
            return
        if message is None:
            self._stage.say("There is no message yet to look at.")
            return
        event = message.event
        plans = feed.plans({f"alg.{event.alg}.module": self._specs(event.alg)})
        number = number_of(event, [each.event for each in look.model.messages])
        found = await asyncio.to_thread(under_each, plans, event, number)
        title = Line(f"Message {message.number} {event.summary}, as it leaves under each module")
        self._stage.ask(Sheet(title, partial(columns, event.before, found)), None)

    def _specs(self, application: str) -> list[str]:
        """What is active comes last, unless it is among the others."""
        settings = self._stage.look.model.settings
        specs = ["off", application]
        if (poor := registry.poor(application)) is not None:
            own = settings.get(f"alg.{application}.faults", ())
            specs += [f"{poor.name}:{fault}" for fault in own]
        active = str(settings.get(f"alg.{application}.module", "off"))
        is_new = active not in specs and not is_foreign(active)
        return [*specs, active] if is_new else specs


async def _played(one: Run, other: Run) -> Compared:
    """While they are played, keys are answered."""
    return await asyncio.to_thread(compared, one, other)
