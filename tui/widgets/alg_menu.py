"""Which ALG? Two keys for the common answers (`a` `c`), a list of faults for the poor one.

It shows the modules of one application; `n` goes on to those of the next. The menu answers with an
application and a SPEC for its slot, or None when nothing is to change. Opening it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.draw.lines import Line, Style, wrap_words
from tui.widgets.drawn import Drawn, content

_ROOM = 70


class Choices(NamedTuple):
    """What may stand in the slot of an application, besides `off`: the correct module, which has
    the application's name and opens what `opens` says, and a poor one, if there is one. `faults`
    are its faults: their names, and what they do."""

    application: str
    opens: str
    poor: str = ""
    faults: Sequence[tuple[str, str]] = ()


class AlgMenu(ModalScreen[tuple[str, str] | None]):
    """Answers an application and the SPEC of a module."""

    CSS = """
    AlgMenu { align: center middle; }
    AlgMenu > Vertical {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: heavy $primary; padding: 0 1; background: $surface;
    }
    AlgMenu OptionList { height: auto; max-height: 10; border: none; padding: 0; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual reads a plain list
        Binding("o", "choose('off')", "off"),
        Binding("c", "correct", "correct"),
        Binding("p", "poor", "apply the ticked faults"),
        Binding("space", "tick", "tick"),
        Binding("n", "next", "next application"),
        Binding("escape,a,q", "cancel", "back"),
    ]

    def __init__(
        self,
        choices: Sequence[Choices],
        active: Mapping[str, str],
        first: str,
        simulation: bool,
    ) -> None:
        """`active`: the SPEC in each slot, by application; `first`: the application to begin
        with."""
        super().__init__()
        self._choices = sorted(choices, key=lambda each: each.application != first)
        self._active = active
        self._simulation = simulation

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Drawn(id="choices")
            yield OptionList()
            yield Drawn(id="after")

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        """The modules of the first application, its faults ticked as they are now."""
        application, opens, poor, self._faults = self._choices[0]
        active = self._active.get(application, "?")
        module, _, named = active.partition(":")
        self._ticked = set(named.split(",")) if module == poor else set()
        frame = self.query_one(Vertical)
        frame.border_title = content([Line(f"ALG for {application.upper()} (now: {active})")])
        if others := self._choices[1:]:
            frame.border_subtitle = content([Line(f"n: {others[0].application.upper()}")])
        correct = f"correct: rewrite every field that needs it, open {opens}"
        rows = [
            _choice("o", "off", "leave every message alone"),
            _choice("c", application, correct),
        ]
        if poor:
            does = "wrong on purpose: ↑ ↓ and Space tick faults, p applies"
            rows.append(_choice("p", poor, does))
        self.query_one("#choices", Drawn).show(rows)
        self._say("")
        faults = self.query_one(OptionList)
        faults.clear_options()
        faults.add_options(Option(self._fault(at)) for at in range(len(self._faults)))
        faults.focus()
        faults.highlighted = 0 if self._faults else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        at = event.option_list.highlighted  # the event may be about a list that is shown no more
        if at is not None:
            self._say(self._faults[at][1])

    def on_option_list_option_selected(self) -> None:
        self.action_poor()

    def _say(self, does: str) -> None:
        """What the fault under the cursor does, in full, and when a choice acts."""
        live = "Acts at once, for running calls too."
        simulated = "Acts on messages from now on; r then runs again from T+0."
        lines = [Line(row) for row in wrap_words(does, _ROOM)[:3]]
        lines += [Line()] * (3 - len(lines))
        lines.append(Line(simulated if self._simulation else live, Style.FAINT))
        self.query_one("#after", Drawn).show(lines)

    def action_choose(self, spec: str) -> None:
        self.dismiss((self._choices[0].application, spec))

    def action_correct(self) -> None:
        self.action_choose(self._choices[0].application)

    def action_next(self) -> None:
        """The modules of the next application."""
        self._choices = [*self._choices[1:], self._choices[0]]
        self._show()

    def action_tick(self) -> None:
        """Tick the fault under the cursor, or take its tick away."""
        faults = self.query_one(OptionList)
        if faults.highlighted is not None:
            self._ticked ^= {self._faults[faults.highlighted][0]}
            prompt = self._fault(faults.highlighted)
            faults.replace_option_prompt_at_index(faults.highlighted, prompt)

    def action_poor(self) -> None:
        """The ticked faults; with none ticked the one under the cursor."""
        chosen = [name for name, _ in self._faults if name in self._ticked]
        under_cursor = self.query_one(OptionList).highlighted
        if not chosen and under_cursor is not None:
            chosen = [self._faults[under_cursor][0]]
        if chosen:
            self.action_choose(f"{self._choices[0].poor}:{','.join(chosen)}")
        else:
            self.dismiss(None)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def _fault(self, at: int) -> Content:
        name, does = self._faults[at]
        tick = "[x] " if name in self._ticked else "[ ] "
        line = Line(tick, Style.KEY).add(f"{name:<20} ", Style.STRONG).add(does)
        return content([line.cut(_ROOM)])


def _choice(key: str, name: str, does: str) -> Line:
    return Line(f" {key}  ", Style.KEY, key).add(f"{name:<9} ", Style.STRONG, key).add(does)
