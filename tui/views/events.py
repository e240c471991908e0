"""Everything that happened, a sentence a line.

A sentence that is longer than the pane goes on in the next row, below where it began. What has been
written stays, until the pane has got another width and kept it for a moment. The arrows go from
event to event; Enter opens the message that one tells of, or the translation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from appliance.journal.events import Event, FlowExpired, FlowOpened, MessagePassed
from appliance.journal.noise import noise
from appliance.journal.sentences import Teller
from tui.draw.hiding import HIDDEN
from tui.draw.lines import Line, Style, wrap_words
from tui.finding import fits
from tui.key import Key
from tui.model import EVENTS_KEPT, Model
from tui.translations import flow_key
from tui.views.view import Page, View

_MARGIN = 11
"""Characters before a sentence: the time, or the same number of spaces."""
_HANGING = 2
"""By how much the second row of a change is farther in."""
_LEAST = 20
"""Characters in a row that a sentence is wrapped to at least; a narrower pane cuts it."""
_ENDS = ("internal", "external", "source", "destination", "new_source", "new_destination")


class EventsView(View):
    """View 4. Bounded, and only written while it is in sight."""

    name = "events"
    label = "Events"
    does = "events"
    keys = (Key("N", "unfold", "events", "show or fold noise: IPv6, multicast"),)

    filter = ""
    _noisy = False
    _columns = 0
    _columns_before = 0
    _written = 0
    _model: Model | None = None
    _asked: tuple[str, bool] = ("", False)
    _sought: int | None = None
    """The number of an event that somebody was led to, and that stands here whatever the filter
    says."""
    _selected: int | None = None
    _teller = Teller(each=True)

    def page(self, width: int, height: int) -> Page:
        model = self.look.model
        if self.look.hidden:
            return Page(Line("Events"), [Line(HIDDEN)])
        if model is not self._model or self._is_to_rewrap(width) or self._is_asked_anew():
            self._begin(model, width)
        if self._is_sought():
            self._begin(model, width)
        fresh = min(model.seen - self._written, len(model.log))
        first = model.seen - fresh
        for number, event in enumerate(islice(model.log, len(model.log) - fresh, None), first):
            self._write(number, event)
        self._written = model.seen
        return self._page()

    def _page(self) -> Page:
        at = self.look.event
        span = [row for row, number in enumerate(self._owners) if number == at]
        if at is None or not span:
            return Page(self._title(), self._rows, tail=True)
        body = list(self._rows)
        body[span[0]] = Line("▸", Style.CURSOR).add(body[span[0]].plain[1:])
        return Page(self._title(), body, span=(span[0], span[-1]))

    def _title(self) -> Line:
        model = self.look.model
        title = Line(f"Events · {model.seen}")
        title.add(f" · with {self.filter}" if self.filter else "", Style.KEY)
        if model.noise and not self._noisy:
            folded = ", ".join(f"{count} {kind}" for kind, count in model.noise.items())
            title.add(f" · folded: {folded}").add(" N", Style.KEY, "N")
        return title

    def _write(self, number: int, event: Event) -> None:
        is_sought = number == self._sought
        if noise(event) and not self._noisy and not is_sought:
            return
        told = list(self._teller.tell(event))
        if self.filter and not fits(" ".join(told), self.filter) and not is_sought:
            return
        for sentence in told:
            for row in _rows(sentence, self._columns):
                self._rows.append(Line(row))
                self._owners.append(number)

    def _begin(self, model: Model, width: int) -> None:
        self._model = model
        self._columns = width
        self._written = 0
        self._teller = Teller(each=True)
        self._rows: deque[Line] = deque(maxlen=EVENTS_KEPT)
        self._owners: deque[int] = deque(maxlen=EVENTS_KEPT)

    def _is_asked_anew(self) -> bool:
        before, self._asked = self._asked, (self.filter, self._noisy)
        is_asked = before != self._asked
        if is_asked:
            self._sought = None
        return is_asked

    def _is_sought(self) -> bool:
        """Was somebody led to an event that is not written here?"""
        before, self._selected = self._selected, self.look.event
        at = self._selected
        is_led = at is not None and at != before and at not in self._owners
        if is_led:
            self._sought = at
        return is_led

    def _is_to_rewrap(self, columns: int) -> bool:
        """Has the pane another width than what is written, and the same as the last time?"""
        rests = columns == self._columns_before
        self._columns_before = columns
        return rests and columns != self._columns

    # --- the cursor ------------------------------------------------------------------------------

    def move(self, step: int) -> bool:
        """Below the last event is where the newest are looked at."""
        numbers = list(dict.fromkeys(self._owners)) if self._model is not None else []
        if not numbers or (self.look.event is None and step > 0):
            return True
        at = numbers.index(self.look.event) if self.look.event in numbers else len(numbers)
        at = max(at + step, 0)
        self.look.event = numbers[at] if at < len(numbers) else None
        return True

    def click(self, row: int) -> None:
        if self._model is not None and row < len(self._owners):
            self.look.event = self._owners[row]

    def unfold(self) -> None:
        """Show noise as well, or fold it again."""
        self._noisy = not self._noisy

    def open(self) -> None:
        """Go to the message that the selected event tells of, or to its translation."""
        event = self._event()
        if event is None:
            return
        if self._open_message(event) or self._open_translation(event):
            return
        self.look.said = "This event is about no message and no translation that is there now."

    def _event(self) -> Event | None:
        """The selected one, if it is still kept; where none is, the newest."""
        model = self.look.model
        at = self.look.event if self.look.event is not None else model.seen - 1
        place = at - (model.seen - len(model.log))
        return model.log[place] if 0 <= place < len(model.log) else None

    def _open_message(self, event: Event) -> bool:
        """Its own, or the one that it came of."""
        number = event.id if isinstance(event, MessagePassed) else event.cause
        message = None if number is None else self.look.model.message_of(number)
        if message is None:
            return False
        self.look.look_at(message)
        self.look.view = "diff"
        return True

    def _open_translation(self, event: Event) -> bool:
        translations = self.look.model.translations
        key = flow_key(event.flow) if isinstance(event, FlowOpened | FlowExpired) else ""
        ends = {getattr(event, name, "") for name in _ENDS} - {""}
        rows = translations.rows()
        found = [row.key for row in rows if row.key == key] or [
            row.key for row in rows if {row.internal, row.external} & ends
        ]
        if found:
            self.look.translation = found[0]
            self.look.view = "nat"
        return bool(found)


def _rows(sentence: str, columns: int) -> Iterator[str]:
    """A line of the teller's in rows of so many characters, the later ones below the first."""
    head, said = sentence[:_MARGIN], sentence[_MARGIN:]
    further = _MARGIN if head.strip() else _MARGIN + _HANGING
    first, *rest = wrap_words(said, max(columns - further, _LEAST))
    yield head + first
    for row in rest:
        yield " " * further + row
