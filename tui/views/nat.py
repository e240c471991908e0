"""The NAT's table, counting down: a row for each translation, and one of them selected."""

from __future__ import annotations

from collections.abc import Sequence

from tui.draw.lines import Line, Style, wrap_words
from tui.draw.translations import Layout, explain, head, layout, line
from tui.endpoint import port_of
from tui.translations import Translation
from tui.views.view import Lazy, Page, View

_NEWS = 3.0
"""Seconds for which a refused packet is news."""
ROWS_SHOWN = 2_000
"""Rows of the table that are shown at most; the title counts them all."""


class NatView(View):
    """View 1."""

    name = "nat"
    label = "NAT"
    does = "translations"

    _layout: Layout | None = None
    _laid_out: tuple[object, ...] = ()
    """For which rows, and which width, the columns were chosen."""

    def page(self, width: int, height: int) -> Page:
        model = self.look.model
        rows = self._rows()
        asked = model.translations, model.translations.changes, width
        if self._layout is None or asked != self._laid_out:
            self._layout, self._laid_out = layout(rows, width - 1, self._layout), asked
        chosen = self._layout
        title = Line("Translations ").add(f"{len(model.translations)}", Style.STRONG)
        external = ", ".join(model.settings.get("outside.external", ()))
        title.add(f" · external {external}" if external else "").extend(self._elsewhere())
        at = self._at(rows)
        self.look.translation = "" if at is None else rows[at].key

        def row(place: int) -> Line:
            return line(rows[place], model.now, chosen, place == at)

        return Page(
            title,
            Lazy(len(rows), row),
            [head(chosen)],
            self._told(width),
            span=None if at is None else (at, at),
        )

    def _elsewhere(self) -> Line:
        """What was refused just now for an endpoint that has no row."""
        drop, now = self.look.model.last_drop, self.look.model.now
        if drop is None or drop.side != "outside" or now - max(drop.t, drop.last) > _NEWS:
            return Line()
        if any(row.external == drop.destination for row in self.look.model.translations.rows()):
            return Line()
        where = f":{port}" if (port := port_of(drop.destination)) else drop.destination
        return Line(f" · ✗ {where} {drop.reason}", Style.BAD)

    def _told(self, width: int) -> list[Line]:
        """The selected row in sentences, while somebody is at this table."""
        model = self.look.model
        row = model.translations.find(self.look.translation)
        if row is None or self.look.view != self.name:
            return []
        sentences = explain(row, model.now, model.name)
        said = [each for sentence in sentences for each in wrap_words(sentence, width - 2)]
        return [Line("─" * width, Style.FAINT), *(Line(f" {each}") for each in said)]

    def move(self, step: int) -> bool:
        rows = self._rows()
        at = self._at(rows)
        if at is not None:
            self.look.translation = rows[min(max(at + step, 0), len(rows) - 1)].key
        return True

    def open(self) -> None:
        """Its packets."""
        self.look.view = "points"

    def click(self, row: int) -> None:
        rows = self._rows()
        if row < len(rows):
            self.look.translation = rows[row].key

    def _rows(self) -> Sequence[Translation]:
        return self.look.model.translations.rows()[:ROWS_SHOWN]

    def _at(self, rows: Sequence[Translation]) -> int | None:
        """The place of the selected row: the first while nobody has chosen one."""
        keys = (row.key for row in rows)
        found = next((at for at, key in enumerate(keys) if key == self.look.translation), 0)
        return found if rows else None
