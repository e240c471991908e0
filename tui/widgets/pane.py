"""The frame around a view: a title, lines that stay, rows that scroll, and the keys to go through
them. It knows nothing about what it shows."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.events import Click

from tui.draw.lines import Line
from tui.messages import Moved
from tui.views.view import Page, View
from tui.widgets.drawn import Drawn, entitle
from tui.widgets.rows import Rows


class Pane(Vertical, can_focus=True):
    """A view's place on the screen; its id is the view's name."""

    BINDINGS = [  # noqa: RUF012 - Textual reads a plain list
        Binding("down", "move(1)", "next"),
        Binding("up", "move(-1)", "previous"),
        Binding("pagedown", "page(1)", "page down"),
        Binding("pageup", "page(-1)", "page up"),
        Binding("home", "edge(-1)", "to the beginning"),
        Binding("end", "edge(1)", "to the end"),
        Binding("enter", "open", "look into it"),
    ]

    def __init__(self, view: View, number: int) -> None:
        super().__init__(id=view.name)
        self.view = view
        self._number = number
        self._head, self._rows, self._foot = Drawn(), Rows(), Drawn()

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._rows
        yield self._foot

    @property
    def is_in_sight(self) -> bool:
        """Has it been laid out on the screen?"""
        return bool(self._rows.columns and self.size.height)

    def draw(self) -> int:
        """Draw the view's page, if anybody can see it. Answers how many rows it would fill, with
        its frame."""
        if not self.is_in_sight:
            return 0
        page: Page = self.view.page(self._rows.columns, self.size.height)
        entitle(self, Line(f"{self._number} ").extend(page.title))
        for part, lines in ((self._head, page.head), (self._foot, page.foot)):
            part.display = bool(lines)
            part.show(lines)
        self._rows.show(page)
        return page.rows + 2

    def action_move(self, step: int) -> None:
        if self.view.move(step):
            self.post_message(Moved())
        else:
            self._rows.scroll_relative(y=step, animate=False)

    def action_page(self, pages: int) -> None:
        height = max(self._rows.size.height - 1, 1)
        self._rows.scroll_relative(y=pages * height, animate=False)

    def action_edge(self, edge: int) -> None:
        if edge < 0:
            self._rows.scroll_home(animate=False)
        else:
            self._rows.scroll_end(animate=False)

    def action_open(self) -> None:
        self.view.open()
        self.post_message(Moved())

    def on_click(self, event: Click) -> None:
        """A row of the view that is clicked is selected."""
        row = event.screen_y - self._rows.region.y
        if 0 <= row < self._rows.size.height:
            self.view.click(row + self._rows.scroll_offset.y)
            self.post_message(Moved())
