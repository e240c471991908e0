"""Lines of styled text: what the pure half of the screen produces and the widgets draw.

A `Line` cleans whatever is put into it (`wiretext.py`), so a view that is made of lines cannot
leak. Styles are names of meanings, not colours; `tui/widgets/drawn.py` knows what they look like.
No Textual here, so that a test can read a screen as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from tui.draw.wiretext import SHOWN, WireText, wire_text

_LONGEST = 8
"""Rows of one sentence at most: there may be anything in it that came over the wire."""


class Style(Enum):
    """What a piece of text means."""

    PLAIN = "plain"
    FAINT = "faint"
    STRONG = "strong"
    GOOD = "good"  # as wanted
    BAD = "bad"  # not as wanted
    CHANGED = "changed"  # characters that were replaced
    KEY = "key"  # something to press
    CURSOR = "cursor"  # the selected row's mark


class Span(NamedTuple):
    """Text in one style. `key`: the key that a click on it stands for; never from outside."""

    text: WireText
    style: Style
    key: str = ""


class Line:
    """One row of the screen, built from left to right."""

    __slots__ = ("_length", "spans")

    def __init__(self, text: str = "", style: Style = Style.PLAIN, key: str = "") -> None:
        self.spans: list[Span] = []
        self._length = 0
        if text:
            self.add(text, style, key)

    def add(self, text: str, style: Style = Style.PLAIN, key: str = "") -> Line:
        """Append text; answers the line, so that calls can be chained."""
        if text:
            shown = wire_text(text)
            self.spans.append(Span(shown, style, key))
            self._length += len(shown)
        return self

    def extend(self, other: Line) -> Line:
        self.spans.extend(other.spans)
        self._length += other._length
        return self

    def pad(self, width: int) -> Line:
        """Fill with spaces up to `width`, or cut to it."""
        if self._length > width:
            self.spans = self.cut(width).spans
        elif missing := width - self._length:
            self.spans.append(Span(WireText(" " * missing), Style.PLAIN))
        self._length = width
        return self

    def cut(self, width: int) -> Line:
        """A line of at most `width` characters; an ellipsis says that there was more."""
        if len(self) <= width:
            return self
        short = Line()
        room = max(width - 1, 0)
        for text, style, key in self.spans:
            if room <= 0:
                break
            short.add(text[:room], style, key)
            room -= len(text)
        return short.add("…", Style.FAINT)

    def key_at(self, column: int) -> str:
        """The key that a click on this column stands for, or nothing."""
        for text, _, key in self.spans:
            if column < len(text):
                return key
            column -= len(text)
        return ""

    @property
    def plain(self) -> str:
        """The text alone."""
        return "".join(span.text for span in self.spans)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and self.spans == other.spans

    __hash__ = None  # type: ignore[assignment]  # a line grows while it is built

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"Line({self.plain!r})"


def wrap(line: Line, width: int) -> list[Line]:
    """The line in pieces of `width` characters; nothing is lost. An empty line is one piece.

    What is marked (a field that changed) is kept in one piece where one row can hold it.
    """
    if len(line) <= width:
        return [line]
    pieces = [Line()]
    for text, style, _ in line.spans:
        rest = str(text)
        if style is not Style.PLAIN and width - len(pieces[-1]) < len(rest) <= width:
            pieces.append(Line())
        while rest:
            room = width - len(pieces[-1])
            if room <= 0:
                pieces.append(Line())
                continue
            pieces[-1].add(rest[:room], style)
            rest = rest[room:]
    return pieces


def wrap_words(text: str, width: int) -> list[str]:
    """`text` in rows of at most `width` characters, broken between words where there are some."""
    width = max(width, 1)
    rows = []
    rest: str = wire_text(text, 4 * SHOWN).lstrip(" ")
    while len(rest) > width:
        end = rest.rfind(" ", 0, width + 1)
        if end < 0:
            rows.append(rest[:width])
            rest = rest[width:]
        else:
            rows.append(rest[:end])
            rest = rest[end:].lstrip(" ")
    return [*rows, rest]


def wrap_sentences(sentences: Sequence[str], width: int, room: int) -> list[str]:
    """Sentences in about `room` rows, each beginning in a row of its own. The first is whole
    whatever room there is (`_LONGEST` rows at most); of the others each that does not fit is left
    out as a whole, with all that follow, and they are counted."""
    shown: list[str] = []
    for number, sentence in enumerate(sentences):
        rows = wrap_words(sentence, width)
        left = len(sentences) - number
        spared = 1 if left > 1 else 0
        if shown and len(shown) + len(rows) + spared > room:
            return [*shown, f"… and {left} more: w"]
        if len(rows) > _LONGEST:
            rows = [*rows[: _LONGEST - 1], f"{rows[_LONGEST - 1]} …"]
        shown += rows
    return shown


def folded(line: Line, width: int, hang: str = "") -> list[Line]:
    """A line in rows of at most `width` characters, broken between words; `hang` stands before the
    second row and all that follow."""
    room = max(width - len(hang), 1)
    rows: list[Line] = []
    text = line.plain
    start, end = 0, len(text)
    while end - start > (room if rows else width):
        limit = start + (room if rows else width)
        space = text.rfind(" ", start + 1, limit + 1)
        stop = space if space > start else limit
        rows.append(_piece(line, start, stop))
        start = stop + (space > start)
    rows.append(_piece(line, start, end))
    return [rows[0], *(Line(hang, Style.KEY).extend(row) for row in rows[1:])]


def _piece(line: Line, start: int, end: int) -> Line:
    """The characters from `start` up to `end`, in their styles."""
    piece = Line()
    at = 0
    for text, style, key in line.spans:
        piece.add(text[max(start - at, 0) : max(end - at, 0)], style, key)
        at += len(text)
    return piece


def plain(lines: Iterable[Line]) -> list[str]:
    """The rows as text without trailing space, as tests and goldens compare them."""
    return [line.plain.rstrip() for line in lines]
