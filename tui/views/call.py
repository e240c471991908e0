"""The call as a ladder, with the names above it and the outcome below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from appliance.journal.readable import readable
from tui.draw import ladder, opening, outcome
from tui.draw.lines import Line
from tui.model import Message
from tui.views.view import Page, View

_FEW, _MANY = 4, 12
"""Rows of what is to come, where it shares the pane with what is said of it, and where not."""
_ROOMY = 16
"""Rows from which on there is a bar for each direction of audio."""


class CallView(View):
    """View 2. The arrows go from message to message, and Enter looks into one. The newest row is in
    sight while there is more to come, and then the message that matters."""

    name = "call"
    label = "Call"
    does = "the call's messages"

    _places: Sequence[int] = ()

    def page(self, width: int, height: int) -> Page:
        model, look = self.look.model, self.look
        selected = look.message.number if look.message else None
        rungs = ladder.rungs(model, width, selected, not look.hidden, look.call)
        some = ladder.entries(model, selected, look.call)
        is_newest = look.chosen is None and not look.is_over
        at = len(some) - 1 if is_newest else ladder.place_of(some, selected)
        mine = [row for row, rung in enumerate(rungs) if rung.place == at]
        self._places = [rung.place for rung in rungs]
        return Page(
            self._title(),
            [*(rung.line for rung in rungs), *self._counted(width)] or list(self._to_come(width)),
            [self._heading(width, selected)],
            self._foot(width, height),
            (mine[0], mine[-1]) if mine else None,
        )

    def _heading(self, width: int, selected: int | None) -> Line:
        model, story = self.look.model, self.look.story
        if story is None:
            return ladder.heading(model, width, selected)
        return ladder.heading(model, width, selected, opening.ends(story))

    def _to_come(self, width: int) -> Iterator[Line]:
        """Of a story in which nothing has happened yet: what people will do, and where."""
        story, is_alone = self.look.story, not self.look.is_beside
        if story is not None:
            yield from opening.plan(story, width, _FEW if is_alone else _MANY)
            if is_alone:
                yield Line()
                yield from opening.premise(story, width)

    def _counted(self, width: int) -> Iterator[Line]:
        """What a running appliance counts of the call's audio."""
        counted = self.look.model.calls.counted
        if counted.call == self.look.call and not self.look.hidden:
            for carried in counted.carried:
                yield from ladder.counted(carried, width)

    def _foot(self, width: int, height: int) -> list[Line]:
        """The outcome, unless it stands in a place of its own."""
        if self.look.is_told_apart or self.look.hidden:
            return []
        if self.look.in_full:
            return outcome.rows(self.look.model, width, self.look.call, height // 2)
        bars = outcome.rows(self.look.model, width, self.look.call)
        return bars if height >= _ROOMY else bars[:1]

    def _title(self) -> Line:
        model = self.look.model
        call = model.calls.find(self.look.call) or model.current_call()
        title = Line("Call ")
        if call is not None:
            ends = dict.fromkeys(
                map(readable, (call.caller, call.callee))
            )  # a phone registers itself
            state = "?" if self.look.hidden else model.state_of(call)
            title.add(f"{' > '.join(ends)} · {call.kind}: {state}")
        return title

    def move(self, step: int) -> bool:
        self.look.step(step)
        return True

    def open(self) -> None:
        self.look.view = "diff"

    def click(self, row: int) -> None:
        message = self.look.message
        selected = message.number if message else None
        some = ladder.entries(self.look.model, selected, self.look.call)
        place = self._places[row] if row < len(self._places) else len(some)
        if place < len(some) and isinstance(entry := some[place], Message):
            self.look.look_at(entry)
