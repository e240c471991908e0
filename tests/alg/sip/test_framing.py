"""Where a message ends in a stream: known from its first byte on, or never (RFC 3261 18.3)."""

from __future__ import annotations

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


@pytest.mark.parametrize("message", [MESSAGE, ANSWER], ids=["request", "answer"])
def test_until_its_headers_are_whole_more_is_needed(message: bytes) -> None:
    """Messages may be cut at any byte."""
    for cut in range(1, message.index(b"\r\n\r\n") + 4):
        assert frame(message[:cut]) == NEED_MORE, cut


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


def test_of_tls_it_is_said_that_it_cannot_be_read() -> None:
    with pytest.raises(NotSipStream, match="encrypted"):
        frame(b"\x16\x03\x01\x02\x00\x01")
