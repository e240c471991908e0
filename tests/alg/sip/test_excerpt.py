"""How a message is told from the text around it, and which inside host wrote it."""

from __future__ import annotations

import pytest

from alg.sip.excerpt import FIRST_LINE, inside_endpoint
from nat.endpoint import Endpoint
from tests.support.excerpts import INVITE, RINGING


@pytest.mark.parametrize(
    ("line", "start"),
    [
        (b"INVITE sip:bob@192.0.2.9 SIP/2.0", 0),
        (b"OPTIONS sips:192.0.2.9 SIP/2.0", 0),
        (b"INVITE tel:+4930123 SIP/2.0  ", 0),
        (b"SIP/2.0 200 OK", 0),
        (b"SIP/2.0 200", 0),
        (b"> BYE sip:a SIP/2.0", 2),
        (b"10:00:01: SIP/2.0 180 Ringing", 10),
        (b"E..`.INVITE sip:a SIP/2.0", 5),
    ],
)
def test_a_first_line_is_found_at_the_end_of_a_line(line: bytes, start: int) -> None:
    """RFC 3261 7.1 and 7.2."""
    found = FIRST_LINE.search(line)
    assert found is not None
    assert found.start() == start


@pytest.mark.parametrize(
    "line",
    [
        b"Via: SIP/2.0/UDP 192.0.2.1",
        b"GET / HTTP/1.1",
        b"INVITE sip:bob@192.0.2.9 SIP/2.0 was sent",
        b"INVITE bob SIP/2.0",
        b"SIP/2.0 900 Strange",
        b"invite sip:a SIP/2.0",
    ],
)
def test_other_lines_are_none(line: bytes) -> None:
    assert FIRST_LINE.search(line) is None


def changed(*pairs: tuple[bytes, bytes]) -> bytes:
    """The INVITE with other text, of the same length."""
    message = INVITE
    for old, new in pairs:
        assert old in message
        message = message.replace(old, new + b" " * (len(old) - len(new)), 1)
    return message


@pytest.mark.parametrize(
    ("message", "endpoint"),
    [
        (INVITE, "192.168.20.100:5060"),
        (changed((b"192.168.20.100:5060", b"10.1.2.3:5070")), "10.1.2.3:5070"),
        (changed((b"192.168.20.100:5060", b"100.64.1.2")), "100.64.1.2:5060"),
        (changed((b"192.168.20.100:5060", b"192.0.2.1")), "192.168.20.100:5060"),
        (
            changed(
                (b"192.168.20.100:5060;", b"192.0.2.1;"), (b"192.168.20.100:5060", b"192.0.2.1")
            ),
            "192.168.20.100:5060",
        ),
    ],
)
def test_a_sender_names_itself_in_via_contact_and_the_description(
    message: bytes, endpoint: str
) -> None:
    """RFC 3261 18.1.1 (5060 where no port is said) and 8.1.1.8; RFC 8866 5.7."""
    assert inside_endpoint(message) == Endpoint.parse(endpoint)


def test_the_top_via_of_a_response_is_not_the_sender_s() -> None:
    """RFC 3261 18.2.2: it is the recipient's."""
    assert inside_endpoint(RINGING) is None


@pytest.mark.parametrize("message", [b"", b"hello", INVITE[:-1]])
def test_what_cannot_be_read_names_nobody(message: bytes) -> None:
    assert inside_endpoint(message) is None
