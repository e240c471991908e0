"""Which field is translated in which kind of message, and which never."""

from __future__ import annotations

from typing import Any

import pytest

from alg.sip import headers
from alg.sip.correct import Sip

OUT_REQUEST = """
{method} {uri} SIP/2.0
Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1
From: <sip:alice@example.com>;tag=a
To: <sip:bob@example.com>
Call-ID: 1@192.168.20.100
CSeq: 1 {method}
{header}
Content-Length: 0
"""
IN_RESPONSE = """
SIP/2.0 {status} Fine
Via: SIP/2.0/UDP 203.0.113.1:1024;branch=z9hG4bK1
From: <sip:alice@example.com>;tag=a
To: <sip:bob@example.com>;tag=b
Call-ID: 1@192.168.20.100
CSeq: 1 {method}
{header}
Content-Length: 0
"""
IN_REQUEST = """
{method} {uri} SIP/2.0
Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK2
From: <sip:bob@example.com>;tag=b
To: <sip:alice@example.com>
Call-ID: 2
CSeq: 1 {method}
{header}
Content-Length: 0
"""
OUT_RESPONSE = """
SIP/2.0 {status} Fine
Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK2
From: <sip:bob@example.com>;tag=b
To: <sip:alice@example.com>;tag=a
Call-ID: 2
CSeq: 1 {method}
{header}
Content-Length: 0
"""
TEMPLATES = {
    "out request": OUT_REQUEST,
    "in response": IN_RESPONSE,
    "in request": IN_REQUEST,
    "out response": OUT_RESPONSE,
}
METHODS = ["INVITE", "OPTIONS", "BYE", "SUBSCRIBE", "NOTIFY", "REFER", "PUBLISH", "INFO", "ODDITY"]


def passed(talk: Any, kind: str, text: str) -> str:
    way = talk.out if kind.startswith("out") else talk.into
    return way(text).decode("latin-1")


OWN, SEEN = "192.168.20.100:5060", "203.0.113.1:1024"


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("out request", f"Contact: <sip:a@{OWN}>", f"Contact: <sip:a@{SEEN}>"),
        ("out response", f"Contact: <sip:a@{OWN}>", f"Contact: <sip:a@{SEEN}>"),
        ("in response", f"Contact: <sip:a@{SEEN}>", f"Contact: <sip:a@{OWN}>"),
        ("in request", f"Contact: <sip:a@{SEEN}>", f"Contact: <sip:a@{SEEN}>"),
        *(
            (kind, f"{name}: <sip:{before};lr>", f"{name}: <sip:{after};lr>")
            for name in ("Record-Route", "Route", "Path", "Service-Route")
            for kind, before, after in (
                ("out request", OWN, SEEN),
                ("out response", OWN, SEEN),
                ("in request", SEEN, OWN),
                ("in response", SEEN, OWN),
            )
        ),
        *(
            (kind, header, header)
            for kind in TEMPLATES
            for header in (
                f"Referred-By: <sip:a@{OWN}>",
                f"Refer-To: <sip:a@{SEEN}>",
                f"P-Asserted-Identity: <sip:a@{OWN}>",
                f"Replaces: 1@{OWN};to-tag=1;from-tag=2",
                f'Authorization: Digest uri="sip:{OWN}", nonce="{SEEN}"',
                f'Warning: 399 {OWN} "at {SEEN}"',
                f"User-Agent: Phone ({OWN}) {SEEN}",
                f"Subject: {OWN} {SEEN}",
                "Max-Forwards: 70",
                f"X-Unknown: {OWN} {SEEN}",
            )
        ),
    ],
)
def test_each_field_by_kind_of_message(talk: Any, kind: str, before: str, after: str) -> None:
    """Rules top-via-only, contact-opens, host-without-port and routes-of-its-own: their table."""
    text = TEMPLATES[kind].format(header=before, method="OPTIONS", uri="sip:x@y.z", status=200)
    assert after in passed(talk, kind, text).split("\r\n")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_method_is_translated(talk: Any, kind: str, method: str) -> None:
    """Rule every-method: every request method and every response code."""
    own, seen = (OWN, SEEN) if kind.startswith("out") else (SEEN, OWN)
    text = TEMPLATES[kind].format(
        header=f"Route: <sip:{own};lr>", method=method, uri="sip:x@y.z", status=606
    )
    assert f"Route: <sip:{seen};lr>" in passed(talk, kind, text)


