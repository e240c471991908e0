"""Outcomes before choosing: stories played with every combination of given axes.

    stories, axes, seed ──plan──► Plan, Plan, … ──cells──► Cell, Cell, …
                                                  joblib

Each plan is a run of its own, with its own engine, parties and seed: so it does not matter where
and in which order they are played, and a matrix is a pure function of stories, axes and seed. The
engine that spreads them over all processors, or over many machines, is joblib's
(`docs/decisions/0027-joblib.md`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from typing import Any, NamedTuple

from appliance.settings.checks import Problem
from appliance.settings.files import ConfigError
from appliance.settings.table import Settings
from appliance.sim.axes import ALG, SEED, Axes, every_module, staged
from appliance.sim.scenario import Scenario
from appliance.sim.simulation import Simulation

HERE, DASK = "loky", "dask"
"""Where plans are played, by joblib's names: on all processors of this machine, or wherever a Dask
cluster has workers."""
BACKENDS = (HERE, DASK)


class Plan(NamedTuple):
    """A cell before it has been played. `scenario` has the traits of its choice, `axes`."""

    scenario: Scenario
    settings: Settings
    axes: dict[str, str]
    seed: int


class Cell(NamedTuple):
    """How a story ended with one choice, in the words of the parties."""

    scenario: str
    axes: dict[str, str]
    seed: int
    outcome: str
    sentence: str


def plan(stories: Sequence[Scenario], axes: Axes, seed: int | None = None) -> list[Plan]:
    """All combinations of `axes` for each story, the last axis changing fastest. `seed` replaces
    the stories' own. Raises ConfigError with all that does not go together."""
    plans: list[Plan] = []
    problems: dict[Problem, None] = {}  # in order, each once
    for story in stories:
        for values in product(*axes.values()):
            choice = dict(zip(axes, values, strict=True))
            try:
                turned, settings, own = staged(story, choice)
            except ConfigError as error:
                problems.update(dict.fromkeys(error.problems))
                continue
            chosen = own if seed is None or SEED in choice else seed
            plans.append(Plan(turned, settings, choice, chosen))
    if problems:
        raise ConfigError("matrix", list(problems))
    return plans


def play(plan: Plan) -> Cell:
    """Play one. Raises alg.registry.SpecError when a module of somebody's own cannot be loaded."""
    story, settings, axes, seed = plan
    outcome = Simulation(story, settings, seed).run()
    return Cell(story.name, axes, seed, outcome.outcome, outcome.sentence)


def cells(
    plans: Sequence[Plan], backend: str = HERE, as_they_finish: bool = False
) -> Iterator[Cell]:
    """Play all plans side by side, and answer the cells in the order of the plans, or as they
    finish. Playing begins with the call; who closes the iterator ends it."""
    from joblib import Parallel, delayed, parallel_config  # most commands play nothing

    warnings.filterwarnings("ignore", ".* have been cancelled", UserWarning)  # on purpose
    answers = "generator_unordered" if as_they_finish else "generator"
    with parallel_config(backend, n_jobs=-1):
        parallel = Parallel(return_as=answers, batch_size=1)
    played: Iterator[Cell] = parallel(delayed(play)(each) for each in plans)
    return played


def outcomes(story: Scenario, fixed: dict[str, str], seed: int | None = None) -> Iterator[Cell]:
    """For a menu: how the story ends with each module, everything else being as `fixed` has it.
    The cells come as they finish; who closes the iterator ends the rest. The first is played by who
    asks for it, because it takes a moment until there are other processes: so ask in a thread that
    may be busy. Raises ConfigError."""
    axes = {key: [value] for key, value in fixed.items()}
    first, *others = plan([story], {**axes, ALG: every_module()}, seed)
    yield play(first)
    yield from cells(others, as_they_finish=True)


def cluster(backend: str) -> AbstractContextManager[Any]:
    """What has to be open while plans are played. For Dask a client: of the cluster that Dask's own
    configuration names (DASK_SCHEDULER_ADDRESS), else of one on this machine. Raises ImportError
    where Dask is not installed, and OSError where nobody answers at that address."""
    if backend != DASK:
        return nullcontext()
    from distributed import Client

    client: AbstractContextManager[Any] = Client()  # type: ignore[no-untyped-call]
    return client
