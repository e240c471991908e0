"""What the reader looks at: shared by all views, so that one selection is everybody's.

A message that is chosen on the ladder is the one before and after is about; a translation under the
cursor is the one that WHY explains. A view reads and changes this, and knows no other view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.sim.remedies import Remedy
from tui.model import Message, Model


@dataclass
class Look:
    """The model, and what of it is chosen.

    `view`: the name of the view that is open; `chosen`: the number of the message that was chosen
    by hand; `translation`: the key of the row under the cursor; `said`: one sentence in the place
    of the advice, until the next key; `is_told_apart`: outcome, WHY and TRY have a place of their
    own; `in_full`: WHY may take as many rows as it needs; `remedies`: what was tried and helps,
    None while nobody knows.
    """

    model: Model = field(default_factory=Model)
    view: str = ""
    chosen: int | None = None
    translation: str = ""
    said: str = ""
    is_told_apart: bool = False
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

    def begin_again(self) -> None:
        """Forget the run; what the reader has set up stays."""
        self.model = Model()
        self.chosen = None
        self.translation = ""
        self.remedies = None
