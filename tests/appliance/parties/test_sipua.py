"""SIP text as the parties read and write it."""

from __future__ import annotations

import pytest

from appliance.parties.sipua import (
    SipMessage,
    UnreadableError,
    endpoint_of,
    parameter_of,
    parse,
    read_via,
    reply_to,
    respond,
    route_set,
    status_of,
    uri_of,
    user_of,
)
from nat.endpoint import Endpoint

PHONE, NAT_OUTSIDE = Endpoint.parse("192.168.20.100:5060"), Endpoint.parse("203.0.113.1:1024")

REGISTER = (
    b"REGISTER sip:203.0.113.9 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK-8fb0e171\r\n"
    b'From: "Alice" <sip:alice@203.0.113.9>;tag=191914b06bee0\r\n'
    b"To: <sip:alice@203.0.113.9>\r\n"
    b"Call-ID: 6894e30c-b1c8d357@192.168.20.100\r\n"
    b"CSeq: 1373 REGISTER\r\n"
    b"Contact: <sip:alice@192.168.20.100:5060>;expires=3600\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def test_what_is_read_is_written_again_byte_for_byte() -> None:
    message = parse(REGISTER)
    message.headers = [pair for pair in message.headers if pair[0] != "Content-Length"]
    assert message.write() == REGISTER


def test_a_message_can_be_asked_what_it_is() -> None:
    message = parse(REGISTER)
    assert (message.method, message.status, message.cseq) == ("REGISTER", 0, 1373)
    assert message.request_uri == "sip:203.0.113.9"
    assert message.get("call-id") == "6894e30c-b1c8d357@192.168.20.100"
    assert message.get("expires") == ""


def test_a_response_belongs_to_the_method_in_its_cseq() -> None:
    """RFC 3261 17.1.3."""
    response = parse(REGISTER.replace(b"REGISTER sip:203.0.113.9 SIP/2.0", b"SIP/2.0 200 Fine"))
    assert (response.method, response.status) == ("REGISTER", 200)
    assert status_of(response) == "200 OK"


def test_compact_forms_and_folded_lines_are_read() -> None:
    """RFC 3261 7.3.1 and 7.3.3."""
    compact = (
        REGISTER.replace(b"Via:", b"v:").replace(b"Call-ID:", b"I :").replace(b"From: ", b"f:\r\n ")
    )
    message = parse(compact)
    assert message.get("via").startswith("SIP/2.0/UDP")
    assert message.get("call-id") == "6894e30c-b1c8d357@192.168.20.100"
    assert user_of(message.get("from")) == "alice"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"\r\n\r\n", b"\r\n"), "no empty line"),
        ((b"REGISTER sip:203.0.113.9 SIP/2.0", b"hello"), "first line"),
        ((b"REGISTER sip:203.0.113.9 SIP/2.0", b"SIP/2.0 2x0 OK"), "first line"),
        ((b"REGISTER sip:203.0.113.9 SIP/2.0", b"SIP/2.0 000 OK"), "first line"),
        ((b"Call-ID:", b"X-ID:"), "no call-id"),
        ((b"CSeq: 1373 REGISTER\r\n", b""), "no cseq"),
        ((b"CSeq: 1373", b"CSeq 1373"), "without a colon"),
        ((b"Content-Length: 0", b"Content-Length: 1"), "Content-Length says 1, the body has 0"),
        ((b"Content-Length: 0", b"Content-Length: -1"), "not a number"),
        ((b"Content-Length: 0", b"Content-Length: " + b"9" * 5000), "not a number"),
    ],
)
def test_what_cannot_be_acted_on_is_refused_with_a_reason(
    change: tuple[bytes, bytes], reason: str
) -> None:
    """RFC 3261 18.3: a datagram that ends before its Content-Length is an error."""
    with pytest.raises(UnreadableError, match=reason):
        parse(REGISTER.replace(*change))


def test_bytes_after_the_content_length_are_dropped() -> None:
    """RFC 3261 18.3."""
    longer = REGISTER.replace(b"Content-Length: 0", b"Content-Length: 3") + b"abcdef"
    assert parse(longer).body == b"abc"


