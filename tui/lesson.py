"""The keys of a lesson: predict first, then look; and the steps of a story's guide.

A step is a run of the story with something turned, held at its beginning with all verdicts hidden;
then the same run to its end with nothing hidden. A step that turns nothing looks at the last run
again.
"""

from __future__ import annotations

from appliance.sim.scenario import Step
from tui.keys import LESSON
from tui.simulated import SimulationFeed
from tui.stage import Stage


class Lesson:
    """Leads through the guide; where it stands is kept in the `Look`."""

    keys = LESSON

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def hide(self) -> None:
        """Hide what would tell the answer, or show it."""
        self._stage.look.hidden = not self._stage.look.hidden

    async def forward(self) -> None:
        """What the step lets one see, or the next step's question."""
        look, feed = self._stage.look, self._stage.feed
        look.view = "guide"
        if not isinstance(feed, SimulationFeed) or look.story is None or not look.story.steps:
            return
        if look.step_at is not None and not look.is_revealed:
            await self._reveal(feed)
        elif look.step_at is None or look.step_at + 1 < len(look.story.steps):
            await self._ask(feed, 0 if look.step_at is None else look.step_at + 1)
        else:
            self._stage.say("That was the last step of the guide.")

    async def backward(self) -> None:
        """The question of the step before."""
        look, feed = self._stage.look, self._stage.feed
        look.view = "guide"
        if isinstance(feed, SimulationFeed) and look.step_at is not None:
            await self._ask(feed, max(look.step_at - 1, 0))

    async def _ask(self, feed: SimulationFeed, place: int) -> None:
        look = self._stage.look
        assert look.story is not None
        step = look.story.steps[place]
        look.step_at, look.is_revealed, look.hidden = place, False, True
        if place == 0 or _turns_something(step):
            feed.stage(step)
            look.begin_again()
            self._stage.paused = True
        await self._stage.advance(0.0)

    async def _reveal(self, feed: SimulationFeed) -> None:
        look = self._stage.look
        look.is_revealed, look.hidden = True, False
        feed.finish()
        await self._stage.advance(0.0)


def _turns_something(step: Step) -> bool:
    return bool(step.alg or step.profile or step.set)
