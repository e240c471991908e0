"""Which ALG? Two keys for the common answers (`a` `c`), a list of faults for the poor one.

The menu answers with a SPEC, or None when nothing is to change. Opening it changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

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


class AlgMenu(ModalScreen[str | None]):
    """Answers the SPEC of a module."""

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
        Binding("c", "choose('sip')", "correct"),
        Binding("p", "poor", "apply the ticked faults"),
        Binding("space", "tick", "tick"),
        Binding("escape,a,q", "cancel", "back"),
    ]

    def __init__(self, active: str, faults: Sequence[tuple[str, str]], simulation: bool) -> None:
        """`faults`: names of the poor module's faults and what they do."""
        super().__init__()
        self._active = active
        self._faults = faults
        self._simulation = simulation
        module, _, named = active.partition(":")
        self._ticked = set(named.split(",")) if module == "sip-poor" else set()

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = content([Line(f"ALG for SIP (now: {self._active})")])
            yield Drawn(id="choices")
            yield OptionList(*(Option(self._fault(at)) for at in range(len(self._faults))))
            yield Drawn(id="after")

    def on_mount(self) -> None:
        self.query_one("#choices", Drawn).show(
            [
                _choice("o", "off", "leave every message alone"),
                _choice("c", "sip", "correct: rewrite every field that needs it, open RTP ports"),
                _choice("p", "sip-poor", "wrong on purpose: ↑ ↓ and Space tick faults, p applies"),
            ]
        )
        self._say("")
        faults = self.query_one(OptionList)
        faults.focus()
        faults.highlighted = 0 if self._faults else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._say(self._faults[event.option_index][1])

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
        self.dismiss(spec)

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
        self.dismiss("sip-poor:" + ",".join(chosen) if chosen else None)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def _fault(self, at: int) -> Content:
        name, does = self._faults[at]
        tick = "[x] " if name in self._ticked else "[ ] "
        line = Line(tick, Style.KEY).add(f"{name:<20} ", Style.STRONG).add(does)
        return content([line.cut(_ROOM)])


def _choice(key: str, name: str, does: str) -> Line:
    return Line(f" {key}  ", Style.KEY, key).add(f"{name:<9} ", Style.STRONG, key).add(does)
