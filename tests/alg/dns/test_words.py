"""Records as people write them."""

from __future__ import annotations

import pytest

from alg.dns.words import lines, summary
from tests.alg.dns.situations import SIGNATURE, answering, asking, by_tcp, words

NAME = asking("example.net", "ANY")
NOT_THERE = answering(asking("a.b")).replace(b"\x85\x80", b"\x85\x83", 1)
RECORDS = [
    "pbx.example.net. 300 IN A 203.0.113.10",
    "pbx.example.net. 300 IN AAAA 2001:db8::10",
    "example.net. 300 IN MX 10 mail.example.net.",
    "example.net. 300 IN NS ns.example.net.",
    "_sip._udp.example.net. 300 IN SRV 10 60 5060 pbx.example.net.",
    "example.net. 300 IN SOA ns.example.net. root.example.net. 1 3600 600 86400 60",
    'example.net. 300 IN TXT "v=spf1" "a\\"b"',
    "10.113.0.203.in-addr.arpa. 60 IN PTR pbx.example.net.",
]


@pytest.mark.parametrize("record", RECORDS, ids=[each.split()[3] for each in RECORDS])
def test_a_record_is_shown_as_in_a_zone_file(record: str) -> None:
    assert words(answering(NAME, record))[1:] == [record]


def test_the_first_lines_say_what_it_is() -> None:
    message = by_tcp(answering(asking("none.example.net", flags="do"), ad=1))
    texts = ["".join(piece.text for piece in line) for line in lines(message)]
    assert texts[:3] == [
        f"; {len(message) - 2} bytes by TCP",
        "; answer, NOERROR, id 4711; aa rd ra ad",
        ";none.example.net. IN A",
    ]
    edns = ["".join(each.text for each in line) for line in lines(asking("a", flags="do"))]
    assert edns[-1] == "; EDNS version 0: do, 1232 bytes"


def test_what_has_no_words_is_written_in_numbers() -> None:
    """RFC 3597 5."""
    message = bytearray(answering(asking("a"), "a. 1 IN A 192.0.2.1"))
    message[-13] = 0xFE
    assert words(bytes(message))[1:] == ["a. 1 IN TYPE254 \\# 4 c0000201"]


def test_a_signature_says_what_it_is_of() -> None:
    said = words(answering(asking("pbx.example.net"), SIGNATURE))[1]
    assert said == "pbx.example.net. 300 IN RRSIG A algorithm 8 key 1 …"


def test_pieces_know_the_bytes_that_they_are_read_from() -> None:
    message = answering(asking("pbx.example.net"), RECORDS[0])
    by_text = {piece.text: piece.spans for line in lines(message) for piece in line}
    ((start, end),) = by_text["203.0.113.10"]
    assert message[start:end] == bytes((203, 0, 113, 10))
    (start, end), *elsewhere = by_text["pbx.example.net."]
    assert message[start:end] == b"\xc0\x0c"
    assert elsewhere[0] == (12, 16)


def test_what_breaks_off_is_shown_as_far_as_it_goes() -> None:
    texts = ["".join(p.text for p in line) for line in lines(answering(NAME, RECORDS[0])[:-1])]
    assert texts[-1].startswith("; a record that does not end: bytes ")
    assert lines(b"no") == ()


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (asking("a.b", "PTR"), "question a.b. PTR"),
        (answering(asking("a.b"), "a.b. 1 IN A 192.0.2.1"), "answer a.b. A"),
        (NOT_THERE, "answer a.b. A NXDOMAIN"),
        (b"no", ""),
    ],
)
def test_a_message_in_a_word_or_two(message: bytes, said: str) -> None:
    assert summary(message) == (said, "")
