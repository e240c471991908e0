"""The run on one line: when what happened, and where we are.

    0s ├─I─1──2A══════●┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┤ 60s

R registers, I invites, 1 rings, 2 is answered, A acknowledged, B ends; E a flow's timer ran out,
X a packet or message was dropped, S a setting was changed, F flows were flushed. What a simulation
has still to come is dotted; a running appliance shows its last two minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tui.draw.lines import Line, Style
from tui.ticks import Tick

LIVE_WINDOW = 120.0
"""Seconds of a running appliance that are shown."""
_CROWD = 3
"""Columns that a mark may be shifted by when its own is taken."""


class Scale(NamedTuple):
    """Which part of a run the line shows, and in how many columns."""

    first: float
    last: float
    left: int
    room: int

    def column(self, t: float) -> int:
        """Of a moment, within the part."""
        return min(int((t - self.first) / (self.last - self.first) * self.room), self.room - 1)

    def moment(self, column: int) -> float | None:
        """Of a column of the whole line; None beside the part."""
        at = column - self.left
        if not 0 <= at < self.room:
            return None
        return self.first + (at + 0.5) * (self.last - self.first) / self.room


def scale(now: float, end: float | None, width: int) -> Scale:
    """`end`: when a simulation will be over, None for a running appliance."""
    first = max(now - LIVE_WINDOW, 0.0) if end is None else 0.0
    last = max(first + LIVE_WINDOW, now) if end is None else max(end, 1.0)
    left, right = _ends(first, last)
    return Scale(first, last, len(left), max(width - len(left) - len(right) - 1, 4))


def _ends(first: float, last: float) -> tuple[str, str]:
    return f" {first:.0f}s ├", f"┤ {last:.0f}s"


def row(
    ticks: Iterable[Tick],
    audio: tuple[float, float] | None,
    now: float,
    end: float | None,
    width: int,
) -> Line:
    """The line. `audio`: since when and until when there was some; `end`: when a simulation will be
    over, None for a running appliance."""
    shown = scale(now, end, width)
    first, last, _, room = shown
    left, right = _ends(first, last)
    column = shown.column
    cells = ["─"] * column(now) + ["┄"] * (room - column(now))
    if audio is not None:
        since, until = (max(column(t), 0) for t in audio)
        cells[since:until] = ["═"] * max(until - since, 0)
    for t, letter in ticks:
        if first <= t <= now:
            _place(cells, column(t), letter)
    cells[column(now)] = "●"
    return Line(left, Style.FAINT).add("".join(cells)).add(right, Style.FAINT).cut(width)


def _place(cells: list[str], at: int, letter: str) -> None:
    for column in range(at, min(at + _CROWD, len(cells))):
        if not cells[column].isalnum():
            cells[column] = letter
            return
