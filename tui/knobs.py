"""The keys of the knobs: which module stands in the slot, and how long a silent flow lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from alg import registry
from alg.base import Application
from appliance.settings.hints import counted
from appliance.settings.values import short_value
from appliance.sim.knobs import PREFIX, PROFILE
from tui import own
from tui.faults import FaultRow
from tui.feed import READ_ONLY, FeedError
from tui.keys import KNOBS
from tui.recording import UNCHANGEABLE
from tui.simulated import SimulationFeed
from tui.stage import Stage
from tui.turning import knobs_of
from tui.widgets.alg_menu import AlgMenu, Choices
from tui.widgets.knob_menu import KnobMenu
from tui.widgets.timeout_form import ANSWERED, UNANSWERED, TimeoutForm


class Knobs:
    """Turns settings of what the screen shows; a refusal is shown as it was said."""

    keys = KNOBS

    def __init__(self, stage: Stage, choices: Sequence[Choices]) -> None:
        """`choices`: what may stand in the slot of each application, for the menu."""
        self._stage = stage
        self._choices = choices

    def alg(self) -> None:
        look, feed = self._stage.look, self._stage.feed
        fault, look.fault = look.fault, ""
        if self._is_fixed():
            return
        model, choices, outcomes = look.model, self._choices, None
        first = look.message.event.alg if fault and look.message else model.application
        if isinstance(feed, SimulationFeed):
            mine = own.modules_in(Path.cwd())
            choices = [_with_own(each, model.settings)._replace(mine=mine) for each in choices]
            if not look.hidden:
                outcomes = feed.foresee(_specs(choices, first))
        menu = AlgMenu(choices, model.modules, first, not feed.live, outcomes, fault)
        self._stage.ask(menu, self._alg_chosen)

    def _is_fixed(self) -> bool:
        """Can nothing be turned? Then that is said instead of asking for what would be refused."""
        stage = self._stage
        if stage.look.is_fixed:
            stage.say(READ_ONLY if stage.feed.live else UNCHANGEABLE)
        return stage.look.is_fixed

    async def _alg_chosen(self, chosen: tuple[str, str] | None) -> None:
        if isinstance(self._stage.feed, SimulationFeed):
            self._stage.feed.foresight.rest()
        if chosen is not None:
            application, spec = chosen
            await self._turn({f"alg.{application}.module": spec})

    def more(self) -> None:
        """Every knob of the story, and those that decide how the NAT maps and filters."""
        if self._is_fixed():
            return
        look, feed = self._stage.look, self._stage.feed
        turned = feed.knobs_to_come if isinstance(feed, SimulationFeed) else {}
        menu = KnobMenu(knobs_of(look.story, look.model.settings, turned))
        self._stage.ask(menu, self._knob_chosen)

    async def _knob_chosen(self, chosen: tuple[str, Any] | None) -> None:
        if chosen is None:
            return
        key, value = chosen
        await self._turn({key: value})
        if (key.startswith(PREFIX) or key == PROFILE) and not self._stage.look.said:
            said = f"{key.removeprefix(PREFIX)} is {short_value(value)} from the next run on: r"
            self._stage.say(said)

    def timeout(self) -> None:
        if self._is_fixed():
            return
        settings = self._stage.look.model.settings
        now = {key: float(settings[key]) for key in (ANSWERED, UNANSWERED) if key in settings}
        if not now:  # a key of the first second
            self._stage.say("The timeouts are not known yet: t again in a moment.")
            return
        self._stage.ask(TimeoutForm(now, partial(self._ended_by, now)), self._timeouts_chosen)

    def _ended_by(self, now: Mapping[str, float], wanted: Mapping[str, float]) -> list[str]:
        """The flows that other timeouts would end, with how long they have been silent."""
        model = self._stage.look.model
        ended = []
        for key, seconds in wanted.items():
            timer = key.removeprefix("nat.timeouts.")
            for row in model.translations.ended_by(timer, now[key], seconds, model.now):
                silent = now[key] - (row.left(model.now) or 0.0)
                ended.append(f"{row.internal} > {row.remote}, for {silent:.0f} s")
        return ended

    async def _timeouts_chosen(self, wanted: dict[str, float] | None) -> None:
        if wanted is not None:
            await self._turn(dict(wanted))

    async def _turn(self, knobs: dict[str, Any]) -> None:
        """Change settings at once."""
        for key, value in knobs.items():
            try:
                await self._stage.feed.set(key, value)
            except FeedError as error:
                self._stage.say(str(error))
                return
        await self._stage.advance(0.0)

    async def remedy(self) -> None:
        """Turn what helps, and run again."""
        stage = self._stage
        if not isinstance(stage.feed, SimulationFeed) or not stage.look.remedies:
            stage.say("There is nothing that was tried and helps.")
            return
        for key, value in stage.look.remedies[0].set.items():
            await stage.feed.set(key, value)
        stage.feed.restart()
        stage.look.begin_again()
        stage.paused = False
        await stage.advance(0.0)

    async def flush(self) -> None:
        try:
            count = await self._stage.feed.flush()
        except FeedError as error:
            self._stage.say(str(error))
            return
        await self._stage.advance(0.0)
        self._stage.say(f"{counted(count, 'flow')} forgotten.")


def _with_own(choices: Choices, settings: Mapping[str, Any]) -> Choices:
    """The same, with the faults that the story is about."""
    return choices._replace(own=settings.get(f"alg.{choices.application}.faults", ()))


def _specs(choices: Sequence[Choices], application: str) -> dict[str, list[str]]:
    """What may be put into the slot in question, by the key of its setting."""
    return {
        f"alg.{application}.module": each.specs
        for each in choices
        if each.application == application
    }


def alg_choices() -> list[Choices]:
    """What may stand in the slot of each application."""
    return [_choices_of(each) for each in registry.APPLICATIONS.values()]


def _choices_of(application: Application) -> Choices:
    poor = registry.poor(application.name)
    faults = (
        [FaultRow(name, each.does, each.breaks, each.seen_in) for name, each in poor.faults.items()]
        if poor
        else []
    )
    return Choices(application.name, application.opens, poor.name if poor else "", faults)
