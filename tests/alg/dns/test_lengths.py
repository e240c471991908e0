"""What moves when a name becomes longer or shorter."""

from __future__ import annotations

import pytest
from dnslib import DNSRecord

from alg.base import Edit
from alg.dns.lengths import consequences
from alg.edits import apply
from tests.alg.dns.situations import answering, asking, by_tcp

ZONE = "20.168.192.in-addr.arpa."
ANSWER = answering(
    asking("pbx.example.net"),
    "pbx.example.net. 60 IN CNAME www.example.net.",
    "www.example.net. 60 IN A 192.168.20.10",
    authority="example.net. 60 IN NS ns.example.net.",
)


@pytest.mark.parametrize("word", [b"\7desktop", b"\1d"])
@pytest.mark.parametrize("framed", [False, True])
def test_pointers_and_lengths_follow(word: bytes, framed: bool) -> None:
    """Rule pointers-follow. The first label of the question becomes another one."""
    message = by_tcp(ANSWER) if framed else ANSWER
    at = message.index(b"\3pbx")
    made = [Edit(at, at + 4, word, "question[0].name", "test")]
    left = apply(message, [*made, *consequences(message, made)])
    if framed:
        assert int.from_bytes(left[:2]) == len(left) - 2
        left = left[2:]
    said = DNSRecord.parse(left)
    assert str(said.rr[0].rname) == f"{word[1:].decode()}.example.net."
    assert [str(each.rdata) for each in said.rr] == ["www.example.net.", "192.168.20.10"]
    assert [str(each.rdata) for each in said.auth] == ["ns.example.net."]


def test_the_length_of_data_follows_what_is_in_it() -> None:
    at = ANSWER.index(b"\2ns")
    made = [Edit(at, at + 3, b"\5names", "authority[0].data", "test")]
    (length,) = consequences(ANSWER, made)
    assert (length.field, length.rule) == ("authority[0].length", "length")
    assert DNSRecord.parse(apply(ANSWER, [*made, length])).auth


def test_edits_of_the_same_length_have_no_consequences() -> None:
    assert consequences(ANSWER, [Edit(0, 2, b"ab", "id", "test")]) == []
    assert consequences(b"no dns", [Edit(0, 2, b"a", "id", "test")]) == ()


def test_consequences_of_consequences_are_the_same() -> None:
    """They are asked for again with them among the edits (`alg/compare.py`)."""
    at = ANSWER.index(b"\3pbx")
    made = [Edit(at, at + 4, b"\1d", "question[0].name", "test")]
    follows = consequences(ANSWER, made)
    assert follows
    assert consequences(ANSWER, [*made, *follows]) == follows
