"""A registrar that fixes nothing, and its three switches."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from appliance.parties.party import Datagram, Send, What
from appliance.parties.pbx import Pbx
from appliance.parties.rtp import Stream
from appliance.parties.sipua import parse
from nat.endpoint import Endpoint, parse_address
from tests.support.parties import a_pbx, a_phone, as_received, pbx_traits

if TYPE_CHECKING:
    from conftest import Pair, Room

    MakePair = Callable[..., Pair]

PHONE = parse_address("192.168.20.100")


def test_a_registration_can_be_taken_back(pair: Pair) -> None:
    """RFC 3261 10.2.2: Expires 0 removes the binding."""
    register = pair.room.sent[0][1]
    again = register.payload.replace(b"expires=3600", b"expires=0").replace(b"bK-", b"bK-again")
    pair.pbx.receive(Datagram(register.source, register.destination, again), 1.0)
    pair.room.tell(pair.pbx, "call", "alice")
    assert pair.room.said(What.CALL_UNREACHABLE) == [("bob", "alice", "alice is not registered")]


def test_the_pbx_calls_the_contact_that_was_registered(pair: Pair) -> None:
    pair.room.tell(pair.pbx, "call", "alice")
    pair.room.run_until(5.0)
    pair.room.tell(pair.pbx, "hang-up")
    assert (0.0, "INVITE sip:alice@192.168.20.100:5060") in pair.room.starts()
    assert pair.room.said(What.CALL_ANSWERED) == [("bob", "alice", "")]
    assert pair.streams()["alice"].heard > 100
    assert pair.room.said(What.CALL_ENDED)[-1] == ("alice", "bob", "bob hung up")


SEEN = Endpoint.parse("203.0.113.1:1024")


def behind_nat(send: Send) -> Send:
    """A NAT without an ALG, and with another port: the PBX sees SEEN in the phone's place."""
    if send.source == Endpoint(PHONE, 5060):
        return replace(send, source=SEEN)
    return replace(send, destination=Endpoint(PHONE, 5060)) if send.destination == SEEN else send


def test_force_rport_answers_and_calls_where_the_packets_came_from(
    room: Room, a_pair: MakePair
) -> None:
    room.on_the_way = behind_nat
    pair = a_pair(pbx={"force_rport": True})
    assert room.said(What.REGISTRATION_ACCEPTED)
    room.tell(pair.pbx, "call", "alice")
    room.run_until(5.0)
    targets = {send.destination for _, send in room.sent if send.payload.startswith(b"INVITE")}
    assert targets == {SEEN}
    assert room.said(What.CALL_ANSWERED) == [("bob", "alice", "")]


@pytest.mark.parametrize(
    ("word", "to_source", "talks"),
    [
        ("no", False, False),
        ("force_rport", True, False),
        ("comedia", False, True),
        ("yes", True, True),
    ],
)
def test_nat_is_asterisks_word_for_the_two_switches(
    word: Any, to_source: bool, talks: bool
) -> None:
    traits = pbx_traits(nat=word)
    assert (traits.answers_to_source, traits.talks_to_source) == (to_source, talks)


def test_what_either_word_turns_on_is_on() -> None:
    traits = pbx_traits(nat="no", comedia=True)
    assert traits.talks_to_source
    assert not traits.answers_to_source


def test_without_force_rport_the_answer_goes_to_the_port_in_the_via(
    room: Room, a_pair: MakePair
) -> None:
    room.on_the_way = behind_nat
    a_pair()
    answers = {send.destination for _, send in room.sent if send.payload.startswith(b"SIP/2.0")}
    assert answers == {Endpoint.parse("203.0.113.1:5060")}
    assert room.said(What.REGISTRATION_ACCEPTED) == []


def test_comedia_sends_audio_to_where_audio_comes_from(room: Room, a_pair: MakePair) -> None:
    seen = Endpoint.parse("203.0.113.1:4000")

    def nat(send: Send) -> Send:
        if send.source.port == 4000:
            return replace(send, source=seen)
        to_nat = send.destination == seen
        return replace(send, destination=Endpoint(PHONE, 4000)) if to_nat else send

    room.on_the_way = nat
    pair = a_pair({"comedia": True}, {"comedia": True})
    room.tell(pair.phone, "call", "bob")
    room.run_until(5.0)
    assert pair.streams()["bob"].remote == seen
    assert pair.streams()["alice"].heard > 100


def test_qualify_asks_every_so_often_until_the_registration_ends(
    room: Room, a_pair: MakePair
) -> None:
    room_pair = a_pair(pbx={"qualify": 10.0})
    room.run_until(35.0)
    asked = [at for at, line in room.starts() if line == "OPTIONS sip:alice@192.168.20.100:5060"]
    assert asked == [10.0, 20.0, 30.0]
    assert room_pair.room.starts()[-1][1] == "SIP/2.0 200 OK"


def test_qualify_ends_with_the_registration(room: Room, a_pair: MakePair) -> None:
    """The phone is switched off; the PBX asks until it no longer believes that it is there."""
    a_pair(pbx={"qualify": 10.0, "max_expires": 25})
    room.parties.pop(PHONE)
    room.wakes.pop(PHONE)
    room.run_until(200.0)
    asked = {at for at, line in room.starts() if line.startswith("OPTIONS") and at % 10 == 0}
    assert asked == {10.0, 20.0}


