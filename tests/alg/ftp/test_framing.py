"""Where FTP messages end in a stream (RFC 959 4.2, 5.3)."""

from __future__ import annotations

from contextlib import suppress

import pytest

from alg.ftp.framing import LONGEST_LINE, NEED_MORE, NotFtp, frame
from alg.stream import LONGEST_HELD
from tests.support.growth import assert_linear, filled

FEATURES = b"211-Features:\r\n EPRT\r\n227 is text here\r\n211-so is this\r\n211 End\r\n"

MESSAGES = [
    b"PASV\r\n",
    b"quit\r\n",
    b"USER anonymous\r\n",
    b"PASS \r\n",
    b"XSHA256 file\r\n",
    b"STOR \xff\xff\xe4 name with a \r in it\r\n",
    b"200\r\n",
    b"220 \r\n",
    b"227 Entering Passive Mode (192,0,2,1,8,1)\r\n",
    b"631 an answer of RFC 2228\r\n",
    FEATURES,
    b"220-Welcome\r\nwith a lone \n in the text\r\n220 go on\r\n",
    b"230-\r\n230 \r\n",
    b"\xff\xf4\xff\xf2ABOR\r\n",
    b"\xff\xfb\x01\xff\xfd\x0aNOOP\r\n",
    b"\xff\xfc\x01200 I will not\r\n",
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_ends_where_it_should(message: bytes) -> None:
    assert frame(message) == len(message)
    assert frame(message + b"PORT 1,2,3,4,5,6\r\n") == len(message)


@pytest.mark.parametrize("message", MESSAGES)
def test_its_beginning_is_waited_for(message: bytes) -> None:
    """A stream may be cut anywhere."""
    for end in range(len(message)):
        assert frame(message[:end]) == NEED_MORE


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"POST / HTTP/1.1\r\n", "no command"),
        (b"GET", "neither"),
        (b"OPTIONS ", "neither|no command"),
        (b"Host: example.com\r\n", "neither"),
        (b"HOSTS", "neither"),
        (b"\x16\x03\x01\x02\x00", "neither"),
        (b"\x00", "neither"),
        (b"\r\n", "neither"),
        (b" PORT 192,0,2,1,8,1\r\n", "neither"),
        (b"700 no such reply\r\n", "neither"),
        (b"22 two digits\r\n", "neither"),
        (b"2270 four digits\r\n", "neither"),
        (b"USER:me\r\n", "neither"),
        (b"PORT\t192,0,2,1,8,1\r\n", "neither"),
        (b"PORT 192,0,2,1,8,1\n", "LF alone"),
        (b"257 \"/a\n227 (192,0,2,1,8,1)\" is the directory\r\n", "LF alone"),
        (b"USER " + b"a" * LONGEST_LINE, "does not end"),
        (b"\xff\xfa\x01PORT", "neither"),
        (b"\xff\xf0" * LONGEST_LINE + b"USER a\r\n", "does not end"),
    ],
)  # fmt: skip
def test_what_is_not_ftp_is_said_at_once(data: bytes, why: str) -> None:
    with pytest.raises(NotFtp, match=why):
        frame(data)


def test_no_more_is_waited_for_than_may_be_held() -> None:
    """A line is bounded here, a reply of several lines by what a stream may hold."""
    assert LONGEST_LINE < LONGEST_HELD
    assert frame(b"211-Features\r\n" + b" a\r\n" * LONGEST_HELD) == NEED_MORE


@pytest.mark.parametrize(
    "text", [b"\xff\xf4", b"\xff\xfb\n", b"A", b"1", b"\r", b"\r\n211", b"211-\r\n"]
)
def test_hostile_text_costs_linear_time(text: bytes) -> None:
    def read(data: bytes) -> None:
        with suppress(NotFtp):
            frame(data)

    for start in (b"", b"USER ", b"211-Features\r\n", b"\xff\xf4"):
        assert_linear(read, filled(start + b"%b", text))
