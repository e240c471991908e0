"""Faults in reading SIP from a stream: what both ends of a connection see."""

from __future__ import annotations

import pytest

from alg.sip_poor.tcp import FAULTS
from nat.endpoint import Endpoint
from tests.alg.sip_poor.shown import not_shown
from tests.support.ends import Line
from tests.support.packets import ACK
from tests.support.world import A, World

PHONE = A._replace(port=50000)
SERVER = Endpoint.parse("198.51.100.7:5060")
OPTIONS = b"""OPTIONS sip:example.com SIP/2.0\r
Via: SIP/2.0/TCP 192.168.20.10:50000;branch=z9hG4bK1\r
From: <sip:a@example.com>;tag=1\r
To: <sip:a@example.com>\r
Call-ID: 1\r
CSeq: 1 OPTIONS\r
Content-Length: 0\r
\r
"""
EDITED = OPTIONS.replace(b"192.168.20.10:50000", b"203.0.113.1:50000")


def line(fault: str) -> Line:
    return Line(World({"alg.sip.module": f"sip-poor:{fault}" if fault else "sip"}), PHONE, SERVER)


@pytest.mark.parametrize(
    ("fault", "heard"),
    [("", EDITED + EDITED), ("tcp-split-miss", OPTIONS + EDITED), ("tcp-slip", OPTIONS + EDITED)],
)
def test_tcp_split_miss(fault: str, heard: bytes) -> None:
    """The first message comes in two segments, the second in one. (Who reads every segment for
    itself misses it as well.)"""
    connection = line(fault)
    connection.say(connection.inner, OPTIONS, 100)
    connection.say(connection.inner, OPTIONS)
    assert connection.outer.heard == heard


def test_tcp_no_seqadj() -> None:
    """The message has become shorter: the server waits for the bytes in between for ever, and the
    phone repeats what it believes to be lost."""
    for fault, whole in (("", True), ("tcp-no-seqadj", False)):
        connection = line(fault)
        connection.say(connection.inner, OPTIONS)
        connection.acknowledge(connection.outer)
        assert connection.outer.heard == EDITED
        assert (connection.inner.acknowledged == len(OPTIONS)) is whole
        connection.say(connection.inner, OPTIONS)
        assert (connection.outer.heard == EDITED + EDITED) is whole


def test_tcp_slip() -> None:
    """A message in the middle of a web form is read, though the connection is none of SIP."""
    form = b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"
    for fault, heard in (("", form + OPTIONS), ("tcp-slip", form + EDITED)):
        connection = line(fault)
        connection.say(connection.inner, form + OPTIONS, len(form))
        connection.put(connection.outer, connection.outer.segment(ACK, 0))
        assert connection.outer.heard == heard
        assert connection.inner.acknowledged == len(form + OPTIONS)


def test_every_fault_of_the_file_is_shown() -> None:
    assert not_shown(FAULTS, globals()) == []