@pytest.mark.parametrize(
    ("kind", "uri", "after"),
    [
        ("in request", f"sip:alice@{SEEN};ob", f"sip:alice@{OWN};ob"),
        ("in request", f"SIP:{SEEN}", f"SIP:{OWN}"),
        ("in request", "sip:alice@203.0.113.1:9", "sip:alice@203.0.113.1:9"),
        ("in request", "tel:+41", "tel:+41"),
        ("out request", "sip:bob@203.0.113.9", "sip:bob@203.0.113.9"),
        ("out request", f"sip:bob@{SEEN}", f"sip:bob@{SEEN}"),
        ("out request", f"sip:alice@{OWN}", f"sip:alice@{SEEN}"),
    ],
)
def test_the_request_uri_is_restored_inwards(talk: Any, kind: str, uri: str, after: str) -> None:
    text = TEMPLATES[kind].format(header="Subject: x", method="INFO", uri=uri, status=0)
    assert passed(talk, kind, text).startswith(f"INFO {after} SIP/2.0\r\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Via: SIP/2.0/UDP 192.168.20.100:5060;rport", "Via: SIP/2.0/UDP 203.0.113.1:1024;rport"),
        ("Via: SIP/2.0/UDP 192.168.20.100", "Via: SIP/2.0/UDP 203.0.113.1:1024"),
        ("v:SIP/2.0/UDP 192.168.20.100:5060", "v:SIP/2.0/UDP 203.0.113.1:1024"),
        (
            "VIA : SIP / 2.0 / UDP\t192.168.20.100 : 5060 ; branch = x",
            "VIA : SIP / 2.0 / UDP\t203.0.113.1 : 1024 ; branch = x",
        ),
        (
            "Via: SIP/2.0/UDP 192.168.20.100:5060;maddr=192.168.20.100",
            "Via: SIP/2.0/UDP 203.0.113.1:1024;maddr=203.0.113.1",
        ),
        (
            "Via: SIP/2.0/UDP 192.168.20.100:5060, SIP/2.0/UDP 192.168.20.100:5060",
            "Via: SIP/2.0/UDP 203.0.113.1:1024, SIP/2.0/UDP 192.168.20.100:5060",
        ),
        (
            "Via: SIP/2.0/UDP 192.168.20.100:5060 (a, \\) comment), SIP/2.0/UDP 192.0.2.1",
            "Via: SIP/2.0/UDP 203.0.113.1:1024 (a, \\) comment), SIP/2.0/UDP 192.0.2.1",
        ),
    ],
)
def test_the_top_via_leaves_as_the_outside_knows_it(talk: Any, before: str, after: str) -> None:
    """Rule top-via-only."""
    text = OUT_REQUEST.replace("Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1", before)
    sent = talk.out(text.format(method="INFO", uri="sip:x@y.z", header="Subject: x"))
    assert sent.decode().split("\r\n")[1] == after


