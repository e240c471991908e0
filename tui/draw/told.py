"""What is told beside the pictures: the outcome, WHY it is so, and what to TRY.

On the workbench it has a place of its own; where there is less room WHY and TRY stand beneath the
view that is open, and the outcome with the call.
"""

from __future__ import annotations

from collections.abc import Sequence

from tui.draw import outcome, why
from tui.draw.hiding import HIDDEN
from tui.draw.lines import Line, Style, folded
from tui.endpoint import shortened
from tui.look import Look, Run

_MOST_FOR_ADVICE = 8
"""Rows that TRY may take: more than its longest sentence needs."""
_RUNS_KEPT_LONG = 3
"""Runs from which on older ones go before a label is shortened."""
_SHORT_LABEL = 8
"""Characters of a label at least."""
_HANG = "▌    "


def rows(look: Look, live: bool, width: int, room: int) -> list[Line]:
    """WHY and TRY in about `room` rows: one whole sentence of each there always is."""
    if look.hidden:
        return [Line("▌WHY ", Style.KEY).add(HIDDEN), Line(_HANG, Style.KEY).add(look.said)]
    if look.said:
        advice = Line(_HANG, Style.KEY).add(look.said)
    elif look.is_fixed:
        advice = why.where_to_look()
    elif look.story is not None and look.model.started is None:
        advice = why.first_advice()
    else:
        advice = why.advice(look.model, live, look.remedies, look.call)
    tried = folded(advice, width, _HANG)[:_MOST_FOR_ADVICE]
    if len(look.runs) > 1 and look.model.outcome is not None:
        tried.append(_runs(look.runs, width))
    reasons = why.because(look.model, look.message, look.call)
    return [*why.folded(reasons, width, max(room - len(tried), 1)), *tried]


def _runs(runs: Sequence[Run], width: int) -> Line:
    """How the story ended, by what was turned. Where there is no room for all, labels are shortened
    before fewer than the newest three are left."""
    line = Line()
    for count in range(len(runs), 0, -1):
        longest = max(len(each.label) for each in runs[-count:])
        least = longest if count > _RUNS_KEPT_LONG else min(longest, _SHORT_LABEL)
        for most in range(longest, least - 1, -1):
            line = _as_line(runs[-count:], most)
            if len(line) <= width:
                return line
    return line.cut(width)


def _as_line(runs: Sequence[Run], most: int) -> Line:
    """`most`: characters of a label."""
    line = Line("▌RUNS ", Style.KEY)
    for at, run in enumerate(runs):
        text, style = outcome.in_short(run.outcome)
        line.add(" · " if at else "").add(f"{shortened(run.label, most)} ").add(text, style)
    return line


def _outcome(look: Look, width: int, room: int) -> list[Line]:
    if look.in_full:
        return outcome.rows(look.model, width, look.call, room)
    return outcome.rows(look.model, width, look.call)


def apart(look: Look, live: bool, width: int, room: int) -> list[Line]:
    """The same beneath the outcome."""
    above = [] if look.hidden else _outcome(look, width, room)
    beneath = rows(look, live, width, max(room - len(above), 2))
    if len(above) + len(beneath) > room and not look.in_full:
        above = above[:1]  # the verdict, so that what is told of it can be read to its end
        beneath = rows(look, live, width, max(room - 1, 2))
    gap = [Line()] if len(above) + len(beneath) < room else []
    return [*above, *gap, *beneath]