def registered_as(room: Room, pbx: Pbx, contact: bytes, headers: bytes = b"") -> str:
    """Registers alice once more with another Contact; answers the Contact in the answer."""
    register = room.sent[0][1]
    lines = register.payload.split(b"\r\n")
    changed = [b"Contact: " + contact if line.startswith(b"Contact") else line for line in lines]
    payload = b"\r\n".join([*changed[:-2], *([headers] if headers else []), b"", b""])
    payload = payload.replace(b"bK-", b"bK-again")
    answers = pbx.receive(as_received(replace(register, payload=payload)), room.now)
    answer = next(parse(each.payload) for each in answers if isinstance(each, Send))
    return answer.get("contact")


@pytest.mark.parametrize(
    ("contact", "headers", "granted"),
    [
        (b"<sip:a@192.0.2.1>;expires=60", b"", "<sip:a@192.0.2.1>;expires=60"),
        (b"<sip:a@192.0.2.1>;expires=7200", b"", "<sip:a@192.0.2.1>;expires=3600"),
        (b"<sip:a@192.0.2.1>", b"Expires: 90", "<sip:a@192.0.2.1>;expires=90"),
        (b"<sip:a@192.0.2.1>", b"", "<sip:a@192.0.2.1>;expires=3600"),
        (b"<sip:a@192.0.2.1>;expires=0", b"", ""),
        (b"*", b"Expires: 0", ""),
    ],
)
def test_what_is_granted(pair: Pair, contact: bytes, headers: bytes, granted: str) -> None:
    """RFC 3261 10.2.1.1, 10.2.2 and 10.3."""
    assert registered_as(pair.room, pair.pbx, contact, headers) == granted


def test_a_contact_that_is_no_address_cannot_be_called(pair: Pair) -> None:
    registered_as(pair.room, pair.pbx, b"<sip:alice@phone.example.com>")
    pair.room.tell(pair.pbx, "call", "alice")
    detail = "alice registered a Contact that is no address"
    assert pair.room.said(What.CALL_UNREACHABLE) == [("bob", "alice", detail)]


def test_nor_can_it_be_asked(room: Room, a_pair: MakePair) -> None:
    pair = a_pair(pbx={"qualify": 10.0})
    registered_as(room, pair.pbx, b"<sip:alice@phone.example.com>")
    room.do(pair.pbx, pair.pbx.wake(0.0))
    room.run_until(35.0)
    assert not any(line.startswith("OPTIONS") for _, line in room.starts())


def test_a_server_that_is_restarted_listens_nowhere_meanwhile(room: Room, a_pair: MakePair) -> None:
    """And knows afterwards who had registered."""
    pair = a_pair()
    for order, ports in (("go-down", set()), ("come-back", {5060})):
        room.tell(pair.pbx, order)
        assert pair.pbx.ports == ports
    room.tell(pair.pbx, "call", "alice")
    room.run_until(5.0)
    assert room.said(What.CALL_ANSWERED) == [("bob", "alice", "")]


def test_behind_a_nat_it_writes_what_it_was_told_that_it_is_outside() -> None:
    """Asterisk's externip: in Via, Contact and description; it listens where it listened."""
    pbx = a_pbx(externip="203.0.113.99")
    assert pbx.contact("bob") == "<sip:bob@203.0.113.99:5060>"
    request = pbx.new_request("OPTIONS", "sip:a@b", "<sip:b>", "<sip:a>", "1", 1)
    assert request.get("via").startswith("SIP/2.0/UDP 203.0.113.99:5060;")
    assert pbx.own == Endpoint.parse("203.0.113.9:5060")
    stream = Stream(Endpoint.parse("203.0.113.9:10000"), None, Random(1))
    pbx.find_out(stream, lambda now: None, 0.0)
    assert stream.public == Endpoint.parse("203.0.113.99:10000")


def test_an_externip_is_an_address() -> None:
    with pytest.raises(ValueError, match="example"):
        pbx_traits(externip="pbx.example").check()


@pytest.mark.parametrize(
    ("caller", "written"), [("192.168.20.101", "192.168.20.10"), ("198.51.100.7", "203.0.113.1")]
)
def test_behind_a_nat_it_says_to_each_what_is_good_for_them(caller: str, written: str) -> None:
    """Asterisk's externip is for everybody but those in localnet."""
    pbx = a_pbx(address="192.168.20.10", externip="203.0.113.1", localnet="192.168.20.0/24")
    there = Endpoint.parse(f"{caller}:5060")
    phone = a_phone(address=caller, registrar="192.168.20.10:5060")
    phone.register(0.0)
    (register,) = [each for each in phone.actions() if isinstance(each, Send)]
    pbx.receive(Datagram(there, register.destination, register.payload), 0.1)
    (invite,) = [each for each in pbx.tell("call", "alice", 1.0) if isinstance(each, Send)]
    text = invite.payload.decode()
    assert f"Via: SIP/2.0/UDP {written}:5060" in text
    assert f"Contact: <sip:bob@{written}:5060>" in text
    assert f"c=IN IP4 {written}\r\n" in text
