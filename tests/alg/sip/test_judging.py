"""What is right in a message: the length of the body that leaves, and what must stay and why."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from alg.base import Edit
from alg.edits import apply
from alg.sip import judging
from alg.sip.judging import consequences, stays, watch, why_it_stays
from nat.endpoint import Direction
from tests.support.conversation import small_nat

MESSAGE = b"""\
INVITE sip:bob@203.0.113.9 SIP/2.0\r
Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1;rport\r
From: <sip:alice@203.0.113.9>;tag=a1\r
To: <sip:bob@203.0.113.9>\r
Call-ID: 1@192.168.20.100\r
CSeq: 7 INVITE\r
Max-Forwards: 70\r
Contact: <sip:alice@198.51.100.4>;expires=3600\r
Record-Route: <sip:198.51.100.5;lr>\r
Proxy-Authorization: Digest uri="sip:192.168.20.100"\r
User-Agent: Phone 192.168.20.100\r
Content-Type: application/sdp\r
Content-Length: 113\r
\r
v=0\r
o=- 1 1 IN IP4 192.168.20.100\r
s=-\r
c=IN IP4 0.0.0.0\r
t=0 0\r
m=audio 4000 RTP/AVP 0\r
c=IN IP4 198.51.100.7\r
behind"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("INVITE", "start-line"),
        ("203.0.113.9 SIP", "foreign"),
        ("Via:", "via"),
        ("192.168.20.100:5060", "via"),
        ("z9hG4bK1", "branch"),
        (";rport", "via"),
        ("alice@203", "party"),
        ("a1\r", "tag"),
        ("1@192", "call-id"),
        ("7 INVITE", "cseq"),
        ("70\r", "max-forwards"),
        ("198.51.100.4", "foreign"),
        ("3600", "expires"),
        ("198.51.100.5", "foreign"),
        ('192.168.20.100"', "credentials"),
        ("Phone", "text"),
        ("113\r", "content-length"),
        ("1 1 IN", "description"),
        ("0.0.0.0", "hold"),
        ("4000", "media-port"),
        ("198.51.100.7", "foreign"),
        ("behind", "behind-body"),
    ],
)
def test_each_place_stays_for_a_reason_of_its_own(text: str, place: str) -> None:
    assert why_it_stays(MESSAGE, MESSAGE.index(text.encode())) == stays()[place]


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (bytes(20), "not-sip"),
        (MESSAGE.replace(b"113", b"9999"), "unreadable"),
        (MESSAGE.replace(b"application/sdp", b"text/plain"), "body"),
        (MESSAGE.replace(b"s=-\r\n", b"a=ice-ufrag:x\r\n").replace(b"113", b"123"), "ice"),
    ],
)
def test_so_do_messages_that_are_left_alone_as_a_whole(message: bytes, place: str) -> None:
    at = message.find(b"c=IN IP4 198")
    assert why_it_stays(message, max(at, 0)) == stays()[place]


def test_every_place_has_one_sentence_for_a_classroom() -> None:
    file = Path(judging.__file__).with_name("stays.toml")
    assert list(stays()) == list(tomllib.loads(file.read_text()))
    for place, reason in stays().items():
        assert reason.sentence.endswith("."), place
        assert reason.sentence.count(". ") == 0, place
        assert reason.rfc.startswith("RFC "), place


def edit(before: bytes, after: bytes) -> Edit:
    start = MESSAGE.index(before)
    return Edit(start, start + len(before), after, "x", "x")


@pytest.mark.parametrize(
    ("edits", "length"),
    [
        ([], None),
        ([edit(b"Phone", b"Telephone")], None),
        ([edit(b"4000", b"40000")], b"114"),
        ([edit(b"4000", b"5000"), edit(b"113", b"9")], None),
        (
            [edit(b"192.168.20.100\r\ns", b"1.2.3.4\r\ns"), edit(b"198.51.100.7", b"9.9.9.9")],
            b"101",
        ),
    ],
)
def test_the_length_is_that_of_the_body_that_leaves(
    edits: list[Edit], length: bytes | None
) -> None:
    """RFC 3261 20.14. Of a body that keeps its length nothing follows, whatever else changes."""
    found = [each.replacement for each in consequences(MESSAGE, edits)]
    assert found == ([] if length is None else [length])


def test_of_a_message_that_cannot_be_read_nothing_follows() -> None:
    assert consequences(bytes(20), [Edit(0, 1, b"x", "x", "x")]) == []


CHANGED = MESSAGE.replace(b"1@192.168.20.100", b"1@203.0.113.1")


@pytest.mark.parametrize(
    ("sent", "came", "handed_on", "right"),
    [
        (CHANGED, CHANGED, MESSAGE, MESSAGE),  # who wrote it finds his own again
        (CHANGED, CHANGED, CHANGED, CHANGED),  # the change was wrong, and not that it stays
        (CHANGED, CHANGED, CHANGED.replace(b"1@203", b"1@204"), CHANGED),  # nobody wrote that
        (MESSAGE, CHANGED, MESSAGE, CHANGED),  # nor had anybody changed this one
    ],
)
def test_to_give_a_changed_call_id_back_is_right(
    sent: bytes, came: bytes, handed_on: bytes, right: bytes
) -> None:
    """RFC 3261 8.2.6.2."""
    context = small_nat()
    assert watch(MESSAGE, sent, context, ()) == ()
    context.commit()
    edits = watch(came, handed_on, context.facing(Direction.IN), ())
    assert apply(came, edits) == right


def test_to_take_back_a_via_that_was_added_is_right() -> None:
    """RFC 3261 18.1.2: the phone finds its own on top, as it wrote it."""
    context = small_nat()
    own = MESSAGE[MESSAGE.index(b"Via:") : MESSAGE.index(b"\r\n", MESSAGE.index(b"Via:"))]
    added = b"Via: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKalg\r\n"
    outside = own.replace(b"192.168.20.100", b"203.0.113.1")
    assert watch(MESSAGE, MESSAGE.replace(own, added + outside), context, ()) == ()
    context.commit()
    inward = context.facing(Direction.IN)
    start = MESSAGE[: MESSAGE.index(b"\r\n")]
    came, right, not_restored = (
        MESSAGE.replace(start, b"SIP/2.0 200 OK").replace(own, vias)
        for vias in (added + outside, own, outside)
    )
    assert apply(came, watch(came, right, inward, ())) == right
    assert watch(came, not_restored, inward, ()) == ()


def test_an_answer_rightly_has_the_call_id_that_was_asked_by() -> None:
    """Also one that should never have come so far; a request never has."""
    context = small_nat(Direction.IN)
    assert watch(CHANGED, MESSAGE, context, ()) == ()
    context.commit()
    outward = context.facing(Direction.OUT)
    asked, answered = (
        each.replace(b"INVITE sip:bob@203.0.113.9 SIP/2.0", b"SIP/2.0 200 OK")
        for each in (CHANGED, MESSAGE)
    )
    assert apply(answered, watch(answered, asked, outward, ())) == asked
    assert watch(answered, answered, outward, ()) == ()
    assert watch(MESSAGE, CHANGED, outward, ()) == ()
