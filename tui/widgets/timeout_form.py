"""How long does a silent UDP flow live? A one-line editor with the usual values.

Up and down step through the presets, any number of seconds may be typed; Tab goes from the timeout
of answered flows to that of flows that nothing has answered yet. Which flows a shorter timeout ends
stands there before Enter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.draw.lines import Line, Style
from tui.widgets.drawn import Drawn, content

PRESETS = (15, 30, 60, 120, 300)
"""Seconds."""

ANSWERED = "nat.timeouts.udp"
UNANSWERED = "nat.timeouts.udp_unanswered"
_ROWS = {ANSWERED: "answered flows", UNANSWERED: "unanswered flows"}
_ROOM = 54
_MOST = 3
"""Flows that are named."""

Ended = Callable[[dict[str, float]], Sequence[str]]
"""The flows that end at once when these timeouts are set (key to seconds), each in a few words."""


class TimeoutForm(ModalScreen[dict[str, float] | None]):
    """Answers the keys that are to change and their seconds."""

    CSS = """
    TimeoutForm { align: center middle; }
    TimeoutForm > Vertical {
        width: 60; max-width: 100%; height: auto;
        border: heavy $primary; border-title-color: $foreground;
        border-subtitle-color: $foreground; padding: 0 1; background: $surface;
    }
    TimeoutForm Input { width: 24; }
    TimeoutForm Input > .input--selection { background: $foreground; color: $background; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual reads a plain list
        Binding("up", "preset(1)", "more"),
        Binding("down", "preset(-1)", "less"),
        Binding("escape", "cancel", "back"),
    ]

    def __init__(self, now: dict[str, float], ended: Ended) -> None:
        """`now`: the two timeouts as they are; `ended` says what others would do."""
        super().__init__()
        self._now = now
        self._ended = ended

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = content([Line("UDP timeout in seconds")])
            for number, key in enumerate(_ROWS):
                yield Drawn(id=f"label-{number}")
                value = f"{self._now.get(key, 0):g}"
                yield Input(value, type="number", compact=True, id=f"seconds-{number}")
            yield Drawn(id="ended")
            yield Drawn(id="presets")

    def on_mount(self) -> None:
        for number, label in enumerate(_ROWS.values()):
            self.query_one(f"#label-{number}", Drawn).show([Line(label, Style.STRONG)])
        presets = " ".join(str(seconds) for seconds in PRESETS)
        self.query_one("#presets", Drawn).show(
            [
                Line("↑ ↓", Style.KEY)
                .add(f" {presets}   ")
                .add("Tab", Style.KEY)
                .add(" other timer"),
                Line("Acts at once, also for the flows that exist.", Style.FAINT),
            ]
        )
        self.query_one("#seconds-0", Input).focus()

    def action_preset(self, step: int) -> None:
        """The next preset above or below the value that stands there."""
        field = self.focused
        if not isinstance(field, Input):
            return
        value = _seconds(field.value) or 0.0
        beyond = [p for p in PRESETS if (p > value if step > 0 else p < value)]
        if beyond:
            field.value = str(min(beyond) if step > 0 else max(beyond))
            field.cursor_position = len(field.value)

    def on_input_changed(self) -> None:
        """What would come of it."""
        flows = self._ended(self._wanted())
        said = [Line(f"✗ {flow}", Style.BAD).cut(_ROOM) for flow in flows[:_MOST]]
        if left := len(flows) - len(said):
            said.append(Line(f"  … and {left} more", Style.BAD))
        head = "Ends at once what has been silent for longer:" if flows else "Ends no flow at once."
        self.query_one("#ended", Drawn).show([Line(head), *said])

    def on_input_submitted(self) -> None:
        """Enter: after the digits that were typed before it, however fast."""
        self.dismiss(self._wanted() or None)

    def _wanted(self) -> dict[str, float]:
        """What differs from how it is."""
        wanted = {}
        for number, key in enumerate(_ROWS):
            seconds = _seconds(self.query_one(f"#seconds-{number}", Input).value)
            if seconds is not None and seconds != self._now.get(key):
                wanted[key] = seconds
        return wanted

    def action_cancel(self) -> None:
        self.dismiss(None)


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
