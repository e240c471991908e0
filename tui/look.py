"""What the reader looks at: shared by all views, so that one selection is everybody's.

A message that is chosen on the ladder is the one before and after is about; a translation under the
cursor is the one that WHY explains. A view reads and changes this, and knows no other view.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from appliance.sim.knobs import Remedy
from appliance.sim.scenario import Scenario
from tui.model import Message, Model


class Run(NamedTuple):
    """A run that has ended: what was turned, in few words, and how it ended. `again` makes the same
    run anew (a Simulation that has not begun), where that is possible."""

    label: str
    outcome: str
    again: Callable[[], Any] | None = None


RUNS_KEPT = 8


@dataclass
class Look:
    """The model, and what of it is chosen.

    `view`: the name of the view that is open; `chosen`: the number of the message that was chosen
    by hand; `only`: the call that was; `is_live`: is it a running appliance, with many calls?
    `has_packets`: can packets be looked at? `is_fixed`: can nothing be turned?
    `is_over`: is there nothing more to come?
    `translation`: the key of the row under the cursor; `event`: the number of the selected event,
    in the order in which they came, None: the newest are looked at; `fault`: where the menu of the
    ALG is to be opened, empty: it is not; `said`: one sentence in the place of the advice, until
    the next key; `is_told_apart`: outcome, WHY and TRY have a place of their own;
    `is_beside`: is before and after in sight besides the other views?
    `in_full`: WHY may take as many rows as it needs; `remedies`: what was tried and helps, None
    while nobody knows.

    `hidden`: whatever tells how it went is not drawn, so that one can predict it; `story`: what is
    told, if it is a story; `step_at`: the place of the guide's current step, None before the first;
    `is_revealed`: may be read what that step lets one see? `runs`: how the story ended so far, the
    newest last.
    """

    model: Model = field(default_factory=Model)
    view: str = ""
    chosen: int | None = None
    only: str = ""
    is_live: bool = False
    has_packets: bool = True
    is_fixed: bool = False
    is_over: bool = False
    translation: str = ""
    event: int | None = None
    fault: str = ""
    said: str = ""
    is_told_apart: bool = False
    is_beside: bool = False
    hidden: bool = False
    story: Scenario | None = None
    step_at: int | None = None
    is_revealed: bool = False
    runs: list[Run] = field(default_factory=list)
    in_full: bool = False
    remedies: Sequence[Remedy] | None = None

    @property
    def call(self) -> str:
        """The call that ladder and reasons are about: chosen by hand, or of a running appliance the
        newest. Empty: all that happened."""
        if self.only or not self.is_live:
            return self.only
        chosen = None if self.chosen is None else self.model.message(self.chosen)
        current = self.model.current_call()
        if chosen is not None:
            return chosen.event.call_id
        return "" if current is None else current.call

    @property
    def message(self) -> Message | None:
        """The selected message: chosen by hand, or else the one worth showing."""
        chosen = None if self.chosen is None else self.model.message(self.chosen)
        return chosen or self.model.worth_showing(self.call)

    def step(self, step: int) -> None:
        """Select a neighbour of the selected message."""
        message, call = self.message, self.call
        numbers = [
            each.number for each in self.model.messages if not call or each.event.call_id == call
        ]
        if message is not None and numbers:
            at = bisect_left(numbers, message.number) + step
            self.chosen = numbers[min(max(at, 0), len(numbers) - 1)]

    def choose_call(self, name: str) -> None:
        """Look at one call alone."""
        self.only = name
        self.chosen = None

    def look_at(self, message: Message) -> None:
        """Look at a message, and at the call that it belongs to where one is looked at alone."""
        self.chosen = message.number
        if self.only:
            self.only = message.event.call_id

    def follow(self) -> None:
        """Look at what matters again."""
        self.chosen = None
        self.only = ""

    def remember(self, label: str, again: Callable[[], Any] | None = None) -> None:
        """Keep how this run ended, instead of an earlier one of the same label. `again`: see
        `Run`."""
        if self.model.outcome is None:
            return
        run = Run(label, self.model.outcome.outcome, again)
        others = [each for each in self.runs if each.label != label]
        self.runs = [*others, run][-RUNS_KEPT:]

    def begin_again(self) -> None:
        """Forget the run; what the reader has set up stays."""
        self.model = Model()
        self.chosen = None
        self.only = ""
        self.translation = ""
        self.event = None
        self.remedies = None
