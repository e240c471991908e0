"""What are you looking for? One line at the bottom; the view behind it follows while one types."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.draw.lines import Line, Style
from tui.widgets.drawn import Drawn

_HINT = "words, !word for one that must not occur; Enter keeps it, Esc shows all"


class FilterPrompt(ModalScreen[None]):
    """Tells `follow` what is typed, as often as that changes."""

    CSS = """
    FilterPrompt { align: left bottom; background: $background 0%; }
    FilterPrompt > Horizontal { height: 1; background: $panel; }
    FilterPrompt Drawn { width: auto; }
    FilterPrompt Input { width: 30; background: $surface; }
    FilterPrompt Input > .input--selection { background: $foreground; color: $background; }
    """
    BINDINGS = [Binding("escape", "clear", "show all")]  # noqa: RUF012 - Textual reads a plain list

    def __init__(self, wanted: str, follow: Callable[[str], None]) -> None:
        super().__init__()
        self._wanted = wanted
        self._follow = follow

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Drawn(id="slash")
            yield Input(self._wanted, compact=True, select_on_focus=False)
            yield Drawn(id="hint")

    def on_mount(self) -> None:
        self.query_one("#slash", Drawn).show([Line(" /", Style.KEY)])
        self.query_one("#hint", Drawn).show([Line(f" {_HINT}", Style.FAINT)])

    def on_input_changed(self, event: Input.Changed) -> None:
        self._follow(event.value)

    def on_input_submitted(self) -> None:
        self.dismiss()

    def action_clear(self) -> None:
        self._follow("")
        self.dismiss()
