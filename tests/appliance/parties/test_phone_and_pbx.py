"""A phone and a PBX on one wire, with no NAT between them: all of this must work by itself."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from appliance.parties.agent import Habits
from appliance.parties.party import Datagram, Send, What
from appliance.parties.pbx import Pbx, Switches
from appliance.parties.phone import Phone
from appliance.parties.rtp import Stream
from appliance.parties.sipua import parse
from nat.endpoint import Endpoint, parse_address

if TYPE_CHECKING:
    from conftest import Room

PHONE, PBX = parse_address("192.168.20.100"), parse_address("203.0.113.9")
REGISTRAR = Endpoint(PBX, 5060)
BOB = frozenset({"bob"})


class Pair:
    """Alice's phone and bob's PBX in one room, alice registered."""

    def __init__(self, room: Room, phone: Phone, pbx: Pbx) -> None:
        self.room, self.phone, self.pbx = room, phone, pbx
        room.add(phone)
        room.add(pbx)
        room.tell(phone, "register")

    def streams(self) -> dict[str, Stream]:
        reports = (report for _, report in self.room.reports)
        return {report.who: report.stream for report in reports if report.stream}


def a_pair(
    room: Room, habits: Habits | None = None, switches: Switches | None = None, expires: int = 3600
) -> Pair:
    habits = habits or Habits()
    phone = Phone("alice", PHONE, REGISTRAR, Random(1), habits, expires)
    habits = replace(habits, rtp_port=10000)
    pbx = Pbx("pbx", PBX, BOB, Random(2), habits, switches or Switches())
    return Pair(room, phone, pbx)


@pytest.fixture
def pair(room: Room) -> Pair:
    return a_pair(room)


# --- registering ---------------------------------------------------------------------------------


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


def test_a_registration_is_refreshed_at_half_of_what_was_granted(room: Room) -> None:
    """RFC 3261, 10.2.4: the registrar may grant less than was asked for."""
    a_pair(room, switches=Switches(max_expires=60))
    room.run_until(100.0)
    asked = [at for at, line in room.starts() if line.startswith("REGISTER")]
    assert asked == [0.0, 30.0, 60.0, 90.0]
    registers = [parse(send.payload) for _, send in room.sent if b"REGISTER sip" in send.payload]
    assert len({register.get("call-id") for register in registers}) == 1
    assert [register.cseq for register in registers] == [1, 2, 3, 4]


def test_a_silent_registrar_is_reported_and_asked_again_half_a_minute_later(room: Room) -> None:
    room.on_the_way = lambda send: None
    phone = Phone("alice", PHONE, REGISTRAR, Random(1))
    room.add(phone)
    room.tell(phone, "register")
    room.run_until(63.0)
    assert room.said(What.REGISTRATION_UNANSWERED) == [("alice", "", "no valid answer in 32 s")]
    assert len(room.said(What.REGISTRATION_TRIED)) == 2


def test_a_refusal_is_reported_with_its_code(room: Room) -> None:
    def refuse(send: Send) -> Send:
        return send._replace(payload=send.payload.replace(b"SIP/2.0 200 OK", b"SIP/2.0 403 No"))

    room.on_the_way = refuse
    a_pair(room)
    assert room.said(What.REGISTRATION_REFUSED) == [("alice", "", "403 Forbidden")]


def test_an_answer_with_a_foreign_call_id_is_as_good_as_none(room: Room) -> None:
    """What an ALG does to a phone when it changes the Call-ID outwards and not inwards."""

    def outwards_only(send: Send) -> Send:
        return send._replace(payload=send.payload.replace(b"@192.168.20.100\r", b"@203.0.113.1\r"))

    room.on_the_way = outwards_only
    a_pair(room)
    room.run_until(40.0)
    assert len(room.said(What.MESSAGE_DISCARDED)) == 11
    assert room.said(What.REGISTRATION_UNANSWERED)


def test_a_registration_can_be_taken_back(pair: Pair) -> None:
    """RFC 3261, 10.2.2: Expires 0 removes the binding."""
    register = pair.room.sent[0][1]
    again = register.payload.replace(b"expires=3600", b"expires=0").replace(b"bK-", b"bK-again")
    pair.pbx.receive(Datagram(register.source, register.destination, again), 1.0)
    pair.room.tell(pair.pbx, "call", "alice")
    assert pair.room.said(What.CALL_UNREACHABLE) == [("bob", "alice", "alice is not registered")]


# --- calling -------------------------------------------------------------------------------------


def test_a_call_from_the_first_ring_to_the_last_word(pair: Pair) -> None:
    room = pair.room
    room.run_until(1.0)
    room.tell(pair.phone, "call", "bob")
    room.run_until(10.0)
    room.tell(pair.phone, "hang-up")
    room.run_until(20.0)
    assert room.starts()[2:] == [
        (1.0, "INVITE sip:bob@203.0.113.9"),
        (1.0, "SIP/2.0 100 Trying"),
        (1.0, "SIP/2.0 180 Ringing"),
        (3.0, "SIP/2.0 200 OK"),
        (3.0, "ACK sip:bob@203.0.113.9:5060"),
        (10.0, "BYE sip:bob@203.0.113.9:5060"),
        (10.0, "SIP/2.0 200 OK"),
    ]
    assert room.said(What.CALL_ENDED) == [
        ("alice", "bob", "alice hung up"),
        ("bob", "alice", "alice hung up"),
    ]


def test_both_talk_fifty_times_a_second_and_hear_all_of_it(pair: Pair) -> None:
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(12.0)
    pair.room.tell(pair.phone, "hang-up")
    pair.room.run_until(20.0)
    alice, bob = pair.streams()["alice"], pair.streams()["bob"]
    assert abs(alice.sent - 500) <= 1
    assert (alice.heard, bob.heard) == (bob.sent, alice.sent)


def test_the_pbx_calls_the_contact_that_was_registered(pair: Pair) -> None:
    pair.room.tell(pair.pbx, "call", "alice")
    pair.room.run_until(5.0)
    pair.room.tell(pair.pbx, "hang-up")
    assert (0.0, "INVITE sip:alice@192.168.20.100:5060") in pair.room.starts()
    assert pair.room.said(What.CALL_ANSWERED) == [("bob", "alice", "")]
    assert pair.streams()["alice"].heard > 100
    assert pair.room.said(What.CALL_ENDED)[-1] == ("alice", "bob", "bob hung up")


def test_a_phone_without_service_dials_when_it_gets_service(room: Room) -> None:
    phone = Phone("alice", PHONE, REGISTRAR, Random(1))
    room.add(phone)
    room.add(Pbx("pbx", PBX, BOB, Random(2)))
    room.tell(phone, "call", "bob")
    assert room.said(What.CALL_TRIED) == []
    room.tell(phone, "register")
    assert room.said(What.CALL_TRIED) == [("alice", "bob", "")]


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (b"INVITE sip:bob@", b"INVITE sip:eve@", "404 Not Found"),
        (b"c=IN IP4 192.168.20.100", b"c=IN IP6 2001:db8::1234", "488 Not Acceptable Here"),
        (b"sip:alice@192.168.20.100:5060>", b"sip:alice@elsewhere.examples>", "400 Bad Request"),
    ],
)
def test_an_invite_that_cannot_be_served_is_rejected(
    pair: Pair, before: bytes, after: bytes, status: str
) -> None:
    def spoil(send: Send) -> Send:
        return send._replace(payload=send.payload.replace(before, after))

    pair.room.on_the_way = spoil
    pair.room.tell(pair.phone, "call", "bob")
    assert pair.room.said(What.CALL_REJECTED) == [("alice", "bob", status)]
    assert pair.room.starts()[-1][1].startswith("ACK")


def test_a_phone_takes_calls_to_its_own_contact_only(pair: Pair) -> None:
    """RFC 3261, 8.2.2.1."""

    def to_another_port(send: Send) -> Send:
        return send._replace(payload=send.payload.replace(b"100:5060 SIP", b"100:5070 SIP"))

    pair.room.on_the_way = to_another_port
    pair.room.tell(pair.pbx, "call", "alice")
    assert pair.room.said(What.CALL_REJECTED) == [("bob", "alice", "404 Not Found")]


def test_an_invite_that_nobody_answers_is_given_up_after_32_seconds(pair: Pair) -> None:
    pair.room.on_the_way = lambda send: None if b"INVITE" in send.payload else send
    pair.room.tell(pair.pbx, "call", "alice")
    pair.room.run_until(40.0)
    detail = "no answer to INVITE from 192.168.20.100:5060 in 32 s"
    assert pair.room.said(What.CALL_UNREACHABLE) == [("bob", "alice", detail)]


def test_a_lost_answer_is_repeated_until_it_is_acknowledged(pair: Pair) -> None:
    """RFC 3261, 13.3.1.4."""
    lost = [b"200 OK"]

    def lose_first(send: Send) -> Send | None:
        if lost and lost[0] in send.payload[:20]:
            lost.clear()
            return None
        return send

    pair.room.on_the_way = lose_first
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(5.0)
    answers = [at for at, line in pair.room.starts() if line == "SIP/2.0 200 OK"]
    assert answers == [0.0, 2.0, 2.5]
    assert pair.room.said(What.CALL_ANSWERED) == [("alice", "bob", "")]


def test_each_repeated_answer_is_acknowledged(pair: Pair) -> None:
    lost = [b"ACK"]

    def lose_first(send: Send) -> Send | None:
        if lost and send.payload.startswith(lost[0]):
            lost.clear()
            return None
        return send

    pair.room.on_the_way = lose_first
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(40.0)
    assert [at for at, line in pair.room.starts() if line.startswith("ACK")] == [2.0, 2.5]
    assert pair.room.said(What.CALL_DROPPED) == []


def test_a_call_that_is_never_acknowledged_is_dropped_after_32_seconds(pair: Pair) -> None:
    """RFC 3261, 13.3.1.4: the callee ends the session after 64 T1."""
    pair.room.on_the_way = lambda send: None if send.payload.startswith(b"ACK") else send
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(40.0)
    assert pair.room.said(What.CALL_DROPPED) == [("bob", "alice", "nobody acknowledged the answer")]
    assert pair.room.said(What.CALL_ENDED) == [("alice", "bob", "bob hung up")]
    byes = [at for at, line in pair.room.starts() if line.startswith("BYE")]
    assert len(byes) == 1
    assert 34.0 <= byes[0] <= 38.0


def test_a_caller_may_give_up_while_it_rings(room: Room) -> None:
    """RFC 3261, 9 and 15: CANCEL, answered by 200, and 487 to the INVITE."""
    pair = a_pair(room, Habits(answer_after=None))
    room.run_until(1.0)
    room.tell(pair.phone, "call", "bob")
    room.run_until(5.0)
    room.tell(pair.phone, "hang-up")
    assert [line for at, line in room.starts() if at == 5.0] == [
        "CANCEL sip:bob@203.0.113.9",
        "SIP/2.0 200 OK",
        "SIP/2.0 487 Request Terminated",
        "ACK sip:bob@203.0.113.9",
    ]
    assert room.said(What.CALL_REJECTED) == []
    assert [who for who, _, _ in room.said(What.CALL_ENDED)] == ["alice", "bob"]


def test_a_bye_for_no_call_is_told_so(pair: Pair) -> None:
    """RFC 3261, 15.1.2: what a Call-ID that was changed on the way leads to."""
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(5.0)

    def other_call(send: Send) -> Send:
        if not send.payload.startswith(b"BYE"):
            return send
        return send._replace(payload=send.payload.replace(b"Call-ID: ", b"Call-ID: x"))

    pair.room.on_the_way = other_call
    pair.room.tell(pair.phone, "hang-up")
    assert pair.room.starts()[-1][1] == "SIP/2.0 481 Call/Transaction Does Not Exist"


def test_ports_are_open_only_while_they_are_needed(pair: Pair) -> None:
    assert pair.phone.ports == {5060}
    pair.room.tell(pair.phone, "call", "bob")
    assert pair.phone.ports == {5060, 4000}
    pair.room.run_until(5.0)
    assert pair.pbx.ports == {5060, 10000}
    pair.room.tell(pair.phone, "hang-up")
    pair.room.run_until(6.0)
    assert (pair.phone.ports, pair.pbx.ports) == ({5060}, {5060})


def test_a_reinvite_moves_the_audio(pair: Pair) -> None:
    """RFC 3264, 8."""
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(5.0)
    invite = next(send for _, send in pair.room.sent if send.payload.startswith(b"INVITE"))
    ack = next(send for _, send in pair.room.sent if send.payload.startswith(b"ACK"))
    tag = parse(ack.payload).get("to").encode()
    moved = (
        invite.payload.replace(b"bK-", b"bK-again")
        .replace(b"To: <sip:bob@203.0.113.9>", b"To: " + tag)
        .replace(b"m=audio 4000", b"m=audio 4444")
    )
    pair.room.do(pair.pbx, pair.pbx.receive(Datagram(*invite._replace(payload=moved)), 5.0))
    assert pair.streams()["bob"].remote == Endpoint(PHONE, 4444)
    assert (5.0, "SIP/2.0 200 OK") in pair.room.starts()


@pytest.mark.parametrize("method", ["OPTIONS", "MESSAGE"])
def test_other_requests(pair: Pair, method: str) -> None:
    register = pair.room.sent[0][1]
    payload = register.payload.replace(b"REGISTER", method.encode()).replace(b"bK-", b"bK-other")
    pair.room.do(pair.phone, pair.phone.receive(Datagram(REGISTRAR, register.source, payload), 0.0))
    expected = {"OPTIONS": "SIP/2.0 200 OK", "MESSAGE": "SIP/2.0 405 Method Not Allowed"}
    assert pair.room.starts()[-1][1] == expected[method]


def test_garbage_is_discarded_with_a_reason(pair: Pair) -> None:
    datagram = Datagram(REGISTRAR, Endpoint(PHONE, 5060), b"\x00\xff\r\n\r\n")
    pair.room.do(pair.phone, pair.phone.receive(datagram, 0.0))
    assert pair.room.said(What.MESSAGE_DISCARDED) == [("alice", "", "the first line is not SIP")]


def test_an_unknown_order_is_a_mistake_in_the_script(pair: Pair) -> None:
    with pytest.raises(ValueError, match="alice does not know how to 'sing'"):
        pair.phone.tell("sing", "", 0.0)


def test_the_same_seed_gives_the_same_bytes(room: Room) -> None:
    def story() -> list[tuple[float, Send]]:
        room = type(pair_room)()
        pair = a_pair(room)
        room.tell(pair.phone, "call", "bob")
        room.run_until(3.0)
        return room.sent

    pair_room = room
    assert story() == story()


# --- the switches of the PBX --------------------------------------------------------------------

SEEN = Endpoint.parse("203.0.113.1:1024")


def behind_nat(send: Send) -> Send:
    """A NAT without an ALG, and with another port: the PBX sees SEEN in the phone's place."""
    if send.source == Endpoint(PHONE, 5060):
        return send._replace(source=SEEN)
    return send._replace(destination=Endpoint(PHONE, 5060)) if send.destination == SEEN else send


