"""What a browser does with a page that is not on its visitor's side (NAT slipstreaming, 2020).

    browser ──GET /────────────────────► web server, port 80
    browser ◄──a page with a script───── web server
    browser ──POST /, "aaa…a" REGISTER─► web server, port 5060      the script chose port and text

A script may send any text anywhere, but not what stands before it: that is a POST of HTTP. It can
make that so long that its own text begins the next segment, and knows its visitor's private address
(WebRTC tells it). Whoever reads each segment for itself takes the text for a phone's.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from appliance.parties.machine import Machine
from appliance.parties.party import (
    Close,
    Closed,
    Connect,
    Connected,
    Finished,
    News,
    Received,
    Write,
)
from appliance.parties.signalling import DYNAMIC_PORTS, FIRST_DYNAMIC_PORT
from nat.endpoint import Endpoint, address_text

BLOCKED = (5060, 5061)
"""Ports that no page may have anything sent to, in browsers since the end of 2020 (Fetch 2.8)."""
OWN_ADDRESS = "${address}"
LARGEST_PAGE = 65536  # bytes

_SCRIPT = re.compile(r"post\('([0-9.:]+)', ([0-9]{1,4}), `(.*?)`\)", re.DOTALL)


class Script(NamedTuple):
    """What a page's script does: send `text` to `target`, behind so much of anything that it begins
    at byte `begins_at` of what is sent."""

    target: Endpoint
    begins_at: int
    text: str

    def page(self) -> bytes:
        call = f"post('{self.target}', {self.begins_at}, `{self.text}`)"
        body = f"<script>{call}</script>\r\n".encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def script_in(page: str) -> Script | None:
    """None in a page that has none."""
    found = _SCRIPT.search(page)
    if found is None:
        return None
    return Script(Endpoint.parse(found[1]), int(found[2]), found[3])


def post(script: Script, address: int) -> bytes:
    """The request that the script makes its browser send; `address` is the visitor's."""
    text = script.text.replace(OWN_ADDRESS, address_text(address)).encode()
    head = f"POST / HTTP/1.1\r\nHost: {script.target}\r\nContent-Length: ".encode()
    filler = script.begins_at - len(head) - len(b"1234\r\n\r\n")
    return b"%b%04d\r\n\r\n%b%b" % (head, filler + len(text), b"a" * filler, text)


class Browser:
    """On the computer of `machine`, at `address`. It does what pages ask for, unless it
    `blocks_ports`."""

    def __init__(self, machine: Machine, address: int, blocks_ports: bool, rng: Random) -> None:
        self._machine = machine
        self._address = address
        self._blocked = BLOCKED if blocks_ports else ()
        self._rng = rng
        self._says: dict[tuple[Endpoint, Endpoint], tuple[bytes, int]] = {}
        self._page = bytearray()

    def visit(self, server: Endpoint) -> None:
        """Open the page of a web server."""
        self._page.clear()
        self._ask(server, f"GET / HTTP/1.1\r\nHost: {server}\r\n\r\n".encode(), 0)

    def hear(self, news: News) -> bool:
        """Is it about one of its connections?"""
        if not isinstance(news, Connected | Received | Finished | Closed):
            return False
        link = (news.local, news.remote)
        if link not in self._says:
            return False
        if isinstance(news, Connected):
            said, size = self._says[link]
            self._machine.do(Write(*link, said, (size,)))
        elif isinstance(news, Received):
            self._read(news.payload)
        elif isinstance(news, Finished):
            self._machine.do(Close(*link))
        else:
            del self._says[link]
        return True

    def _read(self, payload: bytes) -> None:
        if len(self._page) > LARGEST_PAGE:
            return
        self._page += payload
        script = script_in(self._page.decode("latin-1"))
        if script is None:
            return
        self._page.clear()
        if script.target.port not in self._blocked:
            self._ask(script.target, post(script, self._address), script.begins_at)

    def _ask(self, server: Endpoint, request: bytes, size: int) -> None:
        port = FIRST_DYNAMIC_PORT + self._rng.getrandbits(DYNAMIC_PORTS)
        link = Endpoint(self._address, port), server
        self._says[link] = (request, size)
        self._machine.do(Connect(*link))
