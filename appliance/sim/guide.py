"""The guide of a story as text: each step with its command, what to predict and what to see."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.journal.plain import clean
from appliance.sim.scenario import Scenario, Step


def guide_lines(story: Scenario, at: str = "") -> Iterator[str]:
    """Markdown, one step after the other; nothing for a story without steps. `at`: where the story
    is, if not among those that come with the program."""
    for number, step in enumerate(story.steps, 1):
        yield f"{number}. **{clean(step.title)}** `{command(story, step, at)}`"
        if step.key:
            yield f"   On the screen: {clean(step.key)}"
        yield f"   Predict: {clean(step.predict)}"
        yield f"   See: {clean(step.see)}"
        yield ""


def command(story: Scenario, step: Step, at: str = "") -> str:
    """What to type for a step."""
    return f"glassnat sim {clean(at or story.name)} {clean(step.options())}".rstrip()
