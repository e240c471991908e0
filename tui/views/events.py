"""Everything that happened, a sentence a line.

A sentence that is longer than the pane goes on in the next row, below where it began. What has been
written stays, until the pane has got another width and kept it for a moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from appliance.journal.sentences import Teller
from tui.draw.hiding import HIDDEN
from tui.draw.lines import Line, wrap_words
from tui.model import EVENTS_KEPT, Model
from tui.views.view import Page, View

_MARGIN = 11
"""Characters before a sentence: the time, or the same number of spaces."""
_HANGING = 2
"""By how much the second row of a change is farther in."""
_LEAST = 20
"""Characters in a row that a sentence is wrapped to at least; a narrower pane cuts it."""


class EventsView(View):
    """View 4. Bounded, and only written while it is in sight."""

    name = "events"
    label = "Events"
    does = "events"

    _columns = 0
    _columns_before = 0
    _written = 0
    _model: Model | None = None
    _teller = Teller()

    def page(self, width: int, height: int) -> Page:
        model = self.look.model
        if self.look.hidden:
            return Page(Line("Events"), [Line(HIDDEN)])
        if model is not self._model or self._is_to_rewrap(width):
            self._begin(model, width)
        fresh = min(model.seen - self._written, len(model.log))
        for event in islice(model.log, len(model.log) - fresh, None):
            for sentence in self._teller.tell(event):
                self._rows += map(Line, _rows(sentence, self._columns))
        self._written = model.seen
        return Page(Line(f"Events · {model.seen}"), self._rows, tail=True)

    def _begin(self, model: Model, width: int) -> None:
        self._model = model
        self._columns = width
        self._written = 0
        self._teller = Teller()
        self._rows: deque[Line] = deque(maxlen=EVENTS_KEPT)

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
