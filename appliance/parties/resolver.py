"""How a phone finds its registrar by name: it asks a name server (RFC 1035) whenever it is told to
register and before each call, and remembers the answer for as long as its TTL says.

    phone ──► name server    pbx.example.net ?
    phone ◄── name server    pbx.example.net 300 203.0.113.10       and registers there

One that checks signatures (DNSSEC) believes no answer whose signature does not fit, and has no
address then: to it a well-meant change is a forgery.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, NamedTuple

from appliance.parties.ftpclient import ConfiguredTraits
from appliance.parties.machine import Machine
from appliance.parties.party import Ground, What
from appliance.parties.questions import Questions
from appliance.parties.traits import about
from nat.endpoint import Endpoint

NAME_SAYS = "registers where its name server says:"
ASKS_AGAIN = "may remember nothing of it, and before each call asks"
DNS_ANSWER, DNS_QUESTION = "DNS answer", "DNS question"
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
            "The name of its registrar, which it looks up whenever it is told to register and "
            "before each call, unless it remembers (RFC 1035 3.2.1): the address takes the place "
            "of the one in `registrar`. Empty: it was told an address."
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
            self.must_parse(Endpoint.parse, "name_server")
        if bool(self.registrar_name) != bool(self.name_server):
            raise ValueError("registrar_name: it and name_server are of no use without each other")


class Known(NamedTuple):
    """An address that it was told, by what, and until when it may be remembered (seconds)."""

    address: int
    ground: Ground
    until: float


class Resolver:
    """Asks for one name, for `who`."""

    def __init__(
        self, machine: Machine, who: str, traits: NamedTraits, questions: Questions
    ) -> None:
        self._machine = machine
        self._who = who
        self._name = traits.registrar_name
        self._checks = traits.checks_signatures
        self._questions = questions
        self._waiting: list[tuple[OnAddress, OnFailure]] = []
        self._known: Known | None = None

    def ask(self, on_address: OnAddress, on_failure: OnFailure, now: float) -> None:
        """Unless that is remembered, or under way for the same purpose."""
        if self._known is not None and now < self._known.until:
            on_address(self._known.address, self._known.ground, now)
            return
        is_under_way = bool(self._waiting)
        if (on_address, on_failure) not in self._waiting:
            self._waiting.append((on_address, on_failure))
        if is_under_way:
            return
        # The parser of messages is loaded here: most stories need no names.
        from appliance.parties import answers

        self._questions.ask(
            lambda number: answers.question(self._name, number, self._checks),
            self._read,
            lambda at: self._fail(f"no answer from the name server {self._questions.server}", at),
            now,
        )

    def _read(self, answer: bytes, query: bytes, now: float) -> bool:
        from appliance.parties import answers

        verdict = answers.read(answer, query, self._checks)
        if verdict is None:
            return False
        if verdict.address is not None:
            self._keep(verdict.ttl, Ground(answer, verdict.ttl_field, "RFC 1035 3.2.1"))
            ground = Ground(answer, verdict.field, "RFC 1035 3.4.1")
            self._known = Known(verdict.address, ground, now + verdict.ttl)
            for on_address, _ in self._no_more_waiting():
                on_address(verdict.address, ground, now)
            return True
        if verdict.field:
            ground = Ground(answer, verdict.field, FORGERY)
            self._machine.object_to(What.MESSAGE_DISCARDED, self._who, verdict.why, ground)
        self._fail(f"no address of {self._name}: {verdict.why}", now)
        return True

    def _keep(self, ttl: int, ground: Ground) -> None:
        if not ttl:
            self._machine.learn(self._who, ASKS_AGAIN, self._questions.server, ground)

    def _fail(self, why: str, now: float) -> None:
        for _, on_failure in self._no_more_waiting():
            on_failure(why, now)

    def _no_more_waiting(self) -> list[tuple[OnAddress, OnFailure]]:
        waiting, self._waiting = self._waiting, []
        return waiting


def essence(payload: bytes) -> str:
    """What a datagram is in two words; empty for what is none of DNS."""
    if _HEADER.match(payload) is None or len(payload) < 17:
        return ""
    return DNS_ANSWER if payload[2] & 0x80 else DNS_QUESTION
