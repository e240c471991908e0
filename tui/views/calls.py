"""The calls and registrations, a row for each, with what follows from the NAT's counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from appliance.journal.events import CallState
from appliance.journal.readable import readable
from appliance.settings.hints import counted
from tui.calls import BAD, OVER, in_few_words
from tui.draw.hiding import HIDDEN
from tui.draw.lines import Line, Style, wrap_words
from tui.draw.outcome import spelled
from tui.draw.translations import duration
from tui.endpoint import shortened
from tui.finding import fits
from tui.views.view import Lazy, Page, View

_STATE, _SINCE, _MESSAGES = 11, 7, 5
"""Characters of the columns of state, age and messages, each with a space behind it."""
_SHORTEST_ID, _LONGEST_ID = 8, 24
"""Characters of a Call-ID, which stands at the right where there is room."""
_MOST_WHO = 30
_MANY = 8
"""Calls from which on one may want to look for some."""


class CallsView(View):
    """View 6. What is chosen here is what ladder, message and reasons are about."""

    name = "calls"
    label = "Calls"
    does = "all calls, with their states"

    filter = ""

    def page(self, width: int, height: int) -> Page:
        rows = self._rows()
        who = max((len(_who(each)) for each in rows), default=0)
        who = min(
            max(who, len("Who")), _MOST_WHO, max(width - _STATE - _SINCE - _MESSAGES - 24, 12)
        )
        at = self._at(rows)
        columns = f"{'State':<{_STATE}}{'For':<{_SINCE}}{'Msgs':<{_MESSAGES}}"
        head = Line(f" {'Who':<{who}} {columns}What is counted, and what follows", Style.FAINT)
        messages = Counter(each.event.call_id for each in self.look.model.messages)
        told = self.look.model.calls.messages

        def seen(call: str) -> int:
            return max(told.get(call, 0), messages[call])

        only = _only_call(rows)

        def row(place: int) -> Line:
            state = rows[place]
            line = self._line(state, who, place == at, seen(state.call), state is only)
            return _with_id(line.cut(width), state.call.partition("@")[0], width)

        return Page(
            self._title(len(rows)),
            Lazy(len(rows), row),
            [_with_id(head.cut(width), "Call-ID", width)],
            self._told(rows[at], width, height // 3) if at is not None else (),
            span=None if at is None else (at, at),
        )

    def _title(self, shown: int) -> Line:
        calls = self.look.model.calls
        title = Line("Calls ").add(f"{len(calls)}", Style.STRONG)
        if self.look.hidden:
            return title
        going = sum(each.kind == "call" and each.state not in OVER for each in calls)
        silent = sum(bool(calls.inferred(each.call)) for each in calls)
        title.add(f" · {going} going on")
        title.add(f" · {silent} silent, inferred" if silent else "", Style.BAD)
        if self.filter:
            return title.add(f" · {shown} with {self.filter}", Style.KEY)
        return title.add(" · / finds" if len(calls) > _MANY else "", Style.FAINT)

    def _line(self, state: CallState, who: int, chosen: bool, messages: int, is_only: bool) -> Line:
        """`is_only`: of a simulation's only call the parties say how it ended."""
        model = self.look.model
        line = Line("▸" if chosen else " ", Style.CURSOR)
        line.add(f"{shortened(_who(state), who):<{who}} ")
        if self.look.hidden:
            return line.add(HIDDEN, Style.FAINT)
        said = model.state_of(state)
        is_bad = said in BAD or said != state.state
        style = Style.BAD if is_bad else Style.FAINT if state.state in OVER else Style.PLAIN
        line.add(f"{said:<{_STATE}}", style)
        line.add(f"{duration(max(model.now - state.t, 0.0)):<{_SINCE}}")
        line.add(f"{messages or '':<{_MESSAGES}}")
        if model.outcome is not None and is_only:
            return line.add(*spelled(model.outcome.outcome))
        if inferred := model.calls.inferred(state.call):
            return line.add(in_few_words(inferred), Style.BAD)
        mine = model.calls.counted
        is_fine = mine.call == state.call and mine.goes_both_ways
        return line.add("both ways, counted" if is_fine else "", Style.GOOD)

    def _told(self, state: CallState, width: int, room: int) -> list[Line]:
        """The chosen call in sentences, while somebody is at this list."""
        model = self.look.model
        if self.look.view != self.name or self.look.hidden:
            return []
        counted_of = model.calls.counted
        verdict = counted_of.verdict if counted_of.call == state.call else ""
        inferred = model.calls.inferred(state.call)
        messages = sum(each.event.call_id == state.call for each in model.messages)
        said = [
            f"{state.kind} {state.call}, {counted(messages, 'message')}; Enter shows them",
            *([f"{inferred} (inferred)"] if inferred else []),
            *([verdict] if verdict else []),
        ]
        rows = [each for sentence in said for each in wrap_words(sentence, width - 2)]
        return [
            Line("─" * width, Style.FAINT),
            *(Line(f" {each}") for each in rows[: max(room, 1)]),
        ]

    def move(self, step: int) -> bool:
        rows = self._rows()
        if rows:
            at = self._at(rows)
            to = len(rows) - 1 if at is None else min(max(at + step, 0), len(rows) - 1)
            self.look.choose_call(rows[to].call)
        return True

    def open(self) -> None:
        rows = self._rows()
        at = self._at(rows)
        if at is not None:
            self.look.choose_call(rows[at].call)
            self.look.view = "call"

    def click(self, row: int) -> None:
        rows = self._rows()
        if row < len(rows):
            self.look.choose_call(rows[row].call)

    def _at(self, rows: Sequence[CallState]) -> int | None:
        """The row of the chosen call; where a filter has left it out, the first that fits."""
        names = [each.call for each in rows]
        if self.look.call in names:
            return names.index(self.look.call)
        return 0 if self.filter and rows else None

    def _rows(self) -> list[CallState]:
        calls = self.look.model.calls
        if not self.filter:
            return list(calls)
        return [each for each in calls if fits(self._text(each), self.filter)]

    def _text(self, state: CallState) -> str:
        """What a filter looks at."""
        model = self.look.model
        inferred = model.calls.inferred(state.call)
        few = in_few_words(inferred) if inferred else ""
        said = model.state_of(state)
        return f"{state.call} {state.kind} {_who(state)} {said} {inferred} {few}"


def _only_call(rows: Sequence[CallState]) -> CallState | None:
    calls = [each for each in rows if each.kind == "call"]
    return calls[0] if len(calls) == 1 else None


def _with_id(line: Line, name: str, width: int) -> Line:
    """The row, and what tells one call from another between the same two at its right."""
    room = min(width - len(line) - 1, _LONGEST_ID)
    if room < min(len(name), _SHORTEST_ID):
        return line
    shown = shortened(name, room)
    return line.pad(width - len(shown)).add(shown, Style.FAINT)


def _who(state: CallState) -> str:
    """`alice > bob`; a phone registers itself."""
    caller, callee = readable(state.caller), readable(state.callee)
    if caller == callee:
        return f"{caller} registers" if state.kind == "registration" else caller
    return f"{caller} > {callee}"
