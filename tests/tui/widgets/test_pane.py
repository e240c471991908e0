"""A pane of lines that scrolls only as far as it must."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tui.draw.lines import Line
from tui.widgets.pane import LinesPane


class Page(App[None]):
    def compose(self) -> ComposeResult:
        yield LinesPane()


async def test_the_pane_scrolls_just_so_far_that_a_row_can_be_seen() -> None:
    async with Page().run_test(size=(40, 10)) as pilot:
        pane = pilot.app.query_one(LinesPane)
        pane.show([Line(str(number)) for number in range(50)], Line("title"))
        await pilot.pause()
        places = []
        for row in (5, 20, 15, 3):
            pane.look_at(row)
            await pilot.pause()
            places.append(pane.scroll_offset.y)
        assert places == [0, 11, 11, 0]
        assert pane.columns in (38, 39, 40)
