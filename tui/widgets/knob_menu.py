"""Which knob, and how far? Enter throws a switch, opens the choices of what has some, and lets one
type anything else. `/` finds, as in the menu of the ALG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input

from appliance.settings.values import short_value
from tui.draw.lines import Line, Style, wrap_words
from tui.messages import RowClicked
from tui.turning import Knob, KnobList
from tui.views.view import Page
from tui.widgets.drawn import Drawn, content
from tui.widgets.rows import Rows

_ROOM = 70
_MOST = 14
"""Rows of the list at most."""
_BENEATH = 5
"""Rows for what a knob does."""
_ALL = 10_000


class KnobMenu(ModalScreen[tuple[str, Any] | None]):
    """Answers a key and its new value."""

    CSS = """
    KnobMenu { align: center middle; }
    KnobMenu > Vertical {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: heavy $primary; border-title-color: $foreground; padding: 0 1; background: $surface;
    }
    KnobMenu Rows { background: $surface; }
    KnobMenu Input { display: none; width: 60; }
    KnobMenu Input > .input--selection { background: $foreground; color: $background; }
    """
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012 - Textual reads a plain list
        Binding("down", "move(1)", "next"),
        Binding("up", "move(-1)", "previous"),
        Binding("pagedown", f"move({_MOST - 1})", "page down"),
        Binding("pageup", f"move({1 - _MOST})", "page up"),
        Binding("home", f"move({-_ALL})", "first"),
        Binding("end", f"move({_ALL})", "last"),
        Binding("slash", "find", "find"),
        Binding("enter", "turn", "turn it"),
        Binding("escape,m,q", "cancel", "back"),
    ]

    def __init__(self, knobs: Sequence[Knob]) -> None:
        super().__init__()
        self._list = KnobList(knobs)
        self._is_typing = False

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = content([Line("Knobs of this story and of its NAT")])
            yield Rows()
            yield Input(compact=True)
            yield Drawn()

    def on_mount(self) -> None:
        self.query_one(Rows).styles.height = min(max(len(self._list.knobs), 1), _MOST)
        self._show()

    def on_placed(self) -> None:
        self._show()

    def _show(self) -> None:
        at, knob = self._list.place, self._list.chosen
        body, about = self._list.rows(_ROOM), self._list.option is None
        self.query_one(Rows).show(Page(Line(), body, span=(at, at), about=about))
        said = wrap_words("" if knob is None else knob.about, _ROOM)[:_BENEATH]
        lines = [Line(), *map(Line, said), *([Line()] * (_BENEATH - len(said)))]
        self.query_one(Drawn).show([*lines, self._hint()])

    def _hint(self) -> Line:
        if self._is_typing or self._list.typed:
            return Line("/", Style.KEY).add(self._list.typed + "_" * self._is_typing)
        hint = Line("Enter", Style.KEY).add(" turns it, ").add("/", Style.KEY)
        hint.add(" finds; a party's trait acts from the next run on: ")
        return hint.add("r", Style.KEY)

    def on_key(self, event: Key) -> None:
        """While somebody types what to find, letters are letters."""
        if not self._is_typing:
            return
        event.stop()
        event.prevent_default()
        if event.key in ("enter", "escape"):
            self._is_typing = False
            if event.key == "escape":
                self._list.look_for("")
        elif event.key == "backspace":
            self._list.look_for(self._list.typed[:-1])
        elif event.character and event.character.isprintable():
            self._list.look_for(self._list.typed + event.character.lower())
        self._show()

    def action_find(self) -> None:
        if self._list.option is None:
            self._is_typing = True
            self._list.look_for("")
            self._show()

    def action_move(self, step: int) -> None:
        self._list.move(step)
        self._show()

    def on_row_clicked(self, event: RowClicked) -> None:
        """A click goes to a knob, and turns the one that it is at."""
        step = event.row - self._list.place
        if step:
            self.action_move(step)
        else:
            self.action_turn()

    def action_turn(self) -> None:
        """Throw a switch, choose, or begin to type."""
        knob, option = self._list.chosen, self._list.option
        if knob is None:
            self.dismiss(None)
        elif option is not None:
            self.dismiss((knob.key, knob.choices[option]))
        elif knob.is_switch:
            self.dismiss((knob.key, not knob.value))
        elif knob.choices:
            self._list.choose()
            self._show()
        else:
            field = self.query_one(Input)
            field.value = short_value(knob.value) if knob.value else ""
            field.display = True
            field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        knob = self._list.chosen
        self.dismiss(None if knob is None else (knob.key, event.value))

    def action_cancel(self) -> None:
        """From the choices back to the knobs, and from there back."""
        if self._list.option is None:
            self.dismiss(None)
        else:
            self._list.option = None
            self._show()
