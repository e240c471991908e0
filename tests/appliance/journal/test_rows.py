"""Where the rows of a message begin and end, and which of them a change touches."""

from __future__ import annotations

import random

import pytest

from appliance.journal.events import Change
from appliance.journal.rows import (
    ByteRows,
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
    is_text,
    passages,
    rows,
    runs,
    wanted,
)

QUERY = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"


def change(start: int, end: int, before: str, after: str, verdict: str = "ok") -> Change:
    return Change("field", (start, end), before, after, None, verdict, "rule", "Why.", "RFC 1")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("INVITE sip:bob@example.com SIP/2.0\r\n\r\n", True),
        ("227 Entering Passive Mode (192,168,1,1,4,1)\r\n", True),
        ("230-Welcome\r\n230 You are in\r\n", True),
        ("", True),
        ("\r\n\r\n", True),
        ("To: <sip:\x1b[2J\x07@example.com>\r\n", True),
        ("From: Ren\xe9 <sip:r@example.com>\r\n", True),
        ("From: \u738b <sip:w@example.com>\r\n".encode().decode("latin-1"), True),
        ("no bytes: \u738b\x00", True),
        (QUERY, False),
        ("\x00\x24" + QUERY, False),
        ("\n\n\x81\x80\x00\x01" + "v=spf1 include:example.com " * 20, False),
        ("\x00\x01\x00\x00\x21\x12\xa4\x42" + "a" * 12, False),
        ("\x80\x00\x12\x34" + "\xff\xd5" * 80, False),
        ("\xff", False),
    ],
)
def test_a_message_is_text_when_a_person_can_read_it_in_lines(message: str, text: bool) -> None:
    """SIP and FTP are; DNS over UDP and TCP, STUN and RTP are not."""
    assert is_text(message) is text


@pytest.mark.parametrize(
    ("message", "ends"),
    [
        ("a\r\nb\r\n", [(0, 1), (3, 4)]),
        ("a\nb", [(0, 1), (2, 3)]),
        ("a\rb\r\n", [(0, 3)]),
        ("\r\n", [(0, 0)]),
        ("\n\r", [(0, 0), (1, 2)]),
        ("", []),
    ],
)
def test_a_line_ends_at_crlf_or_lf_and_never_at_cr_alone(
    message: str, ends: list[tuple[int, int]]
) -> None:
    found = [(row.start, row.end) for row in rows(message, TextLines(), 0, len(message))]
    assert found == ends
    assert TextLines().count(message, 0, len(message)) == len(ends) or not message


def test_a_row_of_bytes_is_so_many_bytes() -> None:
    assert list(rows("x" * 20, ByteRows(8), 0, 20)) == [
        Row(0, 8, 8),
        Row(8, 16, 16),
        Row(16, 20, 24),
    ]


@pytest.mark.parametrize(
    ("cut", "message", "made", "parts"),
    [
        (TextLines(), "a\r\nb\r\nc\r\n", (3, 4, "b", "x"), [(0, 3), (3, 4), (6, 9)]),
        (TextLines(), "a\r\nb\r\nc", (1, 3, "\r\n", ""), [(0, 4), (6, 7)]),
        (TextLines(), "a\r\nb\r\n", (6, 6, "", "x"), [(0, 6), (6, 6)]),
        (TextLines(), "a\r\nb", (4, 4, "", "x"), [(0, 3), (3, 4)]),
        (TextLines(), "", (0, 0, "", "x"), [(0, 0)]),
        (ByteRows(4), "x" * 10, (5, 7, "xx", "yy"), [(0, 4), (4, 8), (8, 10)]),
        (ByteRows(4), "x" * 10, (3, 5, "xx", "yy"), [(0, 8), (8, 10)]),
        (ByteRows(4), "x" * 10, (4, 8, "xxxx", "y"), [(0, 4), (4, 8), (8, 10)]),
        (ByteRows(4), "x" * 8, (8, 8, "", "y"), [(0, 8), (8, 8)]),
        (ByteRows(4), "x" * 6, (6, 6, "", "y"), [(0, 4), (4, 6)]),
    ],
)
def test_a_change_is_in_the_rows_that_it_touches(
    cut: Cut, message: str, made: tuple[int, int, str, str], parts: list[tuple[int, int]]
) -> None:
    found = passages(message, [change(*made)], cut)
    assert [(part.start, part.end) for part in found] == parts


def test_what_stands_behind_a_change_knows_how_far_it_has_moved() -> None:
    parts = list(
        passages("x" * 12, [change(0, 0, "", "yy"), change(9, 12, "xxx", "")], ByteRows(4))
    )
    assert [part.shift for part in parts] == [0, 2, 2]


def test_changes_that_leave_the_bytes_alone_explain_every_message() -> None:
    """Two missed changes may lie on top of each other; nothing was done, so nothing was hidden."""
    missed = [change(0, 4, "abcd", "abcd", "missed"), change(2, 3, "c", "c", "missed")]
    assert applied("abcdef", missed) == "abcdef"


def test_bytes_under_two_changes_are_shown_once() -> None:
    missed = [change(0, 4, "abcd", "abcd", "missed"), change(2, 5, "cde", "cde", "missed")]
    (part,) = passages("abcdef", missed, TextLines())
    assert isinstance(part, Passage)
    assert list(runs("abcdef", part, before_of)) == [
        Run("abcd", Mark.LEFT, True),
        Run("e"),
        Run("f"),
    ]


def test_before_after_and_as_it_should_be() -> None:
    wrong = Change("f", (1, 2), "b", "x", "y", "wrong", "f", "Why.", "")
    (part,) = passages("abc", [wrong], TextLines())
    assert isinstance(part, Passage)
    shown = [[run.text for run in runs("abc", part, of)] for of in (before_of, after_of, wanted)]
    assert shown == [["a", "b", "c"], ["a", "x", "c"], ["a", "y", "c"]]


@pytest.mark.parametrize("seed", range(20))
def test_no_byte_is_lost_whatever_the_changes_say(seed: int) -> None:
    """Spans outside the message, turned round, on top of each other; any cut, any bytes."""
    die = random.Random(seed)
    for _ in range(100):
        message = "".join(die.choice("\r\n\0ab\xff") for _ in range(die.randrange(40)))
        made = []
        for _change in range(die.randrange(6)):
            start, end = die.randrange(-5, 50), die.randrange(-5, 50)
            value = message[max(start, 0) : max(start, end, 0)]
            made.append(change(start, end, value, value, die.choice(["ok", "missed", "?"])))
        for cut in (TextLines(), ByteRows(die.choice([4, 8, 16]))):
            parts = list(passages(message, made, cut))
            within = [part for part in parts if isinstance(part, Passage)]
            assert sum(len(part.changes) for part in within) == len(made)
            edges = [0, *(part.end for part in parts)]
            for part, before in zip(parts, edges, strict=False):
                assert message[before : part.start] in ("", "\n", "\r\n")
            for part in within:
                shown = "".join(run.text for run in runs(message, part, before_of))
                assert shown.startswith(message[part.start : part.end])
                assert message.startswith(shown, part.start)
            assert all(part.start < part.end for part in parts if isinstance(part, Stretch))
