"""Everything that happened, a sentence a line. Bounded, and only written while it is in sight."""

from __future__ import annotations

from itertools import islice

from textual.widgets import RichLog

from appliance.text import Teller
from tui.lines import Line
from tui.model import EVENTS_KEPT, Model
from tui.widgets.drawn import entitle, text


class EventLog(RichLog):
    """The event log's window."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, max_lines=EVENTS_KEPT, wrap=False, markup=False, highlight=False)
        self._written = 0
        self._model: Model | None = None
        self._teller = Teller()

    def show(self, model: Model) -> None:
        """Write what has been added to the model's log."""
        entitle(self, Line(f"4 Events · {model.seen}"))
        if model is not self._model or model.seen < self._written:
            self._model = model
            self._written = 0
            self._teller = Teller()
            self.clear()
        fresh = min(model.seen - self._written, len(model.log))
        for event in islice(model.log, len(model.log) - fresh, None):
            for row in self._teller.tell(event):
                self.write(text(Line(row)))
        self._written = model.seen
