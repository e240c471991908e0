"""A server that asks who an address is."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from appliance.parties.hostnames import HostNames
from appliance.parties.machine import Machine
from appliance.parties.nameserver import NameServer, NameServerTraits
from appliance.parties.party import Datagram, Report, Send
from appliance.parties.pbx import PbxTraits
from appliance.parties.questions import MOST_ASKED, WAIT, Questions
from nat.endpoint import Endpoint, parse_address

HERE, SERVER = parse_address("203.0.113.9"), Endpoint.parse("203.0.113.53:53")
ADDRESS = parse_address("203.0.113.10")
NAME = "10.113.0.203.in-addr.arpa."
LINES = [f"{NAME} 300 IN PTR phone.example.net.", f"{NAME} 300 IN PTR mail.example.net."]
STRANGE = "203.0.113.10 has no name under example.net"


class Asking:
    """A server's question, and what it has come to."""

    def __init__(self, *lines: str) -> None:
        zones = {"113.0.203.in-addr.arpa": list(lines)}
        names = NameServerTraits(address="203.0.113.53", side="outside", zones=zones)
        self.names = NameServer("names", names)
        self.machine = Machine()
        self.verdicts: list[str] = []
        self.questions = Questions(self.machine, HERE, SERVER, set(), Random(1))
        asks = HostNames(self.machine, "pbx", "example.net", self.questions)
        asks.ask(ADDRESS, lambda why, now: self.verdicts.append(why), 0.0)

    def answered(self, cut: int = 0) -> list[Report]:
        """What is said of the answer; `cut` bytes of its end are zeros."""
        (question,) = [each for each in self.machine.actions() if isinstance(each, Send)]
        to_server = Datagram(question.source, SERVER, question.payload)
        answer, _ = self.names.receive(to_server, 0.0)
        assert isinstance(answer, Send)
        payload = answer.payload[: len(answer.payload) - cut] + b"\x70" * cut
        assert self.questions.hear(Datagram(SERVER, question.source, payload), 0.1)
        return [each for each in self.machine.actions() if isinstance(each, Report)]


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (LINES, ""),
        (LINES[1:], ""),
        ([f"{NAME} 300 IN PTR phone.EXAMPLE.net."], ""),
        ([f"{NAME} 300 IN PTR example.net."], ""),
        ([f"{NAME} 300 IN PTR phone.notexample.net."], STRANGE),
        ([f"{NAME} 300 IN TXT x"], STRANGE),
    ],
)
def test_one_name_in_the_domain_is_enough(lines: list[str], verdict: str) -> None:
    """RFC 1035 3.5; upper case does not count (RFC 4343)."""
    asking = Asking(*lines)
    assert asking.answered() == []
    assert asking.verdicts == [verdict]


def test_an_address_without_a_name_is_told_of_by_what_was_asked() -> None:
    asking = Asking("11.113.0.203.in-addr.arpa. 300 IN PTR other.example.net.")
    (said,) = asking.answered()
    assert said.detail == f"it knows no {NAME} (NXDOMAIN)"
    assert said.ground is not None
    assert said.ground.field == "question[0].name"
    assert asking.verdicts == [STRANGE]


def test_an_answer_with_a_name_that_leads_nowhere_names_nobody() -> None:
    """RFC 1035 4.1.4."""
    asking = Asking(*LINES)
    (said,) = asking.answered(cut=2)
    assert said.detail == "a name in it leads nowhere"
    assert asking.verdicts == [STRANGE]


def test_after_three_questions_nobody_has_said_who_it_is() -> None:
    asking = Asking()
    for number in range(MOST_ASKED):
        asking.machine.wake((number + 1) * WAIT)
    assert asking.verdicts == ["nobody says who 203.0.113.10 is"]


def test_who_wants_to_know_has_somebody_to_ask() -> None:
    known: dict[str, Any] = {"address": "203.0.113.9", "side": "outside", "users": ["bob"]}
    PbxTraits(**known, customers_under="example.net", name_server=str(SERVER)).check()
    with pytest.raises(ValueError, match="needs a name_server"):
        PbxTraits(**known, customers_under="example.net").check()