@pytest.mark.parametrize(
    "via",
    [
        "Via: SIP/2.0/UDP 192.168.20.10:5060",
        "Via: SIP/2.0/UDP 192.168.20.100:50600;rport",
        "Via: SIP/2.0/UDP 192.168.20.100.:5060",
        "Via: SIP/2.0/UDP 192.168.020.100:5060",
        "Via: SIP/2.0/UDP 192.168.20.100:05060",
        "Via: SIP/2.0/UDP [2001:db8::1]:5060",
        "Via: SIP/2.0/SCTP 192.168.20.100:5060",
        "Via: SIP/2.0/TCP 192.168.20.100:5060",
        "Via: SIP/3.0/UDP 192.168.20.100:5060",
        "Via: SIP/2.0/UDP phone.example.com",
        "Via: nonsense",
    ],
)
def test_a_via_of_something_else_stays(talk: Any, via: str) -> None:
    """Rule whole-token: 192.0.2.1 must not match inside 192.0.2.10; a port is of the same token."""
    text = OUT_REQUEST.replace("Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1", via)
    sent = talk.out(text.format(method="INFO", uri="sip:x@y.z", header="Subject: x"))
    assert sent.decode().split("\r\n")[1] == via
    assert talk.edited == {}


@pytest.mark.parametrize(
    ("mode", "parameters"),
    [
        ("hide", ";received=192.168.20.100;rport=5060"),
        ("learn", ";received=203.0.113.1;rport=1024"),
    ],
)
def test_received_and_rport_are_hidden_or_left_to_learn(
    conversation: Any, mode: str, parameters: str
) -> None:
    """Rule hide-or-learn, RFC 3581 4; "hide": neither phone nor server know that NAT is in use."""
    talk = conversation(Sip(), SEEN, received=mode)
    text = IN_RESPONSE.replace("=z9hG4bK1", "=z9hG4bK1;received=203.0.113.1;rport=1024")
    back = talk.into(text.format(status=200, method="INFO", header="Subject: x")).decode()
    assert f"Via: SIP/2.0/UDP {OWN};branch=z9hG4bK1{parameters}\r\n" in back


@pytest.mark.parametrize("seen", [";received=203.0.113.1", ";rport=1024;received=203.0.113.1"])
def test_where_nothing_was_hidden_from_the_server_nothing_is_from_the_phone(
    talk: Any, seen: str
) -> None:
    """The phone's own Via comes back: no ALG was in the way of the request, and the answer came all
    the same (RFC 3261 18.2.2)."""
    text = IN_RESPONSE.replace(SEEN, OWN).replace("=z9hG4bK1", f"=z9hG4bK1{seen}")
    back = talk.into(text.format(status=200, method="INFO", header="Subject: x")).decode()
    assert f"Via: SIP/2.0/UDP {OWN};branch=z9hG4bK1{seen}\r\n" in back
    assert talk.note == headers.ANSWERS_THE_SOURCE


def test_received_of_somebody_else_stays(talk: Any) -> None:
    text = IN_RESPONSE.replace("=z9hG4bK1", "=z9hG4bK1;received=198.51.100.1;rport=9")
    back = talk.into(text.format(status=200, method="INFO", header="Subject: x")).decode()
    assert "received=198.51.100.1;rport=9" in back


@pytest.mark.parametrize("written", ["192.168.20.100", "192.168.20.100:5060"])
def test_a_port_that_was_not_written_is_not_written_back(talk: Any, written: str) -> None:
    """Rule round-trip: by branch for the Via, by habit for URIs."""
    text = OUT_REQUEST.replace(f"UDP {OWN}", f"UDP {written}")
    contact = f"Contact: <sip:a@{written}>"
    sent = talk.out(text.format(method="INVITE", uri="sip:x@y.z", header=contact)).decode()
    assert sent.count(SEEN) == 2
    answer = IN_RESPONSE.format(status=200, method="INVITE", header=f"Contact: <sip:a@{SEEN}>")
    back = talk.into(answer).decode()
    assert f"UDP {written};branch" in back
    assert f"{contact}\r\n" in back
    request = IN_REQUEST.format(method="BYE", uri=f"sip:a@{SEEN}", header="Subject: x")
    assert talk.into(request).decode().startswith(f"BYE sip:a@{written} SIP/2.0")


