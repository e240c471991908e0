"""Rows that scroll. Only those in sight are looked at, and drawn only when one of them differs."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.draw.lines import Line
from tui.messages import Placed
from tui.widgets.drawn import strip_of


class Rows(ScrollView, can_focus=False):
    """Lines, as many as there are. It keeps its place when they change, unless it is told where to
    look."""

    DEFAULT_CSS = """
    Rows {
        height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden;
    }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[Line] = ()
        self._in_sight: list[Line] = []
        self._looks_at: int | None = None
        self._awaited: int | None = None

    def show(self, lines: Sequence[Line], at: int | None = None, tail: bool = False) -> None:
        """Draw these lines. `at`: scroll just so far that this row can be seen, when it is another
        one than the last time; `tail`: stay at the end while one is there."""
        was_at_the_end = self.scroll_offset.y >= self.max_scroll_y
        self._lines = lines
        self.virtual_size = Size(self.columns, len(lines))
        if tail and was_at_the_end:
            self._awaited = len(lines) - 1
        elif at is not None and at != self._looks_at:
            self._awaited = at
        self._looks_at = at
        self._look()
        window = self._window()
        if window != self._in_sight:
            self._in_sight = window
            self.refresh()

    def _window(self) -> list[Line]:
        first = self.scroll_offset.y
        last = min(first + self.scrollable_content_region.height, len(self._lines))
        return [self._lines[row] for row in range(first, last)]

    def watch_virtual_size(self) -> None:
        self._look()

    def watch_show_vertical_scrollbar(self) -> None:
        self.post_message(Placed())  # there is another width to draw in

    def on_resize(self) -> None:
        if self._awaited is None:
            self._awaited = self._looks_at
        self._look()
        self.post_message(Placed())

    def _look(self) -> None:
        """Scroll to the awaited row, now or once the rows have their place."""
        row, height = self._awaited, self.scrollable_content_region.height
        if row is None or not height:
            return
        top = self.scroll_offset.y
        if row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False, force=True)
        elif row < top:
            self.scroll_to(y=row, animate=False, force=True)
        if self.max_scroll_y >= row - height + 1:
            self._awaited = None

    @property
    def columns(self) -> int:
        """Characters that fit into a line."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        base = self.rich_style
        width = self.size.width
        if not 0 <= row < len(self._lines):
            return Strip.blank(width, base)
        return strip_of(self._lines[row], base, width, self.app.theme)
