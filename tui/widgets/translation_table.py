"""The NAT's table, counting down.

Rows are keyed and updated in place, and only the cells that are in sight and differ: the cursor
stays where it is, and ten thousand flows cost what one screenful costs. Nothing is ever cleared
and refilled but when the width calls for other columns.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.widgets import DataTable
from textual.widgets.data_table import RowKey

from tui.lines import Line, Style
from tui.translations import COLUMNS, COMPACT, HEADS, Translation, cells
from tui.widgets.drawn import entitle, text

ROWS_SHOWN = 2_000


class TranslationTable(DataTable[object]):
    """A row for each translation; the cursor marks one."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", cell_padding=0, zebra_stripes=False)
        self._layout: dict[str, int] = {}
        self._drawn: dict[tuple[str, str], Line] = {}
        self._order: list[str] = []

    def show(self, rows: Sequence[Translation], now: float, title: Line) -> None:
        """Draw these rows as they are at `now`."""
        entitle(self, title)
        self._lay_out()
        shown = rows[:ROWS_SHOWN]
        self._remove_all_but({row.key for row in shown})
        self._add(shown, now)
        first = max(int(self.scroll_y) - 1, 0)
        in_sight = set(self._order[first : first + self.size.height + 1])
        for row in shown:
            if row.key in in_sight:
                self._update(row, now)

    @property
    def selected(self) -> str | None:
        """The key of the row under the cursor."""
        if 0 <= self.cursor_row < len(self._order):
            return self._order[self.cursor_row]
        return None

    def _lay_out(self) -> None:
        room = self.size.width
        layout = COLUMNS if room >= sum(COLUMNS.values()) else COMPACT
        if layout is self._layout:
            return
        self.clear(columns=True)
        self._drawn.clear()
        self._order.clear()
        self._layout = layout
        for name, width in layout.items():
            self.add_column(text(Line(HEADS[name], Style.FAINT)), width=width, key=name)

    def _remove_all_but(self, keys: set[str]) -> None:
        for key in [key for key in self._order if key not in keys]:
            self.remove_row(RowKey(key))
            self._order.remove(key)
            for name in self._layout:
                self._drawn.pop((key, name), None)

    def _add(self, rows: Sequence[Translation], now: float) -> None:
        known = set(self._order)
        for row in rows:
            if row.key in known:
                continue
            drawn = cells(row, now, self._has_bars)
            self.add_row(*(text(drawn[name]) for name in self._layout), key=row.key)
            self._order.append(row.key)
            self._drawn |= {(row.key, name): drawn[name] for name in self._layout}

    def _update(self, row: Translation, now: float) -> None:
        drawn = cells(row, now, self._has_bars)
        for name in self._layout:
            if self._drawn.get((row.key, name)) != drawn[name]:
                self._drawn[row.key, name] = drawn[name]
                self.update_cell(row.key, name, text(drawn[name]))

    @property
    def _has_bars(self) -> bool:
        return self._layout is COLUMNS
