"""A registrar that is a proxy as well: calls between two of its phones go through it, and their
audio does not (RFC 3261 16).

    alice ──INVITE──► proxy ──INVITE──► carol      a Via more on the way there
    alice ◄──200 OK── proxy ◄──200 OK── carol      and one less on the way back
    alice ◄════════════ audio ════════► carol      as their descriptions say
    alice ──ACK, BYE──► proxy ────────► carol      if it asked for that (Record-Route)

It is stateless (16.11): it remembers who has registered, and nothing of calls. Where a message goes
stands in it. With a relay beside it (`mediarelay.py`) audio goes through its host as well.
"""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import Annotated

from appliance.parties.agent import UserAgent, UserAgentTraits
from appliance.parties.mediarelay import MediaRelay
from appliance.parties.party import Datagram
from appliance.parties.registrar import Registrar, RegistrarTraits
from appliance.parties.sipua import (
    DEFAULT_PORT,
    MAGIC_COOKIE,
    NOBODY_HERE,
    SipMessage,
    UnreadableError,
    parameter_of,
    parse,
    read_via,
    stamped,
    user_of,
)
from appliance.parties.traits import about
from nat.endpoint import Endpoint, parse_address

FIRST_PORT = 30000
"""That its relay takes."""


class ProxyTraits(UserAgentTraits, tag="proxy", kw_only=True):
    """Of a proxy."""

    force_rport: Annotated[
        bool,
        about(
            "Answer and call where a phone's packets came from, not where Via and Contact say "
            "(RFC 3581; Asterisk's force_rport)."
        ),
    ] = True

    record_route: Annotated[
        bool,
        about(
            "Stay in the path of a call: its ACK and BYE come this way as well, and not directly "
            "to the other side's Contact (RFC 3261 16.6, step 4)."
        ),
    ] = True

    relays_media: Annotated[
        bool,
        about(
            "Write ports of its own into the descriptions that it passes on, so that all audio "
            "comes its way (rtpproxy beside the SIP Express Router; Intertex's routers)."
        ),
    ] = False

    def check(self) -> None:
        super().check()
        if self.transport != "udp":
            raise ValueError("transport: this proxy speaks UDP only")


class Proxy(UserAgent):
    """Passes on what is for the phones that have registered with it."""

    def __init__(self, name: str, traits: ProxyTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._answers_to_source = traits.force_rport
        self._stays_in_path = traits.record_route
        plain = RegistrarTraits(address=traits.address, side=traits.side)
        self._registrar = Registrar(self, plain, self.hop)
        self._relay: MediaRelay | None = None
        if traits.relays_media:
            self._relay = MediaRelay(self, self.address, FIRST_PORT, self._ports)
        self._methods["REGISTER"] = self._asked_to_register

    def hop(self, uri: str, source: Endpoint) -> Endpoint | None:
        return source if self._answers_to_source else super().hop(uri, source)

    def reply_to(self, request: SipMessage, source: Endpoint) -> Endpoint:
        return source if self._answers_to_source else super().reply_to(request, source)

    def _asked_to_register(self, request: SipMessage, source: Endpoint, now: float) -> None:
        status, headers = self._registrar.register(request, source, now)
        self._answer(request, status, source, headers)

    @property
    def _route(self) -> str:
        return f"<sip:{self.own};lr>"

    # --- passing on -----------------------------------------------------------------------

    def _receive_message(self, payload: bytes, source: Endpoint, now: float) -> None:
        """A response to what it passed on goes back to the Via below its own (16.7)."""
        response = _returned(payload)
        if response is None:
            super()._receive_message(payload, source, now)
        else:
            if self._relay is not None:
                self._relay.take(response)
            self.send(self.own, _answered_to(response), response.write())

    def hear_audio(self, datagram: Datagram, now: float) -> bool:
        return self._relay is not None and self._relay.hear(datagram)

    def _request(self, request: SipMessage, source: Endpoint, now: float) -> None:
        if request.method in self._methods:
            super()._request(request, source, now)
        elif not self._pass_on(request, source):
            self._refuse(request, 404, source, NOBODY_HERE)

    def _pass_on(self, request: SipMessage, source: Endpoint) -> bool:
        """To the Contact of whom it is for (16.5, 16.6). False: nobody has registered so."""
        binding = self._registrar.find(user_of(request.request_uri))
        hop = None if binding is None else self.hop(binding.contact, binding.source)
        if binding is None or hop is None:
            return False
        top, *lower = request.all("via")
        answers = f"{top};rport" if self._answers_to_source else top
        vias = [self._transport.via(_branch(top)), stamped(answers, source), *lower]
        request.start = f"{request.method} {binding.contact} SIP/2.0"
        request.headers = [*(("Via", via) for via in vias), *_rest(request)]
        if self._stays_in_path and not parameter_of(request.get("to"), "tag"):
            request.headers.insert(len(vias), ("Record-Route", self._route))
        if self._relay is not None:
            self._relay.take(request)
        self.send(self.own, hop, request.write())
        return True


def _branch(top: str) -> str:
    """The same for repetitions of a request and for its CANCEL, because it remembers none (RFC
    3261 16.11)."""
    return f"{MAGIC_COOKIE}-{sha256(top.encode('latin-1')).hexdigest()[:16]}"


def _returned(payload: bytes) -> SipMessage | None:
    """The response without its top Via, if there is another one below; None: it is not to be
    returned to anybody."""
    try:
        message = parse(payload)
    except UnreadableError:
        return None
    _, *lower = message.all("via")
    if not message.status or not lower:
        return None
    message.headers = [*(("Via", via) for via in lower), *_rest(message)]
    return message


def _answered_to(response: SipMessage) -> Endpoint:
    """RFC 3261 18.2.2, RFC 3581 4."""
    via = read_via(response.get("via"))
    said = via.endpoint or Endpoint(0, DEFAULT_PORT)
    address, port = (via.parameters.get(name) for name in ("received", "rport"))
    return Endpoint(
        parse_address(address) if address else said.address, int(port) if port else said.port
    )


WRITTEN_ANEW = ("via", "v", "content-length", "l", "route")
"""Route among them: it leads to this proxy (RFC 3261 16.4)."""


def _rest(message: SipMessage) -> list[tuple[str, str]]:
    """All headers but those that are written anew."""
    return [each for each in message.headers if each[0].lower() not in WRITTEN_ANEW]
