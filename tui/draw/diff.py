"""One message before and after the NAT, with a reason for each field: rows of text, no Textual.

The rows only draw what the module said: each change of the message is shown where its span stands,
and the change list is checked against the two texts. A message that differs in a way which no
change explains is drawn with a warning, because that is a fault of the module worth seeing.

Two forms: `split` sets before and after side by side, `unified` sets them one below the other, and
is what a narrow pane has unless it is asked for the other. Reasons stand beneath the rows that they
explain, each with its RFC at the right margin. One field is selected, and one may be the `CAUSE` of
what failed; then the others are drawn faintly.
A message that is text is drawn in lines, and so is one whose protocol has words for it
(`appliance/journal/wording.py`); any other as a hex dump (`blocks.py`). There the reasons also say
what was changed, because nobody reads an address from its bytes:

    ~ 0020 c0 0c 00 01 00 01 00 00 ········│ 0020 c0 0c 00 01 00 01 00 00 ········
      0028 00 3c 00 04«c6 33 64 07»·<···3d·│ 0028 00 3c 00 04«cb 00 71 07»·<····q·
      └─ OK answer[0].address  198.51.100.7 -> 203.0.113.7. The client cannot reach …
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from appliance.journal.events import MessagePassed
from appliance.journal.hexdump import spelled
from appliance.journal.readable import readable
from appliance.journal.rows import (
    FAULTS,
    ByteRows,
    ChangeOf,
    Cut,
    differs_from_wanted,
)
from appliance.journal.wording import in_words
from tui.draw.blocks import Block, Folded, blocks, cut_for, is_explained
from tui.draw.lines import Line, Style, wrap, wrap_words
from tui.endpoint import shortened

ROWS_SHOWN = 400
"""Rows on the screen after which a message is drawn no further."""
MANY = 20
"""Changes of one message from which on a reason is said once, and not with every change."""

SPLIT_FROM = 104
"""Columns of a pane from which on before and after stand side by side."""

WORDS = {"ok": "OK", "missed": "MISSED", "wrong": "WRONG", "broken": "BROKEN", "info": "INFO"}
_WIDE_DUMP = 69
"""Characters that a row of sixteen bytes takes; in a narrower column a row has eight."""


@dataclass(frozen=True)
class Options:
    """What the reader wants to see."""

    unchanged: bool = False  # all lines, or only those with a change
    expected: bool = False  # whole lines as a correct module writes them, where this one did not
    unified: bool | None = None  # None: as the width demands
    terse: bool = False  # a reason only for the selected field and the one that decides

    def is_unified(self, width: int) -> bool:
        return width < SPLIT_FROM if self.unified is None else self.unified


@dataclass(frozen=True)
class Stress:
    """What of a message is stressed: the place of the selected change in `Sheet.changes`, the field
    that decides, whether all other faults did no harm, and the places of changes whose reasons stay
    in few words too."""

    selected: int | None = None
    deciding: str = ""
    harmless: bool = False
    also: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Sheet:
    """A message drawn. `changes` are in the order in which they stand there; `owners` says for each
    of the lines which of them it belongs to, -1 for none."""

    lines: list[Line]
    owners: list[int]
    changes: list[ChangeOf]

    def span_of(self, place: int | None) -> tuple[int, int] | None:
        """The first and the last row of a change."""
        rows = [row for row, owner in enumerate(self.owners) if owner == place]
        return (rows[0], rows[-1]) if rows else None

    def starts(self) -> list[int]:
        """Rows with which something begins: no second half of a sentence."""
        owners = [None, *self.owners]
        return [row for row, owner in enumerate(self.owners) if owner < 0 or owner != owners[row]]


def counts(message: MessagePassed) -> str:
    """`"2 rewritten · 3 missed"`, or what became of the message when nothing was changed."""
    tally = dict.fromkeys(("rewritten", "missed", "wrong", "broken"), 0)
    for change in message.changes:
        tally["rewritten"] += change.before != change.after
        if change.verdict in tally:
            tally[change.verdict] += 1
    said = [f"{count} {word}" for word, count in tally.items() if count]
    return " · ".join(said) or message.verdict


def title(message: MessagePassed, number: int) -> Line:
    """What the pane is called: `message 3 INVITE · 2 rewritten · 3 missed`."""
    return (
        Line(f"message {number} ")
        .add(readable(message.summary) or f"(not {message.alg.upper()})", Style.STRONG)
        .add(f" · {counts(message)}")
    )


def heads(message: MessagePassed, column: int = 80) -> tuple[str, str]:
    """What stands above the two columns; an endpoint that is too long loses its middle."""
    if message.direction == "out":
        before, after = ("inside from", message.source), ("outside from", message.new_source)
    else:
        before = "outside to", message.destination
        after = "inside to", message.new_destination
    left, right = (
        f"{word} {where} {shortened(end, column - len(word) - len(where) - 2)}"
        for word, (where, end) in (("BEFORE", before), ("AFTER", after))
    )
    return left, "DROPPED" if message.verdict == "dropped" else right


def rows(
    message: MessagePassed, width: int, options: Options = Options(), stress: Stress = Stress()
) -> list[Line]:
    """The message, `width` characters wide."""
    return sheet(message, width, options, stress).lines


def sheet(
    message: MessagePassed, width: int, options: Options = Options(), stress: Stress = Stress()
) -> Sheet:
    """The message, `width` characters wide, and what its rows are about."""
    explained = is_explained(message)
    message = in_words(message) if explained else message
    cut = _cut(message, width, options)
    reasons = _Reasons(
        width, isinstance(cut, ByteRows), len(message.changes) > MANY, options.terse, stress
    )
    made = Sheet([], [], [])
    for item in blocks(message, cut, explained, options.unchanged):
        if isinstance(item, Folded):
            _add(made, [Line(f"  … {item.said}", Style.FAINT)])
        elif len(made.lines) >= ROWS_SHOWN:
            left = len(message.changes) - len(made.changes)
            more = f"{left} more changes" if left else "more"
            _add(made, [Line(f"  … {more}", Style.FAINT)])
            break
        else:
            _add_block(made, item, width, options, reasons)
    _add(made, _closing(message, width, not explained))
    return made


def _add(made: Sheet, lines: list[Line], owner: int = -1) -> None:
    made.lines.extend(lines)
    made.owners.extend([owner] * len(lines))


def _add_block(made: Sheet, block: Block, width: int, options: Options, reasons: _Reasons) -> None:
    """The rows of a block and beneath them its reasons, no more of them than a reader can bear."""
    first = len(made.changes)
    mine = list(islice(_drawn(block, width, options), ROWS_SHOWN))
    _add(made, mine, first if block.changes else -1)
    room = ROWS_SHOWN - len(mine)
    for place, change in enumerate(block.changes, first):
        made.changes.append(change)
        said = list(islice(reasons.of(change, place), max(room, 0)))
        room -= len(said)
        _add(made, said, place)
    if room <= 0:
        made.lines[-1] = Line("  … more of these lines", Style.FAINT)


def _cut(message: MessagePassed, width: int, options: Options) -> Cut:
    room = width - 2 if options.is_unified(width) else _column(width)
    return cut_for(message, 16 if room >= _WIDE_DUMP else 8)


def heading(message: MessagePassed, width: int, options: Options = Options()) -> list[Line]:
    """What stands above the rows, and stays there while they scroll."""
    before, after = heads(message, width - 2 if options.is_unified(width) else _column(width))
    if options.is_unified(width):
        both = [Line(f"- {before}", Style.STRONG), Line(f"+ {after}", Style.STRONG)]
        if sum(map(len, both)) + 2 <= width:
            return [both[0].add("  ").extend(both[1])]
        return both
    left, right = Line(before, Style.STRONG), Line(after, Style.STRONG)
    return [_side_by_side(" ", left, right, _column(width))]


def _closing(message: MessagePassed, width: int, has_silent_edit: bool) -> list[Line]:
    if has_silent_edit:
        said = f"{message.module} changed bytes without a reason: these lines show where"
        return [Line(f"! SILENT EDIT: {said}", Style.BAD)]
    if message.changes:
        return []
    note = message.note or "no field of this message names an endpoint that the NAT changed"
    return [Line(f"  {row}", Style.FAINT) for row in wrap_words(note, width - 2)]


def _drawn(block: Block, width: int, options: Options) -> Iterator[Line]:
    if options.is_unified(width):
        yield from _one_below_the_other(block, width, options.terse)
    else:
        yield from _in_two_columns(block, width, options.terse)
    if options.expected:
        yield from _expected(block, width, options)


def _expected(block: Block, width: int, options: Options) -> Iterator[Line]:
    """The lines as a correct module writes them: beneath what left, for the eye to compare."""
    said = Line("a correct ALG writes here:", Style.FAINT)
    for line in block.expected:
        if options.is_unified(width):
            yield from _pieces("?", line, width)
            continue
        column = _column(width)
        for piece in wrap(line, column):
            yield _side_by_side("?", said, piece, column)
            said = Line()


def _column(width: int) -> int:
    """Room of one column: two gutters of two characters, the rest in halves."""
    return max((width - 4) // 2, 8)


def _in_two_columns(block: Block, width: int, terse: bool) -> Iterator[Line]:
    column = _column(width)
    gutter = block.gutter
    left = [piece for line in block.before for piece in _wrapped(line, column, terse)]
    right = [piece for line in block.after for piece in _wrapped(line, column, terse)]
    for index in range(max(len(left), len(right))):
        before = left[index] if index < len(left) else Line()
        after = right[index] if index < len(right) else Line()
        yield _side_by_side(gutter if index == 0 else " ", before, after, column)


def _side_by_side(gutter: str, left: Line, right: Line, column: int) -> Line:
    line = Line(f"{gutter} ", Style.BAD if gutter == "!" else Style.FAINT)
    line.extend(left.cut(column)).pad(column + 2)
    return line.add("│ ", Style.FAINT).extend(right.cut(column))


def _one_below_the_other(block: Block, width: int, terse: bool) -> Iterator[Line]:
    if not block.differs:
        for line in block.before:
            yield from _pieces(block.gutter, line, width, terse)
        return
    for line in block.before:
        yield from _pieces("-", line, width, terse)
    for line in block.after:
        yield from _pieces("+", line, width, terse)


def _wrapped(line: Line, width: int, terse: bool) -> list[Line]:
    """The line in pieces; in few words without those in which nothing is marked."""
    pieces = wrap(line, width)
    if terse and all(span.style is Style.PLAIN for piece in pieces[1:] for span in piece.spans):
        return [line.cut(width)]
    return pieces


def _pieces(gutter: str, line: Line, width: int, terse: bool = False) -> Iterator[Line]:
    style = {"!": Style.BAD, "?": Style.GOOD}.get(gutter, Style.FAINT)
    for index, piece in enumerate(_wrapped(line, max(width - 2, 8), terse)):
        yield Line(f"{gutter if index == 0 else ' '} ", style).extend(piece)


class _Reasons:
    """The reasons of one message's changes; of many changes each reason only once."""

    def __init__(
        self, width: int, is_binary: bool, are_many: bool, are_few: bool, stress: Stress
    ) -> None:
        """`are_few`: only those of the selected field and of the one that decides."""
        self._width = width
        self._is_binary = is_binary
        self._are_many = are_many
        self._are_few = are_few
        self._stress = stress
        self._said: set[tuple[str, str]] = set()

    def of(self, change: ChangeOf, place: int) -> Iterator[Line]:
        """`  └─ MISSED sdp.c  should be 203.0.113.1. The peer will send …       RFC 8866 5.7`"""
        selected = place == self._stress.selected
        decides = bool(change.field) and change.field == self._stress.deciding
        if self._are_few and not selected and not decides and place not in self._stress.also:
            return
        word = WORDS.get(change.verdict, change.verdict.upper())
        head = f" └─ {word}{' CAUSE' * decides} {change.field}  "
        why, rfc = self._why(change)
        said = f"{_values(change, self._is_binary)}{why}".strip()
        faint = self._stress.harmless and change.verdict in FAULTS and not decides
        style = Style.BAD if change.verdict in FAULTS else Style.GOOD
        room = max(self._width - len(head) - 1, 16)
        for row, text in enumerate(_with_rule_at_the_right(said, rfc, room)):
            mark = "▸" if selected and row == 0 else " "
            line = Line(mark, Style.CURSOR if mark != " " else Style.PLAIN)
            line.add(head if row == 0 else " " * len(head), Style.FAINT if faint else style)
            yield line.add(text, Style.FAINT if faint else Style.PLAIN)

    def _why(self, change: ChangeOf) -> tuple[str, str]:
        why = change.reason, change.rfc
        if self._are_many and why in self._said:
            return "(as above)", ""
        self._said.add(why)
        return why


def _with_rule_at_the_right(said: str, rule: str, room: int) -> list[str]:
    """A sentence folded to `room` characters, and its rule at the end of the last row, or of one
    more."""
    rows = wrap_words(said, room)
    if not rule:
        return rows
    if len(rows[-1]) + 2 + len(rule) > room:
        rows.append("")
    rows[-1] += rule.rjust(room - len(rows[-1]))
    return rows


def _values(change: ChangeOf, is_binary: bool) -> str:
    """What was, became and should have been, as far as the rows above do not say it."""
    expected = change.expected if differs_from_wanted(change) else None
    if not is_binary:
        return "" if expected is None else f"should be {readable(expected)}. "
    said = spelled(change.field, change.before)
    if change.after != change.before:
        said += f" -> {spelled(change.field, change.after)}"
    if expected is None:
        return f"{said}. "
    comma = "," if change.after != change.before else ""
    return f"{said}{comma} should be {spelled(change.field, expected)}. "
