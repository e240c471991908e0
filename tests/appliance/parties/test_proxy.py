"""A proxy between two phones in a room without a NAT."""

from __future__ import annotations

from random import Random

import pytest

from appliance.parties.party import Send, What
from appliance.parties.phone import Phone
from appliance.parties.proxy import Proxy, ProxyTraits
from appliance.parties.sipua import SipMessage, parse
from nat.endpoint import Endpoint
from tests.appliance.parties.conftest import Room
from tests.support.parties import a_phone, phone_traits

SERVER, CAROL = Endpoint.parse("203.0.113.9:5060"), Endpoint.parse("192.168.20.101:5060")


def an_office(room: Room, record_route: bool = True) -> None:
    """Alice and carol, both registered, and alice calls carol."""
    traits = ProxyTraits(address="203.0.113.9", side="outside", record_route=record_route)
    carol = Phone("carol", phone_traits(address="192.168.20.101", answer_after=0.5), Random(3))
    alice = a_phone()
    for party in (Proxy("server", traits, Random(2)), alice, carol):
        room.add(party)
    room.tell(alice, "register")
    room.tell(carol, "register")
    room.tell(alice, "call", "carol")
    room.run_until(2.0)
    room.tell(alice, "hang-up")


def messages(room: Room, method: str, destination: Endpoint) -> list[SipMessage]:
    return [
        parse(send.payload)
        for _, send in room.sent
        if send.destination == destination and send.payload.startswith(method.encode())
    ]


def from_server(room: Room) -> list[Send]:
    return [send for _, send in room.sent if send.source == SERVER]


def test_a_call_between_two_of_its_phones_goes_through_it(room: Room) -> None:
    an_office(room)
    assert room.said(What.CALL_ANSWERED) == [("alice", "carol", "")]
    assert [who for who, _, _ in room.said(What.CALL_ENDED)] == ["alice", "carol"]
    assert room.said(What.MESSAGE_DISCARDED) == room.said(What.MESSAGE_REFUSED) == []


def test_each_hop_has_a_via_and_takes_it_away_from_the_answer(room: Room) -> None:
    """RFC 3261 16.6, step 8, and 16.7, step 3."""
    an_office(room)
    (invite,) = messages(room, "INVITE", CAROL)
    assert [via.split(";")[0] for via in invite.all("via")] == [
        "SIP/2.0/UDP 203.0.113.9:5060",
        "SIP/2.0/UDP 192.168.20.100:5060",
    ]
    answers = [parse(send.payload) for send in from_server(room) if b" 200 OK\r\n" in send.payload]
    assert {len(answer.all("via")) for answer in answers} == {1}


@pytest.mark.parametrize(("record_route", "passed_on"), [(True, 1), (False, 0)])
def test_it_stays_in_the_path_if_it_says_so(room: Room, record_route: bool, passed_on: int) -> None:
    """RFC 3261 16.6, step 4: otherwise ACK and BYE go from phone to phone."""
    an_office(room, record_route)
    for method in ("ACK", "BYE"):
        assert len(messages(room, method, SERVER)) == passed_on, method
        assert len(messages(room, method, CAROL)) == 1, method


def test_audio_does_not_come_to_it(room: Room) -> None:
    an_office(room)
    audio = [send for _, send in room.sent if send.payload[0] == 0x80]
    assert audio
    assert all(SERVER.address not in (each.source[0], each.destination[0]) for each in audio)


def test_nobody_is_found_who_has_not_registered(room: Room) -> None:
    """RFC 3261 16.5."""
    traits = ProxyTraits(address="203.0.113.9", side="outside")
    alice = a_phone()
    for party in (Proxy("server", traits, Random(2)), alice):
        room.add(party)
    room.tell(alice, "register")
    room.tell(alice, "call", "carol")
    assert room.said(What.CALL_REJECTED) == [("alice", "carol", "404 Not Found")]


def test_a_repetition_and_a_cancel_have_the_branch_of_the_invite(room: Room) -> None:
    """RFC 3261 16.11: a stateless proxy makes the same branch from the same top Via."""
    traits = ProxyTraits(address="203.0.113.9", side="outside")
    alice = a_phone()
    carol = Phone("carol", phone_traits(address="192.168.20.101", answer_after=None), Random(3))
    for party in (Proxy("server", traits, Random(2)), alice, carol):
        room.add(party)
    room.tell(alice, "register")
    room.tell(carol, "register")
    room.tell(alice, "call", "carol")
    room.tell(alice, "hang-up")
    vias = [messages(room, method, CAROL)[0].get("via") for method in ("INVITE", "CANCEL")]
    assert vias[0] == vias[1]
    assert [who for who, _, _ in room.said(What.CALL_ENDED)] == ["alice", "carol"]


def test_it_speaks_udp_only() -> None:
    with pytest.raises(ValueError, match="UDP only"):
        ProxyTraits(address="203.0.113.9", side="outside", transport="tcp").check()
