"""Hold, resume, and what becomes of a change that is not granted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from appliance.parties.party import Send, What

if TYPE_CHECKING:
    from conftest import Pair

    MakePair = Callable[..., Pair]


def talking(a_pair: MakePair, phone: dict[str, Any] | None = None, **pbx: Any) -> Pair:
    """Alice has called bob, who has picked up; it is 3 s."""
    pair = a_pair(phone or {}, {"answer_after": 1.0, **pbx})
    pair.room.run_until(1.0)
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(3.0)
    return pair


def bodies(pair: Pair, method: bytes) -> list[bytes]:
    payloads = (send.payload for _, send in pair.room.sent)
    return [each for each in payloads if each.startswith(method) and b"\nm=audio" in each]


@pytest.mark.parametrize(
    ("hold_by", "line"),
    [("sendonly", b"a=sendonly"), ("inactive", b"a=inactive"), ("zero", b"c=IN IP4 0.0.0.0")],
)
@pytest.mark.parametrize("changes_by", ["invite", "update"])
def test_on_hold_nothing_is_said_and_then_it_is_again(
    a_pair: MakePair, hold_by: str, line: bytes, changes_by: str
) -> None:
    """RFC 3264 8.4: three ways to say it; RFC 3311: and another message to say it in."""
    pair = talking(a_pair, {"hold_by": hold_by, "changes_by": changes_by})
    pair.room.tell(pair.phone, "hold")
    assert line in bodies(pair, changes_by.upper().encode())[-1]
    bob = pair.streams()["bob"]
    before = bob.sent
    pair.room.run_until(5.0)
    assert bob.sent == before
    assert (bob.heard > before + 90) == (hold_by == "sendonly")
    pair.room.tell(pair.phone, "resume")
    pair.room.run_until(6.0)
    assert bob.sent == before + 51
    assert pair.room.said(What.HELD)[0][:2] == ("alice", "bob")
    assert pair.room.said(What.RESUMED) == [("alice", "bob", "")]


def test_the_answer_sees_it_from_the_other_side(a_pair: MakePair) -> None:
    """RFC 3264 6.1: sendonly is answered by recvonly."""
    pair = talking(a_pair)
    pair.room.tell(pair.phone, "hold")
    assert b"a=recvonly" in bodies(pair, b"SIP/2.0 200")[-1]


def test_a_change_that_nobody_answers_ends_the_call(a_pair: MakePair) -> None:
    """RFC 3261 14.1."""
    pair = talking(a_pair)
    pair.room.on_the_way = lambda send: None if b"a=sendonly" in send.payload else send
    pair.room.tell(pair.phone, "hold")
    pair.room.run_until(40.0)
    detail = "no answer to the INVITE that changes the call in 32 s"
    assert pair.room.said(What.CALL_DROPPED) == [("alice", "bob", detail)]


@pytest.mark.parametrize(
    ("before", "after", "refused", "dropped"),
    [
        (b";branch", b";;branch", ["put on hold: 400 Bad Request"], []),
        (b";tag=", b";tag=x", [], ["481 Call/Transaction Does Not Exist"]),
    ],
)
def test_a_change_that_is_refused_leaves_the_call_as_it_was_unless_there_is_none(
    a_pair: MakePair, before: bytes, after: bytes, refused: list[str], dropped: list[str]
) -> None:
    """RFC 3261 14.1, and 12.2.1.2 for who is told that there is no such call."""

    def spoil(send: Send) -> Send:
        spoilt = send.payload.replace(before, after) if b"a=sendonly" in send.payload else None
        return replace(send, payload=spoilt or send.payload)

    pair = talking(a_pair, strict_parsing=True)
    pair.room.on_the_way = spoil
    pair.room.tell(pair.phone, "hold")
    assert [detail for _, _, detail in pair.room.said(What.CHANGE_REFUSED)] == refused
    assert [detail for _, _, detail in pair.room.said(What.CALL_DROPPED)] == dropped


@pytest.mark.parametrize("words", [{"hold_by": "zero"}, {"hold_by": "sendonly", "music": False}])
def test_a_server_hangs_up_on_silence_but_not_on_hold(
    a_pair: MakePair, words: dict[str, Any]
) -> None:
    """Asterisk's rtptimeout. Many phones (baresip is one) say a=sendonly and play nothing."""
    pair = talking(a_pair, words, rtp_timeout=2.0)
    pair.room.tell(pair.phone, "hold")
    pair.room.run_until(20.0)
    assert pair.room.said(What.CALL_DROPPED) == []
    pair.room.tell(pair.phone, "resume")
    pair.room.on_the_way = lambda send: None if send.payload[:1] == b"\x80" else send
    pair.room.run_until(30.0)
    assert pair.room.said(What.CALL_DROPPED) == [("bob", "alice", "no audio came to bob for 2 s")]


@pytest.mark.parametrize("ends_at", [10.0, 10.5, 11.0, 11.5])
def test_silence_begins_to_count_when_the_hold_is_over(a_pair: MakePair, ends_at: float) -> None:
    """At whatever time the hold ends, the server waits for as long as it is told to."""
    pair = talking(a_pair, {"hold_by": "zero"}, rtp_timeout=2.0)
    pair.room.tell(pair.phone, "hold")
    pair.room.run_until(ends_at)
    pair.room.on_the_way = lambda send: None if send.payload[:1] == b"\x80" else send
    pair.room.tell(pair.phone, "resume")
    pair.room.run_until(ends_at + 1.9)
    assert pair.room.said(What.CALL_DROPPED) == []


def test_audio_may_move_to_the_phones_behind_the_server(a_pair: MakePair) -> None:
    """Asterisk's directmedia: a re-INVITE, and from its answer on audio takes the short way."""
    pair = talking(a_pair, phones_at="203.0.113.77", direct_media=1.5)
    assert pair.streams()["bob"].local.port == 10000
    pair.room.run_until(4.0)
    assert str(pair.streams()["bob"].local) == "203.0.113.77:10002"
    assert str(pair.streams()["alice"].remote) == "203.0.113.77:10002"
    assert pair.room.said(What.MOVED) == [("bob", "alice", "")]


def test_a_call_may_become_a_fax_at_another_port(a_pair: MakePair) -> None:
    """RFC 3362, ITU-T T.38 D.2.2: an image where there was audio."""
    pair = talking(a_pair)
    pair.room.tell(pair.phone, "fax")
    sent = [send.payload for _, send in pair.room.sent if b"\nm=image" in send.payload]
    assert [body.split(b"\nm=image ")[1].split(b"\r")[0] for body in sent] == [
        b"4002 udptl t38",
        b"10000 udptl t38",
    ]
    alice, bob = pair.streams()["alice"], pair.streams()["bob"]
    before = alice.heard, bob.heard
    pair.room.run_until(4.0)
    assert (alice.remote, bob.remote) == (bob.local, alice.local)
    assert min(alice.heard - before[0], bob.heard - before[1]) >= 49
    assert pair.room.said(What.FAXING) == [("alice", "bob", "")]
