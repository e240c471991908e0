"""A user agent: what it makes of messages, whatever they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.parties.party import Datagram, What
from nat.endpoint import Endpoint
from tests.support.parties import a_phone

if TYPE_CHECKING:
    from conftest import Pair

REGISTRAR = Endpoint.parse("203.0.113.9:5060")
PHONE = Endpoint.parse("192.168.20.100:5060").address


@pytest.mark.parametrize("method", ["OPTIONS", "MESSAGE"])
def test_other_requests(pair: Pair, method: str) -> None:
    register = pair.room.sent[0][1]
    payload = register.payload.replace(b"REGISTER", method.encode()).replace(b"bK-", b"bK-other")
    pair.room.do(pair.phone, pair.phone.receive(Datagram(REGISTRAR, register.source, payload), 0.0))
    expected = {"OPTIONS": "SIP/2.0 200 OK", "MESSAGE": "SIP/2.0 405 Method Not Allowed"}
    assert pair.room.starts()[-1][1] == expected[method]


def test_garbage_is_discarded_with_a_reason(pair: Pair) -> None:
    datagram = Datagram(REGISTRAR, Endpoint(PHONE, 5060), b"\x00\xff\r\n\r\n")
    pair.room.do(pair.phone, pair.phone.receive(datagram, 0.0))
    assert pair.room.said(What.MESSAGE_DISCARDED) == [("alice", "", "the first line is not SIP")]


def test_an_unknown_order_is_a_mistake_in_the_script(pair: Pair) -> None:
    with pytest.raises(ValueError, match="alice does not know how to 'sing'"):
        pair.phone.tell("sing", "", 0.0)


@pytest.mark.parametrize(
    ("traits", "host"),
    [({}, "192.168.20.100"), ({"call_id_host": "desk-7.example"}, "desk-7.example")],
)
def test_a_call_id_ends_in_whatever_the_phone_likes(traits: dict[str, str], host: str) -> None:
    """RFC 3261 25.1: a word, and perhaps another behind an @."""
    assert a_phone(**traits).call_id().partition("@")[2] == host
