"""The screen on paper: a run as a ladder of text, and a picture that stands alone. For `S`,
`glassnat export` and the pictures of the documentation; no Textual here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from appliance.journal.events import Event
from tui.draw import ladder
from tui.draw.lines import plain
from tui.model import Model

_WIDTH = 100
"""Columns of a ladder in text."""
_FONT_FACES = re.compile(r"@font-face \{[^}]*\}")


def ladder_of(events: Iterable[Event]) -> list[str]:
    """The messages and audio of a run; the names of its ends above them. Nothing where there are
    none."""
    model = Model()
    for event in events:
        model.fold(event)
    if not model.ladder:
        return []
    heading = ladder.heading(model, _WIDTH, None)
    return plain([heading, *ladder.rows(model, _WIDTH, None)])


def without_fonts(picture: str) -> str:
    """Fonts of the reader's own machine will do: a picture must not call home."""
    return _FONT_FACES.sub("", picture)
