"""Properties of the correct ALG that hold for every message (invariants, group I-A)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alg.base import Edits, Reading, Unavailable
from alg.sip.correct import Sip, reasons
from nat.endpoint import Direction
from tests.support.conversation import small_nat
from tests.support.growth import assert_linear, filled

MANY = settings().max_examples
INVITE = (
    b"INVITE sip:*98@203.0.113.9 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK-7badf56d;rport, SIP/2.0/UDP 192.0.2.1\r\n"
    b'From: "David, A" <sip:525@192.168.20.100>;tag=f95367fa52060ce5o0\r\n'
    b't: "Voice Mail" <sip:*98@203.0.113.9>\r\n'
    b"Call-ID: 9c8a315e-419d32d1@192.168.20.100\r\n"
    b"CSeq: 101 INVITE\r\n"
    b"Record-Route: <sip:192.168.20.100;lr>\r\n"
    b"Contact: <sip:525@192.168.20.100:5060>;x, <sip:192.168.20.100:5070;transport=tcp>\r\n"
    b"Expires: 240\r\n"
    b"User-Agent: 192.168.20.100\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 155\r\n"
    b"\r\n"
    b"v=0\r\n"
    b"o=- 176664 176664 IN IP4 192.168.20.100\r\n"
    b"s=-\r\n"
    b"c=IN IP4 192.168.20.100\r\n"
    b"t=0 0\r\n"
    b"m=audio 14254 RTP/AVP 0 101\r\n"
    b"a=rtcp:14255 IN IP4 192.168.20.100\r\n"
    b"a=sendrecv\r\n"
)
INVITE = INVITE.replace(b" 155\r", b" %d\r" % len(INVITE.partition(b"\r\n\r\n")[2]))
OK = (
    b"SIP/2.0 200 OK\r\n"
    b"Via: SIP/2.0/UDP 203.0.113.1:1024;branch=z9hG4bK;received=203.0.113.1;rport=1024\r\n"
    b"From: <sip:525@203.0.113.1>;tag=1\r\nTo: <sip:1@192.0.2.1>;tag=2\r\n"
    b"Call-ID: 9c8a315e-419d32d1@192.168.20.100\r\nCSeq: 101 INVITE\r\n"
    b"Contact: <sip:525@203.0.113.1:1024>\r\n\r\n"
)


def inspect(message: bytes, direction: Direction = Direction.OUT) -> Edits:
    """Unavailable is an answer too: the datapath passes the message unchanged."""
    try:
        answer = Sip().inspect(message, small_nat(direction))
    except Unavailable:
        return Edits()
    assert isinstance(answer, Edits)
    return answer


@given(st.binary(max_size=400), st.sampled_from(list(Direction)))
def test_random_bytes_leave_as_they_came(message: bytes, direction: Direction) -> None:
    """I-A3."""
    answer = inspect(message, direction)
    assert answer.edits == ()
    assert answer.reading is not Reading.MESSAGE


def test_a_message_cut_short_anywhere_is_left_alone() -> None:
    """A wrong Content-Length leaves the message alone as a whole, and opens nothing."""
    for cut in range(0, len(INVITE) - 1, 7):
        context = small_nat()
        answer = Sip().inspect(INVITE[:cut], context)
        assert isinstance(answer, Edits)
        assert answer.edits == (), cut
        assert context.expectations == [], cut
        assert len(context.nat.table.mappings.by_external) == 1, cut


def test_an_example_is_translated_in_all_places_and_no_other() -> None:
    answer = inspect(INVITE)
    assert [(edit.field, edit.replacement) for edit in answer.edits] == [
        ("via.host", b"203.0.113.1:1024"),
        ("from.host", b"203.0.113.1"),
        ("record-route.host", b"203.0.113.1:1024"),
        ("contact.host", b"203.0.113.1:1024"),
        ("contact.host", b"203.0.113.1:5070"),
        ("content-length", str(len(INVITE.partition(b"\r\n\r\n")[2]) - 9).encode()),
        ("sdp.o.address", b"203.0.113.1"),
        ("sdp.c.address", b"203.0.113.1"),
        ("sdp.rtcp.address", b"203.0.113.1"),
    ]


def test_the_shadow_of_a_nat_leaves_no_trace() -> None:
    """Running dry is rolling back."""
    context = small_nat()
    before = set(context.nat.table.mappings.by_external)
    Sip().inspect(INVITE, context)
    assert set(context.nat.table.mappings.by_external) != before
    context.rollback()
    assert set(context.nat.table.mappings.by_external) == before


def test_the_same_message_gets_the_same_bytes() -> None:
    context = small_nat()
    first = Sip().inspect(INVITE, context)
    assert Sip().inspect(INVITE, context) == first


HOSTILE = [b"(", b",", b";", b" ", b"\r\n ", b'"', b'"\\', b"<", b"<>,", b"192.168.20.100:5060,"]
PLACES = {
    "via": b"Via: SIP/2.0/UDP 192.168.20.100%b\r\n",
    "contact": b"Contact: <sip:a@192.168.20.100>%b\r\n",
    "bare contact": b"Contact: sip:a@192.168.20.100%b\r\n",
    "route": b"Route: %b\r\n",
    "from": b"From: %b\r\n",
    "content-type": b"Content-Type: multipart/mixed;%bboundary=x\r\n",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_hostile_headers_cost_linear_time(place: bytes) -> None:
    """I-A9: no backtracking. Eight such headers, of 8 KiB at last, where there may be so many."""
    times = 1 if place.startswith((b"From", b"Content-Type")) else 8
    head = b"INFO sip:a SIP/2.0\r\ni: 1\r\nCSeq: 1 INFO\r\n"
    for text in HOSTILE:

        def make(size: int, text: bytes = text) -> bytes:
            header = place % (text * ((size // 8 - 100) // len(text)))
            return head + header * times + b"\r\nbody"

        assert_linear(inspect, make)


BODIES = [
    b"--x\r\n",
    b"\r\n--",
    b"c=IN IP4 192.168.20.100\r\n",
    b"o=- 1 1 IN IP4 192.168.20.100\r\n",
    b" ",
    b"c=IN IP4 ",
    b"m=audio 4000 RTP/AVP 0\r\n",
    b"\r\n",
    b"\r",
]


@pytest.mark.parametrize("media_type", [b"application/sdp", b"multipart/mixed;boundary=x"])
def test_hostile_bodies_cost_linear_time(media_type: bytes) -> None:
    head = b"INVITE sip:a SIP/2.0\r\ni: 1\r\nCSeq: 1 INVITE\r\nc: " + media_type + b"\r\n\r\n"
    for text in BODIES:
        assert_linear(inspect, filled(head + b"v=0\r\n%b", text))


def test_every_rule_has_one_sentence_for_a_classroom() -> None:
    for rule, reason in reasons().items():
        assert reason.sentence.endswith("."), rule
        assert reason.sentence.count(". ") == 0, rule
        assert reason.rfc.startswith("RFC "), rule
        assert Sip().explain(rule) == reason
    with pytest.raises(KeyError):
        Sip().explain("no such rule")


def test_a_step_left_out_is_all_that_is_missing(conversation: Any) -> None:
    from alg.sip import headers

    talk = conversation(Sip((headers.translate,)), "203.0.113.1:1024")
    sent = talk.out(INVITE)
    assert b"Via: SIP/2.0/UDP 203.0.113.1:1024" in sent
    assert sent.partition(b"\r\n\r\n")[2] == INVITE.partition(b"\r\n\r\n")[2]
