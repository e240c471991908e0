"""One message before and after the NAT, with a reason for each field: rows of text, no Textual.

The rows only draw what the module said: each change of the message is shown where its span stands,
and the change list is checked against the two texts. A message that differs in a way which no
change explains is drawn with a warning, because that is a fault of the module worth seeing.

Two forms: `split` sets before and after side by side (two columns, as narrow as 38 characters
each), `unified` sets them one below the other. Reasons stand beneath the line that they explain.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from appliance.journal.events import Change, MessagePassed
from tui.draw.lines import Line, Style, wrap, wrap_words
from tui.model import FAULTS

LINES_SHOWN = 400
"""Lines of one message that are drawn at most: a message may have 32,000 of them."""

WORDS = {"ok": "OK", "missed": "MISSED", "wrong": "WRONG", "broken": "BROKEN", "info": "INFO"}
_GUTTERS = {"ok": "~", "missed": "!", "wrong": "!", "broken": "!", "info": "i"}


@dataclass(frozen=True)
class Options:
    """What the reader wants to see."""

    unchanged: bool = False  # all lines, or only those with a change
    expected: bool = False  # whole lines as a correct module writes them, where this one did not
    unified: bool = False


@dataclass(frozen=True)
class Block:
    """Neighbouring lines that stand or change together; mostly one line."""

    before: tuple[Line, ...]
    after: tuple[Line, ...]
    expected: tuple[Line, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.changes) or self.before != self.after

    @property
    def gutter(self) -> str:
        """The mark of the worst change; `=` where there is none."""
        worst = min(self.changes, key=_severity, default=None)
        if worst is None:
            return "!" if self.changed else "="
        return _GUTTERS.get(worst.verdict, "?")


def _severity(change: Change) -> int:
    order = ("broken", "wrong", "missed", "ok", "info")
    return order.index(change.verdict) if change.verdict in order else 0


def counts(message: MessagePassed) -> str:
    """`"2 rewritten · 3 missed"`, or what became of the message when nothing was changed."""
    tally = dict.fromkeys(("rewritten", "missed", "wrong", "broken"), 0)
    for change in message.changes:
        tally["rewritten"] += change.before != change.after
        if change.verdict in tally:
            tally[change.verdict] += 1
    said = [f"{count} {word}" for word, count in tally.items() if count]
    return " · ".join(said) or message.verdict


def is_explained(message: MessagePassed) -> bool:
    """Do the changes, applied to `before`, give `after`? (Promise 2: no silent edit.)"""
    if message.verdict == "dropped":
        return True
    return _applied(message.before, message.changes) == message.after


def _applied(text: str, changes: Sequence[Change], offset: int = 0) -> str:
    pieces, at = [], 0
    for change in sorted(changes, key=lambda change: change.span):
        start, end = change.span[0] - offset, change.span[1] - offset
        pieces += [text[at:start], change.after]
        at = max(at, end)
    return "".join(pieces) + text[at:]


# --- from a message to blocks -----------------------------------------------------------------


def blocks(message: MessagePassed) -> list[Block]:
    """The message as blocks, in its own order."""
    if not is_explained(message):
        return _compared(message)
    return list(_followed(message))


def _followed(message: MessagePassed) -> Iterator[Block]:
    """Blocks made by following the changes through the text."""
    waiting = sorted(message.changes, key=lambda change: change.span)
    lines = _line_spans(message.before)
    for start, first_end in lines:
        end = first_end
        mine: list[Change] = []
        while waiting and waiting[0].span[0] <= end:
            mine.append(waiting.pop(0))
            while end < mine[-1].span[1] and (further := next(lines, None)):
                end = further[1]
        yield _block(message.before[start:end], start, mine)


def _line_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each line, without its line end."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        if end < 0:
            yield start, len(text)
            return
        yield start, end - 1 if end > start and text[end - 1] == "\r" else end
        start = end + 1


def _block(text: str, offset: int, changes: list[Change]) -> Block:
    if not changes:
        line = (Line(text),)
        return Block(line, line)
    at_fault = any(_differs_from_expected(change) for change in changes)
    return Block(
        _marked(text, offset, changes, [change.before for change in changes]),
        _marked(text, offset, changes, [change.after for change in changes]),
        _marked(text, offset, changes, [_wanted(change) for change in changes]) if at_fault else (),
        tuple(changes),
    )


def _differs_from_expected(change: Change) -> bool:
    return change.verdict in FAULTS and change.expected not in (None, change.after)


def _wanted(change: Change) -> str:
    return change.after if change.expected is None else change.expected


def _marked(text: str, offset: int, changes: list[Change], values: list[str]) -> tuple[Line, ...]:
    """`text` with each change's value in its place: between « and » where it is not what stood
    there, in the style of a fault where it should not have stayed."""
    rows, at = [Line()], 0
    for change, value in zip(changes, values, strict=True):
        start, end = change.span[0] - offset, change.span[1] - offset
        _append(rows, text[at:start], Style.PLAIN)
        touched = change.after != change.before or value != change.before
        if touched:
            _append(rows, f"«{value}»", Style.CHANGED)
        else:
            _append(rows, value, Style.BAD if change.verdict in FAULTS else Style.PLAIN)
        at = max(at, end)
    _append(rows, text[at:], Style.PLAIN)
    return tuple(rows)


def _append(rows: list[Line], text: str, style: Style) -> None:
    first, *others = text.replace("\r\n", "\n").split("\n")
    rows[-1].add(first, style)
    rows.extend(Line(other, style) for other in others)


def _compared(message: MessagePassed) -> list[Block]:
    """Blocks of a message whose changes do not explain it: by comparing lines."""
    before, after = _first_lines(message.before), _first_lines(message.after)
    found = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            found += [Block((row := Line(line),), (row,)) for line in before[a:b]]
        else:
            left = tuple(Line(line, Style.BAD) for line in before[a:b])
            right = tuple(Line(line, Style.BAD) for line in after[c:d])
            found.append(Block(left, right))
    return found


def _first_lines(text: str) -> list[str]:
    return [text[start:end] for start, end in islice(_line_spans(text), LINES_SHOWN)]


# --- from blocks to rows ----------------------------------------------------------------------


def title(message: MessagePassed, number: int) -> Line:
    """What the pane is called: `message 3 INVITE · 2 rewritten · 3 missed`."""
    return (
        Line(f"message {number} ")
        .add(message.summary or "(not SIP)", Style.STRONG)
        .add(f" · {counts(message)}")
    )


def heads(message: MessagePassed) -> tuple[str, str]:
    """What stands above the two columns."""
    if message.direction == "out":
        before, after = f"inside from {message.source}", f"outside from {message.new_source}"
    else:
        before = f"outside to {message.destination}"
        after = f"inside to {message.new_destination}"
    return f"BEFORE {before}", "DROPPED" if message.verdict == "dropped" else f"AFTER {after}"


def rows(message: MessagePassed, width: int, options: Options = Options()) -> list[Line]:
    """The message, `width` characters wide."""
    all_blocks = blocks(message)
    drawn: list[Line] = []
    for item in _folded(all_blocks[:LINES_SHOWN], options):
        if isinstance(item, int):
            drawn.append(Line(f"  … {item} unchanged lines", Style.FAINT))
        else:
            drawn += _drawn(item, width, options)
    if len(all_blocks) > LINES_SHOWN:
        drawn.append(Line(f"  … {len(all_blocks) - LINES_SHOWN} more lines", Style.FAINT))
    return drawn + _closing(message, width)


def row_of(drawn: Sequence[Line], field: str) -> int:
    """The row of a field's reason; 0 when it has none."""
    for at, line in enumerate(drawn):
        if line.spans and line.spans[0].text.endswith(f" {field}  "):
            return at
    return 0


