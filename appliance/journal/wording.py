"""A binary message in words, where its protocol has some: text in the place of its bytes, and the
changes of bytes as changes of text.

    bytes   0028 00 3c 00 04«c6 33 64 07»             a change of the bytes 45 to 49
    words   www.example.net. 60 IN A «198.51.100.7»   a change of the characters 25 to 37

So whatever draws a text with its changes draws records too. The protocol brings the words with it
(`alg.base.Application.lines`): lines in pieces, each with the bytes that it is read from. The
messages before, after, and as a correct module writes it are put into words, line by line; where
they differ, the change is the one that touches those bytes. One change of bytes may be several of
words, as when a name is written once and read in three places.

A message that falls into other lines afterwards, because records are gone or cannot be read, is not
put into words: then its bytes are worth seeing. Nor is one that is very long, or has very many
changes: whoever looks must not be able to stop the NAT by what he looks at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from appliance.journal.events import Change, MessagePassed
from appliance.journal.hexdump import spelled
from appliance.journal.rows import ChangeOf, applied, is_at_fault, is_text, wanted

if TYPE_CHECKING:  # no protocol is needed to draw what is text already
    from alg.base import Piece

    Lines = Sequence[Sequence[Piece]]

END = "\r\n"
LONGEST = 16_384
"""Bytes of a message that is put into words: some hundred records."""
MOST_CHANGES = 256
"""Of words, in one message."""


class Worded(NamedTuple):
    """A message in words, before and after, with its changes."""

    before: str
    after: str
    changes: list[Change]

    @property
    def lines(self) -> dict[str, list[str]]:
        return {"before": self.before.splitlines(), "after": self.after.splitlines()}


def in_words(message: MessagePassed) -> MessagePassed:
    """The event with texts in the place of bytes, or as it is when there are no words for it."""
    worded = word(message.alg, message.before, message.after, message.changes)
    if worded is None:
        return message
    return msgspec.structs.replace(
        message, before=worded.before, after=worded.after, changes=worded.changes
    )


def word(application: str, before: str, after: str, changes: Sequence[ChangeOf]) -> Worded | None:
    """A message of an application in words; None when it has none for it, or is text already.
    `after` is empty for a message that went no further."""
    from alg.registry import APPLICATIONS  # a list of stories needs no protocol to be drawn

    known = APPLICATIONS.get(application)
    if known is None or known.lines is None or len(before) > LONGEST or is_text(before):
        return None
    right = applied(before, [as_wanted(each) for each in changes])
    old, new, best = (
        known.lines(text.encode("latin-1", "replace")) for text in (before, after or before, right)
    )
    if not old or not len(old) == len(new) == len(best):
        return None
    made = list(islice(_changes(old, new, best, changes), MOST_CHANGES + 1))
    if len(made) > MOST_CHANGES:
        return None
    text = _text(old)
    return Worded(text, applied(text, made) if after else "", made)


def as_wanted(change: ChangeOf) -> Change:
    """The same place as a correct module writes it."""
    return Change(
        field=change.field,
        span=change.span,
        before=change.before,
        after=wanted(change),
        expected=None,
        verdict="ok",
        rule="",
        reason="",
        rfc="",
    )


def _text(lines: Lines) -> str:
    return "".join("".join(piece.text for piece in line) + END for line in lines)


class _Place(NamedTuple):
    """Where words differ: their place in the text before, what they are in each message, and the
    bytes that they are read from."""

    start: int
    end: int
    before: str
    after: str
    expected: str
    spans: tuple[tuple[int, int], ...]


def _changes(old: Lines, new: Lines, best: Lines, changes: Sequence[ChangeOf]) -> Iterator[Change]:
    """In the order of the text. What changed no word is told only when it is a fault: it stands
    behind the last word, with its bytes."""
    shown: set[int] = set()
    for place in _places(old, new, best):
        number = _cause(place, changes)
        if number is None:
            continue
        shown.add(number)
        yield _in_text(changes[number], place)
    end = len(_text(old))
    for number, change in enumerate(changes):
        if number not in shown and is_at_fault(change):
            yield _in_text(change, _Place(end, end, "", "", "", ()), _unseen(change))


def _places(old: Lines, new: Lines, best: Lines) -> Iterator[_Place]:
    at = 0
    for lines in zip(old, new, best, strict=True):
        if len({len(line) for line in lines}) == 1:
            parts: list[tuple[Piece, ...]] = list(zip(*lines, strict=True))
        else:
            parts = [tuple(_one_piece(line) for line in lines)]
        for before, after, right in parts:
            end = at + len(before.text)
            if not before.text == after.text == right.text:
                yield _Place(at, end, before.text, after.text, right.text, before.spans)
            at = end
        at += len(END)


def _one_piece(line: Sequence[Piece]) -> Piece:
    from alg.base import Piece

    text = "".join(piece.text for piece in line)
    return Piece(text, tuple(span for piece in line for span in piece.spans))


def _cause(place: _Place, changes: Sequence[ChangeOf]) -> int | None:
    """The change that touches the bytes of the words, at their own place rather than elsewhere."""
    for start, end in place.spans:
        for number, change in enumerate(changes):
            if change.span[0] < end and start < change.span[1]:
                return number
    return None


def _in_text(change: ChangeOf, place: _Place, reason: str = "") -> Change:
    return Change(
        field=change.field,
        span=(place.start, place.end),
        before=place.before,
        after=place.after,
        expected=None if change.expected is None else place.expected,
        verdict=change.verdict,
        rule=getattr(change, "rule", ""),
        reason=reason or change.reason,
        rfc=change.rfc,
    )


def _unseen(change: ChangeOf) -> str:
    values = " -> ".join(spelled(change.field, text) for text in (change.before, change.after))
    return f"{values}. {change.reason}"
