"""Where descriptions are in a body (RFC 2046 5.1), and the lengths that depend on them."""

from __future__ import annotations

import pytest

from alg.base import Edit
from alg.sip import bodies
from alg.sip.message import Malformed, Message, parse


def message(headers: str, body: str) -> Message:
    text = f"INFO sip:a SIP/2.0\ni: 1\nCSeq: 1 INFO\n{headers}\n\n{body}"
    return parse(text.replace("\n", "\r\n").encode())


def found(headers: str, body: str) -> list[str]:
    whole = message(headers, body)
    return [whole.data[slice(*span)].decode() for span in bodies.find(whole).descriptions]


MIXED = "Content-Type: multipart/mixed;boundary=x"


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ("c: application/sdp", "v=0", ["v=0"]),
        ("Content-Type:  Application/SDP ; charset=utf-8", "v=0", ["v=0"]),
        ("c: application/sdp", "", []),
        ("c: application/sdp2", "v=0", []),
        ("c: application/sdp\ne: gzip", "v=0", []),
        ("c: application/sdp\ne: identity", "v=0", ["v=0"]),
        ("Subject: none", "v=0", []),
        (MIXED, "--x\n\nplain\n--x--", []),
        (MIXED, "--x\nc: application/sdp\n\nv=0\n--x--", ["v=0"]),
        (MIXED, "pre\n--x \nc: application/sdp\n\nv=0\n\n--x--\npost", ["v=0\r\n"]),
        (MIXED, "--x\nc: application/sdp\n\n1\n--x\nc: application/sdp\n\n2\n--x--", ["1", "2"]),
        (MIXED, "--x\nc: application/sdp\nContent-Transfer-Encoding: base64\n\nv=0\n--x--", []),
        (MIXED, "--x\nc: application/sdp\n\n--xy\n--x--", ["--xy"]),
        (MIXED, "--x\nc: application/sdp\nno colon\n\nv=0\n--x--", [""]),
        (MIXED, "--x\n--x--", []),
        (
            'c: multipart/related; boundary="a b"; z=1',
            "--a b\nc: application/sdp\n\nv\n--a b--",
            ["v"],
        ),
    ],
)
def test_descriptions_are_found(headers: str, body: str, expected: list[str]) -> None:
    assert found(headers, body) == expected


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n"])
def test_parts_are_found_between_any_line_ends(line_end: bytes) -> None:
    whole = message(MIXED, "--x\nc: application/sdp\n\n1\n--x\n--x\nc: application/sdp\n\n2\n--x--")
    data = whole.data.replace(b"\r\n", line_end)
    spans = bodies.find(parse(data)).descriptions
    assert [data[slice(*span)] for span in spans] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("headers", "body", "complaint"),
    [
        ("c: multipart/mixed", "--x\n\n--x--", "no boundary"),
        (MIXED, "--x\n\nplain", "no end"),
        (MIXED, "no delimiter", "no end"),
        (MIXED, "--x\nl: 3\n\nplain\n--x--", "Content-Length of a part"),
        (MIXED, "--x\nl: x\n\nplain\n--x--", "Content-Length of a part"),
        (MIXED, "--x\n\n" * 20 + "--x--", "more than 16 parts"),
    ],
)
def test_a_body_that_cannot_be_read_is_malformed(headers: str, body: str, complaint: str) -> None:
    with pytest.raises(Malformed, match=complaint):
        bodies.find(message(headers, body))


def test_lengths_are_counted_from_the_inside_out() -> None:
    """Rule lengths-follow: the digits of a part's length are counted by the whole."""
    whole = message(f"{MIXED}\nl: 49", "--x\nc: application/sdp\nl: 9\n\nv=0 abcde\n--x--")
    lengths = bodies.find(whole).lengths
    at = whole.data.index(b"abcde")
    grown = Edit(at, at + 5, b"fghijklm", "text", "rule")
    made = bodies.recount(lengths, [grown])
    assert [(whole.data[e.start : e.end], e.replacement) for e in made] == [
        (b"9", b"12"),
        (b"49", b"53"),
    ]
    assert bodies.recount(lengths, []) == []
