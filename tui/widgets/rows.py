"""Rows that scroll. Only those in sight are looked at, and drawn only when one of them differs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from textual.events import Click
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.draw.lines import Line
from tui.messages import Placed, RowClicked
from tui.views.view import Page
from tui.widgets.drawn import strip_of


class Rows(ScrollView, can_focus=False):
    """The body of a page. It keeps its place when the rows change, unless the page says where to
    look."""

    DEFAULT_CSS = """
    Rows { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[Line] = ()
        self._page: Page | None = None
        self._in_sight: list[Line] = []
        self._is_to_look = False

    def show(self, page: Page) -> None:
        """Draw its body, and scroll just so far as it takes to see what is to be seen."""
        before, self._page = self._page, page
        was_at_the_end = self.scroll_offset.y >= self.max_scroll_y
        self._lines = page.body
        self.virtual_size = Size(self.columns, len(page.body))
        if before is None or before.about != page.about:
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
            self._is_to_look = True
        elif page.tail:
            self._is_to_look |= was_at_the_end
        elif page.span != before.span:
            self._is_to_look = True
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

    def on_click(self, event: Click) -> None:
        row = event.y + self.scroll_offset.y
        if row < len(self._lines):
            self.post_message(RowClicked(row))

    def on_resize(self) -> None:
        self._is_to_look |= self._page is not None and not self._page.tail
        self._look()
        self.post_message(Placed())

    def _look(self) -> None:
        """Scroll to what is to be seen, now or once the rows have their place."""
        page, height = self._page, self.scrollable_content_region.height
        if page is None or not height or not self._is_to_look:
            return
        rows = len(page.body)
        span = (rows - 1, rows - 1) if page.tail else page.span
        if span is None:
            return
        first, last = span
        to = top = self.scroll_offset.y
        if last >= top + height:
            to = min(_start_after(last - height + 1, page.starts), first)
        elif first < top:
            to = first
        if to != top:
            self.scroll_to(y=to, animate=False, force=True)
        if self.max_scroll_y >= to:
            self._is_to_look = False

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


def _start_after(row: int, starts: Sequence[int] | None) -> int:
    """The first of the starts that is not above a row."""
    if starts is None:
        return row
    place = bisect_left(starts, row)
    return starts[place] if place < len(starts) else row
