"""What the reader looks at: shared by all views, so that one selection is everybody's.

A message that is chosen on the ladder is the one before and after is about; a translation under the
cursor is the one that WHY explains. A view reads and changes this, and knows no other view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from appliance.journal.sentences import short_value
from appliance.sim.knobs import Remedy
from appliance.sim.scenario import Scenario
from tui.model import Message, Model, short_key


class Run(NamedTuple):
    """A run that has ended: what was turned, in few words, and how it ended."""

    label: str
    outcome: str


RUNS_KEPT = 8


@dataclass
class Look:
    """The model, and what of it is chosen.

    `view`: the name of the view that is open; `chosen`: the number of the message that was chosen
    by hand; `translation`: the key of the row under the cursor; `said`: one sentence in the place
    of the advice, until the next key; `is_told_apart`: outcome, WHY and TRY have a place of their
    own; `in_full`: WHY may take as many rows as it needs; `remedies`: what was tried and helps,
    None while nobody knows.

    `hidden`: whatever tells how it went is not drawn, so that one can predict it; `story`: what is
    told, if it is a story; `step_at`: the place of the guide's current step, None before the first;
    `is_revealed`: may be read what that step lets one see? `runs`: how the story ended so far, the
    newest last.
    """

    model: Model = field(default_factory=Model)
    view: str = ""
    chosen: int | None = None
    translation: str = ""
    said: str = ""
    is_told_apart: bool = False
    hidden: bool = False
    story: Scenario | None = None
    step_at: int | None = None
    is_revealed: bool = False
    runs: list[Run] = field(default_factory=list)
    in_full: bool = False
    remedies: Sequence[Remedy] | None = None

    @property
    def message(self) -> Message | None:
        """The selected message: chosen by hand, or else the one worth showing."""
        chosen = None if self.chosen is None else self.model.message(self.chosen)
        return chosen or self.model.worth_showing()

    def step(self, step: int) -> None:
        """Select a neighbour of the selected message."""
        message = self.message
        if message is not None:
            numbers = [each.number for each in self.model.messages]
            at = numbers.index(message.number) + step
            self.chosen = numbers[min(max(at, 0), len(numbers) - 1)]

    def follow(self) -> None:
        """Look at what matters again."""
        self.chosen = None

    def remember(self, knobs: Mapping[str, Any]) -> None:
        """Keep how this run ended, instead of an earlier one with the same knobs."""
        if self.model.outcome is None:
            return
        modules = [spec for spec in self.model.modules.values() if spec != "off"]
        turned = [
            f"{short_key(key)} {short_value(value)}"
            for key, value in knobs.items()
            if short_key(key) != "ALG"
        ]
        run = Run(" ".join([*(modules or ["off"]), *turned]), self.model.outcome.outcome)
        others = [each for each in self.runs if each.label != run.label]
        self.runs = [*others, run][-RUNS_KEPT:]

    def begin_again(self) -> None:
        """Forget the run; what the reader has set up stays."""
        self.model = Model()
        self.chosen = None
        self.translation = ""
        self.remedies = None
