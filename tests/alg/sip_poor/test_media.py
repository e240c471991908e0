"""Each fault in descriptions: what it changes beside the correct ALG, and which pinholes differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alg.sip_poor.media import FAULTS
from tests.alg.sip_poor.shown import Row, not_shown
from tests.support.conversation import occupy

MESSAGE = """
{start}
Via: SIP/2.0/UDP {via};branch=z9hG4bK1
From: <sip:a@example.com>;tag=1
To: <sip:b@example.com>;tag=2
Call-ID: {call}
CSeq: {cseq} {method}
Content-Type: application/sdp
Content-Length: ?

v=0
o=- 1 1 IN IP4 192.168.20.100
s=-
c=IN IP4 {address}
t=0 0
{media}
"""


def message(
    method: str = "INVITE",
    media: str = "m=audio 4000 RTP/AVP 0",
    status: int = 0,
    address: str = "192.168.20.100",
    cseq: int = 1,
    call: str = "1",
) -> str:
    return MESSAGE.format(
        start=f"SIP/2.0 {status} X" if status else f"{method} sip:b@example.com SIP/2.0",
        via="203.0.113.9" if status else "192.168.20.100:5060",
        method=method,
        media=media,
        address=address,
        cseq=cseq,
        call=call,
    )


PRIVATE = "o=- 1 1 IN IP4 192.168.20.100 | c=IN IP4 192.168.20.100 | m=audio 4000 RTP/AVP 0"
SECOND = "m=audio 4000 RTP/AVP 0\nc=IN IP4 192.168.20.100"
VIDEO = "m=audio 4000 RTP/AVP 0\nm=video 4002 RTP/AVP 31"

CHANGES = [
    ("no-sdp", message(), PRIVATE, 0),
    ("c-only", message(), "m=audio 4000 RTP/AVP 0", 0),
    ("session-c-only", message(media=SECOND), "c=IN IP4 192.168.20.100", 2),
    ("audio-only", message(media=VIDEO), "m=video 4002 RTP/AVP 31", 2),
    ("port-over-65535", message(), "m=audio 69540 RTP/AVP 0", 2),
    ("odd-to-even", message(), "", 2),
    (
        "odd-to-even",
        message(media="m=audio 4007 RTP/AVP 0"),
        "m=audio 4006 RTP/AVP 0",
        2,
    ),
    ("hold-broken", message(address="0.0.0.0"), "c=IN IP4 203.0.113.1", 0),
    ("delayed-offer-blind", message("ACK"), PRIVATE, 0),
    ("delayed-offer-blind", message("INVITE"), "", 2),
    ("early-media-blind", message(status=183), PRIVATE, 0),
    ("early-media-blind", message(status=200), "", 2),
    ("prack-update-blind", message("UPDATE"), PRIVATE, 0),
    ("prack-update-blind", message("PRACK"), PRIVATE, 0),
    ("prack-update-blind", message("INVITE"), "", 2),
    (
        "ice-default-only",
        message(media="m=audio 4000 RTP/AVP 0\na=candidate:1 1 UDP 1 192.168.20.100 4000 typ host"),
        "o=- 1 1 IN IP4 203.0.113.1 | c=IN IP4 203.0.113.1 | m=audio 4004 RTP/AVP 0",
        2,
    ),
    (
        "rtcp-attr-stale",
        message(media="m=audio 4000 RTP/AVP 0\na=rtcp:4001 IN IP4 192.168.20.100"),
        "a=rtcp:4001 IN IP4 192.168.20.100",
        2,
    ),
]


@pytest.mark.parametrize(("fault", "text", "difference", "pinholes"), CHANGES)
def test_a_fault_changes_this_and_nothing_else(
    beside: Callable[..., Any], fault: str, text: str, difference: str, pinholes: int
) -> None:
    pair = beside(fault)
    for nat in (pair.right, pair.poor):
        for port in (4000, 4002):  # taken by another phone, so that a port that is mapped changes
            occupy(nat.context, nat.context.internal._replace(address=1, port=port))
        nat.context.commit()
    assert pair.out(text) == difference
    assert len(pair.poor.open) == pinholes


def test_every_fault_of_the_file_is_shown() -> None:
    rows = [Row(fault, "out", text, difference) for fault, text, difference, _ in CHANGES]
    assert not_shown(FAULTS, globals(), rows) == []


def test_retrans_remap_announces_another_port_every_time(
    beside: Callable[..., Any],
) -> None:
    pair = beside("retrans-remap")
    assert pair.out(message()) == ""
    assert pair.out(message()) == "m=audio 4002 RTP/AVP 0"
    assert pair.out(message()) == "m=audio 4004 RTP/AVP 0"
    assert pair.out(message(cseq=2)) == ""


def test_expect_clash_is_in_the_way_of_the_fax_and_of_the_next_call(
    beside: Callable[..., Any],
) -> None:
    pair = beside("expect-clash")
    assert pair.out(message()) == ""
    assert pair.out(message()) == ""
    assert pair.out(message(cseq=2, media="m=image 4000 udptl t38")) == "dropped"
    assert pair.out(message(call="2")) == "dropped"


def test_direct_media_refused_drops_what_names_a_third_host_within_a_call(
    beside: Callable[..., Any],
) -> None:
    """The lecture's sip-direct-media=no. Hold (RFC 3264 8.4) is none of its business."""
    pair = beside("direct-media-refused")
    elsewhere = "198.51.100.7"
    assert pair.out(message(address=elsewhere)) == "dropped"
    assert pair.out(message(call="2", address="0.0.0.0")) == ""
    assert pair.out(message(call="3")) == ""
    first = message(call="4", address=elsewhere).replace("b@example.com>;tag=2", "b@example.com>")
    assert pair.out(first) == ""
    assert pair.out(message("UPDATE", call="5", address=elsewhere)) == ""


def test_two_faults_together_do_what_each_of_them_does(beside: Callable[..., Any]) -> None:
    pair = beside("c-only", "callid-oneway")
    text = message().replace("Call-ID: 1", "Call-ID: 1@192.168.20.100")
    assert pair.out(text) == "Call-ID: 1@203.0.113.1"
    assert pair.poor.open == []
