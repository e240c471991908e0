"""The screen in ASCII alone, for terminals, fonts and paper that have nothing else (`--ascii`).

Every row goes through here on its way to the terminal: frames, scroll bars, dialogues and all. One
character stays one character, so that nothing moves; what has no likeness here is a question mark.
"""

from __future__ import annotations

import os
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

VARIABLE = "GLASSNAT_ASCII"
"""The environment variable that `--ascii` sets, and that anybody may set for good."""

_LIKE = {
    "-": "─┄┈╌╴╶·–—",
    "=": "═━",
    "|": "│┃║┆▌▐▎▕▏▊┊",
    "+": "┌┐└┘├┤┬┴┼┏┓┗┛╭╮╰╯┣┫╋┡┩",
    ">": "►▸▶",
    "<": "◄◀",
    "{": "«",
    "}": "»",
    "*": "◆●",
    "o": "◇○",
    "x": "✗×",
    "#": "█▓",
    ".": "░…",
    ":": "¦",
    "^": "↑▲",
    "v": "↓▼",
    " ": "▁▂▃▄▅▆▇▔▀",
    "/": "⇄",
}
_TABLE = str.maketrans({glyph: like for like, glyphs in _LIKE.items() for glyph in glyphs})


def is_wanted() -> bool:
    """Has somebody asked for it?"""
    return bool(os.environ.get(VARIABLE))


@lru_cache(4096)
def in_ascii(text: str) -> str:
    """The text in as many columns, without a character that is not ASCII."""
    if text.isascii():
        return text
    return "".join(
        each if each.isascii() else "?" * cell_len(each) for each in text.translate(_TABLE)
    )


class Ascii(LineFilter):
    """Textual's way to change what is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [segment._replace(text=in_ascii(segment.text)) for segment in segments]
