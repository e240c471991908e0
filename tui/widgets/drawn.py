"""The one way from lines of text to Textual.

`content` and `strip_of` take `Line`s, whose text has been cleaned, and never parse them: no markup,
no links, no control characters. Widgets that show anything from outside the program are given lines
and hand them on to these two functions; nothing else in `tui/` makes a `Content` or a `Segment`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content
from textual.events import Click
from textual.markup import parse_style
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from tui.draw.lines import Line, Style

_LOOKS = {
    Style.PLAIN: "",
    Style.FAINT: "$sign-faint",
    Style.STRONG: "bold",
    Style.GOOD: "$sign-good",
    Style.BAD: "bold $sign-bad",
    Style.CHANGED: "bold reverse",
    Style.KEY: "bold $sign-key",
    Style.CURSOR: "bold $sign-key",
}


def content(lines: Iterable[Line]) -> Content:
    """Lines as Textual draws them, one row each."""
    parts: list[tuple[str, str]] = []
    for index, line in enumerate(lines):
        if index:
            parts.append(("\n", ""))
        parts += [(str(span.text), _LOOKS[span.style]) for span in line.spans]
    return Content.assemble(*parts)


@cache
def _rich_style(style: Style, theme: str) -> RichStyle:
    """How a style looks in the theme of the running app."""
    look = _LOOKS[style]
    return parse_style(look).rich_style if look else RichStyle()


def strip_of(line: Line, base: RichStyle, width: int, theme: str) -> Strip:
    """One line for a widget that draws line by line, filled up to `width`. Needs a running app,
    whose theme has the name `theme`."""
    segments = [
        Segment(str(span.text), base + _rich_style(span.style, theme)) for span in line.spans
    ]
    return Strip(segments).adjust_cell_length(width, base)


def entitle(widget: Widget, title: Line) -> None:
    """Put a title into the widget's border; a title that stands there already costs nothing."""
    made = content([title])
    if widget.border_title != made.markup:
        widget.border_title = made


_KEY_NAMES = {
    "]": "right_square_bracket",
    "}": "right_curly_bracket",
    "{": "left_curly_bracket",
    "?": "question_mark",
    ":": "colon",
    "+": "plus",
}


class Drawn(Static):
    """A few lines, redrawn only when they differ from those on the screen."""

    DEFAULT_CSS = """
    Drawn { height: auto; text-wrap: nowrap; text-overflow: clip; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []

    def show(self, lines: Sequence[Line]) -> None:
        """Draw these lines."""
        if list(lines) != self._lines:
            self._lines = list(lines)
            self.update(content(self._lines))

    def on_click(self, event: Click) -> None:
        """A click on a key's name is that key."""
        if 0 <= event.y < len(self._lines) and (key := self._lines[event.y].key_at(event.x)):
            self.app.simulate_key(_KEY_NAMES.get(key, key))
