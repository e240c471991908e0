"""Each fault in the text of headers: what it changes beside the correct ALG, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alg.sip_poor.headers import FAULTS

OWN, SEEN = "192.168.20.100:5060", "203.0.113.1:1024"

REGISTER = f"""
REGISTER sip:203.0.113.9 SIP/2.0
Via: SIP/2.0/UDP {OWN};branch=z9hG4bK1
From: <sip:a@203.0.113.9>;tag=1
To: <sip:a@203.0.113.9>
Call-ID: 1@192.168.20.100
CSeq: 1 REGISTER
Max-Forwards: 70
Contact: <sip:a@{OWN}>
User-Agent: Phone 192.168.20.100
Content-Length: 0
"""
REGISTERED = f"""
SIP/2.0 200 OK
Via: SIP/2.0/UDP {SEEN};branch=z9hG4bK1
From: <sip:a@203.0.113.9>;tag=1
To: <sip:a@203.0.113.9>;tag=2
Call-ID: 1@203.0.113.1
CSeq: 1 REGISTER
Contact: <sip:a@{SEEN}>;expires=300
Expires: 60
Content-Length: 0
"""
ACK = """
ACK sip:bob@10.9.9.9:5060 SIP/2.0
Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1
From: <sip:a@203.0.113.9>;tag=1
To: <sip:a@203.0.113.9>;tag=2
Call-ID: 1
CSeq: 1 ACK
Content-Length: 0
"""
INVITE = """
INVITE sip:bob@203.0.113.9 SIP/2.0
Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1
From: <sip:a@192.168.20.100>;tag=1
To: <sip:b@203.0.113.9>
Call-ID: 1
CSeq: 1 INVITE
Contact: <sip:a@192.168.20.100:5060>, <sip:a@198.51.100.7>
Content-Type: application/sdp
Content-Length: ?

