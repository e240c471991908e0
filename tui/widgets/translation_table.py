"""The NAT's table, counting down.

Rows are keyed and updated in place, and only the cells that are in sight and differ: the cursor
stays where it is, and ten thousand flows cost what one screenful costs. Nothing is ever cleared
and refilled but when what stands in the cells, or the width of the screen, calls for other columns.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.widgets import DataTable
from textual.widgets.data_table import RowKey

from tui.draw.lines import Line, Style
from tui.draw.translations import HEADS, Layout, fitted, layout
from tui.translations import Translation
from tui.widgets.drawn import entitle, text
from tui.widgets.pane import Placed

ROWS_SHOWN = 2_000


class TranslationTable(DataTable[object]):
    """A row for each translation; the cursor marks one."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", cell_padding=0, zebra_stripes=False)
        self._layout: Layout | None = None
        self._drawn: dict[tuple[str, str], Line] = {}
        self._order: list[str] = []

    def on_resize(self) -> None:
        self.post_message(Placed())

    def show(self, rows: Sequence[Translation], now: float, title: Line) -> None:
        """Draw these rows as they are at `now`."""
        entitle(self, title)
        shown = rows[:ROWS_SHOWN]
        chosen = self.selected
        is_new = self._lay_out(shown)
        self._remove_all_but({row.key for row in shown})
        self._add(shown, now)
        first = max(int(self.scroll_y) - 1, 0)
        in_sight = set(self._order[first : first + self.size.height + 1])
        for row in shown:
            if row.key in in_sight:
                self._update(row, now)
        if is_new and chosen in self._order:
            self.move_cursor(row=self._order.index(chosen))

    @property
    def selected(self) -> str | None:
        """The key of the row under the cursor."""
        if 0 <= self.cursor_row < len(self._order):
            return self._order[self.cursor_row]
        return None

    def _lay_out(self, rows: Sequence[Translation]) -> bool:
        """Make the columns that these rows need; True when they are not those that were there."""
        before = self._layout
        self._layout = layout(rows, self.size.width, before)
        if before is not None and self._layout.widths == before.widths:
            return False
        self.clear(columns=True)
        self._drawn.clear()
        self._order.clear()
        for name, width in self._layout.widths.items():
            self.add_column(text(Line(HEADS[name], Style.FAINT)), width=width, key=name)
        return True

    @property
    def _names(self) -> Sequence[str]:
        return [] if self._layout is None else list(self._layout.widths)

    def _remove_all_but(self, keys: set[str]) -> None:
        for key in [key for key in self._order if key not in keys]:
            self.remove_row(RowKey(key))
            self._order.remove(key)
            for name in self._names:
                self._drawn.pop((key, name), None)

    def _add(self, rows: Sequence[Translation], now: float) -> None:
        known = set(self._order)
        for row in rows:
            if row.key in known:
                continue
            drawn = self._cells(row, now)
            self.add_row(*(text(drawn[name]) for name in self._names), key=row.key)
            self._order.append(row.key)
            self._drawn |= {(row.key, name): drawn[name] for name in self._names}

    def _update(self, row: Translation, now: float) -> None:
        drawn = self._cells(row, now)
        for name in self._names:
            if self._drawn.get((row.key, name)) != drawn[name]:
                self._drawn[row.key, name] = drawn[name]
                self.update_cell(row.key, name, text(drawn[name]))

    def _cells(self, row: Translation, now: float) -> dict[str, Line]:
        return {} if self._layout is None else fitted(row, now, self._layout)
