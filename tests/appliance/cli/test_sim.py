"""`glassnat sim` on a terminal: how the screen is opened. (What is told as text:
`test_simulate.py`.)"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import sim
from appliance.sim.simulation import Simulation

Run = Callable[..., Any]


class Screen(types.ModuleType):
    """What stands for the TUI: remembers how it was opened."""

    def __init__(self) -> None:
        super().__init__("tui.ways_in")
        self.simulations: list[Simulation] = []
        self.speed = 0.0
        self.announced = False

    def run_simulation(
        self, load: Callable[[], Callable[..., Simulation]], speed: float, announced: object
    ) -> int:
        self.speed = speed
        factory = load()
        self.announced = announced is not None
        self.simulations.append(factory({}))
        self.simulations.append(factory({"nat.timeouts.udp": 30.0, "alg.sip.module": "sip"}))
        return 0


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    made = Screen()
    monkeypatch.setitem(sys.modules, "tui.ways_in", made)
    monkeypatch.setattr(sim, "on_terminal", lambda: True)
    return made


def test_on_a_terminal_the_run_is_drawn_and_knobs_are_kept_for_the_next(
    glassnat: Run, screen: Screen
) -> None:
    assert glassnat("sim", "one-way-audio", "--seed", "9").code == 0
    first, again = screen.simulations
    assert first.seed == again.seed == 9
    assert first.engine.settings["nat.timeouts.udp"] == 300.0
    assert again.engine.settings["nat.timeouts.udp"] == 30.0
    assert again.engine.settings["alg.sip.module"] == "sip"


@pytest.mark.parametrize(
    ("arguments", "speed"), [([], 1.0), (["--speed", "4"], 4.0), (["--speed", "max"], 60.0)]
)
def test_the_screen_plays_at_the_speed_of_life(
    glassnat: Run, screen: Screen, arguments: list[str], speed: float
) -> None:
    glassnat("sim", "one-way-audio", *arguments)
    assert screen.speed == speed


def test_plain_is_text_also_on_a_terminal(glassnat: Run, screen: Screen) -> None:
    assert "outcome:" in glassnat("sim", "one-way-audio", "--plain", "--until", "3s").out
    assert screen.simulations == []


def test_every_run_on_the_screen_is_recorded_anew(
    glassnat: Run, screen: Screen, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    glassnat("sim", "one-way-audio", "--record", str(path))
    assert json.loads(path.read_text())["settings"]["nat.timeouts.udp"] == 30.0


@pytest.mark.parametrize(
    ("turned", "is_announced"),
    [
        ([], True),
        (["--seed", "9", "--speed", "4"], True),
        (["--alg", "sip"], False),
        (["--set", "nat.timeouts.udp=30s"], False),
        (["--capture", "run.pcapng"], False),
    ],
)
def test_a_story_waits_for_what_plays_it_where_the_command_line_may_be_wrong(
    glassnat: Run,
    screen: Screen,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    turned: list[str],
    is_announced: bool,
) -> None:
    """So that a mistake is said before a screen opens."""
    monkeypatch.chdir(tmp_path)
    assert glassnat("sim", "one-way-audio", *turned).code == 0
    assert screen.announced is is_announced
