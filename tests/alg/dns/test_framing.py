"""Messages of a TCP connection."""

from __future__ import annotations

import pytest

from alg.dns.framing import NEED_MORE, frame
from alg.dns.message import NotDns
from tests.alg.dns.situations import asking, by_tcp

MESSAGE = by_tcp(asking("pbx.example.net"))


def test_a_message_is_as_long_as_it_says() -> None:
    """RFC 1035 4.2.2."""
    assert all(frame(MESSAGE[:end]) == NEED_MORE for end in range(len(MESSAGE)))
    assert frame(MESSAGE) == frame(MESSAGE + MESSAGE) == len(MESSAGE)


HELLO = bytes.fromhex("1603 0102 0001 0001 fc03 035b 90a7")  # of TLS
OTHERS = [b"\0\0", b"\0\x0b", b"GET / HTTP/1.1\r\n", b"REGISTER sip:a\r\n", b"220 ready\r\n", HELLO]


@pytest.mark.parametrize("data", OTHERS)
def test_what_is_not_dns_is_not_waited_for(data: bytes) -> None:
    with pytest.raises(NotDns):
        frame(data)
