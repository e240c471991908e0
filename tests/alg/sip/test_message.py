"""Reading a message: places in the bytes that came, strict where two readers could disagree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alg.sip.message import Malformed, NotSip, parse, summary

WHOLE = (
    b"INVITE sip:bob@192.0.2.4 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 192.0.2.1\r\n"
    b"Call-ID : abc@192.0.2.1 \r\n"
    b"Subject: folded\r\n  and\r\n\tfolded again\r\n"
    b"cSeQ: 0009\r\n INVITE\r\n"
    b"l:  5\r\n"
    b"\r\n"
    b"hello"
)


def test_parts_are_places_in_the_message() -> None:
    message = parse(WHOLE)
    assert message.is_request
    assert (message.method, message.cseq, message.call_id) == ("INVITE", 9, "abc@192.0.2.1")
    assert WHOLE[slice(*message.uri)] == b"sip:bob@192.0.2.4"
    assert WHOLE[message.body :] == b"hello"
    (subject,) = message.headers[b"subject"]
    assert WHOLE[subject.start : subject.end] == b" folded\r\n  and\r\n\tfolded again"
    assert WHOLE[subject.name_start :].startswith(b"Subject")
    assert set(message.headers) == {b"via", b"call-id", b"subject", b"cseq", b"content-length"}


@pytest.mark.parametrize("behind", [b"", b"\r\n\r\n", b"\0", b"BYE sip:b SIP/2.0\r\n"])
def test_bytes_behind_the_body_are_no_part_of_the_message(behind: bytes) -> None:
    """Rule one-reading; RFC 3261 18.3: in a datagram they are discarded."""
    message = parse(WHOLE + behind)
    assert message.data[message.body : message.end] == b"hello"


def test_without_a_length_the_body_goes_to_the_end() -> None:
    """RFC 3261 18.3."""
    data = WHOLE.replace(b"l:  5\r\n", b"") + b" there"
    message = parse(data)
    assert data[message.body : message.end] == b"hello there"


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_every_line_end_is_accepted(line_end: bytes) -> None:
    """Rule one-reading."""
    message = parse(WHOLE.replace(b"\r\n", line_end))
    assert message.data[message.body :] == b"hello"
    assert message.cseq == 9


def test_a_response_takes_its_method_from_cseq() -> None:
    message = parse(b"SIP/2.0 200 \xc3\xa7a va\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n")
    assert (message.status, message.method, message.is_request) == (200, "BYE", False)
    assert parse(b"sip/2.0 100\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n").status == 100


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        bytes(4),
        b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12),
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"hello",
        b"SIP",
        b"\xff" * 200,
    ],
)
def test_what_is_not_sip_is_not_sip(data: bytes) -> None:
    """Rule sip-or-opaque: keep-alives and foreign payloads pass without an error."""
    with pytest.raises(NotSip):
        parse(data)


def changed(before: bytes, after: bytes) -> bytes:
    assert before in WHOLE
    return WHOLE.replace(before, after)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (changed(b" SIP/2.0\r\nv", b" SIP/3.0\r\nv"), "start line"),
        (changed(b"INVITE sip", b"INVITE  sip"), "start line"),
        (changed(b"INVITE sip", b"INV(ITE sip"), "start line"),
        (changed(b"sip:bob@", b"sip:b ob@"), "start line"),
        (b"SIP/2.0 2000 OK\r\n\r\n", "start line"),
        (b"SIP/2.0 099 OK\r\n\r\n", "start line"),
        (b"SIP/7.0 200 OK\r\n\r\n", "start line"),
        (changed(b"v: SIP", b"v SIP"), "header line"),
        (changed(b"v: SIP", b" v: SIP"), "header line"),
        (changed(b"\r\n\r\nhello", b"\r\n"), "empty line"),
        (changed(b"Call-ID ", b"Call-Id-Not"), "no Call-ID"),
        (changed(b"abc@192.0.2.1 ", b"  "), "no Call-ID"),
        (changed(b"cSeQ", b"xSeQ"), "no valid CSeq"),
        (changed(b"0009", b"2147483648"), "no valid CSeq"),
        (changed(b"0009", b"-1"), "no valid CSeq"),
        (changed(b"0009", b"1" * 4000), "no valid CSeq"),
        (changed(b"0009", "\u0669".encode()), "no valid CSeq"),
        (changed(b"\r\n INVITE", b"\r\n BYE"), "method in CSeq"),
        (changed(b"l:  5", b"l: 6"), "Content-Length"),
        (changed(b"l:  5", b"l: 9999"), "Content-Length"),
        (changed(b"l:  5", b"l: -5"), "Content-Length"),
        (changed(b"l:  5", b"l: +5"), "Content-Length"),
        (changed(b"l:  5", b"l: 0x5"), "Content-Length"),
        (changed(b"l:  5", b"l: 4294967301"), "Content-Length"),
        (changed(b"l:  5", b"l: " + b"0" * 400 + b"5"), "Content-Length"),
        (changed(b"l:  5", b"l:"), "Content-Length"),
        (changed(b"l:  5", b"l: 5\r\nContent-Length: 5"), "two headers content-length"),
        (changed(b"l:  5", b"l: 5\r\ni: other"), "two headers call-id"),
        (changed(b"v:", b"x: 1\r\n" * 128 + b"v:"), "more than 128 headers"),
        (changed(b"folded again", b"x" * 8192), "longer than 8192"),
        (changed(b"sip:bob@", b"sip:" + b"b" * 8192), "longer than 8192"),
        (changed(b"hello", b"hello" * 14000), "longer than 65536"),
    ],
)
def test_what_is_not_safe_to_edit_is_malformed(data: bytes, complaint: str) -> None:
    """Rule one-reading, and the limits of text."""
    with pytest.raises(Malformed, match=complaint):
        parse(data)


def test_the_limits_themselves_pass() -> None:
    parse(changed(b"v:", b"x: 1\r\n" * (128 - 5) + b"v:"))
    parse(changed(b"0009", b"2147483647"))
    parse(changed(b"l:  5\r\n", b""))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (WHOLE, ("INVITE", "abc@192.0.2.1")),
        (b"SIP/2.0 200 OK\r\ni: 1\r\nCSeq: 1 INVITE\r\n\r\n", ("200 OK (INVITE)", "1")),
        (b"SIP/2.0 180\r\ni: 1\r\nCSeq: 1 INVITE\r\n\r\n", ("180 (INVITE)", "1")),
        (b"SIP/2.0 200 OK\nbroken", ("200 OK", "")),
        (b"INVITE sip:x SIP/2.0\r\nbroken", ("INVITE", "")),
        (b"hello", ("", "")),
        (b"", ("", "")),
        (b"\r\n\r\n", ("keep-alive", "")),
        (bytes(4), ("keep-alive", "")),
        (bytes.fromhex("00010000 2112a442") + bytes(12), ("STUN request", "")),
        (bytes.fromhex("01010000") + bytes(16), ("STUN answer", "")),
        (bytes.fromhex("01010004") + bytes(16), ("", "")),
    ],
)
def test_a_summary_is_the_essence(data: bytes, expected: tuple[str, str]) -> None:
    assert summary(data) == expected


@given(st.binary(max_size=300))
def test_reading_never_fails_in_any_other_way(data: bytes) -> None:
    for prefix in (b"", b"INVITE sip:x SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n"):
        summary(prefix + data)
