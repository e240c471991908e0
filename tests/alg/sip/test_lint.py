"""Each check finds its own damage in a good message, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alg.compare import damage
from alg.sip.lint import CHECKS, findings
from alg.sip_poor.poor import SipPoor
from tests.support.growth import assert_linear, filled

GOOD = """
INVITE sip:bob@203.0.113.9 SIP/2.0
Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK1
From: <sip:a@203.0.113.9>;tag=1
To: <sip:b@203.0.113.9>
Call-ID: 1
CSeq: 1 INVITE
Max-Forwards: 70
Contact: <sip:a@203.0.113.1:5060>
Content-Type: application/sdp
Content-Length: ?

v=0
o=- 1 1 IN IP4 203.0.113.1
s=-
c=IN IP4 203.0.113.1
t=0 0
m=audio 4000 RTP/AVP 0
"""
ANSWER = GOOD.replace("INVITE sip:bob@203.0.113.9 SIP/2.0", "SIP/2.0 200 OK")
ANSWER = ANSWER.replace("To: <sip:b@203.0.113.9>", "To: <sip:b@203.0.113.9>;tag=2")

DAMAGE = {
    "version": ("bob@203.0.113.9 SIP/2.0", "bob@203.0.113.9 SIP/3.0"),
    "request-uri": ("sip:bob@203.0.113.9 SIP", "sip:bob @203.0.113.9 SIP"),
    "method": ("INVITE", "INVENT"),
    "header": ("Max-Forwards: 70", "Max-Forwards 70"),
    "repeated": ("Call-ID: 1", "Call-ID: 1\ni: 2"),
    "too-long": ("Call-ID: 1", "Call-ID: " + "1" * 1100),
    "call-id": ("Call-ID: 1\n", ""),
    "from": ("From: <sip:a@203.0.113.9>;tag=1", "From:"),
    "to": ("To: <sip:b@203.0.113.9>\n", ""),
    "via": ("Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK1\n", ""),
    "cseq": ("CSeq: 1 INVITE", "CSeq: one INVITE"),
    "cseq-number": ("CSeq: 1 ", "CSeq: 2147483648 "),
    "cseq-method": ("1 INVITE", "1 BYE"),
    "via-unreadable": ("5060;branch", "5060branch"),
    "branch": ("z9hG4bK", ""),
    "from-unreadable": ("From: <sip:a@203.0.113.9>", "From: <sip:a@203.0.113.9"),
    "to-unreadable": ("To: <sip:b@203.0.113.9>", "To: b@203.0.113.9"),
    "contact-unreadable": ("<sip:a@203.0.113.1:5060>", '"a, b <sip:a@203.0.113.1:5060>'),
    "from-tag": (";tag=1", ""),
    "contact": ("Contact: <sip:a@203.0.113.1:5060>\n", ""),
    "max-forwards": ("Max-Forwards: 70", "Max-Forwards: many"),
    "content-length": ("Content-Length: ?", "Content-Length: 9999"),
    "content-type": ("Content-Type: application/sdp\n", ""),
    "two-messages": (
        "\nm=audio 4000 RTP/AVP 0\n",
        "\nm=audio 4000 RTP/AVP 0\nBYE sip:b SIP/2.0\nx",
    ),
    "description": ("m=audio 4000 ", "m=audio "),
    "media-port": ("m=audio 4000", "m=audio 69536"),
    "private-contact": ("sip:a@203.0.113.1", "sip:a@10.0.0.1"),
    "private-media": ("c=IN IP4 203.0.113.1", "c=IN IP4 192.168.1.1"),
    "ice-mismatch": (
        "RTP/AVP 0\n",
        "RTP/AVP 0\na=candidate:1 1 UDP 1 203.0.113.10 4000 typ host\n",
    ),
}
ANSWERS_DAMAGE = {
    "status": ("200 OK", "2000 OK"),
    "to-tag": (";tag=2", ""),
    "contact": ("Contact: <sip:a@203.0.113.1:5060>\n", ""),
}
CONSEQUENCES = {
    "method": {"cseq-method"},
    "from": {"from-unreadable"},
    "header": {"content-length", "contact", "content-type"},
    "cseq-method": {"contact"},
    "status": {"contact"},
}


def names(found: list[Any]) -> set[str]:
    return {finding.name for finding in found}


@pytest.mark.parametrize("text", [GOOD, ANSWER])
def test_nothing_is_wrong_with_a_good_message(on_the_wire: Any, text: str) -> None:
    assert findings(on_the_wire(text)) == []


@pytest.mark.parametrize(
    ("good", "name", "before", "after"),
    [(GOOD, name, *change) for name, change in DAMAGE.items()]
    + [(ANSWER, name, *change) for name, change in ANSWERS_DAMAGE.items()],
)
def test_each_damage_has_its_name(
    on_the_wire: Any, good: str, name: str, before: str, after: str
) -> None:
    assert before in good
    found = names(findings(on_the_wire(good.replace(before, after, 1))))
    assert name in found
    assert found - {name} <= CONSEQUENCES.get(name, set())


@pytest.mark.parametrize(
    "trailing", [b"\r\n\r\n", b"\0\0", b"\r\nBYE sip:b SIP/2.0\r\n", b"\r\nMORE"]
)
def test_bytes_behind_the_body_are_nobodys_fault(on_the_wire: Any, trailing: bytes) -> None:
    """RFC 3261 18.3: they are discarded, so there is nothing wrong in them."""
    assert findings(on_the_wire(GOOD) + trailing) == []


@pytest.mark.parametrize("missing", [1, 2, 9, 10_000])
def test_a_length_that_ends_within_the_description_is_told(on_the_wire: Any, missing: int) -> None:
    """RFC 3261 20.14: who goes by it loses a digit of a port, or lines; bytes that the sender meant
    to be there are no trailing ones."""
    data = on_the_wire(GOOD)
    body = len(data.partition(b"\r\n\r\n")[2])
    short = b"Content-Length: %d\r" % max(body - 2 - missing, 0)
    found = names(findings(re.sub(rb"Content-Length: \d+\r", short, data)))
    assert "content-length" in found
    assert found <= {"content-length", "description"}


def test_lines_of_a_description_behind_its_end_are_told_too(on_the_wire: Any) -> None:
    data = on_the_wire(GOOD)
    length = int(re.findall(rb"Content-Length: (\d+)", data)[0])
    data = data.replace(b"Content-Length: %d" % length, b"Content-Length: %d" % (length + 2))
    assert findings(data + b"\r\n") == []
    assert names(findings(data + b"\r\nm=video 4002 RTP/AVP 31\r\n")) == {"content-length"}


def test_every_check_is_shown() -> None:
    assert {check[0] for check in CHECKS} == DAMAGE.keys() | ANSWERS_DAMAGE.keys()
    for _, sentence, rfc, _ in CHECKS:
        assert sentence.endswith(".")
        assert rfc.startswith("RFC ")


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", bytes(20), b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_not_sip_has_no_faults(data: bytes) -> None:
    assert findings(data) == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("semicolon-lost", {"via-unreadable"}),
        ("stray-char", {"branch"}),
        ("port-over-65535", {"media-port"}),
        ("content-length-stale", {"content-length"}),
        ("no-sdp", {"private-media"}),
        ("ice-default-only", set()),
        ("callid-oneway", set()),
    ],
)
def test_the_new_findings_name_the_damage_of_an_alg(
    conversation: Any, on_the_wire: Any, fault: str, expected: set[str]
) -> None:
    inside = GOOD.replace("203.0.113.1:5060", "192.168.20.100:5060")
    inside = inside.replace("IP4 203.0.113.1", "IP4 192.168.20.100")
    talk = conversation(SipPoor([fault]), "203.0.113.1:1024")
    assert names(damage(on_the_wire(inside), talk.out(inside), b"", findings)) == expected


def test_a_mismatch_that_the_alg_made_is_new(conversation: Any, on_the_wire: Any) -> None:
    inside = GOOD.replace("203.0.113.1", "192.168.20.100").rstrip("\n")
    inside += "\na=candidate:1 1 UDP 1 192.168.20.100 4000 typ host"
    talk = conversation(SipPoor(["ice-default-only"]), "203.0.113.1:1024")
    left = talk.out(inside)
    assert names(damage(on_the_wire(inside), left, b"", findings)) == {"ice-mismatch"}
    assert damage(on_the_wire(inside), left, left, findings) == []


@given(st.binary(max_size=300))
def test_no_bytes_are_too_bad_to_be_read(data: bytes) -> None:
    for prefix in (
        b"",
        b"INVITE sip:x SIP/2.0\r\n",
        b"SIP/2.0 200 OK\r\nc: application/sdp\r\n\r\n",
    ):
        findings(prefix + data)


@pytest.mark.parametrize("text", [b"(", b",", b";", b" ", b'"', b"<", b"\r\n", b"a=candidate:1 "])
def test_hostile_text_costs_linear_time(text: bytes) -> None:
    """I-A9."""
    for start in (b"", b"INVITE ", b"INVITE sip:a SIP/2.0\r\nVia: ", b"SIP/2.0 200\r\n\r\n"):
        assert_linear(findings, filled(start + b"%b", text))
