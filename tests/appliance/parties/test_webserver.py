"""A page with a registration in it, and what its owner makes of what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from appliance.parties.party import Action, Connect, News, Received, Report, What, Write
from appliance.parties.web import post, script_in
from appliance.parties.webserver import BAIT, WEB, WebServer, WebServerTraits
from nat.endpoint import Endpoint

OWN, VISITOR = Endpoint.parse("198.51.100.7:80"), Endpoint.parse("203.0.113.1:50000")
ALICE = Endpoint.parse("192.168.20.100:5060")


def server(**more: int) -> WebServer:
    traits = WebServerTraits(
        address="198.51.100.7",
        side="outside",
        transport="tcp",
        calls="alice",
        **{"sip_port": 5080, **more},
    )
    traits.check()
    return WebServer("mallory", traits, Random(1))


def said(actions: Sequence[Action]) -> bytes:
    return b"".join(each.payload for each in actions if isinstance(each, Write))


def form(mallory: WebServer) -> bytes:
    """What the page makes a browser send."""
    asked: News = Received(OWN, VISITOR, b"GET / HTTP/1.1\r\n\r\n")
    script = script_in(said(mallory.hear(asked, 0.0)).decode())
    assert script is not None
    assert script.target == OWN._replace(port=BAIT)
    return post(script, ALICE.address)


def slips(mallory: WebServer, what: bytes) -> Sequence[Action]:
    return mallory.hear(Received(OWN._replace(port=BAIT), VISITOR, what), 1.0)


def test_its_page_writes_what_the_visitors_phone_would_write() -> None:
    slipped = form(server())[1460:]
    assert slipped.startswith(b"REGISTER sip:198.51.100.7 SIP/2.0\r\n")
    assert b"Contact: <sip:alice@192.168.20.100:5060>" in slipped


def test_it_calls_where_an_alg_says_that_its_visitor_is() -> None:
    mallory = server()
    translated = form(mallory).replace(b"192.168.20.100:5060", b"203.0.113.1:40000")
    answered = slips(mallory, translated)
    assert said(answered).startswith(b"SIP/2.0 200 OK\r\n")
    assert [each.what for each in answered if isinstance(each, Report)] == [
        What.MESSAGE_ACCEPTED,
        What.LEARNT,
    ]
    (call,) = [each for each in mallory.wake(1.2) if isinstance(each, Connect)]
    assert str(call.remote) == "203.0.113.1:40000"


def test_a_private_address_is_no_way_in() -> None:
    mallory = server()
    said_of_it = [each for each in slips(mallory, form(mallory)) if isinstance(each, Report)]
    assert [each.what for each in said_of_it] == [What.MESSAGE_ACCEPTED]
    assert not mallory.wake(9.0)


@pytest.mark.parametrize("what", [b"POST / HTTP/1.1\r\n\r\n", b"REGISTER sip:\r\n\r\n", b"x" * 99])
def test_what_is_no_registration_is_nothing(what: bytes) -> None:
    assert said(slips(server(), what)) == b""


def test_an_honest_page_has_no_script() -> None:
    asked = Received(OWN, VISITOR, b"GET / HTTP/1.1\r\n\r\n")
    assert script_in(said(server(wants=0).hear(asked, 0.0)).decode()) is None


def test_it_speaks_tcp_and_has_its_ports_for_itself() -> None:
    assert server().tcp_ports >= {WEB, BAIT}
    with pytest.raises(ValueError, match="5060"):
        server(sip_port=BAIT)
