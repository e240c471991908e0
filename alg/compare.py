"""What a module did to a message, beside what the correct module would have done.

One row for each place that either of them changes. The verdicts: `ok` (the same result), `missed`
(the correct one changes it, this one does not), `wrong` (another result, or a change where there
should be none), `broken` (a change after which the message cannot be read any more, or whose
length is a lie) and `info` (a change whose rule begins with `info-`, made or left: worth seeing,
not judged, since nothing hangs on it).

A reason argues for what is right. Under `wrong` and `broken` it is the correct module's for what it
writes there, or for why it leaves the place alone, and not what the other module had in mind.

What only follows from other edits is judged by those that were made: the length of a body by the
body that really leaves, and not by the one that the correct module would have sent.

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

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from alg import edits
from alg.base import Alg, Application, Edit, Edits, Finding, Reading, Reason

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


def damage(before: bytes, after: bytes, right: bytes, findings: Findings) -> list[Finding]:
    """What is wrong with a message after a module that was not wrong before. What is wrong with the
    correct module's message as well (`right`) is no module's fault."""
    known = {*findings(before), *findings(right)}
    return [each for each in findings(after) if each not in known] if after else []


def note(active: Edits, correct: Edits | None) -> str:
    """What is to be said of a message besides its changes: the module's own words and, where both
    leave it alone, why the correct one does."""
    if correct is None or active.edits or correct.edits or correct.note in active.note:
        return active.note
    if correct.reading is not Reading.MESSAGE:
        return active.note
    return f"{active.note}; {correct.note}" if active.note else correct.note


@dataclass(frozen=True, slots=True)
class _Place:
    """Bytes of the message that one module or both change, with the edits of each that touch
    them. `start` and `end` enclose all these edits."""

    start: int
    end: int
    active: tuple[Edit, ...]
    correct: tuple[Edit, ...]

    def touches(self, edit: Edit) -> bool:
        """Are any of its bytes among those of the place?"""
        return edit.start < self.end and self.start < edit.end


def changes(
    message: bytes,
    active: Alg,
    active_edits: Sequence[Edit],
    correct: Alg,
    correct_edits: Sequence[Edit] | None,
    application: Application,
) -> list[Comparison]:
    """The rows in the order of the message. When the correct module did not run (its edits are
    None) everything is `ok`, and `expected` is known only if the active module is the correct one
    itself. Raises BadEdit, as `edits.apply` would."""
    made = edits.ordered(message, active_edits)
    if correct_edits is None:
        places = [_Place(each[0].start, each[-1].end, each, each) for each in _one_by_one(made)]
        rows = [_row(message, place, active, active, application) for place in places]
        is_correct = active.name == correct.name
        return rows if is_correct else [replace(row, expected=None) for row in rows]
    follows = application.consequences(message, made)
    lengths = [*follows, *application.consequences(message, correct_edits)]
    own = _apart(correct_edits, lengths)
    right = [*own, *follows]  # what follows is judged by what was made
    places = _places(made, edits.ordered(message, right))
    rows = [_row(message, place, active, correct, application) for place in places]
    if made and application.soundness(edits.apply(message, made)) < application.soundness(message):
        return _broken(places, rows, _Trial(message, made, own, lengths, application))
    return rows


def _apart(some: Sequence[Edit], others: Sequence[Edit]) -> list[Edit]:
    """Those of `some` that overlap none of the others."""
    others = sorted(others, key=lambda edit: edit.start)
    starts = [edit.start for edit in others]
    furthest = [-1, *accumulate((edit.end for edit in others), max)]
    return [each for each in some if furthest[bisect_left(starts, each.end)] <= each.start]


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


def _row(
    message: bytes, place: _Place, active: Alg, correct: Alg, application: Application
) -> Comparison:
    """Field and rule are those of the module under examination, if it changes the place at all."""
    before = message[place.start : place.end]
    after = _result(message, place, place.active)
    same = place.correct is place.active
    expected = after if same else _result(message, place, place.correct)
    verdict = _verdict(place, after, expected)
    edit = (place.active or place.correct)[0]
    field, rule = edit.field, edit.rule
    count = max(len(place.active), len(place.correct))
    if count > MOST_CHANGES:
        field, rule = "message", TOO_MANY
        reason = Reason(f"{count} changes are too many to compare.", "")
    elif verdict == "wrong" and not place.correct:
        reason = application.why_it_stays(message, place.start)
    elif verdict == "wrong" or not place.active:
        reason = _explain(correct, place.correct[0].rule)
    else:
        reason = _explain(active, rule)
    return Comparison(
        field,
        (place.start, place.end),
        _text(before),
        _text(after),
        _text(expected),
        verdict,
        rule,
        reason.sentence,
        reason.rfc,
    )


def _verdict(place: _Place, after: bytes, expected: bytes) -> str:
    """All but `broken`, which no place can tell by itself (see `_broken`)."""
    if after == expected:
        return "ok"
    if all(edit.rule.startswith("info-") for edit in place.active or place.correct):
        return "info"
    return "wrong" if place.active else "missed"


def _result(message: bytes, place: _Place, made: tuple[Edit, ...]) -> bytes:
    """What stands at the place after these edits; nearly always one that fills it."""
    if len(made) == 1 and (made[0].start, made[0].end) == (place.start, place.end):
        return made[0].replacement
    moved = [replace(e, start=e.start - place.start, end=e.end - place.start) for e in made]
    return edits.apply(message[place.start : place.end], moved)


@dataclass(frozen=True, slots=True)
class _Trial:
    """A message with the edits that were `made` and the correct module's `own`, to try others in
    between. `lengths` are edits of places that follow from others."""

    message: bytes
    made: Sequence[Edit]
    own: Sequence[Edit]
    lengths: Sequence[Edit]
    application: Application

    def is_broken_by(self, place: _Place) -> bool:
        """Would the right message be read less well with just this place as it was left? Asked of
        the right message, so that one row's fault is not blamed on the others; lengths follow,
        unless this is one."""
        others = _without(self.own, place.correct)
        left = [*others, *place.active]
        return self._soundness(self._followed(left, place)) < self._soundness(
            self._followed(self.own, None)
        )

    def is_mended_by(self, place: _Place) -> bool:
        """Is this a length, and can what leaves be read better if it fits?"""
        mended = [*_without(self.made, place.active), *place.correct]
        return any(map(place.touches, self.lengths)) and (
            self._soundness(mended) > self._soundness(self.made)
        )

    def _followed(self, tried: Sequence[Edit], but: _Place | None) -> list[Edit]:
        lengths = self.application.consequences(self.message, tried)
        return [*tried, *(edit for edit in lengths if but is None or not but.touches(edit))]

    def _soundness(self, tried: Sequence[Edit]) -> int:
        return self.application.soundness(edits.apply(self.message, tried))


def _without(all_of_them: Sequence[Edit], those: Sequence[Edit]) -> list[Edit]:
    unwanted = {*those}
    return [edit for edit in all_of_them if edit not in unwanted]


def _broken(
    places: Sequence[_Place], rows: Sequence[Comparison], trial: _Trial
) -> list[Comparison]:
    """The message as a whole can be read less well than before. Blame the rows that do so alone, or
    a length that does not fit; when it takes several rows together, or too many differ from the
    right ones for each to be tried, all that differ."""
    differ = [row.verdict in ("wrong", "missed") for row in rows]
    blamed = differ
    if sum(differ) <= MOST_TRIED:
        for is_guilty in (trial.is_broken_by, trial.is_mended_by):
            found = [
                differs and is_guilty(place) for place, differs in zip(places, differ, strict=True)
            ]
            if any(found):
                blamed = found
                break
    return [
        replace(row, verdict="broken") if guilty else row
        for row, guilty in zip(rows, blamed, strict=True)
    ]


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