v=0
o=- 1 1 IN IP4 192.168.20.100
s=-
c=IN IP4 192.168.20.100
t=0 0
m=audio 4000 RTP/AVP 0
a=x:192.168.20.100
"""
CALLED = """
SIP/2.0 200 OK
Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1
From: <sip:b@203.0.113.9>;tag=2
To: <sip:a@203.0.113.9>;tag=1
Call-ID: 7
CSeq: 1 INVITE
Contact: <sip:a@192.168.20.100:5060>
Content-Length: 0
"""

LONG = "Authorization: " + "x" * 1000
TRANSFER = REGISTER.replace("REGISTER", "REFER")

CHANGES = [
    ("callid-oneway", ">", REGISTER, "Call-ID: 1@203.0.113.1"),
    ("callid-oneway", "<", REGISTERED, ""),
    ("callid-hide", ">", REGISTER, "Call-ID: 1@203.0.113.1"),
    ("callid-hide", "<", REGISTERED, "Call-ID: 1@192.168.20.100"),
    ("semicolon-lost", ">", REGISTER, f"Via: SIP/2.0/UDP {SEEN}branch=z9hG4bK1"),
    ("semicolon-lost", "<", REGISTERED, ""),
    ("stray-char", ">", REGISTER, f"Via: SIP/2.0/UDP {SEEN};;branch=z9hG4bK1"),
    (
        "replace-all",
        ">",
        REGISTER,
        "Call-ID: 1@203.0.113.1 | User-Agent: Phone 203.0.113.1",
    ),
    ("replace-all", "<", REGISTERED, "Call-ID: 1@192.168.20.100"),
    ("replace-all", ">", INVITE, "a=x:203.0.113.1"),
    (
        "prefix-replace",
        ">",
        REGISTER.replace("a@203.0.113.9>;", "a@192.168.20.1005>;"),
        "From: <sip:a@203.0.113.15>;tag=1",
    ),
    ("content-length-stale", ">", INVITE, ""),
    ("via-not-restored", "<", REGISTERED, f"Via: SIP/2.0/UDP {SEEN};branch=z9hG4bK1"),
    ("requests-only", ">", REGISTER, ""),
    ("requests-only", ">", CALLED, f"Contact: <sip:a@{OWN}>"),
    ("no-from-to", ">", INVITE, "From: <sip:a@192.168.20.100>;tag=1"),
    (
        "foreign-mangled",
        ">",
        INVITE,
        f"Contact: <sip:a@{SEEN}>, <sip:a@203.0.113.1>",
    ),
    ("fqdn-drop", ">", REGISTER, ""),
    ("fqdn-drop", ">", REGISTER.replace("a@203.0.113.9", "a@example.com"), "dropped"),
    ("ack-uri-rewrite", ">", REGISTER, ""),
    ("ack-uri-rewrite", ">", ACK, "ACK sip:bob@203.0.113.1:5060 SIP/2.0"),
    ("block-unknown", ">", REGISTER, ""),
    ("block-unknown", ">", TRANSFER, "dropped"),
    ("block-unknown", ">", REGISTER.replace("Max-Forwards: 70", LONG), "dropped"),
    ("keepalive-drop", "<", "", "dropped"),
    ("keepalive-drop", ">", REGISTER, ""),
    ("no-clen-drop", ">", INVITE, ""),
    ("no-clen-drop", ">", INVITE.replace("Content-Length: ?\n", ""), "dropped"),
    ("lowport-drop", ">", INVITE, ""),
    ("lowport-drop", ">", INVITE.replace("audio 4000", "audio 22"), "dropped"),
    ("expires-shrink", "<", REGISTERED, f"Contact: <sip:a@{OWN}>;expires=30 | Expires: 6"),
    ("expires-grow", "<", REGISTERED, f"Contact: <sip:a@{OWN}>;expires=3000 | Expires: 600"),
    ("expires-grow", ">", REGISTER, ""),
    ("branch-rewrite", ">", REGISTER, ""),
    ("branch-rewrite", ">", ACK, f"Via: SIP/2.0/UDP {SEEN};branch=z9hG4bK"),
    ("own-via", ">", REGISTER, "Via: SIP/2.0/UDP 203.0.113.1:1024;branch=z9hG4bKalg"),
]


@pytest.mark.parametrize(("fault", "way", "message", "difference"), CHANGES)
def test_a_fault_changes_this_and_nothing_else(
    beside: Callable[..., Any], fault: str, way: str, message: str, difference: str
) -> None:
    pair = beside(fault)
    found = pair.out(message) if way == ">" else pair.into(message)
    # The last characters of a random branch are nobody's business.
    assert found.startswith(difference) if "z9hG4bK" in difference else found == difference


def test_every_fault_of_the_file_is_shown() -> None:
    assert {row[0] for row in CHANGES} == {fault.name for fault in FAULTS}


def test_hiding_the_call_id_keeps_the_registration_alive(beside: Callable[..., Any]) -> None:
    """M2 looks fine, M1 does not."""
    for fault, pinholes in (("callid-hide", 1), ("callid-oneway", 0)):
        pair = beside(fault)
        pair.out(REGISTER)
        pair.into(REGISTERED)
        assert len(pair.poor.open) == pinholes


def test_the_extra_via_is_taken_away_again_on_the_way_back(beside: Callable[..., Any]) -> None:
    pair = beside("own-via")
    pair.out(REGISTER)
    sent = pair.poor_bytes.decode()
    assert "Max-Forwards: 69" in sent
    own, phones = [line for line in sent.split("\r\n") if line.startswith("Via")]
    back = REGISTERED.replace(f"Via: SIP/2.0/UDP {SEEN};branch=z9hG4bK1", f"{own}\n{phones}")
    pair.poor.into(back)
    pair.into(REGISTERED)
    assert pair.poor_bytes == pair.right_bytes


def test_a_stale_length_is_that_of_the_body_before(
    beside: Callable[..., Any], on_the_wire: Any
) -> None:
    pair = beside("content-length-stale")
    pair.out(INVITE)
    before, after = (text.partition(b"\r\n\r\n") for text in (on_the_wire(INVITE), pair.poor_bytes))
    assert b"Content-Length: %d" % len(before[2]) in after[0]
    assert len(after[2]) < len(before[2])


def test_chance_is_seeded(beside: Callable[..., Any]) -> None:
    """The same message gets the same bytes, whoever asks."""
    pairs = [beside("branch-rewrite") for _ in range(2)]
    assert pairs[0].out(ACK) == pairs[1].out(ACK) == pairs[0].out(ACK)
