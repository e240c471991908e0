"""Who is that? A server that registers only hosts whose address has a name in a domain it knows.

    phone ──► server         REGISTER, from 203.0.113.10
    server ──► name server   10.113.0.203.in-addr.arpa. PTR ?
    server ◄── name server   pbx.example.net.                         and now it answers 200, or 403

Mail servers ask the same of each other, and logs of everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from appliance.parties.machine import Machine
from appliance.parties.party import Ground, What
from appliance.parties.pressing import PressingTraits
from appliance.parties.questions import Questions
from appliance.parties.traits import about
from nat.endpoint import Endpoint, address_text

OnVerdict = Callable[[str, float], None]
"""Why an address is not welcome; empty: it is."""


class HostNamesTraits(PressingTraits, kw_only=True):
    """Of a server that may want to know who an address is."""

    customers_under: Annotated[
        str,
        about(
            "Register only hosts whose address has a name under this domain (PTR, RFC 1035 3.5), "
            "as mail servers want it of each other (RFC 1912 2.1); others get 403. Empty: any host."
        ),
    ] = ""
    name_server: Annotated[
        str,
        about("The endpoint of the name server that it asks for that (RFC 1035 2.2); empty: none."),
    ] = ""

    def check(self) -> None:
        super().check()
        if self.name_server:
            self.must_parse(Endpoint.parse, "name_server")
        if self.customers_under and not self.name_server:
            raise ValueError("customers_under: it needs a name_server that it can ask")


class HostNames:
    """Asks, for `who`, whether an address has a name under `domain`."""

    def __init__(self, machine: Machine, who: str, domain: str, questions: Questions) -> None:
        self._machine = machine
        self._who = who
        self._domain = domain.rstrip(".").lower()
        self._questions = questions

    def ask(self, address: int, on_verdict: OnVerdict, now: float) -> None:
        # The parser of messages is loaded here: most servers need no names.
        from appliance.parties import answers

        text = address_text(address)

        def heard(answer: bytes, query: bytes, at: float) -> bool:
            found = answers.read_names(answer, query)
            if found is None:
                return False
            if found.why:
                ground = Ground(answer, found.field, found.rfc)
                self._machine.object_to(What.MESSAGE_DISCARDED, self._who, found.why, ground)
            known = any(f".{each}".endswith(f".{self._domain}") for each in found.names)
            on_verdict("" if known else f"{text} has no name under {self._domain}", at)
            return True

        self._questions.ask(
            lambda number: answers.question_of(address, number),
            heard,
            lambda at: on_verdict(f"nobody says who {text} is", at),
            now,
        )
