"""What a fault may do to a message, so that faults can be combined."""

from __future__ import annotations

import random

import pytest

from alg.base import Edit
from alg.sip import offers, parts
from alg.sip.message import parse
from alg.sip_poor.case import Case
from nat.endpoint import Direction, Endpoint
from tests.support.conversation import small_nat

DATA = b"INFO sip:a SIP/2.0\r\ni: 1@192.168.20.100\r\nCSeq: 1 INFO\r\nl: 5\r\n\r\nhello"


@pytest.fixture
def case() -> Case:
    message = parse(DATA)
    endpoints = map(Endpoint.parse, ("192.168.20.100:5060", "203.0.113.1:1024", "203.0.113.9:5060"))
    context = small_nat(Direction.OUT, *endpoints)
    made = Case(DATA, context, message, parts.read(message), random.Random(0))
    made.fault = "some-fault"
    return made


def test_a_fault_wins_over_the_edit_at_its_place(case: Case) -> None:
    case.edits = [Edit(5, 10, b"right", "f", "r"), Edit(12, 15, b"other", "f", "r")]
    case.replace((8, 9), b"wrong", "f")
    assert [(edit.replacement, edit.rule) for edit in case.edits] == [
        (b"wrong", "some-fault"),
        (b"other", "r"),
    ], "in the order of the message"


def test_neighbours_are_left_alone(case: Case) -> None:
    case.edits = [Edit(5, 8, b"left", "f", "r"), Edit(9, 12, b"right", "f", "r")]
    case.replace((8, 9), b"?", "f")
    case.replace((8, 8), b"first", "f")
    case.replace((8, 8), b"second", "f")
    assert sorted(edit.replacement for edit in case.edits) == [b"?", b"left", b"right", b"second"]


def test_writing_what_stands_there_takes_the_edit_back(case: Case) -> None:
    case.edits = [Edit(0, 4, b"INVITE", "f", "r")]
    case.replace((0, 4), b"INFO", "f")
    assert case.edits == []


def test_an_address_is_found_as_a_whole_token(case: Case) -> None:
    case.data = b"192.0.2.1 1192.0.2.1 192.0.2.10 192.0.2.1.5 192.0.2.1: x192.0.2.1"
    assert list(case.occurrences(b"192.0.2.1", 0, len(case.data))) == [(0, 9), (44, 53), (56, 65)]


def test_lengths_are_counted_at_the_end_unless_a_fault_wrote_one(case: Case) -> None:
    body, digits = (DATA.index(b"hello"), len(DATA)), DATA.index(b"5\r\n\r\n")
    case.replace(body, b"hello, world", "text")
    case.count_lengths()
    assert case.after((digits, digits + 1)) == b"12"
    case.replace((digits, digits + 1), b"99", "content-length")
    case.count_lengths()
    assert case.after((digits, digits + 1)) == b"99"


def test_a_step_can_be_left_out_or_replaced(case: Case) -> None:
    before = list(case.steps)
    case.instead(offers.translate, offers.translate_addresses)
    assert len(case.steps) == len(before)
    assert offers.translate not in case.steps
    case.leave_out(offers.translate_addresses)
    assert len(case.steps) == len(before) - 1


def test_the_first_fault_that_refuses_is_named(case: Case) -> None:
    case.refuse()
    case.fault = "another"
    case.refuse()
    assert case.refused == "some-fault"
