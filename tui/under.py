"""The same message under other modules: the story played with each, up to that message."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.journal.events import Event, MessagePassed
from appliance.sim.matrix import Plan
from appliance.sim.simulation import Simulation
from tui.draw.columns import Under
from tui.foresight import SPEC


def under_each(plans: Sequence[Plan], wanted: MessagePassed, number: int) -> list[Under]:
    """What becomes of the message with each plan. It is the one of this `number`, from 1, among
    those with its summary that go its way. Takes as long as so many runs, so ask in a thread."""
    return [Under(plan.axes[SPEC], _after(plan, wanted, number)) for plan in plans]


def number_of(wanted: MessagePassed, messages: Sequence[MessagePassed]) -> int:
    """Which one it is among those like it."""
    before = [each for each in messages if each.id <= wanted.id]
    return sum(_is_like(each, wanted) for each in before)


def _is_like(event: Event, wanted: MessagePassed) -> bool:
    return (
        isinstance(event, MessagePassed)
        and event.direction == wanted.direction
        and event.summary == wanted.summary
    )


def _after(plan: Plan, wanted: MessagePassed, number: int) -> str | None:
    """None where there is no such message."""
    found: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, MessagePassed) and _is_like(event, wanted):
            found.append(event.after)

    run = Simulation(plan.scenario, plan.settings, plan.seed)
    run.log.subscribe(hear)
    while len(found) < number and run.step():
        pass
    return found[number - 1] if len(found) >= number else None
