"""RFC 2694 4.1.1: an answer by UDP that has become too long for its asker is cut, and says so."""

from __future__ import annotations

import pytest
from dnslib import EDNS0, RD, RR, DNSRecord

from alg.base import Edits
from alg.dns.lengths import consequences
from alg.dns.message import read_any
from alg.dns.truncation import taken_by
from alg.edits import apply
from nat.endpoint import Direction
from tests.alg.dns.situations import PTR_INSIDE, PTR_OUTSIDE, answer, asking, by_tcp, met

FILLER = 65280  # a type of nobody's
RECORD = 11  # bytes, of the root's with no data
OPT = 41
ASKERS = pytest.mark.parametrize(
    ("flags", "room"), [(None, 512), ("", 1232)], ids=["without EDNS", "EDNS with 1232"]
)


def full(size: int, section: str, flags: str | None) -> bytes:
    """The answer to the translated question, of so many bytes, most of them in one section, with
    the OPT record between what fills the last."""
    reply = DNSRecord.parse(asking(PTR_OUTSIDE, "PTR")).reply(ra=1)
    reply.add_answer(*RR.fromZone(f"{PTR_OUTSIDE}. 60 IN PTR pbx.example.net."))
    opt = EDNS0(udp_len=1400)
    rest = size - len(reply.pack()) - (2 if flags is None else 3) * RECORD
    filler, other = (RR(rtype=FILLER, rdata=RD(b"x" * part)) for part in (rest // 2, -(-rest // 2)))
    (reply.add_answer if section == "answer" else reply.add_ar)(filler)
    if flags is not None:
        reply.add_ar(opt)
    (reply.add_answer if section == "answer" else reply.add_ar)(other)
    message = bytes(reply.pack())
    assert len(message) == size
    return message


def answered(message: bytes, flags: str | None, transport: str = "udp") -> Edits:
    """What becomes of it on its way back to who has asked."""
    context = met("client", "out", transport=transport)
    question = asking(PTR_INSIDE, "PTR", flags)
    if transport == "tcp":
        question, message = by_tcp(question), by_tcp(message)
    answer(context, question)
    return answer(context.facing(Direction.IN), message)


def read(message: bytes) -> tuple[bool, list[str], list[int]]:
    """Is it cut, what does it answer, and of which types are the records that were added?"""
    said = DNSRecord.parse(message)
    assert said.pack() == message, "its counts and lengths are right"
    assert str(said.q.qname) == f"{PTR_INSIDE}."
    return bool(said.header.tc), [str(each.rname) for each in said.rr], [e.rtype for e in said.ar]


@ASKERS
@pytest.mark.parametrize(
    ("spare", "section", "is_cut", "answers"),
    [
        (1, "answer", False, 3),
        (1, "additional", False, 1),
        (0, "additional", False, 1),
        (0, "answer", True, 0),
    ],
    ids=["it fits", "it fits", "what was only offered is too much", "the answer is too much"],
)
def test_an_asker_gets_no_more_than_he_takes(
    flags: str | None, room: int, spare: int, section: str, is_cut: bool, answers: int
) -> None:
    """Rule fits-its-asker. RFC 2181 9: TC only where something is missing that was asked for. RFC
    6891 7: an OPT record stays. The name grows by a byte."""
    message = full(room - spare, section, flags)
    left = apply(message, answered(message, flags).edits)
    assert len(left) <= room
    tc, names, added = read(left)
    assert (tc, len(names)) == (is_cut, answers)
    assert names[:1] in ([], [f"{PTR_INSIDE}."])
    filler = [FILLER] * 2 if spare and section == "additional" else []
    assert sorted(added) == ([] if flags is None else [OPT]) + filler


def test_by_tcp_all_of_it_comes() -> None:
    message = full(2000, "answer", None)
    left = apply(by_tcp(message), answered(message, None, "tcp").edits)
    assert len(left) == 2 + 2001
    assert read(left[2:])[0] is False


def test_a_server_that_sends_more_than_was_asked_for_is_not_corrected() -> None:
    message = full(600, "answer", None)
    assert len(apply(message, answered(message, None).edits)) == 601


def test_an_asker_may_not_take_less_than_everybody_does() -> None:
    """RFC 6891 6.2.3."""
    question = DNSRecord.question("a")
    question.add_ar(EDNS0(udp_len=100))
    assert taken_by(read_any(bytes(question.pack()))) == 512


def test_every_record_that_is_left_out_takes_its_consequences_with_it() -> None:
    """Another module's answer is compared with this one (`alg/compare.py`)."""
    message = full(512, "answer", None)
    made = answered(message, None).edits
    follows = consequences(message, made)
    assert {(each.start, each.end) for each in follows} <= {(each.start, each.end) for each in made}
