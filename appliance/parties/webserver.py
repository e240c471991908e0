"""A web server whose page slips a phone's registration through its visitor's browser, and whose
owner then calls the port that a careless ALG has opened (NAT slipstreaming, 2020).

    page      "POST this to port 5060: aaa…a REGISTER, Contact: 192.168.20.100:5060"
    ALG       takes it for a phone's: Contact becomes 203.0.113.1:5060, and that port opens
    server    reads in what it gets where the visitor can be reached, answers 200, and calls

It learns the way in from the ALG itself. If Contact arrives as it was written, it has nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Annotated

from appliance.parties.party import (
    Action,
    Close,
    Closed,
    Connected,
    Finished,
    Ground,
    News,
    Received,
    Write,
)
from appliance.parties.sipua import (
    SipMessage,
    UnreadableError,
    endpoint_of,
    parse,
    respond,
    uri_of,
)
from appliance.parties.telephone import Telephone, TelephoneTraits
from appliance.parties.traits import about
from appliance.parties.web import OWN_ADDRESS, Script
from nat.endpoint import Endpoint, address_text
from nat.reach import is_inside_only

WEB, BAIT = 80, 5060
SEGMENT = 1460  # bytes: what its visitors' TCP puts into a full segment
LIFETIME = 3600  # seconds that the registration asks for
SOON = 0.2  # seconds until it calls
LARGEST = 65536  # bytes of what a visitor says


class WebServerTraits(TelephoneTraits, tag="web-server", kw_only=True):
    """Of a web server with a hostile page."""

    wants: Annotated[
        int,
        about(
            "The visitor's TCP port that its page tries to have opened (NAT slipstreaming, 2020); "
            "0: the page has no script."
        ),
    ] = 5060
    calls: Annotated[str, about("The user whom it calls there.")] = ""

    def check(self) -> None:
        super().check()
        if self.transport != "tcp":
            raise ValueError('transport: a page speaks TCP only; take transport = "tcp"')
        if self.sip_port in (WEB, BAIT):
            raise ValueError(f"sip_port: its web server listens at {self.sip_port}")


class WebServer(Telephone):
    """The web server `name`, and the telephone of its owner."""

    def __init__(self, name: str, traits: WebServerTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._wants = traits.wants
        self._victim = traits.calls
        self._tcp_ports |= {WEB, BAIT}
        self._heard: dict[Endpoint, bytearray] = {}

    def accepts(self, uri: str) -> bool:
        """Nobody calls it."""
        return False

    def hear(self, news: News, now: float) -> Sequence[Action]:
        is_web = isinstance(news, Connected | Received | Finished | Closed)
        if not is_web or news.local.port not in (WEB, BAIT):
            return super().hear(news, now)
        if isinstance(news, Received):
            heard = self._heard.setdefault(news.remote, bytearray())
            if len(heard) < LARGEST:
                heard += news.payload
                self._read(news.local, news.remote, bytes(heard), now)
        elif isinstance(news, Finished):
            self.do(Close(news.local, news.remote))
        elif isinstance(news, Closed):
            self._heard.pop(news.remote, None)
        return self.actions()

    # --- the page ------------------------------------------------------------------------

    def _read(self, local: Endpoint, visitor: Endpoint, said: bytes, now: float) -> None:
        if local.port == WEB and said.endswith(b"\r\n\r\n"):
            self.do(Write(local, visitor, self._page()))
        elif local.port == BAIT and said.endswith(b"\r\n\r\n"):
            self._hear_the_slip(local, visitor, said, now)

    def _page(self) -> bytes:
        if not self._wants:
            return b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        return Script(Endpoint(self.address, BAIT), SEGMENT, self._registration()).page()

    def _registration(self) -> str:
        """As a phone at the visitor's address would write it."""
        domain = address_text(self.address)
        visitor = f"{OWN_ADDRESS}:{self._wants}"
        me = f"<sip:{self._victim}@{domain}>"
        lines = (
            f"REGISTER sip:{domain} SIP/2.0",
            f"Via: SIP/2.0/TCP {visitor};branch=z9hG4bK-{self.token()}",
            f"From: {me};tag={self.token()}",
            f"To: {me}",
            f"Call-ID: {self.token()}",
            "CSeq: 1 REGISTER",
            f"Contact: <sip:{self._victim}@{visitor}>;expires={LIFETIME}",
            "Content-Length: 0",
        )
        return "\r\n".join((*lines, "", ""))

    # --- what comes of it ------------------------------------------------------------------

    def _hear_the_slip(self, local: Endpoint, visitor: Endpoint, said: bytes, now: float) -> None:
        try:
            slipped = parse(said[said.find(b"REGISTER sip:") :])
        except UnreadableError:
            return
        there = endpoint_of(slipped.get("contact"))
        self.do(Write(local, visitor, self._granted(slipped, visitor)))
        self.accept(slipped.wire)
        if there is not None and not is_inside_only(there.address):
            does = f"has learnt that {self._victim} can be reached at"
            self.learn(self.name, does, there, Ground(slipped.write(), "contact", ""))
            uri = uri_of(slipped.get("contact"))
            self.timers.at(now + SOON, partial(self._ring_there, uri, there))

    def _granted(self, slipped: SipMessage, visitor: Endpoint) -> bytes:
        """The ALG opens what a server has accepted (RFC 3261 10.3)."""
        answer = respond(slipped, 200, visitor, self.token())
        answer.headers.append(("Contact", slipped.get("contact")))
        return answer.write()

    def _ring_there(self, uri: str, there: Endpoint, now: float) -> None:
        self._dial(self.name, self._victim, uri, there, f"<{uri}>", now)
