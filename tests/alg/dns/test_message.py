"""A walk over a message: it believes nothing that the bytes do not hold."""

from __future__ import annotations

import pytest

from alg.dns.message import NotDns, read, read_any
from tests.alg.dns.situations import OUTSIDE, SIGNATURE, answering, asking, by_tcp

ANSWER = answering(asking("pbx.example.net", flags="do"), OUTSIDE, SIGNATURE)


def test_everything_is_known_by_its_bytes() -> None:
    said = read(ANSWER, 0)
    assert (said.id, said.is_answer, said.operation, said.problem) == (4711, True, 0, "")
    assert said.end == len(ANSWER)
    address = said.records[0]
    assert ANSWER[address.start : address.end] == bytes((203, 0, 113, 10))
    assert ANSWER[slice(*address.ttl_span)] == (300).to_bytes(4)
    assert [each.place for each in said.records] == ["answer[0]", "answer[1]"]
    assert said.signed() == {((b"pbx", b"example", b"net"), 1)}
    assert read(asking("a", flags="do"), 0).wants_signatures
    assert not read(asking("a", flags=""), 0).wants_signatures


def test_a_message_is_found_behind_its_length_or_without_one() -> None:
    """RFC 1035 4.2.2."""
    assert read_any(by_tcp(ANSWER)).begin == 2
    assert read_any(ANSWER).begin == 0
    assert len(read_any(by_tcp(ANSWER)).records) == 2


@pytest.mark.parametrize(
    ("message", "questions", "records", "problem"),
    [
        (bytes.fromhex("1267 8180 ffff ffff ffff ffff"), 0, 0, "does not end"),
        (ANSWER[:-1], 1, 1, "a record that does not end"),
        (ANSWER[:30], 0, 0, "does not end"),
        (ANSWER[:12] + b"\xc0\x0c\0\1\0\1", 0, 0, "round in a circle"),
    ],
    ids=["huge counts", "cut short", "cut in the question", "a circle"],
)
def test_the_walk_stops_where_nothing_can_be_read(
    message: bytes, questions: int, records: int, problem: str
) -> None:
    said = read(message, 0)
    assert (len(said.questions), len(said.records)) == (questions, records)
    assert problem in said.problem


@pytest.mark.parametrize("data", [b"", b"\0" * 11, b"INVITE sip:bob@example.com SIP/2.0\r\n"])
def test_what_has_no_header_is_not_dns(data: bytes) -> None:
    with pytest.raises(NotDns):
        read(data, 0)


def test_names_in_data_may_be_compressed() -> None:
    """RFC 3597 4."""
    mail, alias = "example.net. 60 IN MX 10", "x.example.net. 60 IN CNAME"
    records = [f"{each} pbx.example.net." for each in (mail, alias)]
    said = read(answering(asking("example.net", "MX"), *records), 0)
    assert [name.text for each in said.records for name in each.names] == ["pbx.example.net."] * 2
    assert any(name.pointers for each in said.records for name in each.names)
