"""Two runs side by side, from the first packet that differs: what it was, and what both then told.

    0.501  REGISTER out, alice to pbx: rewritten  ≠  0.501  REGISTER out, alice to pbx: unchanged

What is told alike is faint and stands on both sides; what only one tells stands beside a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import NamedTuple

from appliance.settings.hints import counted
from appliance.sim.difference import Difference, Shown
from tui.draw import outcome
from tui.draw.lines import Line, Style, wrap_words
from tui.look import Run

_BETWEEN = " │ "
_DIFFERS = " ≠ "
_BEFORE = 2
"""Sentences that are alike and stand above the first that differs."""
_HIGHEST = 3
"""Rows that one sentence may take."""


class Said(NamedTuple):
    """What was told, and when (seconds)."""

    t: float
    text: str


class Compared(NamedTuple):
    """`found` is None when no packet differs; `told` are the sentences of both."""

    runs: tuple[Run, Run]
    found: Difference | None
    told: tuple[list[Said], list[Said]]


def head(both: Compared, width: int) -> list[Line]:
    """What was turned in each, and how it ended."""
    room = _room(width)
    line = Line()
    for at, run in enumerate(both.runs):
        text, style = outcome.in_short(run.outcome)
        label = f"{run.label[: room - len(text) - 1]} "
        line.add(_BETWEEN if at else "").add(label, Style.STRONG).add(text, style)
        line.add(" " * (room - len(label) - len(text)))
    return [line]


def body(both: Compared, width: int) -> list[Line]:
    """The first packet that differs, and below it what both told."""
    names = [run.label for run in both.runs]
    return [*_packet(both.found, names, width), Line(), *_told(*both.told, width)]


# --- the packet ----------------------------------------------------------------------------------


def _packet(found: Difference | None, names: Sequence[str], width: int) -> Iterator[Line]:
    if found is None:
        yield Line("No packet differs: not one byte, and none comes earlier or later.")
        return
    said = f"The first packet that differs: {found.t:.3f} s, {found.place}"
    yield from (Line(row, Style.STRONG) for row in wrap_words(said, width))
    yield from _pair(_ends(found.one), _ends(found.other), width)
    lines = [() if each is None else each.lines for each in (found.one, found.other)]
    for here, there in zip_longest(*lines, fillvalue=""):
        yield from _pair(here, there, width)
    if found.reason and found.edited is not None:
        said = f"{names[found.edited]}: {found.reason}"
        yield from (Line(row) for row in wrap_words(said, width))


def _ends(packet: Shown | None) -> str:
    return "no such packet" if packet is None else packet.text


# --- what was told -------------------------------------------------------------------------------


def _told(one: Sequence[Said], other: Sequence[Said], width: int) -> Iterator[Line]:
    texts = [[each.text for each in said] for said in (one, other)]
    is_first = True
    for what, a, b, c, d in SequenceMatcher(None, texts[0], texts[1], autojunk=False).get_opcodes():
        if what == "equal":
            if is_first and b - a > _BEFORE:
                left = counted(b - a - _BEFORE, "sentence")
                yield Line(f"  … {left} alike before", Style.FAINT)
                a, c = b - _BEFORE, d - _BEFORE
            for here, there in zip(one[a:b], other[c:d], strict=True):
                yield from _pair(_timed(here), _timed(there), width, alike=True)
        else:
            for here_or_none, there_or_none in zip_longest(one[a:b], other[c:d]):
                yield from _pair(_timed(here_or_none), _timed(there_or_none), width)
        is_first = False


def _timed(said: Said | None) -> str:
    return "" if said is None else f"{said.t:7.3f}  {said.text}"


def _room(width: int) -> int:
    return (width - len(_BETWEEN)) // 2


def _pair(here: str, there: str, width: int, alike: bool = False) -> Iterator[Line]:
    """A row, or as many as the longer of the two needs."""
    room = _room(width)
    left, right = (wrap_words(text, room)[:_HIGHEST] if text else [] for text in (here, there))
    style = Style.FAINT if alike else Style.PLAIN
    for at, (one, other) in enumerate(zip_longest(left, right, fillvalue="")):
        line = Line(f"{one:<{room}}", style)
        line.add(_BETWEEN if alike or at else _DIFFERS, Style.FAINT if alike or at else Style.BAD)
        yield line.add(other, style)
