"""What the receiver got, compared with what was sent."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace

from appliance.parties.mirror import (
    HARMFUL,
    INCOMPLETE,
    NOTHING,
    PATIENCE,
    RIGHT,
    UNTOUCHED,
    Mirror,
    MirrorTraits,
    verdict,
)
from appliance.parties.party import Datagram, Report, Send, What
from nat.endpoint import Endpoint
from tests.support.parties import a_phone

PHONE, MIRROR = Endpoint.parse("192.168.20.100:5060"), Endpoint.parse("203.0.113.30:5060")
OUTSIDE = Endpoint.parse("203.0.113.1:1024")
PHONES_VIA, RIGHT_VIA = (
    b"Via: SIP/2.0/UDP 192.168.20.100:5060",
    b"Via: SIP/2.0/UDP 203.0.113.1:1024",
)
SENT = (
    b"INVITE sip:mirror@203.0.113.9 SIP/2.0\r\n"
    + PHONES_VIA
    + b";branch=z9hG4bK-1\r\n"
    + b"Call-ID: 1@192.168.20.100\r\n"
    + b"Contact: <sip:alice@192.168.20.100:5060>\r\n"
    + b"Content-Length: 49\r\n\r\n"
    + b"c=IN IP4 192.168.20.100\r\nm=audio 4100 RTP/AVP 0\r\n"
)
TRANSLATED = (
    SENT.replace(PHONES_VIA, RIGHT_VIA)
    .replace(b"alice@192.168.20.100:5060", b"alice@203.0.113.1:1024")
    .replace(b"IP4 192.168.20.100", b"IP4 203.0.113.1")
    .replace(b"audio 4100", b"audio 1026")
    .replace(b"Length: 49", b"Length: 46")
)


@pytest.mark.parametrize("address", [b"192.168.20.100", b"203.0.113.1"])
def test_what_o_names_is_right_either_way(address: bytes) -> None:
    """RFC 8866 5.2: it tells sessions apart, and nobody sends to it."""
    origin = b"\r\n\r\no=alice 1 0 IN IP4 192.168.20.100\r\n"
    sent = SENT.replace(b"\r\n\r\n", origin, 1).replace(b"Length: 49", b"Length: 87")
    seen = TRANSLATED.replace(b"\r\n\r\n", origin.replace(b"192.168.20.100", address), 1)
    length = len(seen.partition(b"\r\n\r\n")[2])
    seen = seen.replace(b"Length: 46", b"Length: %d" % length)
    assert verdict(sent, seen, PHONE, OUTSIDE) == RIGHT


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (SENT, UNTOUCHED),
        (TRANSLATED, RIGHT),
        (SENT.replace(PHONES_VIA, RIGHT_VIA), INCOMPLETE.format("Contact, c=")),
        (TRANSLATED.replace(b"1@192", b"1@10"), HARMFUL.format("Call-ID")),
        (TRANSLATED.replace(b";branch", b";;branch"), HARMFUL.format("Via")),
        (TRANSLATED.replace(b"Length: 46", b"Length: 49"), HARMFUL.format("Content-Length")),
        (TRANSLATED.replace(b"AVP 0", b"AVP 8"), HARMFUL.format("m=")),
        (b"Via: x\r\n" + TRANSLATED, HARMFUL.format("the number of lines")),
    ],
)
def test_the_verdict_is_about_what_may_change(seen: bytes, said: str) -> None:
    assert verdict(SENT, seen, PHONE, OUTSIDE) == said


def looking() -> tuple[Send, Datagram]:
    """What a phone sends to the mirror, and the answer on its way back."""
    phone = a_phone(mirror=str(MIRROR))
    (test,) = [each for each in phone.tell("look", "", 0.0) if isinstance(each, Send)]
    mirror = Mirror("mirror", MirrorTraits(address="203.0.113.30", side="outside"), Random(1))
    (answer,) = [
        each
        for each in mirror.receive(Datagram(OUTSIDE, MIRROR, test.payload), 0.1)
        if isinstance(each, Send)
    ]
    assert (answer.source, answer.destination) == (MIRROR, OUTSIDE)
    return test, Datagram(MIRROR, PHONE, answer.payload)


def test_a_phone_says_what_it_sees() -> None:
    phone = a_phone(mirror=str(MIRROR))
    phone.tell("look", "", 0.0)
    seen, _ = [each for each in phone.receive(looking()[1], 0.2) if isinstance(each, Report)]
    assert (seen.what, seen.detail, seen.target) == (What.LEARNT, UNTOUCHED, OUTSIDE)


def test_nobody_else_is_a_mirror() -> None:
    phone = a_phone(mirror=str(MIRROR))
    phone.tell("look", "", 0.0)
    other = replace(looking()[1], source=MIRROR._replace(port=5061))
    assert not any(
        isinstance(each, Report) and each.detail == UNTOUCHED for each in phone.receive(other, 0.2)
    )


def test_when_nothing_comes_back_it_says_that() -> None:
    phone = a_phone(mirror=str(MIRROR))
    phone.tell("look", "", 0.0)
    said = [each.detail for each in phone.wake(PATIENCE) if isinstance(each, Report)]
    assert said == [NOTHING]


@pytest.mark.parametrize("payload", [b"", b"\r\n", looking()[0].payload.replace(b"INVITE", b"BYE")])
def test_the_mirror_answers_invites_only(payload: bytes) -> None:
    mirror = Mirror("mirror", MirrorTraits(address="203.0.113.30", side="outside"), Random(1))
    (said,) = mirror.receive(Datagram(OUTSIDE, MIRROR, payload), 0.1)
    assert isinstance(said, Report)
    assert said.what is What.MESSAGE_DISCARDED
