"""Everything that happened, a sentence a line. Bounded, and only written while it is in sight.

A sentence that is longer than the pane goes on in the next row, below where it began. When the pane
has got another width and kept it for a moment, the page is written anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from textual.events import Resize
from textual.widgets import RichLog

from appliance.journal.sentences import Teller
from tui.draw.lines import Line, wrap_words
from tui.model import EVENTS_KEPT, Model
from tui.widgets.drawn import entitle, page
from tui.widgets.pane import Placed

_MARGIN = 11
"""Characters before a sentence: the time, or the same number of spaces."""
_HANGING = 2
"""By how much the second row of a change is farther in."""
_LEAST = 20
"""Characters in a row that a sentence is wrapped to at least; a narrower pane cuts it."""


class EventLog(RichLog):
    """The event log's window."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, max_lines=EVENTS_KEPT, wrap=False, markup=False, highlight=False)
        self._written = 0
        self._model: Model | None = None
        self._teller = Teller()
        self._columns = 0
        self._columns_before = 0

    def on_resize(self, event: Resize) -> None:
        self.post_message(Placed())

    def show(self, model: Model) -> None:
        """Write what has been added to the model's log."""
        entitle(self, Line(f"4 Events · {model.seen}"))
        columns = self.scrollable_content_region.width
        if not columns:
            return
        if model is not self._model or model.seen < self._written or self._is_to_rewrap(columns):
            self._model = model
            self._columns = columns
            self._written = 0
            self._teller = Teller()
            self.clear()
        fresh = min(model.seen - self._written, len(model.log))
        rows: list[str] = []
        for event in islice(model.log, len(model.log) - fresh, None):
            for sentence in self._teller.tell(event):
                rows += _rows(sentence, self._columns)
        if rows:
            self.write(page(Line(row) for row in rows[-EVENTS_KEPT:]))
        self._written = model.seen

    def _is_to_rewrap(self, columns: int) -> bool:
        """Has the pane another width than what is written, and the same as the last time?"""
        rests = columns == self._columns_before
        self._columns_before = columns
        return rests and columns != self._columns


def _rows(sentence: str, columns: int) -> Iterator[str]:
    """A line of the teller's in rows of so many characters, the later ones below the first."""
    head, said = sentence[:_MARGIN], sentence[_MARGIN:]
    further = _MARGIN if head.strip() else _MARGIN + _HANGING
    first, *rest = wrap_words(said, max(columns - further, _LEAST))
    yield head + first
    for row in rest:
        yield " " * further + row
