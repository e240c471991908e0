"""`/`: the view follows while one types, Enter keeps it, Esc shows all again."""

from __future__ import annotations

import pytest

from tests.tui.reading import screen_of
from tests.tui.test_app import screen


@pytest.mark.slow
async def test_events_are_found_by_their_words_and_enter_opens_what_one_is_about() -> None:
    async with screen() as (app, pilot, _):
        await pilot.press("4", "slash", *"ringing")
        assert app.views["events"].filter == "ringing"
        await pilot.press("enter")
        shown = screen_of(app)
        assert "with ringing" in shown
        assert ("180 Ringing" in shown, "100 Trying" in shown) == (True, False)
        await pilot.press("up", "enter")
        assert app.look.view == "diff"
        assert "message 3 180 Ringing" in screen_of(app)
        await pilot.press("4", "escape")
        assert "100 Trying" in screen_of(app)


@pytest.mark.slow
async def test_where_nothing_can_be_looked_for_the_calls_are_and_escape_shows_all() -> None:
    async with screen() as (app, pilot, _):
        await pilot.press("1", "slash", *"nobody")
        assert (app.look.view, app.views["calls"].filter) == ("calls", "nobody")
        await pilot.press("escape")
        assert "alice > bob" in screen_of(app)
