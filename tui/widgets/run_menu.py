"""The memory of runs: which of them beside the last one? Enter sets both side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.draw import beside, outcome
from tui.draw.beside import Compared
from tui.draw.lines import Line, Style
from tui.look import Run
from tui.views.view import Page
from tui.widgets.drawn import Drawn, content
from tui.widgets.rows import Rows

Compare = Callable[[Run, Run], Awaitable[Compared]]


class RunMenu(ModalScreen[None]):
    """The list, and in its place two runs once they have been compared."""

    CSS = """
    RunMenu > Vertical {
        border: heavy $primary; border-title-color: $foreground; padding: 0 1; background: $surface;
    }
    RunMenu Rows { background: $surface; }
    """
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012 - Textual reads a plain list
        Binding("down", "move(1)", "next"),
        Binding("up", "move(-1)", "previous"),
        Binding("enter", "compare", "side by side"),
        Binding("escape,c,q", "back", "back"),
    ]

    def __init__(self, runs: Sequence[Run], compare: Compare) -> None:
        """`runs`: at least two, the newest last; `compare` plays two of them."""
        super().__init__()
        self._others, self._last = runs[:-1], runs[-1]
        self._compare = compare
        self._at = len(self._others) - 1
        self._both: Compared | None = None

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = content([Line("Runs side by side")])
            yield Drawn(id="head")
            yield Rows()
            yield Drawn(id="hint")

    def on_mount(self) -> None:
        self._show()

    def on_placed(self) -> None:
        self._show()

    def _show(self, hint: str = "") -> None:
        rows = self.query_one(Rows)
        width = rows.columns
        if not width:
            return
        if self._both is None:
            text, style = outcome.in_short(self._last.outcome)
            head = [Line("Beside the last run, ").add(f"{self._last.label} ", Style.STRONG)]
            head[0].add(text, style).add(", stands which of these?")
            rows_of_runs = [self._row(at) for at in range(len(self._others))]
            page = Page(Line(), rows_of_runs, span=(self._at, self._at))
            hint = hint or "Enter sets them side by side, Esc goes back."
        else:
            head = beside.head(self._both, width)
            page = Page(Line(), beside.body(self._both, width), about=self._both.runs)
            hint = "The arrows scroll, Esc goes back to the list."
        self.query_one("#head", Drawn).show(head)
        rows.show(page)
        self.query_one("#hint", Drawn).show([Line(hint, Style.FAINT)])

    def _row(self, at: int) -> Line:
        run = self._others[at]
        text, style = outcome.in_short(run.outcome)
        line = Line("▸" if at == self._at else " ", Style.CURSOR)
        return line.add(f"{run.label} ", Style.STRONG).add(text, style)

    # --- keys ------------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        if self._both is not None:
            self.query_one(Rows).scroll_relative(y=step, animate=False)
            return
        self._at = min(max(self._at + step, 0), len(self._others) - 1)
        self._show()

    async def action_compare(self) -> None:
        other = self._others[self._at]
        if self._both is not None:
            return
        if other.again is None or self._last.again is None:
            self._show("A module of somebody's own has one process, which the last run needs.")
            return
        self._both = await self._compare(other, self._last)
        self._show()

    def action_back(self) -> None:
        if self._both is None:
            self.dismiss(None)
        else:
            self._both = None
            self._show()