def heading(message: MessagePassed, width: int, options: Options = Options()) -> list[Line]:
    """What stands above the rows, and stays there while they scroll."""
    before, after = heads(message)
    if options.unified:
        return [Line(f"- {before}", Style.STRONG), Line(f"+ {after}", Style.STRONG)]
    left, right = Line(before, Style.STRONG), Line(after, Style.STRONG)
    return [_side_by_side(" ", left, right, _column(width))]


def _closing(message: MessagePassed, width: int) -> list[Line]:
    if not is_explained(message):
        said = f"{message.module} changed bytes without a reason: these lines show where"
        return [Line(f"! SILENT EDIT: {said}", Style.BAD)]
    if message.changes:
        return []
    note = message.note or "no field of this message names an endpoint that the NAT changed"
    return [Line(f"  {row}", Style.FAINT) for row in wrap_words(note, width - 2)]


def _folded(all_blocks: Sequence[Block], options: Options) -> Iterator[Block | int]:
    """Blocks, and in the place of a run of unchanged ones its length. The start line stays."""
    show_all = options.unchanged or not any(block.changed for block in all_blocks)
    run: list[Block] = []
    for index, block in enumerate(all_blocks):
        if show_all or block.changed or index == 0:
            yield from _closed(run)
            run = []
            yield block
        else:
            run.append(block)
    yield from _closed(run)


def _closed(run: list[Block]) -> Iterator[Block | int]:
    if len(run) == 1:
        yield run[0]
    elif run:
        yield len(run)


def _drawn(block: Block, width: int, options: Options) -> Iterator[Line]:
    if options.unified:
        yield from _one_below_the_other(block, width)
    else:
        yield from _in_two_columns(block, width)
    if options.expected:
        yield from _expected(block, width, options)
    for change in block.changes:
        yield from _reason(change, width)


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
    line.extend(Line().extend(left).pad(column)).add("│ ", Style.FAINT)
    return line.extend(Line().extend(right).cut(column))


def _one_below_the_other(block: Block, width: int) -> Iterator[Line]:
    same = [line.plain for line in block.before] == [line.plain for line in block.after]
    if same:
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


def _reason(change: Change, width: int) -> Iterator[Line]:
    """`└─ MISSED sdp.c  should be 203.0.113.1. The peer will send audio to … RFC 8866 5.7`"""
    word = WORDS.get(change.verdict, change.verdict.upper())
    head = f"  └─ {word} {change.field}  "
    wanted = f"should be {change.expected}. " if _differs_from_expected(change) else ""
    said = f"{wanted}{change.reason} {change.rfc}".strip()
    style = Style.BAD if change.verdict in FAULTS else Style.GOOD
    first, *others = wrap_words(said, max(width - len(head), 16))
    yield Line(head, style).add(first)
    for row in others:
        yield Line(" " * len(head)).add(row)