def test_the_habit_is_the_last_one_seen(talk: Any) -> None:
    for written in ("192.168.20.100", "192.168.20.100:5060"):
        contact = f"Contact: <sip:a@{written}>"
        talk.out(OUT_REQUEST.format(method="INFO", uri="sip:x@y.z", header=contact))
    request = IN_REQUEST.format(method="BYE", uri=f"sip:a@{SEEN}", header="Subject: x")
    assert talk.into(request).decode().startswith("BYE sip:a@192.168.20.100:5060 SIP/2.0")


def test_a_preserved_default_port_is_written_only_if_it_was(plain: Any) -> None:
    """Rule port-as-written."""
    text = OUT_REQUEST.replace(f"UDP {OWN}", "UDP 192.168.20.100")
    sent = plain.out(text.format(method="INFO", uri="sip:x@y.z", header=f"Contact: <sip:{OWN}>"))
    assert b"UDP 203.0.113.1;" in sent
    assert b"Contact: <sip:203.0.113.1:5060>" in sent
    answer = IN_RESPONSE.replace(SEEN, "203.0.113.1").format(
        status=200, method="INFO", header="Contact: <sip:203.0.113.1:5060>"
    )
    back = plain.into(answer)
    assert b"UDP 192.168.20.100;" in back
    assert b"Contact: <sip:192.168.20.100:5060>" in back


def parties(sender: str, recipient: str, template: str) -> str:
    text = template.format(method="INFO", status=200, uri="sip:x@y.z", header="Subject: x")
    lines = text.split("\n")
    lines[3], lines[4] = f"From: {sender};tag=a", f"To: {recipient};tag=b"
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("<sip:alice@192.168.20.100>", "<sip:alice@203.0.113.1>"),
        ('"192.168.20.100" <sip:alice@192.168.20.100>', '"192.168.20.100" <sip:alice@203.0.113.1>'),
        ("<sip:alice@192.168.20.100:5060>", "<sip:alice@203.0.113.1:5060>"),
        ("<sip:alice@203.0.113.1>", "<sip:alice@203.0.113.1>"),
        ("<sip:alice@198.51.100.1>", "<sip:alice@198.51.100.1>"),
        ("<tel:+41>", "<tel:+41>"),
    ],
)
def test_from_and_to_are_restored_to_what_the_dialogs_own_message_had(
    talk: Any, inside: str, outside: str
) -> None:
    """Rules host-without-port and address-alone; a phone may have written the external one."""
    peer = "<sip:bob@203.0.113.9>"
    sent = talk.out(parties(inside, peer, OUT_REQUEST)).decode()
    assert f"From: {outside};tag=a\r\n" in sent
    answer = talk.into(parties(outside, peer, IN_RESPONSE)).decode()
    assert f"From: {inside};tag=a\r\n" in answer
    request = parties(peer, outside, IN_REQUEST).replace("Call-ID: 2", "Call-ID: 1@192.168.20.100")
    assert f"To: {inside};tag=b\r\n" in talk.into(request).decode()


def test_to_of_a_request_from_outside_is_given_back_as_it_came(talk: Any) -> None:
    for peers_word, phones_word in (
        ("<sip:alice@203.0.113.1>", "<sip:alice@192.168.20.100>"),
        ("<sip:alice@192.168.20.100>", "<sip:alice@192.168.20.100>"),
    ):
        request = parties("<sip:bob@203.0.113.9>", peers_word, IN_REQUEST)
        assert f"To: {phones_word};" in talk.into(request).decode()
        response = parties("<sip:bob@203.0.113.9>", phones_word, OUT_RESPONSE)
        assert f"To: {peers_word};" in talk.out(response).decode()


