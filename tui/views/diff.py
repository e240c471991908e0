"""The selected message before and after the NAT, with a reason for each field.

The field cursor goes from change to change. Where the pane is too low for all reasons only those of
the selected field and of the one that decides stand there, so that the whole message is in sight.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.journal.events import MessagePassed
from appliance.journal.rows import ChangeOf
from tui import leads, own
from tui.draw import diff, opening, why
from tui.draw.hiding import without_verdicts
from tui.draw.lines import Line, Style
from tui.key import Key
from tui.model import Message
from tui.views.view import Page, View


class DiffView(View):
    """View 3."""

    name = "diff"
    label = "Diff"
    does = "before and after"
    keys = (
        Key("j", "field(1)", "before/after", "next field", "Field"),
        Key("k", "field(-1)", "before/after", "previous field"),
        Key("o", "open", "before/after", "open the mapping of the selected field"),
        Key("P", "party", "before/after", "what a party made of the selected field"),
        Key("A", "fault", "before/after", "the ALG menu, at the fault of the field"),
        Key("u", "unchanged", "before/after", "show or fold unchanged lines"),
        Key("e", "expected", "before/after", "show or hide what a correct ALG writes"),
        Key("s", "split", "before/after", "side by side, or one below the other"),
    )

    options = diff.Options()
    _place: int | None = None
    _of: Message | None = None
    _asked: tuple[object, ...] = ()
    _width = 0

    def page(self, width: int, height: int) -> Page:
        message = self.look.message
        if message is None:
            story = self.look.story
            said = [] if story is None else [*opening.premise(story, width), Line()]
            none = Line("No message has passed an ALG yet.", Style.FAINT)
            return Page(Line("Before / after"), [*said, none])
        if message != self._of:
            self._of, self._place = message, None
        self._width = width
        stress = self._stress(message)
        asked = message, width, height, self.options, stress, self.look.hidden
        if asked != self._asked:
            self._asked = asked
            draw = self._unjudged if self.look.hidden else self._drawn
            self._page = draw(message, width, height, stress)
        return self._page

    def _unjudged(self, message: Message, width: int, height: int, _: diff.Stress) -> Page:
        """The whole message before and after, and no word on what is right about it."""
        event = without_verdicts(message.event)
        title = Line("Before / after · ").extend(diff.title(event, message.number))
        options = diff.Options(unchanged=True, unified=self.options.unified, terse=True)
        self.sheet = diff.sheet(event, width, options)
        head = diff.heading(event, width, self.options)
        return Page(title, self.sheet.lines, head, about=message.number)

    def _stress(self, message: Message) -> diff.Stress:
        model = self.look.model
        return diff.Stress(
            self._place, why.deciding(model, message), why.is_harmless(model, message)
        )

    def _drawn(self, message: Message, width: int, height: int, stress: diff.Stress) -> Page:
        event = own.with_lines(message.event)
        title = Line("Before / after · ").extend(diff.title(event, message.number))
        head = diff.heading(event, width, self.options)
        room = height - len(head) - 2
        stress = replace(stress, selected=self._selected(message, stress))
        self.sheet = diff.sheet(event, width, self.options, stress)
        if len(self.sheet.lines) > room and not self.options.unchanged:
            self.sheet = self._in_few_words(event, width, room, stress)
        return Page(
            title,
            self.sheet.lines,
            head,
            span=self.sheet.span_of(stress.selected),
            starts=self.sheet.starts(),
            about=message.number,
        )

    def _in_few_words(
        self, event: MessagePassed, width: int, room: int, stress: diff.Stress
    ) -> diff.Sheet:
        """The reasons that one has to see, and of the others as many as there is room for."""
        terse = replace(self.options, terse=True)
        least = diff.sheet(event, width, terse, stress)
        spare = room - len(least.lines)
        also = set()
        for place in range(len(least.changes)):
            cost = self.sheet.owners.count(place) - least.owners.count(place)
            if 0 < cost <= spare:
                also.add(place)
                spare -= cost
        return diff.sheet(event, width, terse, replace(stress, also=frozenset(also)))

    def _selected(self, message: Message, stress: diff.Stress) -> int | None:
        """The field under the cursor: the one that matters while nobody has moved it."""
        if stress.selected is not None:
            return stress.selected
        wanted = why.place_that_matters(self.look.model, message)
        changes = diff.sheet(message.event, self._width, self.options).changes
        fields = [change.field for change in changes]
        return fields.index(wanted) if wanted in fields else (0 if fields else None)

    def field(self, step: int) -> None:
        """Select another field."""
        message = self.look.message
        if message is None or not message.event.changes:
            return
        at = self._selected(message, self._stress(message)) or 0
        self._place = min(max(at + step, 0), len(self.sheet.changes) - 1)

    def click(self, row: int) -> None:
        if row < len(self.sheet.owners) and self.sheet.owners[row] >= 0:
            self._place = self.sheet.owners[row]

    def open(self) -> None:
        """Go to the mapping that the selected field is about."""
        message, change = self._under_cursor()
        if message is None or change is None:
            return
        key = leads.mapping(self.look.model, message.event, change)
        if key:
            self.look.translation = key
            self.look.view = "nat"
        else:
            self.look.said = f"No mapping that exists now has anything to do with {change.field}."

    def party(self) -> None:
        """Go to what a party made of the selected field; where none tells of it, to its answer."""
        message, change = self._under_cursor()
        if message is None or change is None or self._is_told_nothing():
            return
        model, event = self.look.model, message.event
        act = leads.act(model, event, change.field)
        answer = leads.answer(model, event)
        if act is not None:
            self.look.event = act
            self.look.view = "events"
        elif event.id in model.fates or event.verdict == "dropped":
            self.look.look_at(message)
            self.look.view = "call"
        elif answer is not None:
            self.look.look_at(answer)
            self.look.view = "call"
            self.look.said = f"No party tells what it made of {change.field}: this is the answer."
        else:
            accepted = model.accepted.get(event.id, "")
            nothing = f"No party has told what it made of {change.field}"
            self.look.said = f"{nothing}; {accepted}." if accepted else f"{nothing}."

    def fault(self) -> None:
        """Go to the fault that spoiled the selected field, in the menu of the ALG."""
        message, change = self._under_cursor()
        if message is None or change is None or self._is_told_nothing():
            return
        self.look.fault = leads.fault(message.event, change)
        if not self.look.fault:
            self.look.said = f"No fault of {message.event.module} has spoiled {change.field}."

    def _is_told_nothing(self) -> bool:
        if self.look.hidden:
            self.look.said = "That tells how it went: h shows it."
        return self.look.hidden

    def _under_cursor(self) -> tuple[Message | None, ChangeOf | None]:
        """The message, and which of its fields is selected."""
        message = self.look.message
        at = None if message is None else self._selected(message, self._stress(message))
        return message, None if at is None else self.sheet.changes[at]

    def unchanged(self) -> None:
        self._show(unchanged=not self.options.unchanged)

    def expected(self) -> None:
        self._show(expected=not self.options.expected)

    def split(self) -> None:
        self._show(unified=not self.options.is_unified(self._width))

    def _show(self, **wanted: bool) -> None:
        self.options = diff.Options(**{**vars(self.options), **wanted})
