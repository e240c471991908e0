"""Panes of lines that scroll: the before/after view, and the ladder with its selected message."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.message import Message

from tui.draw.lines import Line
from tui.widgets.drawn import Drawn, entitle


class Placed(Message):
    """A pane has got its place on the screen, or another size: draw what fits into it."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Placed)


class LinesPane(VerticalScroll):
    """Lines under a title. The pane keeps its place when the lines change, unless told where to
    look."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._looks_at: int | None = None

    def compose(self) -> ComposeResult:
        yield Drawn()

    def on_resize(self) -> None:
        self._look()
        self.post_message(Placed())

    def watch_virtual_size(self) -> None:
        self._look()

    def show(self, lines: Sequence[Line], title: Line | None = None) -> None:
        """Draw these lines; `title` goes into the border."""
        self._looks_at = None
        self.query_one(Drawn).show(lines)
        if title is not None:
            entitle(self, title)

    def look_at(self, row: int) -> None:
        """Scroll just so far that `row` can be seen, now or once the lines have their place."""
        self._looks_at = row
        self._look()

    def _look(self) -> None:
        row = self._looks_at
        height = self.scrollable_content_region.height
        if row is None or not height:
            return
        if not self.scroll_offset.y <= row < self.scroll_offset.y + height:
            self.scroll_to(y=max(row - height + 1, 0), animate=False)

    @property
    def columns(self) -> int:
        """Characters that fit into a line."""
        return self.scrollable_content_region.width or self.content_size.width


class LadderPane(LinesPane):
    """The ladder: here the arrows go from message to message, and Enter looks into one."""

    BINDINGS = [  # noqa: RUF012 - Textual reads a plain list
        Binding("down", "app.message(1)", "next message"),
        Binding("up", "app.message(-1)", "previous message"),
        Binding("enter", "app.view(3)", "before and after"),
    ]
