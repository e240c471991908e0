"""One message before and after the NAT, with a reason for each field: rows of text, no Textual.

The rows only draw what the module said: each change of the message is shown where its span stands,
and the change list is checked against the two texts. A message that differs in a way which no
change explains is drawn with a warning, because that is a fault of the module worth seeing.

Two forms: `split` sets before and after side by side (two columns, as narrow as 38 characters
each), `unified` sets them one below the other. Reasons stand beneath the rows that they explain.
A message that is text is drawn in lines, any other as a hex dump (`blocks.py`); there the reasons
also say what was changed, because nobody reads an address from its bytes:

    ~ 0020 c0 0c 00 01 00 01 00 00 ········│ 0020 c0 0c 00 01 00 01 00 00 ········
      0028 00 3c 00 04«c6 33 64 07»·<···3d·│ 0028 00 3c 00 04«cb 00 71 07»·<····q·
      └─ OK answer[0].address  198.51.100.7 -> 203.0.113.7. The client cannot reach …
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from appliance.journal.events import MessagePassed
from appliance.journal.hexdump import spelled
from appliance.journal.rows import (
    FAULTS,
    ByteRows,
    ChangeOf,
    Cut,
    differs_from_wanted,
)
from tui.draw.blocks import Block, Folded, blocks, cut_for, is_explained
from tui.draw.lines import Line, Style, wrap, wrap_words
from tui.endpoint import shortened

ROWS_SHOWN = 400
"""Rows on the screen after which a message is drawn no further."""
MANY = 20
"""Changes of one message from which on a reason is said once, and not with every change."""

WORDS = {"ok": "OK", "missed": "MISSED", "wrong": "WRONG", "broken": "BROKEN", "info": "INFO"}
_WIDE_DUMP = 69
"""Characters that a row of sixteen bytes takes; in a narrower column a row has eight."""


@dataclass(frozen=True)
class Options:
    """What the reader wants to see."""

    unchanged: bool = False  # all lines, or only those with a change
    expected: bool = False  # whole lines as a correct module writes them, where this one did not
    unified: bool = False


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
        .add(message.summary or f"(not {message.alg.upper()})", Style.STRONG)
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


def rows(message: MessagePassed, width: int, options: Options = Options()) -> list[Line]:
    """The message, `width` characters wide."""
    cut = _cut(message, width, options)
    reasons = _Reasons(width, isinstance(cut, ByteRows), len(message.changes) > MANY)
    drawn: list[Line] = []
    left = len(message.changes)
    explained = is_explained(message)
    for item in blocks(message, cut, explained, options.unchanged):
        if isinstance(item, Folded):
            drawn.append(Line(f"  … {item.said}", Style.FAINT))
        elif len(drawn) >= ROWS_SHOWN:
            more = f"{left} more changes" if left else "more"
            drawn.append(Line(f"  … {more}", Style.FAINT))
            break
        else:
            mine = list(islice(_drawn(item, width, options, reasons), ROWS_SHOWN))
            if len(mine) == ROWS_SHOWN:
                mine[-1] = Line("  … more of these lines", Style.FAINT)
            drawn += mine
            left -= len(item.changes)
    return drawn + _closing(message, width, not explained)


def _cut(message: MessagePassed, width: int, options: Options) -> Cut:
    room = width - 2 if options.unified else _column(width)
    return cut_for(message, 16 if room >= _WIDE_DUMP else 8)


def row_of(drawn: Sequence[Line], field: str) -> int:
    """The row of a field's reason; 0 when it has none, or no field is asked for."""
    if not field:
        return 0
    for at, line in enumerate(drawn):
        if line.spans and line.spans[0].text.endswith(f" {field}  "):
            return at
    return 0


def heading(message: MessagePassed, width: int, options: Options = Options()) -> list[Line]:
    """What stands above the rows, and stays there while they scroll."""
    before, after = heads(message, width - 2 if options.unified else _column(width))
    if options.unified:
        return [Line(f"- {before}", Style.STRONG), Line(f"+ {after}", Style.STRONG)]
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


