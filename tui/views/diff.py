"""The selected message before and after the NAT, with a reason for each field."""

from __future__ import annotations

from tui.draw import diff, why
from tui.draw.lines import Line
from tui.key import Key
from tui.model import Message
from tui.views.view import Page, View


class DiffView(View):
    """View 3."""

    name = "diff"
    label = "Before/after"
    does = "before and after"
    keys = (
        Key("u", "unchanged", "before/after", "show or fold unchanged lines"),
        Key("e", "expected", "before/after", "show or hide what a correct ALG writes"),
        Key("s", "split", "before/after", "side by side, or one below the other"),
    )

    options = diff.Options()
    _drawn: tuple[tuple[Message, int, diff.Options], Page] | None = None

    def page(self, width: int, height: int) -> Page:
        message = self.look.message
        if message is None:
            return Page(Line("Before / after"), [Line("No message has passed an ALG yet.")])
        asked = message, width, self.options
        if self._drawn is None or self._drawn[0] != asked:
            self._drawn = asked, self._page(message, width)
        return self._drawn[1]

    def _page(self, message: Message, width: int) -> Page:
        event = message.event
        title = Line("Before / after · ").extend(diff.title(event, message.number))
        lines = diff.rows(event, width, self.options)
        at = min(diff.row_of(lines, why.place_that_matters(message)) + 1, len(lines) - 1)
        return Page(title, lines, diff.heading(event, width, self.options), at=at)

    def unchanged(self) -> None:
        self._show(unchanged=not self.options.unchanged)

    def expected(self) -> None:
        self._show(expected=not self.options.expected)

    def split(self) -> None:
        self._show(unified=not self.options.unified)

    def _show(self, **wanted: bool) -> None:
        self.options = diff.Options(**{**vars(self.options), **wanted})
