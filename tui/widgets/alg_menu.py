"""Which ALG? Two keys for the common answers (`a` `c`), a list of faults for the poor one.

It shows the modules of one application; `n` goes on to those of the next. In a simulation it says
what the story comes to under each, as that becomes known. The menu answers with an application and
a SPEC for its slot, or None when nothing is to change. Opening it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen

from tui.draw.lines import Line, Style, wrap_words
from tui.draw.outcome import in_short
from tui.faults import FaultList, FaultRow
from tui.messages import RowClicked
from tui.views.view import Page
from tui.widgets.drawn import Drawn, content
from tui.widgets.rows import Rows

_ROOM = 70
_LOOK_AGAIN = 0.05
"""Seconds between two looks at what has become known."""
_DRAW_AGAIN = 5
"""Looks between two drawings of what becomes known after the first: to draw takes time from what
finds it out."""
_BENEATH = 6
"""Rows for what a fault does, what it breaks, and where it was seen."""


class Choices(NamedTuple):
    """What may stand in the slot of an application, besides `off`: the correct module, which has
    the application's name and opens what `opens` says, and a poor one, if there is one, with its
    `faults`; `own` are the names of those that the story is about. `mine` are the SPECs of modules
    that somebody has written."""

    application: str
    opens: str
    poor: str = ""
    faults: Sequence[FaultRow] = ()
    own: Sequence[str] = ()
    mine: Sequence[str] = ()

    @property
    def specs(self) -> list[str]:
        """Each that may be chosen by itself, what the story is about first, somebody's own last."""
        faults = sorted(self.faults, key=lambda fault: fault.name not in self.own)
        known = ["off", self.application, *(f"{self.poor}:{fault.name}" for fault in faults)]
        return [*known, *self.mine]


