"""The table keeps its rows: it updates cells, and never starts afresh."""

from __future__ import annotations

from typing import Any

from textual.app import App, ComposeResult

from tests.tui.reading import screen_of
from tests.tui.stories import flow
from tui.draw.lines import Line
from tui.translations import Translations
from tui.widgets.translation_table import ROWS_SHOWN, TranslationTable


class Page(App[None]):
    def compose(self) -> ComposeResult:
        yield TranslationTable()


def rows(*flows: dict[str, Any]) -> Translations:
    made = Translations()
    made.take(flows, (), 0.0)
    return made


def many(count: int) -> list[dict[str, Any]]:
    return [flow(number, remote=f"203.0.113.9:{number}") for number in range(1, count + 1)]


async def test_the_cursor_stays_on_its_row_while_others_come_and_go() -> None:
    async with Page().run_test(size=(80, 12)) as pilot:
        table = pilot.app.query_one(TranslationTable)
        table.show(rows(*many(3)).rows(), 0.0, Line("t"))
        table.move_cursor(row=1)
        assert table.selected == "flow 2"
        table.show(rows(*many(5)).rows(), 1.0, Line("t"))
        assert table.selected == "flow 2"
        table.show(rows(*many(5)[1:]).rows(), 2.0, Line("t"))
        assert table.row_count == 4


async def test_only_cells_in_sight_that_differ_are_written() -> None:
    async with Page().run_test(size=(80, 12)) as pilot:
        table = pilot.app.query_one(TranslationTable)
        story = rows(*many(100))
        table.show(story.rows(), 0.0, Line("t"))
        await pilot.pause()
        written: list[tuple[str, str]] = []
        real = table.update_cell

        def update_cell(row: str, column: str, value: object) -> None:
            written.append((row, column))
            real(row, column, value)

        table.update_cell = update_cell  # type: ignore[assignment, method-assign]
        table.show(story.rows(), 1.0, Line("t"))
        assert 0 < len(written) <= 13
        assert {column for _, column in written} == {"left"}


async def test_a_flood_of_flows_is_cut() -> None:
    async with Page().run_test(size=(80, 12)) as pilot:
        table = pilot.app.query_one(TranslationTable)
        table.show(rows(*many(ROWS_SHOWN + 5)).rows(), 0.0, Line("t"))
        assert table.row_count == ROWS_SHOWN


async def test_a_narrow_place_has_fewer_columns() -> None:
    async with Page().run_test(size=(64, 12)) as pilot:
        table = pilot.app.query_one(TranslationTable)
        table.show(rows(flow()).rows(), 0.0, Line("t"))
        await pilot.pause()
        assert "Prot" not in screen_of(pilot.app)
        await pilot.resize_terminal(90, 12)
        await pilot.pause()
        table.show(rows(flow()).rows(), 0.0, Line("t"))
        await pilot.pause()
        assert "Prot" in screen_of(pilot.app)


async def test_the_cursor_stays_on_its_row_when_the_columns_change() -> None:
    async with Page().run_test(size=(80, 12)) as pilot:
        table = pilot.app.query_one(TranslationTable)
        table.show(rows(*many(5)).rows(), 0.0, Line("t"))
        table.move_cursor(row=3)
        longer = [
            *many(5),
            flow(6, internal="192.168.200.100:65535", remote="198.51.100.100:65535"),
        ]
        table.show(rows(*longer).rows(), 1.0, Line("t"))
        await pilot.pause()
        assert table.selected == "flow 4"
        assert table.cursor_row == 3
        screen = screen_of(pilot.app)
        assert "192.168.200.100:65535 :" in screen
        assert "198.51.100.100:65535 " in screen
