"""A phone that knows its registrar by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from appliance.parties.machine import Machine
from appliance.parties.nameserver import NameServer, NameServerTraits
from appliance.parties.party import Datagram, Ground, Report, Send, What
from appliance.parties.phone import PhoneTraits
from appliance.parties.questions import MOST_ASKED, WAIT, Questions
from appliance.parties.resolver import ASKS_AGAIN, Resolver, essence
from nat.endpoint import Endpoint, parse_address

PHONE = parse_address("192.168.20.100")
SERVER = Endpoint.parse("203.0.113.53:53")
LINE = "pbx.example.net. 300 IN A 203.0.113.10"


def traits(**others: Any) -> PhoneTraits:
    known = {
        "address": "192.168.20.100", "side": "inside", "registrar": "203.0.113.9:5060",
        "registrar_name": "pbx.example.net", "name_server": str(SERVER), **others,
    }  # fmt: skip
    return PhoneTraits(**known)


def server(signed: bool = False, ttl: int = 300) -> NameServer:
    zones = {"example.net": [LINE.replace("300", str(ttl))]}
    known = NameServerTraits(address="203.0.113.53", side="outside", zones=zones, signed=signed)
    return NameServer("names", known)


@dataclass
class Asking:
    """A resolver, and what it has come to."""

    checks: bool = False
    machine: Machine = field(default_factory=Machine)
    ports: set[int] = field(default_factory=set)
    found: list[tuple[int, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine.name = "alice"
        known = traits(checks_signatures=self.checks)
        self.questions = Questions(self.machine, PHONE, SERVER, self.ports, Random(1))
        self.resolver = Resolver(self.machine, "alice", known, self.questions)

    def on_address(self, address: int, ground: Ground, now: float) -> None:
        self.found.append((address, ground.field))

    def fail(self, why: str, now: float) -> None:
        self.failed.append(why)

    def asked(self, now: float = 0.0) -> list[Send]:
        """What it sends."""
        self.resolver.ask(self.on_address, self.fail, now)
        return [each for each in self.machine.actions() if isinstance(each, Send)]

    def hears(self, question: Send, answer: bytes, source: Endpoint = SERVER) -> bool:
        return self.questions.hear(Datagram(source, question.source, answer), 0.1)


def said_to(question: Send, names: NameServer) -> bytes:
    datagram = Datagram(question.source, question.destination, question.payload)
    answer, _ = names.receive(datagram, 0.0)
    assert isinstance(answer, Send)
    return answer.payload


@pytest.mark.parametrize("checks", [False, True])
def test_it_asks_once_and_hears_where_its_registrar_is(checks: bool) -> None:
    asking = Asking(checks)
    (question,) = asking.asked()
    assert asking.asked() == []
    assert asking.ports == {question.source.port}
    assert asking.hears(question, said_to(question, server(signed=checks)))
    assert asking.found == [(parse_address("203.0.113.10"), "answer[0].address")]
    assert (asking.failed, asking.ports) == ([], set())


def test_it_asks_three_times_and_gives_up() -> None:
    asking = Asking()
    sent = asking.asked()
    for number in range(MOST_ASKED):
        sent += [x for x in asking.machine.wake((number + 1) * WAIT) if isinstance(x, Send)]
    assert len(sent) == MOST_ASKED
    assert asking.failed == ["no answer from the name server 203.0.113.53:53"]
    assert asking.ports == set()


def test_nobody_else_answers() -> None:
    """RFC 5452: from another address, or with another number."""
    asking = Asking()
    (question,) = asking.asked()
    good = said_to(question, server())
    assert asking.hears(question, good, Endpoint.parse("198.51.100.66:53"))
    assert asking.hears(question, bytes((good[0] ^ 1,)) + good[1:])
    assert (asking.found, asking.failed) == ([], [])
    elsewhere = replace(question, source=question.source._replace(port=1))
    assert not asking.hears(elsewhere, good)


def test_what_it_was_told_it_remembers_for_as_long_as_the_ttl_says() -> None:
    """RFC 1035 3.2.1: the time in seconds that a record may be cached."""
    asking = Asking()
    (question,) = asking.asked()
    asking.hears(question, said_to(question, server()))
    assert asking.asked(300.0) == []
    assert len(asking.found) == 2
    assert len(asking.asked(300.2)) == 1


def test_with_a_ttl_of_nought_it_remembers_nothing_and_says_so() -> None:
    """RFC 1035 3.2.1: such a record is for the transaction in progress only."""
    asking = Asking()
    (question,) = asking.asked()
    asking.hears(question, said_to(question, server(ttl=0)))
    (report,) = [each for each in asking.machine.actions() if isinstance(each, Report)]
    assert (report.detail, report.target) == (ASKS_AGAIN, SERVER)
    assert report.ground is not None
    assert report.ground.field == "answer[0].ttl"
    assert len(asking.asked(0.1)) == 1


def test_a_forged_answer_is_discarded_aloud() -> None:
    asking = Asking(checks=True)
    (question,) = asking.asked()
    asking.hears(question, said_to(question, server(signed=False)))
    (report,) = [each for each in asking.machine.actions() if isinstance(each, Report)]
    assert report.what is What.MESSAGE_DISCARDED
    assert report.ground is not None
    assert report.ground.field == "answer[0].address"
    assert asking.failed == [f"no address of pbx.example.net: {report.detail}"]


def test_a_name_and_a_server_belong_together() -> None:
    traits().check()
    with pytest.raises(ValueError, match="are of no use without each other"):
        traits(name_server="").check()


def test_a_datagram_of_dns_is_told_from_others() -> None:
    asking = Asking()
    (question,) = asking.asked()
    assert essence(question.payload) == "DNS question"
    assert essence(said_to(question, server())) == "DNS answer"
    for other in (b"", b"\0" * 12, b"REGISTER sip:example.net SIP/2.0\r\n", b"\x80\0" + b"x" * 160):
        assert essence(other) == ""
