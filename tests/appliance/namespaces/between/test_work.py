"""Doing: each step is written down, said and run; the first that fails is the last."""

from __future__ import annotations

import pytest

from appliance.namespaces.between import work
from appliance.namespaces.between.record import Facts, Record, Trace
from appliance.namespaces.between.step import Step
from appliance.wires.netns import CommandError
from tests.appliance.namespaces.between.conftest import Commands

FACTS = Facts("lab", "br-in", "br-out", "lab.sock")
STEPS = [
    Step(("make", "one"), (Trace("thing", "one"),)),
    Step(("turn", "one")),
    Step(("make", "two"), (Trace("thing", "two"), Trace("thing", "three"))),
]

pytestmark = pytest.mark.usefixtures("folder")


def nothing(command: object) -> None:
    """Says nothing."""


def test_each_step_is_written_down_said_and_run(commands: Commands) -> None:
    record = Record.begin(FACTS)
    heard: list[tuple[str, ...]] = []

    def echo(command: tuple[str, ...]) -> None:
        leaves = [trace for step in STEPS[: len(heard) + 1] for trace in step.leaves]
        assert record.traces() == leaves, "written down first"
        assert commands == heard, "said before it is run"
        heard.append(command)

    work.make(STEPS, record, echo)
    assert commands == heard == [step.command for step in STEPS]
    record.end()


def test_a_step_that_fails_is_the_last_and_has_made_nothing(commands: Commands) -> None:
    record = Record.begin(FACTS)
    commands.failing = "two"
    with pytest.raises(CommandError, match="make two"):
        work.make([*STEPS, Step(("make", "four"))], record, nothing)
    assert record.traces() == [Trace("thing", "one")]
    assert ("make", "four") not in commands
    record.end()
