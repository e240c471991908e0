"""A message counts its own bytes; what it says of itself is never made to fit."""

from __future__ import annotations

import pytest

from alg.sip.application import SIP
from appliance.forensics.messages.lines import lines_of
from appliance.forensics.messages.mending import messages, whole
from tests.support.excerpts import GOOD, INVITE, RINGING


def mended(text: bytes) -> list[bytes]:
    return [each.data for each in messages(lines_of(text), SIP)]


def body(text: str, length: int) -> bytes:
    head = f"MESSAGE sip:a SIP/2.0\r\nVia: x\r\nContent-Length: {length}\r\n\r\n"
    return head.encode() + text.encode()


@pytest.mark.parametrize(
    ("pasted", "length", "was"),
    [
        ("one\ntwo\nthree\n", 17, "one\r\ntwo\r\nthree\r\n"),
        ("one\ntwo\nthree\n", 15, "one\r\ntwo\r\nthree"),
        ("one\ntwo\nthree\n", 14, "one\ntwo\nthree\n"),
        ("one\ntwo\nthree", 17, "one\r\ntwo\r\nthree\r\n"),
        ("one\ntwo\nthree\n", 0, ""),
        ("one\ntwo\nthree\n", 9, "one\r\ntwo\r\nthree\r\n"),
        ("one\ntwo\nthree\n", 99, "one\r\ntwo\r\nthree\r\n"),
        ("v=0\ns=-\nt=0 0\n", 5, "v=0\r\ns=-\r\nt=0 0\r\n"),
        ("v=0\ns=-\nt=0 0\n", 0, "v=0\r\ns=-\r\nt=0 0\r\n"),
        ("v=0\ns=-\nt=0 0\n\nBye, Bob\n", 99, "v=0\r\ns=-\r\nt=0 0\r\n"),
    ],
)
def test_content_length_tells_which_line_ends_the_body_had(
    pasted: str, length: int, was: str
) -> None:
    """RFC 3261 20.14 counts bytes; where it fits none of the ways in which the body may have been
    written, its lines are taken to have ended as those of the headers."""
    assert mended(body(pasted, length)) == [body(was, length)]


def test_a_message_ends_where_the_next_begins_also_without_a_length() -> None:
    text = INVITE.replace(b"Content-Length", b"X-Length")
    assert mended((text + RINGING + text).replace(b"\r\n", b"\n")) == [text, RINGING, text]


def test_what_comes_behind_is_left() -> None:
    assert mended(RINGING + b"$ exit\n" + INVITE) == [RINGING]


def test_lines_are_counted_for_each_message() -> None:
    found = [(each.line, each.lines) for each in messages(lines_of(RINGING * 2 + INVITE), SIP)]
    rows = RINGING.count(b"\n")
    assert found == [(0, rows), (rows, rows), (2 * rows, INVITE.count(b"\n"))]


@pytest.mark.parametrize("between", [b"", b"\r\n", b"\r\n\r\n"])
def test_whole_messages_are_cut_by_their_own_count(between: bytes) -> None:
    """RFC 3261 18.3, and RFC 5626 3.5.1 for what stands between."""
    data = between.join(GOOD.values())
    assert [message for _, message in whole(data, SIP)] == [*GOOD.values()]
    assert [data[at : at + 4] for at, _ in whole(data, SIP)] == [each[:4] for each in GOOD.values()]


def test_what_is_no_message_stays_with_the_one_before_it() -> None:
    assert [*whole(RINGING + b"more", SIP)] == [(0, RINGING + b"more")]
