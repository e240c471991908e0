"""Doing, and undoing in the opposite order; what fails is said, and the rest is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.between import undo, work
from appliance.between.record import Facts, Record, names
from appliance.between.step import Step, Trace
from appliance.wires.netns import CommandError
from tests.appliance.between.conftest import Commands

FACTS = Facts("lab", "br-in", "br-out", "lab.sock")
STEPS = [
    Step(("make", "one"), (Trace("thing", "one"),)),
    Step(("turn", "one")),
    Step(("make", "two"), (Trace("thing", "two"), Trace("thing", "three"))),
]

pytestmark = pytest.mark.usefixtures("folder")


def nothing(command: object) -> None:
    """Says nothing."""


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what was removed; what is called `stuck` cannot be."""
    names: list[str] = []

    def remove(trace: Trace, echo: undo.Echo) -> None:
        if trace.name == "stuck":
            raise CommandError("it is stuck")
        names.append(trace.name)

    monkeypatch.setattr(undo, "remove", remove)
    return names


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


def test_all_is_removed_the_last_first(commands: Commands, removed: list[str]) -> None:
    record = Record.begin(FACTS)
    work.make(STEPS, record, nothing)
    assert work.take_down(record, nothing) == []
    assert removed == ["three", "two", "one"]
    assert names() == []


def test_what_cannot_be_removed_is_said_and_can_be_tried_again(
    folder: Path, removed: list[str]
) -> None:
    record = Record.begin(FACTS)
    record.expect(Trace("thing", "one"), Trace("thing", "stuck"), Trace("thing", "two"))
    assert work.take_down(record, nothing) == ["it is stuck"]
    assert removed == ["two", "one"]
    assert names() == ["lab"]
    again = Record.open("lab")
    assert again is not None
    assert len(again.traces()) == 3
    again.end()
