"""A view's frame: arrows and mouse go to the view, or scroll where it selects nothing."""

from __future__ import annotations

from textual.app import ComposeResult

from tests.tui.reading import screen_of
from tui.draw.lines import Line
from tui.look import Look
from tui.themes import Looks
from tui.views.view import Page, View
from tui.widgets.pane import Pane
from tui.widgets.rows import Rows


class Fifty(View):
    name = "fifty"

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.at: int | None = None
        self.clicked: list[int] = []

    def page(self, width: int, height: int) -> Page:
        body = [Line(f"row {number}.") for number in range(50)]
        return Page(Line("Fifty"), body, [Line("head")], [Line("foot")], self._span())

    def _span(self) -> tuple[int, int] | None:
        return None if self.at is None else (self.at, self.at)

    def move(self, step: int) -> bool:
        if self.at is None:
            return False
        self.at += step
        return True

    def open(self) -> None:
        self.at = 0

    def click(self, row: int) -> None:
        self.clicked.append(row)


class Frame(Looks[None]):
    CSS = "Pane { border: round red; }"

    def __init__(self) -> None:
        super().__init__()
        self.view = Fifty(Look())

    def compose(self) -> ComposeResult:
        yield Pane(self.view, 7)

    def on_mount(self) -> None:
        self.query_one(Pane).focus()

    def on_placed(self) -> None:
        self.query_one(Pane).draw()


async def test_a_pane_shows_its_view_and_hands_on_keys_and_clicks() -> None:
    frame = Frame()
    async with frame.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        top, head, *rows, foot, _ = screen_of(frame).splitlines()
        assert "7 Fifty" in top
        assert ("head" in head, "row 0." in rows[0], "foot" in foot) == (True, True, True)
        await pilot.press("down")
        assert frame.query_one(Rows).scroll_offset.y == 1
        await pilot.click(Rows, offset=(2, 3))
        assert frame.view.clicked == [4]
        await pilot.press("enter", "down", "down", "up")
        assert frame.view.at == 1
        for key, place in (("end", 42), ("pageup", 35), ("pagedown", 42), ("home", 0)):
            await pilot.press(key)
            assert frame.query_one(Rows).scroll_offset.y == place, key
