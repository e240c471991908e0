"""A phone that asks a STUN server, and what it does with the answer."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from appliance.parties import stun
from appliance.parties.machine import Machine
from appliance.parties.party import Datagram, Send, What
from appliance.parties.sipua import parse
from appliance.parties.stun import StunMessage
from appliance.parties.stunclient import StunClient
from appliance.parties.stunserver import StunServer, StunServerTraits
from nat.endpoint import Endpoint
from tests.support.parties import a_pbx, a_phone, phone_traits

if TYPE_CHECKING:
    from conftest import Room

OWN, SERVER = Endpoint.parse("192.168.20.100:5060"), Endpoint.parse("203.0.113.20:3478")
OUTSIDE = Endpoint.parse("203.0.113.1:40000")
KNOWS = {"stun": str(SERVER)}


class Asking:
    """A client that has asked once, and what came of it."""

    def __init__(self, old: bool = False) -> None:
        self.machine = Machine()
        self.client = StunClient(self.machine, "alice", SERVER, old, Random(1))
        self.heard: list[Endpoint | None] = []
        self.client.ask(OWN, lambda endpoint, now: self.heard.append(endpoint), 0.0)

    def sent(self) -> list[Send]:
        return [action for action in self.machine.actions() if isinstance(action, Send)]

    def answer(self, transaction: bytes, destination: Endpoint = OWN) -> bool:
        values = {stun.MAPPED_ADDRESS: stun.address_value(OUTSIDE)}
        payload = StunMessage(stun.BINDING_RESPONSE, transaction, values).write()
        return self.client.hear(Datagram(SERVER, destination, payload), 1.0)


@pytest.mark.parametrize("old", [False, True])
def test_it_hears_what_it_is_outside(old: bool) -> None:
    asking = Asking(old)
    (send,) = asking.sent()
    request = stun.read(send.payload)
    assert request is not None
    assert (send.source, send.destination, request.has_cookie) == (OWN, SERVER, not old)
    assert asking.answer(request.transaction)
    assert asking.heard == [OUTSIDE]


def test_an_answer_that_was_not_asked_for_is_somebody_elses() -> None:
    """RFC 8489 6.3: the transaction says what is answered; and it comes to the port that asked."""
    asking = Asking()
    request = stun.read(asking.sent()[0].payload)
    assert request is not None
    assert not asking.answer(bytes(16))
    assert not asking.answer(request.transaction, Endpoint.parse("192.168.20.100:4000"))
    assert asking.heard == []


def test_it_asks_seven_times_before_it_gives_up() -> None:
    """RFC 8489 6.2.1: after 0.5 s, and then each time twice as long; in the end 8 s."""
    asking, times = Asking(), [0.0]
    asking.sent()
    for tenth in range(1, 450):
        actions = asking.machine.wake(tenth / 10)
        times += [tenth / 10 for action in actions if isinstance(action, Send)]
    assert times == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert asking.heard == [None]


def room_behind_nat(room: Room, ports: dict[int, int], **traits: object) -> None:
    """Alice's phone behind a NAT that has these ports outside, a STUN server, and a PBX."""

    def translate(send: Send) -> Send:
        source, destination = send.source, send.destination
        if source.address == OWN.address:
            source = Endpoint(OUTSIDE.address, ports[source.port])
        if destination.address == OUTSIDE.address:
            inside = {outer: inner for inner, outer in ports.items()}
            destination = Endpoint(OWN.address, inside[destination.port])
        return Send(source, destination, send.payload)

    room.on_the_way = translate
    room.add(StunServer("stun", StunServerTraits(address="203.0.113.20", side="outside")))
    room.add(a_pbx())
    phone = a_phone(**KNOWS, **traits)
    room.add(phone)
    room.tell(phone, "register")
    room.tell(phone, "call", "bob")


def test_a_phone_writes_what_it_learnt_into_via_contact_and_description(room: Room) -> None:
    room_behind_nat(room, {5060: 40000, 4000: 50000})
    messages = [parse(send.payload) for _, send in room.sent if b" SIP/2.0\r\n" in send.payload]
    register = next(each for each in messages if each.method == "REGISTER")
    invite = next(each for each in messages if each.method == "INVITE")
    for message in (register, invite):
        assert message.get("via").startswith("SIP/2.0/UDP 203.0.113.1:40000;")
        assert "alice@203.0.113.1:40000>" in message.get("contact")
    assert b"c=IN IP4 203.0.113.1\r\n" in invite.body
    assert b"m=audio 50000 " in invite.body
    assert room.said(What.REGISTRATION_ACCEPTED) == [("alice", "", "")]
    learnt = [report for _, report in room.reports if report.detail.startswith("learns by STUN")]
    assert [str(report.target) for report in learnt] == ["203.0.113.1:40000", "203.0.113.1:50000"]


@pytest.mark.slow
def test_a_phone_that_is_elsewhere_registers_anew(room: Room) -> None:
    ports = {5060: 40000, 4000: 50000}
    room_behind_nat(room, ports, stun_every=20.0)
    room.run_until(50.0)
    assert len(room.said(What.REGISTRATION_TRIED)) == 1
    ports[5060] = 40002
    room.run_until(70.0)
    assert len(room.said(What.REGISTRATION_TRIED)) == 2
    newest = [send.payload for _, send in room.sent if send.payload.startswith(b"REGISTER")][-1]
    assert b"<sip:alice@203.0.113.1:40002>" in newest


def test_without_an_answer_a_phone_writes_what_it_knows(room: Room) -> None:
    phone = a_phone(**KNOWS)
    room.add(phone)
    room.tell(phone, "register")
    room.run_until(41.0)
    register = parse(room.sent[-1][1].payload)
    assert "alice@192.168.20.100:5060" in register.get("contact")


@pytest.mark.parametrize(
    ("traits", "sentence"),
    [
        ({"stun": "203.0.113.20"}, "203.0.113.20"),
        ({"stun": str(SERVER), "transport": "tcp"}, "take transport = udp"),
        ({"stun_every": -1.0}, "stun_every: -1.0 s are no time in between"),
    ],
)
def test_what_cannot_be_asked_is_refused(traits: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        phone_traits(**traits).check()
