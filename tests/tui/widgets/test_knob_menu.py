"""Switches are thrown, choices are chosen, everything else is typed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.sweep import sampled
from tests.tui.reading import screen_of
from tui.themes import Looks
from tui.turning import Knob
from tui.widgets.knob_menu import KnobMenu

KNOBS = [
    Knob("parties.pbx.comedia", False, True),
    Knob("nat.timeouts.udp", 30.0, False),
    Knob("profile", "none", False, "The product.", ("cgn", "symmetric")),
]


@pytest.mark.parametrize(
    ("keys", "answer"),
    sampled(
        [
            pytest.param("down enter 5 m enter", ("nat.timeouts.udp", "5m")),
            pytest.param("enter", ("parties.pbx.comedia", True)),
            pytest.param("down down up up enter", ("parties.pbx.comedia", True)),
            pytest.param("escape", None),
            pytest.param("end enter end enter", ("profile", "symmetric")),
            pytest.param("pagedown enter escape home enter", ("parties.pbx.comedia", True)),
            pytest.param("slash p r o d enter enter enter", ("profile", "cgn")),
        ],
        7,
    ),
)
async def test_the_menu_answers_a_key_and_a_value(
    keys: str, answer: tuple[str, Any] | None
) -> None:
    app: Looks[None] = Looks()
    answers: list[tuple[str, Any] | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(KnobMenu(KNOBS), answers.append)
        await pilot.pause()
        assert "▸parties.pbx.comedia" in screen_of(app)
        await pilot.press(*keys.split())
        await pilot.pause()
    assert answers == [answer]


async def test_without_knobs_there_is_nothing_to_turn() -> None:
    app: Looks[None] = Looks()
    answers: list[tuple[str, Any] | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(KnobMenu([]), answers.append)
        await pilot.press("enter")
        await pilot.pause()
    assert answers == [None]
