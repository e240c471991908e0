"""Lines and endpoints of FTP (RFC 959)."""

from __future__ import annotations

import pytest

from appliance.parties.ftp import LONGEST_LINE, Lines, as_numbers, endpoint_in, essence
from nat.endpoint import Endpoint

THERE = Endpoint.parse("192.168.20.100:40001")


def test_a_line_is_whole_when_its_end_has_come() -> None:
    lines = Lines()
    assert lines.take(b"PO") == []
    assert lines.take(b"RT 1\r\nRE") == ["PORT 1"]
    assert lines.take(b"TR a\r\n") == ["RETR a"]


def test_a_line_that_does_not_end_is_lost() -> None:
    lines = Lines()
    assert lines.take(b"x" * (LONGEST_LINE + 1)) == []
    assert lines.take(b"\r\n") == [""]


def test_an_endpoint_is_six_numbers() -> None:
    """RFC 959 4.1.2."""
    assert as_numbers(THERE) == "192,168,20,100,156,65"
    assert endpoint_in("Passive Mode (192,168,20,100,156,65)") == THERE


@pytest.mark.parametrize("text", ["", "1,2,3,4,5", "256,0,0,1,1,1", "1,2,3,4,5,999"])
def test_other_texts_have_none(text: str) -> None:
    assert endpoint_in(text) is None


@pytest.mark.parametrize(
    ("line", "word"),
    [(b"PORT 1,2\r\n", "PORT"), (b"226 done\r\n", "226"), (b"QUIT\r\n", "QUIT"), (b"\x80\0", "")],
)
def test_what_a_line_is_in_a_word(line: bytes, word: str) -> None:
    assert essence(line) == word
