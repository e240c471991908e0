"""A server that hands out one file."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from appliance.parties.ftp import endpoint_in
from appliance.parties.ftpserver import FtpServer, FtpServerTraits
from appliance.parties.party import (
    Action,
    Closed,
    Connect,
    Connected,
    Ending,
    News,
    Received,
    Report,
    Write,
)
from nat.endpoint import Endpoint

OWN = Endpoint.parse("203.0.113.21:21")
PHONE = Endpoint.parse("203.0.113.1:61000")


class Asked:
    """A server, and somebody with a control connection to it."""

    def __init__(self) -> None:
        traits = FtpServerTraits(
            address="203.0.113.21", side="outside", gives="registrar = 1.2.3.4:5060"
        )
        self.server = FtpServer("files", traits, Random(1))
        assert said(self.news(Connected(OWN, PHONE)))[0].startswith("220")

    def news(self, news: News) -> Sequence[Action]:
        return self.server.hear(news, 0.0)

    def hears(self, line: str) -> Sequence[Action]:
        return self.news(Received(OWN, PHONE, f"{line}\r\n".encode()))


def said(actions: Sequence[Action]) -> list[str]:
    return [each.payload.decode() for each in actions if isinstance(each, Write)]


def test_it_connects_to_where_the_phone_listens() -> None:
    """RFC 959 3.2."""
    asked = Asked()
    assert said(asked.hears("PORT 203,0,113,1,156,65"))[0].startswith("200")
    asked.hears("RETR phone.cfg")
    (connect, *_) = asked.server.wake(0.1)
    assert isinstance(connect, Connect)
    assert str(connect.remote) == "203.0.113.1:40001"
    told = said(asked.news(Connected(connect.local, connect.remote)))
    assert told == ["registrar = 1.2.3.4:5060\r\n", "226 that was it\r\n"]


def test_it_connects_to_nobody_else() -> None:
    """RFC 2577 3: no third host is attacked by way of a server."""
    asked = Asked()
    refused = asked.hears("PORT 192,168,20,100,156,65")
    assert said(refused)[0].startswith("500")
    (objection,) = [each for each in refused if isinstance(each, Report)]
    assert objection.detail == (
        "500: it names 192.168.20.100, and the connection comes from 203.0.113.1"
    )


def test_in_passive_mode_it_listens() -> None:
    asked = Asked()
    (line,) = said(asked.hears("PASV"))
    there = endpoint_in(line)
    assert there is not None
    assert there.port in asked.server.tcp_ports
    asked.hears("RETR phone.cfg")
    told = said(asked.news(Connected(there, Endpoint.parse("203.0.113.1:4"))))
    assert told[0] == "registrar = 1.2.3.4:5060\r\n"


def test_it_says_when_nobody_is_there() -> None:
    asked = Asked()
    asked.hears("PORT 203,0,113,1,156,65")
    asked.hears("RETR phone.cfg")
    (connect, *_) = asked.server.wake(0.1)
    assert isinstance(connect, Connect)
    refused = asked.news(Closed(connect.local, connect.remote, Ending.REFUSED))
    assert said(refused) == ["425 nobody is there\r\n"]


def test_a_session_ends_with_its_connection() -> None:
    asked = Asked()
    asked.hears("PASV")
    asked.news(Closed(OWN, PHONE, Ending.RESET))
    assert asked.server.tcp_ports == {21}
    assert not asked.hears("PASV")


@pytest.mark.parametrize("line", ["USER x", "PASS x", "QUIT", "LIST"])
def test_every_command_has_an_answer(line: str) -> None:
    assert len(said(Asked().hears(line))) == 1
