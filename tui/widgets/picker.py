"""Which scenario? The first screen of `glassnat` alone."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.draw.lines import Line, Style
from tui.keys import INTERRUPTED
from tui.themes import Looks
from tui.widgets.drawn import Drawn, content


class Picker(Looks[str]):
    """Answers the name of the chosen scenario."""

    CSS = """
    Picker OptionList { height: 1fr; border: round $primary; }
    Picker #keys { background: $panel; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual reads a plain list
        Binding("q,escape", "quit", "quit"),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
    ]

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        """`choices`: names and titles."""
        super().__init__()
        self._choices = choices

    def compose(self) -> ComposeResult:
        yield Drawn(id="head")
        yield OptionList(
            *(
                Option(content([Line(f"{name:<24}", Style.STRONG).add(title)]))
                for name, title in self._choices
            )
        )
        yield Drawn(id="keys")

    def on_mount(self) -> None:
        self.query_one("#head", Drawn).show(
            [
                Line(" glassnat", Style.STRONG).add(
                    " · a NAT you can see through · choose a scenario"
                )
            ]
        )
        keys = Line(" Enter", Style.KEY).add(" Start   ").add("q", Style.KEY).add(" Quit")
        self.query_one("#keys", Drawn).show([keys])
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, chosen: OptionList.OptionSelected) -> None:
        self.exit(self._choices[chosen.option_index][0])

    def action_interrupt(self) -> None:
        """Ctrl-C: as `q`, with the exit code of a program that was interrupted."""
        self.exit(return_code=INTERRUPTED)
