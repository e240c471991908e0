"""What a module did to a message, beside what the correct module would have done.

One row for each place that either of them changes. The verdicts: `ok` (the same result), `missed`
(the correct one changes it, this one does not), `wrong` (another result, or a change where there
should be none), `broken` (a change after which the message cannot be read any more, or whose
length is a lie) and `info` (a change whose rule begins with `info-`: worth seeing, not judged).

Places are compared by what stands there afterwards, not by the edits that put it there, because two
modules may cut the same change differently:

    Contact: <sip:a@192.168.20.100:5060>            a place: 16 to 35
                    └────────── one edit ┘          the correct module: 203.0.113.1:5060
                    └─ one edit ─┘                  the active module:  203.0.113.1
    Contact: <sip:a@203.0.113.1:5060>               the same result, so the verdict is `ok`

Whoever looks must not be able to stop the NAT by what he looks at: all work here grows as the
message does, and no faster. More changes than `MOST_CHANGES` are too many to compare: one row then
stands for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alg import edits
from alg.base import Alg, Edit, Finding, Reason

Soundness = Callable[[bytes], int]
"""How much of a message can be read (`alg.base.Application`)."""

Findings = Callable[[bytes], Sequence[Finding]]
"""What is wrong with a message (`alg.base.Application`)."""

MOST_CHANGES = 256
"""Of either module in one message. No real message has more than a few dozen."""
MOST_TRIED = 32
"""Rows that are looked at one by one for which of them broke the message."""

TOO_MANY = "too-many-changes"
"""The rule of the row that stands for more than `MOST_CHANGES`."""

SILENT = Reason("The module gives no reason.", "")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row: the bytes of messages as Latin-1 text, `span` in bytes of the message before."""

    field: str
    span: tuple[int, int]
    before: str
    after: str
    expected: str | None
    verdict: str
    rule: str
    reason: str
    rfc: str


def damage(before: bytes, after: bytes, findings: Findings) -> list[Finding]:
    """What is wrong with a message after a module that was not wrong before."""
    known = {*findings(before)}
    return [each for each in findings(after) if each not in known] if after else []


@dataclass(frozen=True, slots=True)
class _Place:
    """Bytes of the message that one module or both change, with the edits of each that touch
    them. `start` and `end` enclose all these edits."""

    start: int
    end: int
    active: tuple[Edit, ...]
    correct: tuple[Edit, ...]


def changes(
    message: bytes,
    active: Alg,
    active_edits: Sequence[Edit],
    correct: Alg,
    correct_edits: Sequence[Edit] | None,
    soundness: Soundness,
) -> list[Comparison]:
    """The rows in the order of the message. When the correct module did not run (its edits are
    None) everything is `ok`, and `expected` is known only if the active module is the correct one
    itself. Raises BadEdit, as `edits.apply` would."""
    made = edits.ordered(message, active_edits)
    if correct_edits is None:
        places = [_Place(each[0].start, each[-1].end, each, each) for each in _one_by_one(made)]
        rows = [_row(message, place, active, active) for place in places]
        is_correct = active.name == correct.name
        return rows if is_correct else [replace(row, expected=None) for row in rows]
    places = _places(made, edits.ordered(message, correct_edits))
    rows = [_row(message, place, active, correct) for place in places]
    if made and soundness(edits.apply(message, made)) < soundness(message):
        return _broken(message, places, rows, correct_edits, soundness)
    return rows


def _one_by_one(made: Sequence[Edit]) -> list[tuple[Edit, ...]]:
    """Each edit by itself, or all of them together if they are too many."""
    return [tuple(made)] if len(made) > MOST_CHANGES else [(edit,) for edit in made]


def _places(active: Sequence[Edit], correct: Sequence[Edit]) -> list[_Place]:
    """Group edits that overlap; an insertion belongs to whatever stands around or at its point. Too
    many edits are one group."""
    tagged = [(edit, True) for edit in active] + [(edit, False) for edit in correct]
    tagged.sort(key=lambda pair: (pair[0].start, pair[0].end))
    groups: list[list[tuple[Edit, bool]]] = []
    start = end = -1
    # In the order of the message, each edit either touches the last group, and may make it longer,
    # or begins one of its own.
    is_too_much = max(len(active), len(correct)) > MOST_CHANGES
    for each in tagged:
        edit = each[0]
        if groups and (is_too_much or _touches(start, end, edit)):
            groups[-1].append(each)
            end = max(end, edit.end)
        else:
            groups.append([each])
            start, end = edit.start, edit.end
    return [_place(group) for group in groups]


