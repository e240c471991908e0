"""The same message as it leaves under several modules, a column for each.

                    off                       sip                       sip-poor:no-sdp
    c=IN IP4 192…   c=IN IP4 192.168.20.100   c=IN IP4 203.0.113.1      c=IN IP4 192.168.20.100

Only lines that are not the same under all of them stand there. A line that left as it came is
faint; one that was changed is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from appliance.settings.hints import counted
from tui.draw.lines import Line, Style

_LEAST = 26
"""Characters of a column at least; what has no room then is named below."""
_HIGHEST = 3
"""Rows that one line may take."""
_GAP = "  "
_NONE = "(no such message)"


class Under(NamedTuple):
    """What became of the message under a SPEC: None where there was no such message."""

    spec: str
    after: str | None


def columns(before: str, found: Sequence[Under], width: int) -> list[Line]:
    """The heading and the lines that differ."""
    most = max(width // (_LEAST + len(_GAP)), 1)
    shown, left = found[:most], found[most:]
    room = (width - len(_GAP) * (len(shown) - 1)) // max(len(shown), 1)
    heading = Line()
    for at, each in enumerate(shown):
        heading.add(_GAP if at else "").add(f"{each.spec[:room]:<{room}}", Style.KEY)
    lines = [heading, *_rows(before, shown, room)]
    if left:
        names = ", ".join(each.spec for each in left)
        lines.append(Line(f"In a wider window also: {names}", Style.FAINT))
    return lines


def _rows(before: str, shown: Sequence[Under], room: int) -> Iterator[Line]:
    texts = [before, *(before if each.after is None else each.after for each in shown)]
    alike = 0
    for original, *others in zip_longest(*(text.split("\r\n") for text in texts), fillvalue=""):
        if all(other == original for other in others):
            alike += 1
            continue
        if alike:
            yield _folded(alike)
            alike = 0
        yield from _row(original, others, shown, room)
    if alike:
        yield _folded(alike)


def _folded(alike: int) -> Line:
    return Line(f"… {counted(alike, 'line')} left as they came under all", Style.FAINT)


def _row(original: str, others: Sequence[str], shown: Sequence[Under], room: int) -> Iterator[Line]:
    """A line of the message in each column, in as many rows as the longest needs."""
    cells = [
        _pieces(_NONE if under.after is None else other, room)
        for other, under in zip(others, shown, strict=True)
    ]
    styles = [
        Style.STRONG if under.after is not None and other != original else Style.FAINT
        for other, under in zip(others, shown, strict=True)
    ]
    for pieces in zip_longest(*cells, fillvalue=""):
        line = Line()
        for at, (piece, style) in enumerate(zip(pieces, styles, strict=True)):
            line.add(_GAP if at else "").add(f"{piece:<{room}}", style)
        yield line


def _pieces(text: str, room: int) -> list[str]:
    """Broken where the room ends: the end of a line tells as much as its beginning."""
    pieces = [text[start : start + room] for start in range(0, len(text), room)] or [""]
    return pieces if len(pieces) <= _HIGHEST else [*pieces[: _HIGHEST - 1], "…"]
