"""Lines over the whole screen, to be read and left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.draw.lines import Line, Style
from tui.views.view import Page
from tui.widgets.drawn import Drawn, entitle
from tui.widgets.rows import Rows


class Sheet(ModalScreen[None]):
    """`draw` makes the lines for a width."""

    CSS = """
    Sheet > Vertical {
        border: heavy $primary; border-title-color: $foreground; padding: 0 1; background: $surface;
    }
    Sheet Rows { background: $surface; }
    """
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012 - Textual reads a plain list
        Binding("down", "move(1)", "next"),
        Binding("up", "move(-1)", "previous"),
        Binding("escape,q,v", "dismiss", "back"),
    ]

    def __init__(self, title: Line, draw: Callable[[int], Sequence[Line]]) -> None:
        super().__init__()
        self._title, self._draw = title, draw

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Rows()
            yield Drawn()

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), self._title)
        self.query_one(Drawn).show([Line("The arrows scroll, Esc goes back.", Style.FAINT)])

    def on_placed(self) -> None:
        rows = self.query_one(Rows)
        if rows.columns:
            rows.show(Page(Line(), self._draw(rows.columns)))

    def action_move(self, step: int) -> None:
        self.query_one(Rows).scroll_relative(y=step, animate=False)