def _place(group: Sequence[tuple[Edit, bool]]) -> _Place:
    return _Place(
        group[0][0].start,
        max(edit.end for edit, _ in group),
        tuple(edit for edit, is_active in group if is_active),
        tuple(edit for edit, is_active in group if not is_active),
    )


def _touches(start: int, end: int, edit: Edit) -> bool:
    """`edit` begins at or behind the beginning of a group. Two insertions at one point touch as
    well, although neither has any bytes to share."""
    return edit.start < end or (edit.start, edit.end) == (start, end)


def _row(message: bytes, place: _Place, active: Alg, correct: Alg) -> Comparison:
    """The reason is that of the module under examination if it changes the place at all, else that
    of the correct module: why it should have."""
    before = message[place.start : place.end]
    after = _result(message, place, place.active)
    same = place.correct is place.active
    expected = after if same else _result(message, place, place.correct)
    speaker, edit = (active, place.active) if place.active else (correct, place.correct)
    field, rule = edit[0].field, edit[0].rule
    count = max(len(place.active), len(place.correct))
    if count > MOST_CHANGES:
        field, rule = "message", TOO_MANY
        reason = Reason(f"{count} changes are too many to compare.", "")
    else:
        reason = _explain(speaker, rule)
    return Comparison(
        field,
        (place.start, place.end),
        _text(before),
        _text(after),
        _text(expected),
        _verdict(place, after, expected),
        rule,
        reason.sentence,
        reason.rfc,
    )


def _verdict(place: _Place, after: bytes, expected: bytes) -> str:
    """All but `broken`, which no place can tell by itself (see `_broken`)."""
    if after == expected:
        return "ok"
    if place.active and all(edit.rule.startswith("info-") for edit in place.active):
        return "info"
    return "wrong" if place.active else "missed"


def _result(message: bytes, place: _Place, made: tuple[Edit, ...]) -> bytes:
    """What stands at the place after these edits; nearly always one that fills it."""
    if len(made) == 1 and (made[0].start, made[0].end) == (place.start, place.end):
        return made[0].replacement
    moved = [replace(e, start=e.start - place.start, end=e.end - place.start) for e in made]
    return edits.apply(message[place.start : place.end], moved)


def _broken(
    message: bytes,
    places: Sequence[_Place],
    rows: Sequence[Comparison],
    correct_edits: Sequence[Edit],
    soundness: Soundness,
) -> list[Comparison]:
    """The message as a whole can be read less well than before. Blame the rows that do so alone;
    when it takes several rows together, or too many differ from the correct ones for each to be
    tried, all that differ."""
    blamed = differ = [row.verdict in ("wrong", "missed") for row in rows]
    if sum(differ) <= MOST_TRIED:
        blamed = [
            differs and _breaks_alone(message, place, correct_edits, soundness)
            for place, differs in zip(places, differ, strict=True)
        ]
    if not any(blamed):
        blamed = differ
    return [
        replace(row, verdict="broken") if guilty else row
        for row, guilty in zip(rows, blamed, strict=True)
    ]


def _breaks_alone(
    message: bytes, place: _Place, correct_edits: Sequence[Edit], soundness: Soundness
) -> bool:
    """Would the correct message be broken with just this place as the active module left it? Asked
    of the correct message, so that one row's fault is not blamed on the others."""
    at_place = {*place.correct}
    others = [edit for edit in correct_edits if edit not in at_place]
    whole = edits.apply(message, correct_edits)
    return soundness(edits.apply(message, [*others, *place.active])) < soundness(whole)


def _explain(module: Alg, rule: str) -> Reason:
    """A foreign module's explanation may raise, or be anything: then the row says that there is
    none. It is asked for when somebody looks; the message has long left (promise 4)."""
    try:
        reason = module.explain(rule)
        return reason if type(reason) is Reason else Reason(*reason)
    except Exception:
        return SILENT


def _text(data: bytes) -> str:
    return data.decode("latin-1")
