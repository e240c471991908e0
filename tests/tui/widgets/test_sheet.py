"""Lines over the whole screen."""

from __future__ import annotations

from tests.tui.reading import screen_of
from tui.draw.lines import Line
from tui.themes import Looks
from tui.widgets.sheet import Sheet


async def test_they_are_made_for_the_width_scroll_and_are_left() -> None:
    app: Looks[None] = Looks()
    async with app.run_test(size=(60, 10)) as pilot:
        rows = [Line(f"row {number}") for number in range(30)]
        await app.push_screen(Sheet(Line("Title"), lambda width: [Line(f"width {width}"), *rows]))
        await pilot.pause()
        shown = screen_of(app)
        assert "Title" in shown
        assert "width 5" in shown
        await pilot.press("down", "down")
        assert "width 5" not in screen_of(app)
        await pilot.press("v")
        assert len(app.screen_stack) == 1
