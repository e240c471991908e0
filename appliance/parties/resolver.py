"""How a phone finds its registrar by name: it asks a name server (RFC 1035), once for each time it
wants to register.

    phone ──► name server    pbx.example.net ?
    phone ◄── name server    203.0.113.10                    and registers there

One that checks signatures (DNSSEC) believes no answer whose signature does not fit, and has no
address then: to it a well-meant change is a forgery.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Annotated

from appliance.parties.ftpclient import ConfiguredTraits
from appliance.parties.machine import Machine, Timer
from appliance.parties.party import Datagram, Ground, What
from appliance.parties.signalling import DYNAMIC_PORTS, FIRST_DYNAMIC_PORT
from appliance.parties.traits import about
from nat.endpoint import Endpoint

WAIT = 3.0  # seconds for an answer; RFC 1035 4.2.1: two to five
MOST_ASKED = 3
NAME_SAYS = "registers where its name server says:"
FORGERY = "RFC 4035 5.3"

OnAddress = Callable[[int, Ground, float], None]
"""The address that was found, and what said so."""
OnFailure = Callable[[str, float], None]

_HEADER = re.compile(rb"..[\x00-\x07\x80-\x87][\x00-\xbf]\x00[\x00\x01].{6}", re.DOTALL)


class NamedTraits(ConfiguredTraits, kw_only=True):
    """Of a phone that may know its registrar by name."""

    registrar_name: Annotated[
        str,
        about(
            "The name of its registrar, which it looks up whenever it is told to register: the "
            "address takes the place of the one in `registrar`. Empty: it was told an address."
        ),
    ] = ""
    name_server: Annotated[
        str, about("The endpoint of the name server that it asks (RFC 1035 4.2); empty: none.")
    ] = ""
    checks_signatures: Annotated[
        bool,
        about(
            "Believe an answer only if its signature fits (DNSSEC, RFC 4035 5), for a zone of "
            "which it knows that everything is signed."
        ),
    ] = False

    def check(self) -> None:
        super().check()
        if self.name_server:
            Endpoint.parse(self.name_server)
        if bool(self.registrar_name) != bool(self.name_server):
            raise ValueError("registrar_name and name_server: one is of no use without the other")


@dataclass(slots=True)
class Question:
    """One that is open, from `local`."""

    local: Endpoint
    query: bytes
    asked: int = 0
    again: Timer | None = None


class Resolver:
    """Asks for one name, for `who` at `address`. `ports` are the UDP ports that its host hears."""

    def __init__(
        self,
        machine: Machine,
        who: str,
        address: int,
        traits: NamedTraits,
        ports: set[int],
        rng: Random,
        on_address: OnAddress,
        on_failure: OnFailure,
    ) -> None:
        self._machine = machine
        self._who = who
        self._address = address
        self._name = traits.registrar_name
        self._server = Endpoint.parse(traits.name_server)
        self._checks = traits.checks_signatures
        self._ports = ports
        self._rng = rng
        self._on_address = on_address
        self._on_failure = on_failure
        self._open: Question | None = None

    def ask(self, now: float) -> None:
        """Unless that is under way. From a port and with a number that nobody can guess (RFC
        5452)."""
        if self._open is not None:
            return
        # The parser of messages is loaded here: most stories need no names.
        from appliance.parties import answers

        port = FIRST_DYNAMIC_PORT + self._rng.getrandbits(DYNAMIC_PORTS)
        query = answers.question(self._name, self._rng.getrandbits(16), self._checks)
        self._open = Question(Endpoint(self._address, port), query)
        self._ports.add(port)
        self._say(self._open, now)

    def hear(self, datagram: Datagram, now: float) -> bool:
        """Is it an answer to its question?"""
        asked = self._open
        if asked is None or datagram.destination != asked.local:
            return False
        if datagram.source != self._server:
            return True
        from appliance.parties import answers

        verdict = answers.read(datagram.payload, asked.query, self._checks)
        if verdict is None:
            return True
        self._close(asked)
        if verdict.address is not None:
            ground = Ground(datagram.payload, verdict.field, "RFC 1035 3.4.1")
            self._on_address(verdict.address, ground, now)
            return True
        if verdict.field:
            ground = Ground(datagram.payload, verdict.field, FORGERY)
            self._machine.object_to(What.MESSAGE_DISCARDED, self._who, verdict.why, ground)
        self._on_failure(f"no address of {self._name}: {verdict.why}", now)
        return True

    def _say(self, asked: Question, now: float) -> None:
        if asked is not self._open:
            return
        if asked.asked == MOST_ASKED:
            self._close(asked)
            self._on_failure(f"no answer from the name server {self._server}", now)
            return
        asked.asked += 1
        self._machine.send(asked.local, self._server, asked.query)
        asked.again = self._machine.timers.at(now + WAIT, lambda at: self._say(asked, at))

    def _close(self, asked: Question) -> None:
        self._open = None
        self._ports.discard(asked.local.port)
        if asked.again is not None:
            asked.again.cancel()


def essence(payload: bytes) -> str:
    """What a datagram is in two words; empty for what is none of DNS."""
    if _HEADER.match(payload) is None or len(payload) < 17:
        return ""
    return "DNS answer" if payload[2] & 0x80 else "DNS question"
