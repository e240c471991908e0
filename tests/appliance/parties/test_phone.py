"""A phone registers, with no NAT in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from appliance.parties.party import Send, What
from appliance.parties.sipua import parse
from nat.endpoint import Endpoint
from tests.support.parties import a_pbx, a_phone, phone_traits

if TYPE_CHECKING:
    from conftest import Pair, Room

    MakePair = Callable[..., Pair]


def test_a_phone_writes_its_own_address_everywhere(pair: Pair) -> None:
    """The naive phone of the lecture: Via and Contact name the host it is."""
    register = parse(pair.room.sent[0][1].payload)
    assert register.get("via").startswith("SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK")
    assert register.get("contact") == "<sip:alice@192.168.20.100:5060>;expires=3600"
    assert register.get("call-id").endswith("@192.168.20.100")
    assert register.request_uri == "sip:203.0.113.9"


def test_registering_is_one_question_and_one_answer(pair: Pair) -> None:
    assert pair.room.starts() == [(0.0, "REGISTER sip:203.0.113.9"), (0.0, "SIP/2.0 200 OK")]
    assert pair.room.said(What.REGISTRATION_ACCEPTED) == [("alice", "", "")]


def test_a_registration_is_refreshed_at_half_of_what_was_granted(
    room: Room, a_pair: MakePair
) -> None:
    """RFC 3261 10.2.4: the registrar may grant less than was asked for."""
    a_pair(pbx={"max_expires": 60})
    room.run_until(100.0)
    asked = [at for at, line in room.starts() if line.startswith("REGISTER")]
    assert asked == [0.0, 30.0, 60.0, 90.0]
    registers = [parse(send.payload) for _, send in room.sent if b"REGISTER sip" in send.payload]
    assert len({register.get("call-id") for register in registers}) == 1
    assert [register.cseq for register in registers] == [1, 2, 3, 4]


def test_a_silent_registrar_is_reported_and_asked_again_half_a_minute_later(room: Room) -> None:
    room.on_the_way = lambda send: None
    phone = a_phone()
    room.add(phone)
    room.tell(phone, "register")
    room.run_until(63.0)
    assert room.said(What.REGISTRATION_UNANSWERED) == [("alice", "", "no valid answer in 32 s")]
    assert len(room.said(What.REGISTRATION_TRIED)) == 2


def test_a_refusal_is_reported_with_its_code(room: Room, a_pair: MakePair) -> None:
    def refuse(send: Send) -> Send:
        return replace(send, payload=send.payload.replace(b"SIP/2.0 200 OK", b"SIP/2.0 403 No"))

    room.on_the_way = refuse
    a_pair()
    assert room.said(What.REGISTRATION_REFUSED) == [("alice", "", "403 Forbidden")]


def test_an_answer_with_a_foreign_call_id_is_as_good_as_none(room: Room, a_pair: MakePair) -> None:
    """What an ALG does to a phone when it changes the Call-ID outwards and not inwards."""

    def outwards_only(send: Send) -> Send:
        return replace(send, payload=send.payload.replace(b"@192.168.20.100\r", b"@203.0.113.1\r"))

    room.on_the_way = outwards_only
    a_pair()
    room.run_until(40.0)
    assert len(room.said(What.MESSAGE_DISCARDED)) == 11
    assert room.said(What.REGISTRATION_UNANSWERED)


def test_a_phone_without_service_dials_when_it_gets_service(room: Room) -> None:
    phone = a_phone()
    room.add(phone)
    room.add(a_pbx())
    room.tell(phone, "call", "bob")
    assert room.said(What.CALL_TRIED) == []
    room.tell(phone, "register")
    assert room.said(What.CALL_TRIED) == [("alice", "bob", "")]


def test_a_phone_takes_calls_to_its_own_contact_only(pair: Pair) -> None:
    """RFC 3261 8.2.2.1."""

    def to_another_port(send: Send) -> Send:
        return replace(send, payload=send.payload.replace(b"100:5060 SIP", b"100:5070 SIP"))

    pair.room.on_the_way = to_another_port
    pair.room.tell(pair.pbx, "call", "alice")
    assert pair.room.said(What.CALL_REJECTED) == [("bob", "alice", "404 Not Found")]


def test_a_granted_lifetime_that_is_not_there_is_the_one_asked_for(
    room: Room, a_pair: MakePair
) -> None:
    def without_contact(send: Send) -> Send:
        changed = send.payload.replace(b"Contact: <sip:alice@192", b"X-Contact: <sip:alice@192")
        return replace(send, payload=changed) if send.payload.startswith(b"SIP") else send

    room.on_the_way = without_contact
    a_pair({"expires": 60}, {"max_expires": 10})
    room.run_until(59.0)
    assert [at for at, line in room.starts() if line.startswith("REGISTER")] == [0.0, 30.0]


def test_registering_by_hand_replaces_the_refresh(pair: Pair) -> None:
    pair.room.run_until(1000.0)
    pair.room.tell(pair.phone, "register")
    pair.room.run_until(2000.0)
    asked = [at for at, line in pair.room.starts() if line.startswith("REGISTER")]
    assert asked == [0.0, 1000.0]


def test_a_provisional_answer_changes_nothing(room: Room, a_pair: MakePair) -> None:
    def trying(send: Send) -> Send:
        return replace(send, payload=send.payload.replace(b"SIP/2.0 200 OK", b"SIP/2.0 100 Ok"))

    room.on_the_way = trying
    a_pair()
    assert room.said(What.REGISTRATION_ACCEPTED) == []
    room.run_until(33.0)
    assert room.said(What.REGISTRATION_UNANSWERED) == [("alice", "", "no valid answer in 32 s")]


def test_putting_the_phone_down_forgets_whom_it_wanted_to_call(room: Room) -> None:
    phone = a_phone()
    room.add(phone)
    room.add(a_pbx())
    room.tell(phone, "call", "bob")
    room.tell(phone, "hang-up")
    room.tell(phone, "register")
    assert room.said(What.CALL_TRIED) == []


@pytest.mark.parametrize(
    "traits",
    [
        {"keep_alive_every": 0.0},
        {"register_every": -1.0},
        {"keep_alive": "double-crlf", "transport": "tcp"},
        {"content_length": False, "transport": "tcp"},
    ],
)
def test_a_phone_that_nobody_builds_is_refused(traits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no time in between|over TCP|in a stream"):
        phone_traits(**traits).check()


def test_over_udp_a_phone_may_leave_content_length_out(room: Room, a_pair: MakePair) -> None:
    """RFC 3261 20.14. The other side takes what the datagram has."""
    pair = a_pair({"content_length": False})
    room.tell(pair.phone, "call", "bob")
    room.run_until(4.0)
    own = [send.payload for _, send in room.sent if send.source.port == 5060]
    mine = [each for each in own if b'From: "Alice"' in each and each.startswith(b"INVITE")]
    assert mine
    assert not any(b"Content-Length" in each for each in mine)
    assert room.said(What.CALL_ANSWERED) == [("alice", "bob", "")]


def test_a_phone_may_send_from_a_port_where_it_does_not_listen() -> None:
    """RFC 3261 18.1.1: the Via says where answers are wanted, whatever port the request left."""
    phone = a_phone(send_from=49154)
    send = next(each for each in phone.tell("register", "", 0.0) if isinstance(each, Send))
    assert str(send.source) == "192.168.20.100:49154"
    assert parse(send.payload).get("via").startswith("SIP/2.0/UDP 192.168.20.100:5060;")
    assert phone.ports == {5060}


def test_a_phone_learns_where_it_is_from_the_answer_and_registers_that(room: Room) -> None:
    """RFC 3581 4: `received` and `rport`. It does so once: what changes each time is no address."""
    outside = Endpoint.parse("203.0.113.1:40000")
    phone = a_phone(rport=True)

    def translate(send: Send) -> Send:
        if send.source == phone.own:
            return replace(send, source=outside)
        return replace(
            send, destination=phone.own if send.destination == outside else send.destination
        )

    room.on_the_way = translate
    room.add(a_pbx())
    room.add(phone)
    room.tell(phone, "register")
    registers = [parse(each.payload) for _, each in room.sent if each.payload[:8] == b"REGISTER"]
    assert [each.get("contact").split(">")[0] for each in registers] == [
        "<sip:alice@192.168.20.100:5060", "<sip:alice@203.0.113.1:40000",
    ]  # fmt: skip
    assert registers[1].get("via").startswith("SIP/2.0/UDP 203.0.113.1:40000;")
    assert phone.accepts("sip:alice@203.0.113.1:40000")
