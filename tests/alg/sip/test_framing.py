"""Where a message ends in a stream: known from its first byte on, or never (RFC 3261 18.3)."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from alg.sip.framing import NEED_MORE, NotSipStream, frame

MESSAGE = b"INFO sip:bob@192.0.2.4 SIP/2.0\r\nCall-ID: 1\r\nl : 5\r\n\r\nhello"
ANSWER = b"SIP/2.0 200 OK\r\nCONTENT-LENGTH:0\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (MESSAGE, len(MESSAGE)),
        (MESSAGE + ANSWER, len(MESSAGE)),
        (ANSWER + MESSAGE, len(ANSWER)),
        (MESSAGE[:-2], len(MESSAGE)),
        (MESSAGE.replace(b"\r\n", b"\n"), len(MESSAGE) - 4),
        (b"\r\n\r\n" + MESSAGE, 4),
        (b"\r\n", 2),
    ],
)
def test_a_message_ends_where_its_length_says(data: bytes, length: int) -> None:
    assert frame(data) == length


@pytest.mark.parametrize("cut", range(1, MESSAGE.index(b"hello")))
def test_until_its_headers_are_whole_more_is_needed(cut: int) -> None:
    """Messages may be cut at any byte."""
    assert frame(MESSAGE[:cut]) == NEED_MORE


@pytest.mark.parametrize("cut", range(1, len(ANSWER)))
def test_so_it_is_for_an_answer(cut: int) -> None:
    assert frame(ANSWER[:cut]) == NEED_MORE


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\n",
        b"GET /",
        b"\x16\x03\x01",
        b"\x00",
        b"SIP/3.0 200 OK\r\n",
        b"INFO sip:bob@192.0.2.4 HTTP/1.1\r\n",
        b"info sip:bob@192.0.2.4 SIP/2.0\r\n",
        b"INFO sip:" + b"b" * 9000,
        MESSAGE.replace(b"l : 5", b"x : 5"),
        MESSAGE.replace(b"l : 5", b"l : 5\r\nl: 6"),
        MESSAGE.replace(b"l : 5", b"l : 5\r\nl: 6").replace(b"\r\n", b"\n"),
        MESSAGE.replace(b"l : 5", b"l : five"),
        MESSAGE.replace(b"l : 5", b"l : " + b"5" * 40),
    ],
)
def test_what_does_not_begin_as_sip_is_not_sip(data: bytes) -> None:
    """Rule first-byte-or-never: no message is looked for in the middle of anything."""
    with pytest.raises(NotSipStream):
        frame(data)


@pytest.mark.parametrize("text", [b"A", b"\r\n", b" ", b"A: b\r\n", b"l:", b"SIP/2.0 "])
def test_hostile_text_costs_linear_time(text: bytes) -> None:
    for start in (b"", b"INFO ", b"INFO sip:a SIP/2.0\r\n"):
        began = time.process_time()
        with suppress(NotSipStream):
            frame(start + text * (60_000 // len(text)))
        assert time.process_time() - began < 0.1
