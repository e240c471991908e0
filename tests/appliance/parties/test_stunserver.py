"""A STUN server says what it saw, from where it is asked to."""

from __future__ import annotations

import pytest

from appliance.parties import stun
from appliance.parties.party import Datagram, Report, Send
from appliance.parties.stun import StunMessage
from appliance.parties.stunserver import StunServer, StunServerTraits
from nat.endpoint import Endpoint

PHONE = Endpoint.parse("203.0.113.1:40000")
COOKIE = stun.COOKIE.to_bytes(4) + bytes(12)
OLD = bytes(16)
PLACES = {"address": "203.0.113.20", "side": "outside"}


def a_server(other_address: str = "203.0.113.21") -> StunServer:
    return StunServer("stun", StunServerTraits(**PLACES, other_address=other_address))


def asked(
    server: StunServer, transaction: bytes, flags: int = 0, at: str = "203.0.113.20:3478"
) -> tuple[Endpoint, StunMessage]:
    """Where the answer comes from, and the answer."""
    values = {stun.CHANGE_REQUEST: flags.to_bytes(4)} if flags else {}
    request = StunMessage(stun.BINDING_REQUEST, transaction, values).write()
    send, _ = server.receive(Datagram(PHONE, Endpoint.parse(at), request), 0.0)
    assert isinstance(send, Send)
    assert send.destination == PHONE
    answer = stun.read(send.payload)
    assert answer is not None
    assert answer.transaction == transaction
    return send.source, answer


@pytest.mark.parametrize(
    ("flags", "origin"),
    [
        (0, "203.0.113.20:3478"),
        (stun.CHANGE_PORT, "203.0.113.20:3479"),
        (stun.CHANGE_ADDRESS, "203.0.113.21:3478"),
        (stun.CHANGE_ADDRESS | stun.CHANGE_PORT, "203.0.113.21:3479"),
    ],
)
def test_it_answers_from_the_address_and_port_that_it_is_asked_to_use(
    flags: int, origin: str
) -> None:
    """RFC 5780 7.2."""
    source, answer = asked(a_server(), COOKIE, flags)
    assert source == Endpoint.parse(origin) == answer.endpoint(stun.RESPONSE_ORIGIN)
    assert answer.endpoint(stun.OTHER_ADDRESS) == Endpoint.parse("203.0.113.21:3479")
    assert answer.mapped == PHONE


def test_it_answers_by_its_other_address_as_well() -> None:
    """RFC 5780 6: how a client finds out whether its mapping depends on whom it talks to."""
    source, answer = asked(a_server(), COOKIE, at="203.0.113.21:3479")
    assert source == Endpoint.parse("203.0.113.21:3479")
    assert answer.endpoint(stun.OTHER_ADDRESS) == Endpoint.parse("203.0.113.20:3478")


def test_an_old_question_gets_an_old_answer() -> None:
    """RFC 3489 11.2: no cookie, no exclusive-or, other names for the server's own endpoints."""
    source, answer = asked(a_server(), OLD)
    names = [stun.MAPPED_ADDRESS, stun.SOURCE_ADDRESS, stun.CHANGED_ADDRESS]
    assert list(answer.attributes) == names
    assert answer.endpoint(stun.SOURCE_ADDRESS) == source


def test_a_server_with_one_address_says_that_it_cannot_change_it() -> None:
    """RFC 5780 6.1: an error response, with 420 (RFC 8489 14.8)."""
    source, answer = asked(a_server(""), COOKIE, stun.CHANGE_ADDRESS)
    assert (source.port, answer.kind) == (3478, stun.BINDING_ERROR)
    assert answer.attributes[stun.ERROR_CODE][2:4] == bytes((4, 20))
    assert answer.attributes[stun.UNKNOWN_ATTRIBUTES] == stun.CHANGE_REQUEST.to_bytes(2)


def test_what_is_no_question_is_not_answered() -> None:
    server = a_server()
    answer = StunMessage(stun.BINDING_RESPONSE, COOKIE, {}).write()
    for payload in (b"hello", answer):
        at = Endpoint.parse("203.0.113.20:3478")
        (said,) = server.receive(Datagram(PHONE, at, payload), 0.0)
        assert isinstance(said, Report)
        assert said.detail == "it is no STUN request"


def test_two_addresses_are_two() -> None:
    with pytest.raises(ValueError, match=r"other_address: is its first one: 203\.0\.113\.20"):
        StunServerTraits(**PLACES, other_address="203.0.113.20").check()
