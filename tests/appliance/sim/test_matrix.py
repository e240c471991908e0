"""Every combination, each a run of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import msgspec
import pytest

from appliance.settings.files import ConfigError
from appliance.sim.axes import every_module
from appliance.sim.matrix import DASK, HERE, Cell, cells, outcomes, plan, play
from appliance.sim.scenario import Scenario
from appliance.sim.staging import simulation
from appliance.sim.stories import load_scenario
from tests.support.sweep import sampled

ONE_WAY, INCOMING = load_scenario("one-way-audio"), load_scenario("incoming-call")
MODULES = {"alg": ["off", "sip"]}


def short(story: Scenario) -> Scenario:
    """Its first seconds: who is heard is decided by then."""
    return msgspec.structs.replace(story, duration=8.0, script=story.script[:2])


def test_cells_are_all_combinations_the_last_axis_changing_fastest() -> None:
    axes = {**MODULES, "nat.timeouts.udp": ["30s", "5m"]}
    plans = plan([ONE_WAY, INCOMING], axes)
    assert [(each.scenario.name, *each.axes.values()) for each in plans[:5]] == [
        ("one-way-audio", "off", "30s"),
        ("one-way-audio", "off", "5m"),
        ("one-way-audio", "sip", "30s"),
        ("one-way-audio", "sip", "5m"),
        ("incoming-call", "off", "30s"),
    ]
    assert len(plans) == 8


def test_the_seed_is_the_storys_or_the_one_that_is_asked_for_or_an_axis() -> None:
    assert [each.seed for each in plan([ONE_WAY], {})] == [ONE_WAY.seed]
    assert [each.seed for each in plan([ONE_WAY], {}, 9)] == [9]
    assert [each.seed for each in plan([ONE_WAY], {"seed": ["3", "4"]}, 9)] == [3, 4]


def test_what_does_not_go_together_is_told_of_all_cells_before_one_is_played() -> None:
    with pytest.raises(ConfigError) as wrong:
        plan([ONE_WAY], {**MODULES, "outside.external": ["192.168.20.7"]})
    assert len(wrong.value.problems) == 1  # of both cells, told once
    assert wrong.value.problems[0].key.startswith(("inside", "outside"))


@pytest.mark.parametrize("backend", sampled([HERE, DASK], 2))
def test_wherever_they_are_played_the_cells_are_those_of_single_runs(backend: str) -> None:
    """In order, and with the outcomes that `sim` has: on all processors, and on a Dask cluster of
    two workers."""
    story = short(ONE_WAY)
    plans = plan([story], {**MODULES, "seed": ["1", "2"]})
    with cluster_of_two() if backend == DASK else here():
        found = list(cells(plans, backend))
    assert found == [play(each) for each in plans]
    assert [cell.outcome for cell in found] == ["one-way-audio"] * 2 + ["both-ways"] * 2
    assert found[0].sentence == simulation(story).run().sentence
    assert found[0] == Cell(
        "one-way-audio", {"alg": "off", "seed": "1"}, 1, "one-way-audio", found[0].sentence
    )


@contextmanager
def here() -> Iterator[None]:
    yield


@contextmanager
def cluster_of_two() -> Iterator[None]:
    """Two workers that are threads of this process: what is tested is the way there and back, and
    what would be pickled for other machines is pickled for the test above."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        Client(cluster),
    ):
        yield


@pytest.mark.slow
def test_the_outcomes_for_a_menu_come_one_by_one_and_can_be_left() -> None:
    coming = outcomes(short(ONE_WAY), {"parties.pbx.comedia": "true"})
    first = next(coming)
    assert (first.axes["alg"], first.outcome) == ("off", "both-ways")
    others = list(islice(coming, 3))
    coming.close()  # type: ignore[attr-defined]
    seen = {cell.axes["alg"] for cell in others}
    assert len(seen) == 3
    assert seen < {*every_module()} - {"off"}