class AlgMenu(ModalScreen[tuple[str, str] | None]):
    """Answers an application and the SPEC of a module."""

    CSS = """
    AlgMenu { align: center middle; }
    AlgMenu > Vertical {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: heavy $primary; border-title-color: $foreground;
        border-subtitle-color: $foreground; padding: 0 1; background: $surface;
    }
    AlgMenu Rows { height: 10; background: $surface; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual reads a plain list
        Binding("o", "choose('off')", "off"),
        Binding("c", "correct", "correct"),
        Binding("p,enter", "poor", "apply the ticked faults"),
        Binding("space", "tick", "tick"),
        Binding("down", "move(1)", "next"),
        Binding("up", "move(-1)", "previous"),
        Binding("u", "unfold", "show all"),
        *(Binding(str(number), f"mine({number})", "your own") for number in range(1, 9)),
        Binding("n", "next", "next application"),
        Binding("slash", "find", "find"),
        Binding("escape,a,q", "cancel", "back"),
    ]

    def __init__(
        self,
        choices: Sequence[Choices],
        active: Mapping[str, str],
        first: str,
        simulation: bool,
        outcomes: Mapping[str, str] | None = None,
        fault: str = "",
    ) -> None:
        """`active`: the SPEC in each slot, by application; `first`: the application to begin with;
        `outcomes`: what the story comes to, by SPEC, as far as it is known now or later,
        None for a live NAT; `fault`: the one to begin at."""
        super().__init__()
        self._fault = fault
        self._choices = sorted(choices, key=lambda each: each.application != first)
        self._active = active
        self._simulation = simulation
        self._outcomes = outcomes
        self._foreseen = first if outcomes is not None else ""
        self._is_typing = False
        self._drawn = 0
        self._looks = 0

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Drawn(id="choices")
            yield Rows()
            yield Drawn(id="after")

    def on_mount(self) -> None:
        self._begin()
        if self._outcomes is not None:
            self.set_interval(_LOOK_AGAIN, self._look_again)

    def _look_again(self) -> None:
        """Draw what has become known: the first of it at once."""
        self._looks += 1
        is_time = not self._drawn or self._looks >= _DRAW_AGAIN
        if is_time and len(self._outcomes or ()) > self._drawn:
            self._show()

    def on_placed(self) -> None:
        self._show()

    def _begin(self) -> None:
        """The modules of the first application, its faults ticked as they are now."""
        application, _, poor, faults, own, _ = self._choices[0]
        active = self._active.get(application, "?")
        module, _, named = active.partition(":")
        ticked = set(named.split(",")) if module == poor and named else set()
        self._list = FaultList(poor, application, faults, own, ticked, self._outcomes)
        self._list.at, self._fault = self._fault, ""
        frame = self.query_one(Vertical)
        frame.border_title = content([Line(f"ALG for {application.upper()} (now: {active})")])
        others = self._choices[1:]
        subtitle = f"n: {others[0].application.upper()}" if others else ""
        frame.border_subtitle = content([Line(subtitle)])
        rows = self.query_one(Rows)
        rows.display = bool(faults)
        rows.styles.height = min(max(len(faults), 1), 10)
        self._show()

    def _show(self) -> None:
        self._drawn, self._looks = len(self._outcomes or ()), 0
        application, opens, poor, _, _, mine = self._choices[0]
        correct = f"correct: rewrite what needs it, open {opens}"
        lines = [
            self._choice("o", "off", "leave every message alone"),
            self._choice("c", application, correct),
        ]
        if poor:
            does = "wrong on purpose: Space ticks faults, Enter applies, / finds"
            lines.append(_row("p", poor, "", Style.PLAIN, does))
        for number, spec in enumerate(mine, 1):
            lines.append(self._choice(str(number), spec, "yours: runs again whenever you save it"))
        self.query_one("#choices", Drawn).show([line.cut(_ROOM) for line in lines])
        at = self._list.place
        body = self._list.rows(_ROOM)
        self.query_one(Rows).show(Page(Line(), body, span=(at, at), about=application))
        self.query_one("#after", Drawn).show(self._beneath())

    def _choice(self, key: str, spec: str, does: str) -> Line:
        if self._outcomes is None:
            return _row(key, spec, "", Style.PLAIN, does)
        return _row(key, spec, *in_short(self._outcomes.get(spec, "")), does)

    def _beneath(self) -> list[Line]:
        """All that is to say of the fault under the cursor, and when a choice acts."""
        lines = []
        if (fault := self._list.chosen) is not None:
            lines = [Line(row) for row in wrap_words(fault.does, _ROOM)]
            if fault.breaks:
                rows = wrap_words(f"Breaks: {fault.breaks}", _ROOM)
                lines += [Line(row, Style.BAD) for row in rows]
            if fault.seen_in:
                rows = wrap_words(f"Seen in: {fault.seen_in}", _ROOM)
                lines += [Line(row, Style.FAINT) for row in rows]
        lines = lines[:_BENEATH] + [Line()] * (_BENEATH - len(lines))
        if self._is_typing or self._list.typed:
            return [*lines, Line("/", Style.KEY).add(self._list.typed + "_" * self._is_typing)]
        return [*lines, Line(self._hint(), Style.FAINT)]

    def _hint(self) -> str:
        """When a choice acts; until all outcomes are known, how many are."""
        if not self._simulation:
            return "Acts at once, for running calls too."
        wanted = set(self._choices[0].specs)
        known = wanted & set(self._outcomes or ())
        if self._choices[0].application == self._foreseen and known < wanted:
            return f"Each is played to its end: {len(known)} of {len(wanted)}."
        return "Acts on messages from now on; r then runs again from T+0."

    # --- keys ------------------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """While somebody types, letters are letters."""
        if not self._is_typing:
            return
        event.stop()
        event.prevent_default()
        if event.key in ("enter", "escape"):
            self._is_typing = False
            if event.key == "escape":
                self._list.typed = ""
        elif event.key == "backspace":
            self._list.typed = self._list.typed[:-1]
        elif event.character and event.character.isprintable():
            self._list.typed += event.character.lower()
        self._show()

    def action_find(self) -> None:
        self._is_typing = True
        self._list.typed = ""
        self._show()

    def action_move(self, step: int) -> None:
        self._list.move(step)
        self._show()

    def on_row_clicked(self, event: RowClicked) -> None:
        """A click goes to a fault, and ticks the one that it is at."""
        step = event.row - self._list.place
        if step:
            self.action_move(step)
        else:
            self.action_tick()

    def action_unfold(self) -> None:
        self._list.unfolded = not self._list.unfolded
        self._show()

    def action_tick(self) -> None:
        self._list.tick()
        self._show()

    def action_choose(self, spec: str) -> None:
        self.dismiss((self._choices[0].application, spec))

    def action_mine(self, number: int) -> None:
        if number <= len(self._choices[0].mine):
            self.action_choose(self._choices[0].mine[number - 1])

    def action_correct(self) -> None:
        self.action_choose(self._choices[0].application)

    def action_next(self) -> None:
        """The modules of the next application."""
        self._choices = [*self._choices[1:], self._choices[0]]
        self._begin()

    def action_poor(self) -> None:
        """The ticked faults; with none ticked the one under the cursor."""
        spec = self._list.answer()
        self.dismiss((self._choices[0].application, spec) if spec else None)

    def action_cancel(self) -> None:
        self.dismiss(None)


def _row(key: str, name: str, outcome: str, style: Style, does: str) -> Line:
    line = Line(f" {key}  ", Style.KEY, key).add(f"{name:<9} ", Style.STRONG, key)
    return line.add(f"{outcome:<14} " if outcome else "", style).add(does)
