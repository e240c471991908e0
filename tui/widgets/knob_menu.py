"""Which knob, and how far? Switches are thrown with Enter, everything else is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from appliance.settings.values import short_value
from tui.draw.lines import Line, Style
from tui.messages import RowClicked
from tui.turning import Knob, KnobList
from tui.views.view import Page
from tui.widgets.drawn import Drawn, content
from tui.widgets.rows import Rows

_ROOM = 70
_MOST = 14
"""Rows of the list at most."""


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
        Binding("enter", "turn", "turn it"),
        Binding("escape,m,q", "cancel", "back"),
    ]

    def __init__(self, knobs: Sequence[Knob]) -> None:
        super().__init__()
        self._list = KnobList(knobs)

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
        at = self._list.at
        self.query_one(Rows).show(Page(Line(), self._list.rows(_ROOM), span=(at, at)))
        hint = Line("Enter", Style.KEY).add(
            " turns it; a party's trait acts from the next run on: "
        )
        self.query_one(Drawn).show([hint.add("r", Style.KEY)])

    def action_move(self, step: int) -> None:
        self._list.move(step)
        self._show()

    def on_row_clicked(self, event: RowClicked) -> None:
        """A click goes to a knob, and turns the one that it is at."""
        step = event.row - self._list.at
        if step:
            self.action_move(step)
        else:
            self.action_turn()

    def action_turn(self) -> None:
        """Throw a switch, or begin to type."""
        knob = self._list.chosen
        if knob is None:
            self.dismiss(None)
        elif knob.is_switch:
            self.dismiss((knob.key, not knob.value))
        else:
            field = self.query_one(Input)
            field.value = short_value(knob.value) if knob.value else ""
            field.display = True
            field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        knob = self._list.chosen
        self.dismiss(None if knob is None else (knob.key, event.value))

    def action_cancel(self) -> None:
        self.dismiss(None)
