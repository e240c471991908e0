"""Telephony through one port (RFC 5456)."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from appliance.parties.oneport import (
    CALLED,
    IAX,
    MOST_TRIES,
    NEW,
    PONG,
    REGREQ,
    Frame,
    OnePort,
    OnePortTraits,
    essence,
    read,
)
from appliance.parties.party import Action, Datagram, Report, Send, What
from nat.endpoint import Endpoint

PHONE, SERVER = Endpoint.parse("192.168.20.100:4569"), Endpoint.parse("203.0.113.9:4569")


def traits(**more: Any) -> OnePortTraits:
    return OnePortTraits(side="inside", **more)


class Office:
    """A phone and a server that hear each other at once."""

    def __init__(self, **of_phone: Any) -> None:
        alice = traits(address="192.168.20.100", server=str(SERVER), **of_phone)
        self.alice = OnePort("alice", alice, Random(1))
        self.bob = OnePort("pbx", traits(address="203.0.113.9", user="bob"), Random(2))
        self.reports: list[Report] = []
        self.sent: list[Send] = []
        self.is_cut = False

    def tell(self, who: OnePort, order: str, whom: str = "", now: float = 0.0) -> None:
        self._do(who.tell(order, whom, now), now)

    def pass_time(self, until: float) -> None:
        now = 0.0
        while now < until:
            now += 0.02
            for each in (self.alice, self.bob):
                self._do(each.wake(now), now)

    def _do(self, actions: Any, now: float) -> None:
        todo: list[Action] = [*actions]
        while todo:
            action = todo.pop(0)
            if isinstance(action, Report):
                self.reports.append(action)
            elif isinstance(action, Send):
                self.sent.append(action)
                other = self.bob if action.destination == SERVER else self.alice
                if not self.is_cut:
                    heard = Datagram(action.source, action.destination, action.payload)
                    todo += other.receive(heard, now)

    def said(self, what: What) -> Iterator[tuple[str, str]]:
        return ((each.who, each.peer) for each in self.reports if each.what is what)


def test_everything_goes_between_two_ports() -> None:
    office = Office()
    office.tell(office.alice, "register")
    office.tell(office.alice, "call", "bob")
    office.pass_time(2.0)
    office.tell(office.alice, "hang-up", now=2.0)
    assert {each.source for each in office.sent} == {PHONE, SERVER}
    assert [*office.said(What.CALL_ANSWERED)] == [("alice", "bob")]
    assert {*office.said(What.CALL_ENDED)} == {("alice", "bob"), ("bob", "alice")}
    streams = {each.who: each.stream for each in office.reports if each.what is What.TALKING}
    alice, bob = streams["alice"], streams["bob"]
    assert alice is not None
    assert bob is not None
    assert (alice.heard, bob.heard) == (bob.sent, alice.sent)
    assert alice.sent > 50


def test_the_server_calls_where_a_registration_came_from() -> None:
    office = Office()
    office.tell(office.bob, "call", "alice")
    office.tell(office.alice, "register")
    office.tell(office.bob, "call", "alice")
    office.pass_time(1.0)
    assert [*office.said(What.CALL_UNREACHABLE)] == [("bob", "alice")]
    assert [*office.said(What.CALL_ANSWERED)] == [("bob", "alice")]


@pytest.mark.parametrize(
    ("order", "what"),
    [("register", What.REGISTRATION_UNANSWERED), ("call", What.CALL_UNREACHABLE)],
)
def test_a_request_is_repeated_and_then_given_up(order: str, what: What) -> None:
    office = Office()
    office.is_cut = True
    office.tell(office.alice, order, "bob")
    office.pass_time(MOST_TRIES + 1.0)
    assert len(office.sent) == MOST_TRIES
    assert [who for who, _ in office.said(what)] == ["alice"]


def test_who_hangs_up_asks_no_more() -> None:
    office = Office()
    office.is_cut = True
    office.tell(office.alice, "call", "bob")
    office.tell(office.alice, "hang-up")
    office.pass_time(3.0)
    asked = [read(each.payload) for each in office.sent]
    assert [each.subclass for each in asked if each].count(NEW) == 1


def test_a_poke_is_answered_and_keeps_the_way_open() -> None:
    """RFC 5456 6.7."""
    office = Office(poke_every=0.5)
    office.tell(office.alice, "register")
    office.pass_time(1.1)
    asked = [read(each.payload) for each in office.sent]
    assert [each.subclass for each in asked if each].count(PONG) == 2


def test_a_frame_is_read_as_it_was_written() -> None:
    frame = Frame(IAX, REGREQ, 7, 9, ((CALLED, "bob"),))
    assert read(frame.write()) == frame
    assert read(b"\x00" * 20) is None
    assert read(frame.write()[:8]) is None


def test_what_a_frame_is_in_a_word() -> None:
    """Audio of RTP begins with the same bit."""
    assert essence(Frame(IAX, REGREQ, 7).write()) == "REGREQ"
    assert essence(b"\x80\x00" + bytes(range(8)) + bytes((IAX, REGREQ))) == ""


def test_a_stranger_is_not_listened_to() -> None:
    """A frame of a call must come from its other end."""
    office = Office()
    office.tell(office.alice, "call", "bob")
    office.pass_time(1.0)
    for number in range(5):
        payload = Frame(IAX, 5, 1, number).write()
        heard = Datagram(Endpoint.parse("198.51.100.66:4569"), PHONE, payload)
        assert not office.alice.receive(heard, 1.0)


@pytest.mark.parametrize("wrong", [{"server": "x"}, {"register_every": 0}, {"poke_every": -1}])
def test_what_cannot_be_is_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"x|no time in between"):
        traits(address="192.168.20.100", **wrong).check()
