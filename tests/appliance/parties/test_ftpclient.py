"""A phone that fetches its configuration before it registers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from appliance.parties.ftp import endpoint_in
from appliance.parties.party import (
    Action,
    Closed,
    Connect,
    Connected,
    Ending,
    Finished,
    News,
    Received,
    Report,
    Send,
    What,
    Write,
)
from appliance.parties.phone import Phone
from nat.endpoint import Endpoint
from tests.support.parties import a_phone

SERVER = Endpoint.parse("203.0.113.21:21")
GIVER = Endpoint.parse("203.0.113.21:51000")


def lines(actions: Sequence[Action]) -> list[str]:
    return [each.payload.decode().strip() for each in actions if isinstance(each, Write)]


class Fetching:
    """A phone that has begun to fetch, and what it says."""

    def __init__(self, **traits: str) -> None:
        self.phone: Phone = a_phone(configuration=str(SERVER), **traits)
        (asked, *_) = self.phone.tell("register", "", 0.0)
        assert isinstance(asked, Connect)
        assert asked.remote == SERVER
        self.control = asked.local

    def hears(self, line: str) -> list[str]:
        return lines(self.news(Received(self.control, SERVER, f"{line}\r\n".encode())))

    def news(self, news: News) -> Sequence[Action]:
        return self.phone.hear(news, 1.0)

    def logged_in(self) -> str:
        assert self.hears("220 hello") == ["USER phone"]
        assert self.hears("331 and") == ["PASS phone"]
        (said,) = self.hears("230 in")
        return said

    def file(self, text: str) -> list[Action]:
        """The server connects to where the phone has said, and hands it over."""
        there = endpoint_in(self.logged_in())
        assert there is not None
        assert there.port in self.phone.tcp_ports
        assert self.hears("200 so") == ["RETR phone.cfg"]
        said: list[Action] = []
        for each in (
            Connected(there, GIVER),
            Received(there, GIVER, text.encode()),
            Finished(there, GIVER),
        ):
            said += self.news(each)
        return said


def test_in_active_mode_it_says_where_it_listens_and_registers_where_the_file_says() -> None:
    """RFC 959 3.2."""
    told = Fetching().file("registrar = 203.0.113.77:5060\r\n")
    (register,) = [each for each in told if isinstance(each, Send)]
    assert str(register.destination) == "203.0.113.77:5060"
    assert register.payload.startswith(b"REGISTER sip:203.0.113.77 ")


def test_in_passive_mode_it_connects_itself() -> None:
    """RFC 1579."""
    fetching = Fetching(fetches_by="passive")
    assert fetching.logged_in() == "PASV"
    said = fetching.news(Received(fetching.control, SERVER, b"227 there (203,0,113,21,200,10)\r\n"))
    assert [str(each.remote) for each in said if isinstance(each, Connect)] == [
        "203.0.113.21:51210"
    ]
    assert lines(said) == ["RETR phone.cfg"]


def failures(actions: Sequence[Action]) -> list[str]:
    return [
        each.detail
        for each in actions
        if isinstance(each, Report) and each.what is What.REGISTRATION_UNANSWERED
    ]


def test_without_a_file_it_does_not_register() -> None:
    fetching = Fetching()
    refused = fetching.news(Received(fetching.control, SERVER, b"500 no\r\n"))
    assert failures(refused) == ["500 instead of a configuration from 203.0.113.21:21"]
    assert not any(isinstance(each, Send) for each in refused)


def test_a_connection_that_ends_is_a_failure_too() -> None:
    fetching = Fetching()
    ended = fetching.news(Closed(fetching.control, SERVER, Ending.REFUSED))
    assert failures(ended) == ["no configuration from 203.0.113.21:21 (connection refused)"]


def test_it_waits_for_half_a_minute() -> None:
    phone = Fetching().phone
    assert failures(phone.wake(29.9)) == []
    assert failures(phone.wake(30.0)) == ["no configuration from 203.0.113.21:21 in 30 s"]


@pytest.mark.parametrize("text", ["", "registrar = somewhere", "registrar = 1.2.3.4"])
def test_a_file_that_names_no_registrar_helps_nobody(text: str) -> None:
    assert failures(Fetching().file(text)) == ["a configuration that names no registrar"]


def test_whoever_comes_second_is_not_listened_to() -> None:
    """Whoever connects first brings the file (RFC 2577 6)."""
    fetching = Fetching()
    there = endpoint_in(fetching.logged_in())
    assert there is not None
    fetching.news(Connected(there, Endpoint.parse("198.51.100.66:1")))
    fetching.news(Connected(there, GIVER))
    fetching.news(Received(there, GIVER, b"registrar = 203.0.113.9:5060\r\n"))
    assert not any(isinstance(each, Send) for each in fetching.news(Finished(there, GIVER)))
