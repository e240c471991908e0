"""The key of the memory of runs: what was tried with a story, and any two of them side by side."""

from __future__ import annotations

import asyncio

from tui.compared import compared
from tui.draw.beside import Compared
from tui.keys import RUNS
from tui.look import Run
from tui.stage import Stage
from tui.widgets.run_menu import RunMenu


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


async def _played(one: Run, other: Run) -> Compared:
    """While they are played, keys are answered."""
    return await asyncio.to_thread(compared, one, other)