def _drawn(block: Block, width: int, options: Options, reasons: _Reasons) -> Iterator[Line]:
    if options.unified:
        yield from _one_below_the_other(block, width)
    else:
        yield from _in_two_columns(block, width)
    if options.expected:
        yield from _expected(block, width, options)
    for change in block.changes:
        yield from reasons.of(change)


def _expected(block: Block, width: int, options: Options) -> Iterator[Line]:
    """The lines as a correct module writes them: beneath what left, for the eye to compare."""
    said = Line("a correct ALG writes here:", Style.FAINT)
    for line in block.expected:
        if options.unified:
            yield from _pieces("?", line, width)
            continue
        column = _column(width)
        for piece in wrap(line, column):
            yield _side_by_side("?", said, piece, column)
            said = Line()


def _column(width: int) -> int:
    """Room of one column: two gutters of two characters, the rest in halves."""
    return max((width - 4) // 2, 8)


def _in_two_columns(block: Block, width: int) -> Iterator[Line]:
    column = _column(width)
    gutter = block.gutter
    left = [piece for line in block.before for piece in wrap(line, column)]
    right = [piece for line in block.after for piece in wrap(line, column)]
    for index in range(max(len(left), len(right))):
        before = left[index] if index < len(left) else Line()
        after = right[index] if index < len(right) else Line()
        yield _side_by_side(gutter if index == 0 else " ", before, after, column)


def _side_by_side(gutter: str, left: Line, right: Line, column: int) -> Line:
    line = Line(f"{gutter} ", Style.BAD if gutter == "!" else Style.FAINT)
    line.extend(left.cut(column)).pad(column + 2)
    return line.add("│ ", Style.FAINT).extend(right.cut(column))


def _one_below_the_other(block: Block, width: int) -> Iterator[Line]:
    if not block.differs:
        for line in block.before:
            yield from _pieces(block.gutter, line, width)
        return
    for line in block.before:
        yield from _pieces("-", line, width)
    for line in block.after:
        yield from _pieces("+", line, width)


def _pieces(gutter: str, line: Line, width: int) -> Iterator[Line]:
    style = {"!": Style.BAD, "?": Style.GOOD}.get(gutter, Style.FAINT)
    for index, piece in enumerate(wrap(line, max(width - 2, 8))):
        yield Line(f"{gutter if index == 0 else ' '} ", style).extend(piece)


class _Reasons:
    """The reasons of one message's changes; of many changes each reason only once."""

    def __init__(self, width: int, is_binary: bool, are_many: bool) -> None:
        self._width = width
        self._is_binary = is_binary
        self._are_many = are_many
        self._said: set[tuple[str, str]] = set()

    def of(self, change: ChangeOf) -> Iterator[Line]:
        """`└─ MISSED sdp.c  should be 203.0.113.1. The peer will send audio to … RFC 8866 5.7`"""
        word = WORDS.get(change.verdict, change.verdict.upper())
        head = f"  └─ {word} {change.field}  "
        said = f"{_values(change, self._is_binary)}{self._why(change)}".strip()
        style = Style.BAD if change.verdict in FAULTS else Style.GOOD
        first, *others = wrap_words(said, max(self._width - len(head), 16))
        yield Line(head, style).add(first)
        for row in others:
            yield Line(" " * len(head)).add(row)

    def _why(self, change: ChangeOf) -> str:
        why = change.reason, change.rfc
        if self._are_many and why in self._said:
            return "(as above)"
        self._said.add(why)
        return " ".join(why)


def _values(change: ChangeOf, is_binary: bool) -> str:
    """What was, became and should have been, as far as the rows above do not say it."""
    expected = change.expected if differs_from_wanted(change) else None
    if not is_binary:
        return "" if expected is None else f"should be {expected}. "
    said = spelled(change.field, change.before)
    if change.after != change.before:
        said += f" -> {spelled(change.field, change.after)}"
    if expected is None:
        return f"{said}. "
    comma = "," if change.after != change.before else ""
    return f"{said}{comma} should be {spelled(change.field, expected)}. "
