"""What widgets tell the screen: every message of Textual's kind that is our own."""

from __future__ import annotations

from textual.message import Message


class Placed(Message):
    """A pane has got its place on the screen, or another size: draw what fits into it."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Placed)


class PointedAt(Message):
    """A column of the timeline has been clicked."""

    def __init__(self, column: int) -> None:
        super().__init__()
        self.column = column


class RowClicked(Message):
    """A row of a list has been clicked."""

    def __init__(self, row: int) -> None:
        super().__init__()
        self.row = row


class Moved(Message):
    """Something else has been selected in a view: draw what follows from it."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Moved)