@pytest.mark.parametrize(
    ("text", "uri", "user", "endpoint"),
    [
        ("<sip:alice@192.168.20.100:5070>;expires=60", None, "alice", "192.168.20.100:5070"),
        ('"A <b>" <sip:x@h>', "b", "", None),
        ("sip:bob@203.0.113.9;transport=udp", "sip:bob@203.0.113.9", "bob", "203.0.113.9:5060"),
        ("<sips:bob@203.0.113.9;lr?a=b>", "sips:bob@203.0.113.9;lr?a=b", "bob", "203.0.113.9:5060"),
        ("<sip:203.0.113.9>", "sip:203.0.113.9", "", "203.0.113.9:5060"),
        ("<sip:bob@example.com>", "sip:bob@example.com", "bob", None),
        ("<sip:bob@203.0.113.9:99999>", None, "bob", None),
        ("<sip:bob@203.0.113.9:>", None, "bob", None),
        ("*", "*", "", None),
        ("", "", "", None),
    ],
)
def test_uris(text: str, uri: str | None, user: str, endpoint: str | None) -> None:
    if uri is not None:
        assert uri_of(text) == uri
    assert user_of(text) == user
    assert endpoint_of(text) == (Endpoint.parse(endpoint) if endpoint else None)


def test_header_parameters_are_those_after_the_bracket() -> None:
    """RFC 3261 20.10: inside `<>` a parameter is the URI's."""
    assert parameter_of("<sip:a@h;expires=1>;expires=2", "expires") == "2"
    assert parameter_of("sip:a@h;expires=3", "expires") == "3"
    assert parameter_of("<sip:a@h>;x=1", "expires") == ""


@pytest.mark.parametrize("text", ["", "SIP/2.0/UDP", "HTTP/1.1 a", "192.168.20.100"])
def test_a_via_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_via(text)


def test_a_response_copies_what_the_rfc_says_and_stamps_received() -> None:
    """RFC 3261 8.2.6.2 and 18.2.1: the host of the top Via is not where the datagram came from."""
    request = parse(REGISTER)
    response = respond(request, 200, NAT_OUTSIDE, "77")
    assert response.start == "SIP/2.0 200 OK"
    assert response.get("via") == f"{request.get('via')};received=203.0.113.1"
    assert response.get("to") == "<sip:alice@203.0.113.9>;tag=77"
    for name in ("from", "call-id", "cseq"):
        assert response.get(name) == request.get(name)


def test_nothing_is_stamped_when_the_via_is_right() -> None:
    request = parse(REGISTER)
    assert respond(request, 200, PHONE, "77").get("via") == request.get("via")


def test_an_answer_goes_to_the_address_it_came_from_but_the_port_of_the_via() -> None:
    """RFC 3261 18.2.2."""
    assert reply_to(parse(REGISTER), NAT_OUTSIDE) == Endpoint.parse("203.0.113.1:5060")


def test_rport_sends_the_answer_to_the_port_it_came_from() -> None:
    """RFC 3581 4."""
    request = parse(REGISTER.replace(b";branch", b";rport;branch"))
    assert reply_to(request, NAT_OUTSIDE) == NAT_OUTSIDE
    via = respond(request, 200, NAT_OUTSIDE, "77").get("via")
    assert read_via(via).parameters["rport"] == "1024"
    assert read_via(via).parameters["received"] == "203.0.113.1"


def test_100_trying_has_no_tag() -> None:
    """RFC 3261 8.2.6.2."""
    assert respond(parse(REGISTER), 100, PHONE, "77").get("to") == "<sip:alice@203.0.113.9>"


def test_writing_counts_the_body() -> None:
    assert (
        SipMessage("OPTIONS sip:a@h SIP/2.0", [], b"12345")
        .write()
        .endswith(b"Content-Length: 5\r\n\r\n12345")
    )


def test_the_route_set_begins_with_the_nearest_proxy() -> None:
    """RFC 3261 12.1.1 (whoever was called), 12.1.2 (whoever called)."""
    recorded = [("Record-Route", "<sip:near.example;lr>, <sip:b.example;lr>"), ("CSeq", "1 INVITE")]
    nearest_first = ["<sip:near.example;lr>", "<sip:b.example;lr>"]
    assert route_set(SipMessage("INVITE sip:a@b SIP/2.0", recorded)) == nearest_first
    assert route_set(SipMessage("SIP/2.0 200 OK", recorded)) == nearest_first[::-1]
    assert route_set(SipMessage("SIP/2.0 200 OK")) == []
