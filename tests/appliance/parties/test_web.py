"""What a page can make its visitor's browser send."""

from __future__ import annotations

import pytest

from appliance.parties.party import Closed, Connect, Connected, Ending, Received, Write
from appliance.parties.web import BLOCKED, Browser, Script, post, script_in
from nat.endpoint import Endpoint
from tests.support.parties import PHONE_TRAITS, a_phone

SERVER = Endpoint.parse("198.51.100.7:80")
SCRIPT = Script(Endpoint.parse("198.51.100.7:5060"), 1460, "REGISTER ${address}\r\n\r\n")


def browsing(blocks_ports: bool = False) -> tuple[Browser, list[Connect], list[Write]]:
    """A browser that has been handed a page with a script, and what it did then."""
    machine = a_phone()
    browser = Browser(machine, machine.address, blocks_ports, machine._rng)
    browser.visit(SERVER)
    (asks, *_) = machine.actions()
    assert isinstance(asks, Connect)
    assert browser.hear(Connected(asks.local, asks.remote))
    assert browser.hear(Received(asks.local, asks.remote, SCRIPT.page()))
    connects = [each for each in machine.actions() if isinstance(each, Connect)]
    for each in connects:
        browser.hear(Connected(each.local, each.remote))
    return browser, connects, [each for each in machine.actions() if isinstance(each, Write)]


def test_what_is_on_a_page_is_read_from_it() -> None:
    assert script_in(SCRIPT.page().decode()) == SCRIPT
    assert script_in("<h1>hello</h1>") is None


def test_the_text_begins_where_the_script_wants_it() -> None:
    """And the head in front of it, which no script can change, says how long it all is."""
    address = Endpoint.parse(f"{PHONE_TRAITS['address']}:0").address
    said = post(SCRIPT, address)
    assert said.startswith(b"POST / HTTP/1.1\r\nHost: 198.51.100.7:5060\r\n")
    assert said[1460:] == b"REGISTER 192.168.20.100\r\n\r\n"
    head, _, body = said.partition(b"\r\n\r\n")
    assert int(head.rpartition(b": ")[2]) == len(body)


def test_a_browser_does_what_the_page_wants() -> None:
    _, (connect,), (said,) = browsing()
    assert connect.remote == SCRIPT.target
    assert said.sizes == (1460,)


def test_or_not_to_this_port() -> None:
    """Fetch 2.8."""
    assert SCRIPT.target.port in BLOCKED
    assert browsing(blocks_ports=True)[1] == []


@pytest.mark.parametrize("how", Ending)
def test_a_connection_that_is_over_is_no_concern_of_the_browser(how: Ending) -> None:
    browser, (connect,), _ = browsing()
    assert browser.hear(Closed(connect.local, connect.remote, how))
    assert not browser.hear(Received(connect.local, connect.remote, b"more"))
