"""`glassnat` alone, on a terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.control import client
from appliance.sim.titles import Titled
from tui.shelf import Picked, Teller

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("choice", "opened"),
    [
        (Picked("story", "one-way-audio"), "one-way-audio"),
        (Picked("appliance", "classroom"), "/run/classroom.sock"),
        (None, None),
    ],
)
def test_alone_on_a_terminal_it_lets_one_choose(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch, choice: Picked | None, opened: str | None
) -> None:
    offered: list[str] = []
    shown: list[str] = []

    def run_picker(stories: list[Titled], appliances: list[str], tell: Teller) -> Picked | None:
        offered.extend([*appliances, *(story.name for story in stories)])
        assert tell("one-way-audio").title == "One-way audio"
        return choice

    monkeypatch.setattr("appliance.cli.on_terminal", lambda: True)
    monkeypatch.setattr(client, "running", lambda: {"classroom": Path("/run/classroom.sock")})
    monkeypatch.setattr("tui.widgets.picker.run_picker", run_picker)
    monkeypatch.setattr("tui.ways_in.run_attached", shown.append)
    monkeypatch.setattr("appliance.cli.sim.show", shown.append)
    assert glassnat().code == 0
    assert offered[0] == "classroom"
    assert "one-way-audio" in offered
    assert shown == ([] if opened is None else [opened])


@pytest.mark.slow
def test_the_picker_is_there_before_anything_that_plays_a_story_is_loaded() -> None:
    program = (
        "import sys, appliance.cli.picking, tui.widgets.picker;"
        "print(*{'appliance.engine', 'alg.registry', 'appliance.sim.stories'} & {*sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert said.stdout.split() == []