@pytest.mark.parametrize(
    "contact",
    [
        '"sip:a@192.168.20.100" <sip:b@198.51.100.1>',
        "<sip:192.168.20.100@198.51.100.1>",
        "<sip:a@198.51.100.1;x=192.168.20.100>",
        "<sip:a@198.51.100.1?Route=%3Csip:192.168.20.100%3E>",
        "<sip:a@192.168.20.100:5060;transport=sctp>",
        "<sip:a@203.0.113.1:1024>",
        "*",
        "",
    ],
)
def test_what_is_no_token_of_this_host_is_never_touched(talk: Any, contact: str) -> None:
    """Rule never-touched: never inside quoted strings, user parts, parameters."""
    text = OUT_REQUEST.format(method="INFO", uri="sip:x@y.z", header=f"Contact: {contact}")
    assert f"Contact: {contact}" in talk.out(text).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"m:<sip:a@{OWN}>", f"m:<sip:a@{SEEN}>"),
        (f"CONTACT\t: sip:a@{OWN};x=1", f"CONTACT\t: sip:a@{SEEN};x=1"),
        (f'Contact: "a, b" <sip:a@{OWN}>,', f'Contact: "a, b" <sip:a@{SEEN}>,'),
        (
            f'Contact: "\\"<x>" <SIP:u:p%40@{OWN};a=b;ob?x=y>;q=0.5 , <sip:{OWN}>',
            f'Contact: "\\"<x>" <SIP:u:p%40@{SEEN};a=b;ob?x=y>;q=0.5 , <sip:{SEEN}>',
        ),
        (f"Contact:\n  <sip:a@{OWN}>\n ;q=1", f"Contact:\r\n  <sip:a@{SEEN}>\r\n ;q=1"),
        ("Contact: <sip:a@192.168.20.100>", "Contact: <sip:a@203.0.113.1:1024>"),
    ],
)
def test_syntax_stays_as_the_phone_wrote_it(talk: Any, before: str, after: str) -> None:
    """Rule byte-exact."""
    text = OUT_REQUEST.format(method="INFO", uri="sip:x@y.z", header=before)
    sent = talk.out(text)
    assert after.encode() in sent
    assert talk.edited["contact.host"] == SEEN


def test_secure_uris_belong_to_tcp_and_to_port_5061(talk: Any) -> None:
    """RFC 3261 19.1.2: a helper that knows only `sip:` leaves them private."""
    tls = talk.context.internal._replace(port=5061)
    assert talk.context.map(tls, "tcp").port == 5061
    for uri in ("sips:a@192.168.20.100", "sip:a@192.168.20.100:5061;transport=tls"):
        text = OUT_REQUEST.format(method="INFO", uri="sip:x@y.z", header=f"Contact: <{uri}>")
        assert uri.replace("192.168.20.100", "203.0.113.1") in talk.out(text).decode()


def test_answers_find_a_phone_that_listens_on_another_port_than_it_sends_from(talk: Any) -> None:
    """Rule reply-port, RFC 3261 18.2.2: without rport, to the port in the Via."""
    text = OUT_REQUEST.replace(f"UDP {OWN}", "UDP 192.168.20.100:5099")
    sent = talk.out(text.format(method="REGISTER", uri="sip:y.z", header="Subject: x"))
    assert b"UDP 203.0.113.1:5099;" in sent
    assert talk.open == ["5099<-203.0.113.9:5060"]
    back = IN_RESPONSE.replace(SEEN, "203.0.113.1:5099")
    answer = talk.into(back.format(status=200, method="REGISTER", header="Subject: x"))
    assert b"UDP 192.168.20.100:5099;" in answer


@pytest.mark.parametrize("change", [";rport", ":22", ".1:5099"])
def test_no_reply_port_is_opened_without_need(talk: Any, change: str) -> None:
    """Rule reply-port."""
    via = {
        ";rport": "192.168.20.100:5099;rport",
        ":22": "192.168.20.100:22",
        ".1:5099": "192.168.20.1:5099",
    }[change]
    text = OUT_REQUEST.replace(f"UDP {OWN}", f"UDP {via}")
    talk.out(text.format(method="REGISTER", uri="sip:y.z", header="Subject: x"))
    assert talk.open == []
