"""`--ascii`: not a character on the screen that is not ASCII, and nothing moves."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from tests.tui.reading import screen_of
from tests.tui.test_app import WIDE, screen
from tui.app import GlassnatApp
from tui.glyphs import VARIABLE, in_ascii


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("│──INVITE──►◆2──►│  ✗", "|--INVITE-->*2-->|  x"),
        ("«203.0.113.1»", "{203.0.113.1}"),
        ("█████░░░░░ 50%", "#####..... 50%"),
        ("␛ 日本", "? ????"),
        ("plain", "plain"),
    ],
)
def test_each_sign_has_its_likeness_in_as_many_columns(text: str, shown: str) -> None:
    assert in_ascii(text) == shown
    assert len(shown) == cell_len(text)


def differs(app: GlassnatApp) -> str:
    return "".join(sorted({each for each in screen_of(app) if not each.isascii()}))


@pytest.mark.slow
async def test_no_view_and_no_dialogue_has_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    async with screen(WIDE) as (app, pilot, _):
        await _look_at_everything(app, pilot)
        await pilot.resize_terminal(80, 24)
        await _look_at_everything(app, pilot)


async def _look_at_everything(app: GlassnatApp, pilot: Pilot[None]) -> None:
    for number in range(1, len(app.views) + 1):
        await pilot.press(str(number))
        assert differs(app) == "", number
    for key in ("a", "t", "m", "question_mark"):
        await pilot.press(key)
        assert differs(app) == "", key
        await pilot.press("escape")