def test_force_rport_answers_and_calls_where_the_packets_came_from(room: Room) -> None:
    room.on_the_way = behind_nat
    pair = a_pair(room, switches=Switches(force_rport=True))
    assert room.said(What.REGISTRATION_ACCEPTED)
    room.tell(pair.pbx, "call", "alice")
    room.run_until(5.0)
    targets = {send.destination for _, send in room.sent if send.payload.startswith(b"INVITE")}
    assert targets == {SEEN}
    assert room.said(What.CALL_ANSWERED) == [("bob", "alice", "")]


def test_without_force_rport_the_answer_goes_to_the_port_in_the_via(room: Room) -> None:
    room.on_the_way = behind_nat
    a_pair(room)
    answers = {send.destination for _, send in room.sent if send.payload.startswith(b"SIP/2.0")}
    assert answers == {Endpoint.parse("203.0.113.1:5060")}
    assert room.said(What.REGISTRATION_ACCEPTED) == []


def test_comedia_sends_audio_to_where_audio_comes_from(room: Room) -> None:
    seen = Endpoint.parse("203.0.113.1:4000")

    def nat(send: Send) -> Send:
        if send.source.port == 4000:
            return send._replace(source=seen)
        to_nat = send.destination == seen
        return send._replace(destination=Endpoint(PHONE, 4000)) if to_nat else send

    room.on_the_way = nat
    pair = a_pair(room, Habits(comedia=True))
    room.tell(pair.phone, "call", "bob")
    room.run_until(5.0)
    assert pair.streams()["bob"].remote == seen
    assert pair.streams()["alice"].heard > 100


def test_qualify_asks_every_so_often_until_the_registration_ends(room: Room) -> None:
    room_pair = a_pair(room, switches=Switches(qualify=10.0, max_expires=3600), expires=3600)
    room.run_until(35.0)
    asked = [at for at, line in room.starts() if line == "OPTIONS sip:alice@192.168.20.100:5060"]
    assert asked == [10.0, 20.0, 30.0]
    assert room_pair.room.starts()[-1][1] == "SIP/2.0 200 OK"
