"""The call as a ladder, with the names above it and the outcome below."""

from __future__ import annotations

from tui.draw import ladder, outcome
from tui.draw.lines import Line
from tui.model import Message
from tui.views.view import Page, View


class CallView(View):
    """View 2. The arrows go from message to message, and Enter looks into one."""

    name = "call"
    label = "Call"
    does = "the call's messages"

    def page(self, width: int, height: int) -> Page:
        model, look = self.look.model, self.look
        selected = look.message.number if look.message else None
        body = ladder.rows(model, width, selected)
        at = len(body) - 1 if look.chosen is None else ladder.row_of(model, selected)
        names = ladder.heading(model, width, selected)
        return Page(self._title(), body, [names], outcome.rows(model, width), at)

    def _title(self) -> Line:
        call = self.look.model.current_call()
        title = Line("Call ")
        if call is not None:
            ends = dict.fromkeys((call.caller, call.callee))  # a phone registers itself
            title.add(f"{' > '.join(ends)} · {call.kind}: {self.look.model.state_of(call)}")
        return title

    def move(self, step: int) -> bool:
        self.look.step(step)
        return True

    def open(self) -> None:
        self.look.view = "diff"

    def click(self, row: int) -> None:
        message = self.look.message
        entries = ladder.entries(self.look.model, message.number if message else None)
        if row < len(entries) and isinstance(entry := entries[row], Message):
            self.look.chosen = entry.number
