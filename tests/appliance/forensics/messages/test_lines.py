"""However a line's end is written, it is one."""

from __future__ import annotations

import json

import pytest

from appliance.forensics.messages.lines import Line, decoded, lines_of


@pytest.mark.parametrize(
    ("data", "texts", "mended"),
    [
        (b"a\r\nb\r\n", [b"a", b"b"], ""),
        (b"a\nb\n", [b"a", b"b"], "line ends"),
        (b"a\r\r\nb\r\r\n", [b"a", b"b"], "line ends"),
        (b"a^M\nb^M\n", [b"a", b"b"], "line ends shown as ^M"),
        (b"a#015#012b#015#012c#012\n", [b"a", b"b", b"c", b""], "line ends written as text"),
        (rb"a\r\nb\r\nc\nd", [b"a", b"b", b"c", b"d"], "line ends written as text"),
        (json.dumps({"x": "a\r\nb\r\n"}).encode() * 2, [b"a", b"b", b""] * 2, "JSON"),
    ],
)
def test_the_end_is_taken_away_and_told(data: bytes, texts: list[bytes], mended: str) -> None:
    lines = lines_of(data)
    assert [line.text for line in lines] == texts
    assert {line.mended for line in lines} == {mended}


def test_numbers_are_those_of_an_editor() -> None:
    assert [line.number for line in lines_of(b"a\nb#012c#012d#012\ne\n")] == [1, 2, 2, 2, 2, 3]


@pytest.mark.parametrize("text", [rb"a C:\new\name", b"room#012"])
def test_what_looks_like_an_end_once_or_twice_is_text(text: bytes) -> None:
    assert lines_of(text + b"\r\n") == [Line(text, 1)]


def test_a_json_string_that_is_none_is_text() -> None:
    assert [line.text for line in lines_of(rb'"\ud800\n\n\n"')] == [rb'"\ud800', b"", b"", b'"']


@pytest.mark.parametrize(
    ("encoding", "done"),
    [("utf-8-sig", "a byte order mark"), ("utf-16", "UTF-16")],
)
def test_a_byte_order_mark_is_no_text(encoding: str, done: str) -> None:
    assert decoded("größer".encode(encoding)) == ("größer".encode(), (done,))


def test_without_a_mark_bytes_are_left() -> None:
    assert decoded(b"\xfc\x00") == (b"\xfc\x00", ())
