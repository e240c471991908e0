"""The keys and what they do, made from the one table of them."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tui.draw.lines import Line, Style
from tui.keys import for_mode
from tui.widgets.drawn import Drawn, entitle

_GLYPHS = (
    ("◆n", "the NAT rewrote n fields of this message"),
    ("◇", "passed unchanged"),
    ("✗", "dropped"),
    ("«…»", "what a field was, and what it became"),
    ("!", "not as a correct ALG would have it: MISSED, WRONG or BROKEN"),
    ("?", "what a correct ALG writes"),
    ("RI12AB", "timeline: REGISTER, INVITE, ringing, answered, ACK, BYE"),
    ("EXS", "timeline: flow expired, something dropped, setting changed"),
    ("By", "opened by a packet (pkt), the ALG (alg), a rule (1:1, fwd)"),
)
PAGES = (
    ("protocol", "in one page: docs/sip-in-one-page.md"),
    ("lesson", "of 45 minutes: docs/lesson-one-way.md"),
)


class HelpScreen(ModalScreen[None]):
    """Keys and signs."""

    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: heavy $primary; border-title-color: $foreground;
        border-subtitle-color: $foreground; padding: 0 1; background: $surface;
    }
    """
    BINDINGS = [Binding("escape,question_mark,q", "dismiss", "back")]  # noqa: RUF012

    def __init__(self, live: bool, is_fixed: bool = False) -> None:
        """`is_fixed`: nothing can be turned."""
        super().__init__()
        self._live, self._is_fixed = live, is_fixed

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Drawn()

    def on_mount(self) -> None:
        lines = [
            Line(f"{key.key:>8}  ", Style.KEY).add(f"{key.group:<13}", Style.FAINT).add(key.does)
            for key in for_mode(self._live, self._is_fixed)
        ]
        lines.append(Line())
        lines += [Line(f"{sign:>8}  ", Style.STRONG).add(means) for sign, means in _GLYPHS]
        lines.append(Line())
        lines += [Line(f"{what:>8}  ", Style.STRONG).add(where) for what, where in PAGES]
        self.query_one(Drawn).show(lines)
        pane = self.query_one(VerticalScroll)
        entitle(pane, Line("Keys and signs · Esc back"))
        pane.focus()
