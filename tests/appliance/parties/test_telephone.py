"""Making calls, taking calls, talking: with no NAT in between all of this must work by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from appliance.parties.party import Datagram, Send, What
from appliance.parties.sipua import parse, respond
from nat.endpoint import Endpoint, parse_address
from tests.support.parties import a_pbx, a_phone, as_received

if TYPE_CHECKING:
    from conftest import Pair, Room

    MakePair = Callable[..., Pair]

PHONE, PBX = parse_address("192.168.20.100"), parse_address("203.0.113.9")
REGISTRAR = Endpoint(PBX, 5060)
PHONE_SIP = Endpoint(PHONE, 5060)
BOB = frozenset({"bob"})


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


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (b"INVITE sip:bob@", b"INVITE sip:eve@", "404 Not Found"),
        (b"c=IN IP4 192.168.20.100", b"c=IN IP6 2001:db8::1234", "488 Not Acceptable Here"),
        (b"m=audio 4000 ", b"m=audio 69536 ", "488 Not Acceptable Here"),
        (b"sip:alice@192.168.20.100:5060>", b"sip:alice@elsewhere.examples>", "400 Bad Request"),
    ],
)
def test_an_invite_that_cannot_be_served_is_rejected(
    pair: Pair, before: bytes, after: bytes, status: str
) -> None:
    def spoil(send: Send) -> Send:
        return replace(send, payload=send.payload.replace(before, after))

    pair.room.on_the_way = spoil
    pair.room.tell(pair.phone, "call", "bob")
    assert pair.room.said(What.CALL_REJECTED) == [("alice", "bob", status)]
    assert pair.room.starts()[-1][1].startswith("ACK")


def test_who_was_silent_can_speak_again(room: Room, a_pair: MakePair) -> None:
    """Silence suppression (RFC 3551 4.1): in between nothing is sent, and nobody hangs up."""
    pair = a_pair(pbx={"talks_for": 0.99})
    room.tell(pair.phone, "call", "bob")
    room.run_until(100.0)
    before = pair.streams()["alice"].heard
    room.tell(pair.pbx, "talk")
    room.run_until(110.0)
    assert (before, pair.streams()["alice"].heard) == (50, 100)


@pytest.mark.parametrize(("music", "heard"), [(True, 400), (False, 50)])
def test_who_waits_hears_music_or_is_spoken_to_now_and_then(
    room: Room, a_pair: MakePair, music: bool, heard: int
) -> None:
    """RFC 3264 8.4: a=sendonly."""
    pair = a_pair(pbx={"talks_for": 0.99, "hold_by": "sendonly", "music": music})
    room.tell(pair.phone, "call", "bob")
    room.run_until(4.0)
    before = pair.streams()["alice"].heard
    room.tell(pair.pbx, "hold")
    room.run_until(11.99)
    assert pair.streams()["alice"].heard - before == heard


def test_an_invite_that_nobody_answers_is_given_up_after_32_seconds(pair: Pair) -> None:
    pair.room.on_the_way = lambda send: None if b"INVITE" in send.payload else send
    pair.room.tell(pair.pbx, "call", "alice")
    pair.room.run_until(40.0)
    detail = "no answer to INVITE from 192.168.20.100:5060 in 32 s"
    assert pair.room.said(What.CALL_UNREACHABLE) == [("bob", "alice", detail)]


def test_a_lost_answer_is_repeated_until_it_is_acknowledged(pair: Pair) -> None:
    """RFC 3261 13.3.1.4."""
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
    """RFC 3261 13.3.1.4: the callee ends the session after 64 T1."""
    pair.room.on_the_way = lambda send: None if send.payload.startswith(b"ACK") else send
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(40.0)
    assert pair.room.said(What.CALL_DROPPED) == [("bob", "alice", "nobody acknowledged the answer")]
    assert pair.room.said(What.CALL_ENDED) == [("alice", "bob", "bob hung up")]
    byes = [at for at, line in pair.room.starts() if line.startswith("BYE")]
    assert byes == [34.0]  # it was answered after 2 s


def test_a_caller_may_give_up_while_it_rings(room: Room, a_pair: MakePair) -> None:
    """RFC 3261 9 and 15: CANCEL, answered by 200, and 487 to the INVITE."""
    pair = a_pair(pbx={"answer_after": None})
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
    """RFC 3261 15.1.2: what a Call-ID that was changed on the way leads to."""
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(5.0)

    def other_call(send: Send) -> Send:
        if not send.payload.startswith(b"BYE"):
            return send
        return replace(send, payload=send.payload.replace(b"Call-ID: ", b"Call-ID: x"))

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
    """RFC 3264 8."""
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
    pair.room.do(pair.pbx, pair.pbx.receive(as_received(replace(invite, payload=moved)), 5.0))
    assert pair.streams()["bob"].remote == Endpoint(PHONE, 4444)
    assert (5.0, "SIP/2.0 200 OK") in pair.room.starts()


def replayed(pair: Pair, start: bytes, *changes: tuple[bytes, bytes]) -> str:
    """Sends the PBX what the phone has sent before, changed; answers the first line it gets."""
    send = next(send for _, send in pair.room.sent if send.payload.startswith(start))
    payload = send.payload.replace(b"bK-", b"bK-again")
    for before, after in changes:
        payload = payload.replace(before, after)
    answers = pair.pbx.receive(as_received(replace(send, payload=payload)), pair.room.now)
    return next(
        each.payload.split(b"\r\n")[0].decode() for each in answers if isinstance(each, Send)
    )


@pytest.mark.parametrize(
    ("start", "change"),
    [
        (b"INVITE", (b"To: <sip:bob@203.0.113.9>", b"To: <sip:bob@203.0.113.9>;tag=unknown")),
        (b"ACK", (b"ACK ", b"CANCEL ")),
        (b"ACK", (b"ACK ", b"BYE ")),
    ],
    ids=["re-invite", "cancel", "bye"],
)
def test_requests_of_no_call_here_are_refused(
    pair: Pair, start: bytes, change: tuple[bytes, bytes]
) -> None:
    """RFC 3261 12.2.2 and 9.2: 481."""
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(5.0)
    answer = replayed(pair, start, change, (b"Call-ID: ", b"Call-ID: x"))
    assert answer == "SIP/2.0 481 Call/Transaction Does Not Exist"


def test_a_cancel_after_the_answer_comes_too_late(pair: Pair) -> None:
    """RFC 3261 9.2."""
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(5.0)
    answer = replayed(pair, b"INVITE", (b"INVITE ", b"CANCEL "), (b" INVITE", b" CANCEL"))
    assert answer == "SIP/2.0 481 Call/Transaction Does Not Exist"


def test_an_answer_to_a_call_that_is_not_ours_is_discarded(pair: Pair) -> None:
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(5.0)
    answer = next(
        send for _, send in pair.room.sent if b"200 OK" in send.payload and b"m=" in send.payload
    )
    foreign = replace(answer, payload=answer.payload.replace(b"Call-ID: ", b"Call-ID: x"))
    pair.room.do(pair.phone, pair.phone.receive(as_received(foreign), 5.0))
    assert pair.room.said(What.MESSAGE_DISCARDED) == [("alice", "", "it answers no call of ours")]


def test_a_phone_that_hangs_up_while_it_is_being_called_lets_it_ring(pair: Pair) -> None:
    pair.room.tell(pair.pbx, "call", "alice")
    pair.room.tell(pair.phone, "hang-up")
    pair.room.run_until(3.0)
    assert pair.room.said(What.CALL_ANSWERED) == [("bob", "alice", "")]


def test_a_second_call_takes_the_next_pair_of_ports(pair: Pair) -> None:
    """RFC 3550 11: RTP on even ports."""
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.tell(pair.phone, "call", "bob")
    assert pair.phone.ports == {5060, 4000, 4002}


def test_nobody_talks_to_an_address_that_is_none(pair: Pair) -> None:
    """An answer without a usable c= line: the call stands, the caller has nowhere to talk to."""

    def spoil(send: Send) -> Send:
        return replace(
            send, payload=send.payload.replace(b"c=IN IP4 203.0.113.9", b"c=IN IP4 203.0.113.x")
        )

    pair.room.on_the_way = spoil
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(5.0)
    assert pair.streams()["alice"].sent == 0
    assert pair.streams()["alice"].heard > 100


# --- other ways to begin, and not to ------------------------------------------------------------


def call_of_two_seconds(a_pair: MakePair, phone: dict[str, Any], **pbx: Any) -> Pair:
    pair = a_pair(phone, {"answer_after": 1.0, **pbx})
    pair.room.run_until(1.0)
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(4.0)
    return pair


def test_who_offers_late_answers_in_the_ack(a_pair: MakePair) -> None:
    """RFC 3261 13.2.1: the first description stands in the 2xx, the second in the ACK."""
    pair = call_of_two_seconds(a_pair, {"late_offer": True})
    described = [
        send.payload.split(b"\r\n")[0].split(b" sip:")[0]
        for _, send in pair.room.sent
        if b"\nm=audio" in send.payload
    ]
    assert described == [b"SIP/2.0 200 OK", b"ACK"]
    alice, bob = pair.streams()["alice"], pair.streams()["bob"]
    assert (alice.remote, bob.remote) == (bob.local, alice.local)
    assert min(alice.heard, bob.heard) > 90


@pytest.mark.parametrize(("talks_early", "heard"), [(False, 0), (True, 50)])
def test_a_tone_is_heard_while_it_rings(a_pair: MakePair, talks_early: bool, heard: int) -> None:
    """RFC 3960 3: the description in the 183 lets it be heard; to say something is one's own
    choice."""
    pair = a_pair({"talks_early": talks_early}, {"answer_after": 1.0, "early_media": True})
    pair.room.run_until(1.0)
    pair.room.tell(pair.phone, "call", "bob")
    streams = [report.stream for _, report in pair.room.reports if report.who == "bob"]
    bob = next(stream for stream in streams if stream)
    pair.room.run_until(1.99)
    assert (bob.sent, bob.heard) == (50, heard)
    assert pair.room.said(What.CALL_ANSWERED) == []


def test_a_cancel_is_about_the_invite_of_its_branch(pair: Pair) -> None:
    """RFC 3261 9.2."""

    def other_branch(send: Send) -> Send:
        payload = send.payload
        if payload.startswith(b"CANCEL"):
            payload = payload.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx")
        return replace(send, payload=payload)

    pair.room.on_the_way = other_branch
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.tell(pair.phone, "hang-up")
    assert pair.room.starts()[-1][1] == "SIP/2.0 481 Call/Transaction Does Not Exist"
    pair.room.run_until(40.0)
    assert pair.room.said(What.CALL_DROPPED) == [("bob", "alice", "nobody acknowledged the answer")]


def test_further_requests_take_the_route_that_was_recorded(a_pair: MakePair) -> None:
    """RFC 3261 12.2.1.1: to the first proxy, with the Contact in the first line."""
    pair = call_of_two_seconds(a_pair, {}, inner_address="10.0.0.5")
    pair.room.tell(pair.phone, "hang-up")
    for start in (b"ACK", b"BYE"):
        send = next(send for _, send in pair.room.sent if send.payload.startswith(start))
        assert send.payload.startswith(start + b" sip:bob@10.0.0.5:5060 ")
        assert b"\r\nRoute: <sip:203.0.113.9:5060;lr>\r\n" in send.payload
        assert send.destination == REGISTRAR
    assert pair.room.starts()[-1][1] == "SIP/2.0 200 OK"


def test_a_forwarded_call_is_answered_by_where_it_is_taken(a_pair: MakePair) -> None:
    """RFC 3261 21.3.3; the caller asks there (8.1.3.4)."""
    pair = a_pair({"forwards_to": "sip:voicebox@203.0.113.50"})
    pair.room.run_until(1.0)
    pair.room.tell(pair.pbx, "call", "alice")
    assert pair.room.starts()[-1][1] == "INVITE sip:voicebox@203.0.113.50"
    assert pair.room.said(What.CALL_TRIED) == [("bob", "alice", ""), ("bob", "voicebox", "")]


def test_a_busy_server_takes_a_later_copy_of_the_invite(a_pair: MakePair) -> None:
    """RFC 3261 17.1.1.2: the phone says it again after half a second, and again after a second."""
    pair = call_of_two_seconds(a_pair, {}, loses_invites=2)
    assert [at for at, line in pair.room.starts() if line.startswith("INVITE")] == [1.0, 1.5, 2.5]
    assert pair.room.said(What.CALL_REACHED) == [("bob", "alice", "")]
    lost = [("pbx", "", "it is under load and takes a later copy")]
    assert pair.room.said(What.MESSAGE_DISCARDED) == lost * 2


def test_with_one_line_a_second_caller_hears_that_it_is_busy(room: Room) -> None:
    """RFC 3261 21.4.21."""
    phone, pbx = a_phone(lines=1), a_pbx()
    room.add(phone)
    room.add(pbx)
    room.tell(phone, "register")
    room.tell(pbx, "call", "alice")
    room.tell(pbx, "call", "alice")
    rejected = [report.detail for _, report in room.reports if report.what is What.CALL_REJECTED]
    assert rejected == ["486 Busy Here"]


def called_and_hung_up(*statuses: int) -> list[str]:
    """What alice still says when she hangs up at once, and these answers come afterwards."""
    phone = a_phone()
    phone.register(0.0)
    (register,) = [each for each in phone.actions() if isinstance(each, Send)]
    granted = respond(parse(register.payload), 200, PHONE_SIP, "1")
    phone.receive(Datagram(REGISTRAR, PHONE_SIP, granted.write()), 0.1)
    (invite,) = [each for each in phone.tell("call", "bob", 1.0) if isinstance(each, Send)]
    said = [*phone.tell("hang-up", "", 1.1)]
    for status in statuses:
        answer = respond(parse(invite.payload), status, PHONE_SIP, "2")
        answer.headers.append(("Contact", "<sip:bob@203.0.113.9:5060>"))
        said += phone.receive(Datagram(REGISTRAR, PHONE_SIP, answer.write()), 1.2)
    return [parse(each.payload).method for each in said if isinstance(each, Send)]


@pytest.mark.parametrize(
    ("statuses", "methods"),
    [
        ((), []),
        ((100,), ["CANCEL"]),
        ((180, 180), ["CANCEL"]),
        ((200,), ["ACK", "BYE"]),
        ((486,), ["ACK"]),
    ],
)
def test_a_cancel_waits_until_the_other_side_was_heard(
    statuses: tuple[int, ...], methods: list[str]
) -> None:
    """RFC 3261 9.1: and when somebody has picked up before, the call is ended by BYE."""
    assert called_and_hung_up(*statuses) == methods
