"""From a story and what is turned to a run: the one way for commands, matrix, remedies and screen.

Laid over one another, the last wins: the story's settings, the profile, the ALG, the knobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from alg.registry import application_of
from appliance.settings import files as configuration
from appliance.settings.checks import Problem
from appliance.settings.files import ConfigError
from appliance.settings.table import Settings
from appliance.sim import knobs
from appliance.sim.scenario import Scenario, Turns
from appliance.sim.simulation import Simulation

NOTHING_TURNED = Turns()


def stage(
    story: Scenario, turns: Turns = NOTHING_TURNED, more: Iterable[str] = ()
) -> tuple[Scenario, Settings]:
    """The story with its parties' knobs turned, and the settings of its NAT. `more` are knobs as
    `KEY=VALUE`. Raises ConfigError with all that is wrong, in parties and settings."""
    sets, traits = knobs.split([*_sets(turns), *more])
    problems: list[Problem] = []
    turned = story
    try:
        turned = knobs.turned(story, traits)
    except knobs.KnobError as error:
        problems += error.problems
    try:
        settings = configuration.for_scenario(
            story.name, story.settings, turns.profile or None, sets
        )
    except ConfigError as error:
        problems += error.problems
        raise ConfigError(error.file, problems, error.unsaid) from None
    if problems:
        raise ConfigError(f"scenario {story.name}", problems)
    return turned, settings


def turned_by_hand(
    story: Scenario, settings: Settings, turned: Mapping[str, Any]
) -> tuple[Scenario, Settings]:
    """What somebody turned at a screen (by key), laid over a story and its settings: a profile
    first, and over it what was turned by itself. Raises ValueError with what is wrong."""
    traits = {key: value for key, value in turned.items() if key.startswith(knobs.PREFIX)}
    if profile := turned.get(knobs.PROFILE):
        configuration.lay_profile(settings, str(profile))
    for key, value in turned.items():
        if key not in traits and key != knobs.PROFILE:
            settings.assign(key, value, "set")
    return knobs.turned(story, traits), settings


def simulation(
    story: Scenario, turns: Turns = NOTHING_TURNED, seed: int | None = None
) -> Simulation:
    """A run that has not begun. Raises ConfigError, or SpecError for a module that cannot be
    had."""
    return Simulation(*stage(story, turns), seed)


def _sets(turns: Turns) -> Iterator[str]:
    if turns.alg:
        yield f"alg.{application_of(turns.alg).name}.module={turns.alg}"
    yield from turns.sets()
