"""A message before and after, as blocks of rows: what the before/after view sets side by side.

A message is cut in one place (`cut_for`), into lines when it is text and into rows of bytes when it
is not. From there on both are the same: rows that stand, rows that a change touches, rows in which
the two texts differ although no change says so. Rows that stand are folded, and are not even looked
at before somebody asks for them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from appliance.journal.events import MessagePassed
from appliance.journal.hexdump import dumped
from appliance.journal.readable import readable
from appliance.journal.rows import (
    ByteRows,
    ChangeOf,
    Cut,
    Mark,
    Passage,
    Row,
    Run,
    Stretch,
    TextLines,
    after_of,
    applied,
    before_of,
    differs_from_wanted,
    is_text,
    passages,
    rows,
    runs,
    wanted,
)
from tui.draw.lines import Line, Style

LINES_SHOWN = 400
"""Rows of one message that are drawn at most: a message may have 32,000 lines."""

_PASSAGE = 200
"""Rows of one change that are drawn at most."""
_LONG, _NEAR = 4_000, 24
"""Characters from which on a passage of text is shortened, and how many stay near a change."""
_COMPARED = 200
"""Lines of two texts that are compared with each other at most."""

_GUTTERS = {"ok": "~", "missed": "!", "wrong": "!", "broken": "!", "info": "i"}
_SEVERITY = ("broken", "wrong", "missed", "ok", "info")


@dataclass(frozen=True)
class Block:
    """Neighbouring rows that stand or change together; mostly one row."""

    before: tuple[Line, ...]
    after: tuple[Line, ...]
    expected: tuple[Line, ...] = ()
    changes: tuple[ChangeOf, ...] = ()
    differs: bool = False
    """Are the bytes after other ones than before?"""

    @property
    def gutter(self) -> str:
        """The mark of the worst change; `=` where there is none."""
        worst = min(self.changes, key=_severity, default=None)
        if worst is None:
            return "!" if self.differs else "="
        return _GUTTERS.get(worst.verdict, "?")


@dataclass(frozen=True)
class Folded:
    """What stands in the place of rows that are not drawn: `5 unchanged lines`."""

    said: str


@dataclass(frozen=True)
class _Silent:
    """Rows that differ although no change says so: a stretch before, and what it became."""

    before: tuple[int, int]
    after: tuple[int, int]


_Part = Stretch | Passage | _Silent


def _severity(change: ChangeOf) -> int:
    return _SEVERITY.index(change.verdict) if change.verdict in _SEVERITY else 0


def cut_for(message: MessagePassed, bytes_in_row: int) -> Cut:
    """Lines when all of the message is text, else rows of so many bytes."""
    if is_text(message.before) and is_text(message.after):
        return TextLines()
    return ByteRows(bytes_in_row)


def is_explained(message: MessagePassed) -> bool:
    """Do the changes, applied to `before`, give `after`? (Promise 2: no silent edit.)"""
    if message.verdict == "dropped":
        return True
    return applied(message.before, message.changes) == message.after


def blocks(
    message: MessagePassed, cut: Cut, explained: bool = True, unchanged: bool = False
) -> Iterator[Block | Folded]:
    """The message as blocks, in its own order. `explained`: what `is_explained` says of it.
    `unchanged`: also those in which nothing changes; a message in which nothing changes at all is
    shown in any case."""
    if not explained:
        return _Blocks(message, cut, unchanged).made_of(_compared(message, cut))
    parts = passages(message.before, message.changes, cut)
    return _Blocks(message, cut, unchanged or not message.changes).made_of(parts)


class _Blocks:
    """Makes the blocks of one message, and no more of them than a reader can bear."""

    def __init__(self, message: MessagePassed, cut: Cut, unchanged: bool) -> None:
        self._message = message
        self._cut = cut
        self._room = LINES_SHOWN if unchanged else 0

    def made_of(self, parts: Iterable[_Part]) -> Iterator[Block | Folded]:
        changed = 0
        for part in parts:
            if isinstance(part, Stretch):
                yield from self._standing(part)
                continue
            if changed == LINES_SHOWN:
                yield Folded("more changes, and more lines between them")
                return
            changed += 1
            yield self._passage(part) if isinstance(part, Passage) else self._silent(part)

    def _standing(self, stretch: Stretch) -> Iterator[Block | Folded]:
        """Rows that stand; where there is no room for them a word instead. The first row of a
        message always stays, and one row takes no more room than the word."""
        before, cut = self._message.before, self._cut
        at = stretch.start
        is_alone = cut.count(before, at, stretch.end) == 1
        least = 1 if is_alone or at == 0 else 0
        has_room = self._room > least
        for row in islice(rows(before, cut, at, stretch.end), max(self._room, least)):
            yield self._row(row, stretch.shift)
            at = row.following
            self._room -= self._room > 0
        if at >= stretch.end:
            return
        if cut.count(before, at, stretch.end) == 1:
            yield self._row(cut.row_at(before, at), stretch.shift)
            return
        word = "more" if has_room else "unchanged"
        yield Folded(f"{cut.amount(before, at, stretch.end)} {word} {cut.unit}")

    def _row(self, row: Row, shift: int) -> Block:
        standing = [Run(self._message.before[row.start : row.end])]
        before = self._lines(standing, row.start)
        return Block(before, self._lines(standing, row.start + shift) if shift else before)

    def _passage(self, part: Passage) -> Block:
        text, at = self._message.before, part.start
        changes = tuple(placed.change for placed in part.changes)
        expected: tuple[Line, ...] = ()
        if any(differs_from_wanted(change) for change in changes):
            expected = self._lines(runs(text, part, wanted), at + part.wanted_shift)
        return Block(
            self._lines(runs(text, part, before_of), at),
            self._lines(runs(text, part, after_of), at + part.shift),
            expected,
            changes,
            any(change.before != change.after for change in changes),
        )

    def _silent(self, part: _Silent) -> Block:
        before = self._bytes_of(self._message.before, *part.before)
        after = self._bytes_of(self._message.after, *part.after)
        same = _in_common(before or "", after or "")
        return Block(
            () if before is None else self._lines(_unexplained(before, same), part.before[0]),
            () if after is None else self._lines(_unexplained(after, same), part.after[0]),
            differs=True,
        )

    def _bytes_of(self, text: str, start: int, end: int) -> str | None:
        """A stretch without its last line end; None when there is not one row in it."""
        return text[start : self._cut.row_at(text, end - 1).end] if start < end else None

    def _lines(self, some: Iterable[Run], offset: int) -> tuple[Line, ...]:
        if isinstance(self._cut, ByteRows):
            dump = dumped(some, offset, self._cut.width)
            lines = [_dump_line(pieces) for pieces in islice(dump, _PASSAGE)]
            if next(dump, None) is not None:
                lines.append(Line("…", Style.FAINT))
            return tuple(lines)
        return tuple(_text_lines(_shortened(list(some))))


def _dump_line(pieces: Iterable[Run]) -> Line:
    line = Line()
    for run in pieces:
        style = Style.CHANGED if run.mark is Mark.CHANGED else Style.PLAIN
        line.add(run.text, Style.BAD if run.is_bad else style)
    return line


def _shortened(some: list[Run]) -> list[Run]:
    """The same, but where a passage is very long, of what stands between its changes only the
    beginning and the end."""
    if sum(len(run.text) for run in some) <= _LONG:
        return some
    return [
        Run(f"{run.text[:_NEAR]} … {run.text[-_NEAR:]}")
        if run.mark is Mark.SAME and len(run.text) > 3 * _NEAR
        else run
        for run in some
    ]


def _text_lines(some: Iterable[Run]) -> list[Line]:
    """Lines of text, what was changed between « and », in the style of a fault what should not
    have stayed."""
    lines = [Line()]
    for run in some:
        text = readable(run.text)
        text = f"«{text}»" if run.mark is Mark.CHANGED else text
        style = Style.BAD if run.is_bad else Style.PLAIN
        style = Style.CHANGED if run.mark is Mark.CHANGED else style
        first, *others = text.replace("\r\n", "\n").split("\n", _PASSAGE)
        lines[-1].add(first, style)
        lines.extend(Line(other, style) for other in others)
        if len(lines) > _PASSAGE:
            return [*lines[:_PASSAGE], Line("…", Style.FAINT)]
    return lines


# --- messages whose changes do not explain them ------------------------------------------------


def _compared(message: MessagePassed, cut: Cut) -> Iterator[_Part]:
    """The parts of a message whose changes do not explain it: by comparing the two texts."""
    before, after = message.before, message.after
    head, tail = _in_common(before, after)
    start = cut.row_at(before, head).start
    end = min(cut.last_row(before, len(before) - tail).following, len(before))
    after_end = end + len(after) - len(before)
    if start:
        yield Stretch(0, start, 0)
    if isinstance(cut, TextLines):
        yield from _compared_lines(message, cut, (start, end), (start, after_end))
    elif len(before) == len(after):
        yield from _compared_bytes(message, cut, start, end)
    else:
        yield _Silent((start, end), (start, after_end))
    if end < len(before):
        yield Stretch(end, len(before), after_end - end)


def _in_common(before: str, after: str) -> tuple[int, int]:
    """How many characters are the same at the beginning, and how many of the others at the end."""
    head = _common_start(before, after)
    return head, _common_start(before[head:][::-1], after[head:][::-1])


def _common_start(one: str, other: str) -> int:
    """By halving: comparing a thousand characters costs as little as comparing one."""
    same, differs = 0, min(len(one), len(other)) + 1
    while differs - same > 1:
        middle = (same + differs) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            differs = middle
    return same


def _compared_lines(
    message: MessagePassed, cut: Cut, before: tuple[int, int], after: tuple[int, int]
) -> Iterator[_Part]:
    """Line by line, as far as there is room for them; what comes behind differs as a whole."""
    old = list(islice(rows(message.before, cut, *before), _COMPARED))
    new = list(islice(rows(message.after, cut, *after), _COMPARED))
    old_ends = [before[0], *(min(row.following, before[1]) for row in old)]
    new_ends = [after[0], *(min(row.following, after[1]) for row in new)]
    matcher = difflib.SequenceMatcher(
        None,
        [message.before[row.start : row.end] for row in old],
        [message.after[row.start : row.end] for row in new],
        autojunk=False,
    )
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            yield Stretch(old_ends[a], old_ends[b], new_ends[c] - old_ends[a])
        else:
            yield _Silent((old_ends[a], old_ends[b]), (new_ends[c], new_ends[d]))
    if (old_ends[-1], new_ends[-1]) != (before[1], after[1]):
        yield _Silent((old_ends[-1], before[1]), (new_ends[-1], after[1]))


def _compared_bytes(message: MessagePassed, cut: Cut, start: int, end: int) -> Iterator[_Part]:
    """Row by row: two messages of the same length differ in some places and stand in others."""
    stands_since = start
    for row in rows(message.before, cut, start, end):
        place = row.start, row.end
        if message.before[slice(*place)] == message.after[slice(*place)]:
            continue
        if row.start > stands_since:
            yield Stretch(stands_since, row.start, 0)
        yield _Silent(place, place)
        stands_since = row.following
    if stands_since < end:
        yield Stretch(stands_since, end, 0)


def _unexplained(text: str, same: tuple[int, int]) -> Iterator[Run]:
    """`text`, of which nobody said why it is not the same but at its beginning and its end."""
    head, end = same[0], len(text) - same[1]
    marks = (Mark.SAME, Mark.LEFT, Mark.SAME)
    for piece, mark in zip((text[:head], text[head:end], text[end:]), marks, strict=True):
        if piece:
            yield Run(piece, mark, mark is Mark.LEFT)
