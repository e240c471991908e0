"""The first screen of `glassnat` alone."""

from __future__ import annotations

import pytest

from tests.tui.reading import screen_of
from tui.app import run_picker
from tui.widgets.picker import Picker

CHOICES = [("one-way-audio", "One-way audio"), ("incoming-call", "[bold]\x1b[2J")]


@pytest.mark.parametrize(
    ("keys", "answer"),
    [("enter", "one-way-audio"), ("down enter", "incoming-call"), ("q", None)],
)
async def test_the_picker_answers_a_name(keys: str, answer: str | None) -> None:
    app = Picker(CHOICES)
    async with app.run_test(size=(80, 24)) as pilot:
        text = screen_of(app)
        assert "one-way-audio           One-way audio" in text
        assert "[bold]␛[2J" in text
        await pilot.press(*keys.split())
    assert app.return_value == answer


async def test_ctrl_c_leaves_it() -> None:
    app = Picker(CHOICES)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+c")
    assert app.return_code == 130


def test_the_command_line_is_told_of_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Picker, "run", lambda picker: picker.action_interrupt())
    with pytest.raises(KeyboardInterrupt):
        run_picker(CHOICES)
