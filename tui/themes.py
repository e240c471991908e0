"""The program's own looks: dark for one's own screen, black on white for a projector.

Blue is as wanted, orange is not as wanted, violet is to press: three colours that are told apart by
people who see few colours, and none of them is the only sign of anything. Every text has a contrast
of at least 7:1 to what is behind it; a test computes it over what is really drawn. Textual's own
themes can be chosen too; with them these colours are kept, light or dark.
"""

from __future__ import annotations

from typing import TypeVar

from textual.app import App
from textual.theme import Theme

from tui import glyphs

DARK_SIGNS = {
    "sign-faint": "#b4bfca",
    "sign-good": "#7cc4ff",
    "sign-bad": "#ffb066",
    "sign-key": "#d9b3ff",
}
LIGHT_SIGNS = {
    "sign-faint": "#3a3a3a",
    "sign-good": "#003f8a",
    "sign-bad": "#7a2c00",
    "sign-key": "#4b1a8a",
}

DARK = Theme(
    name="glassnat",
    primary="#7cc4ff",
    secondary="#b4bfca",
    warning="#ffb066",
    error="#ffb066",
    success="#7cc4ff",
    accent="#d9b3ff",
    foreground="#eef2f6",
    background="#0d1117",
    surface="#141a21",
    panel="#1b232c",
    dark=True,
)
PROJECTOR = Theme(
    name="projector",
    primary="#003f8a",
    secondary="#3a3a3a",
    warning="#7a2c00",
    error="#7a2c00",
    success="#003f8a",
    accent="#4b1a8a",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#eeeeee",
    dark=False,
)
OWN = (DARK, PROJECTOR)


Answer = TypeVar("Answer")


class Looks(App[Answer]):
    """An app in these looks."""

    def __init__(self) -> None:
        super().__init__()
        for theme in OWN:
            self.register_theme(theme)
        self.theme = DARK.name
        if glyphs.is_wanted():
            self._filters.append(glyphs.Ascii())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colours of signs and words, for a dark or a light screen."""
        return DARK_SIGNS if self.current_theme.dark else LIGHT_SIGNS
