"""What was shown must arrive: chunks, acknowledgements and the timer."""

from __future__ import annotations

import sys
from math import inf
from types import FrameType

import pytest

from alg.delivery import (
    FIRST_PATIENCE,
    LONGEST_PATIENCE,
    MOST_REPEATED,
    STRANDED_AFTER,
    Chunk,
    Delivery,
    Piece,
)
from alg.positions import Positions

BEFORE, AFTER = 12, 10  # bytes of a message, as sent and as shown


def shown(count: int, edited: bool = True) -> Delivery:
    """So many messages were shown."""
    positions = Positions()
    delivery = Delivery(positions)
    after = AFTER if edited else BEFORE
    for n in range(count):
        sent, at = 1 + n * BEFORE, 1 + n * after
        delivery.add(Chunk(sent, sent + BEFORE, at, bytes((n % 256,)) * after, edited))
        if edited:
            positions.cut(sent + BEFORE, at + after)
    return delivery


def test_a_chunk_is_forgotten_when_all_of_it_is_acknowledged() -> None:
    delivery = shown(3)
    sizes = []
    for position in (1, 10, 11, 20, 21, 31):
        delivery.acknowledge(position, 31, 0.0)
        sizes.append(delivery.size)
    assert sizes == [36, 36, 24, 24, 12, 0]


def test_of_bytes_that_were_not_edited_a_part_is_forgotten_as_well() -> None:
    delivery = shown(2, edited=False)
    delivery.acknowledge(6, 25, 0.0)
    assert delivery.size == 19
    assert delivery.of(1, 100)[0].part(1, 9) == Piece(6, b"\0\0\0")


@pytest.mark.parametrize("position", [0, -5, 32, 1_000_000])
def test_an_acknowledgement_of_what_was_never_shown_changes_nothing(position: int) -> None:
    delivery = shown(3)
    delivery.acknowledge(position, 31, 0.0)
    assert (delivery.acknowledged, delivery.size) == (1, 36)


@pytest.mark.parametrize(
    ("position", "sent"), [(1, 1), (2, 1), (10, 1), (11, 13), (15, 13), (21, 25), (31, 37)]
)
def test_half_an_edited_message_acknowledges_nothing_of_it(position: int, sent: int) -> None:
    assert shown(3).sent(position) == sent


def timeline(delivery: Delivery, until: float) -> list[tuple[float, int]]:
    """When something is shown again, and from which position on."""
    seen = []
    while delivery.repeat_at <= until:
        now = delivery.repeat_at
        seen += [(now, piece.position) for piece in delivery.repeat(now, 31)]
    return seen


def test_without_an_answer_nothing_is_shown_again() -> None:
    assert timeline(shown(3), 1000.0) == []


def test_what_was_answered_is_shown_again_more_and_more_slowly() -> None:
    """RFC 6298 5.5."""
    delivery = shown(3)
    delivery.answer(13, 0.0)
    assert timeline(delivery, 3.5) == [
        (pytest.approx(at), 1) for at in (FIRST_PATIENCE, 0.6, 1.4, 3.0)
    ]


def test_when_what_was_answered_is_acknowledged_the_rest_is_its_senders() -> None:
    delivery = shown(3)
    delivery.answer(13, 0.0)
    delivery.acknowledge(11, 31, 0.1)
    assert delivery.repeat_at == inf


def test_a_partial_acknowledgement_shows_the_next_at_once() -> None:
    """RFC 6582 3.2: what followed what was lost is lost too, mostly."""
    delivery = shown(3)
    delivery.answer(37, 0.0)
    assert timeline(delivery, 0.3) == [(0.2, 1)]
    delivery.acknowledge(11, 31, 0.35)
    assert timeline(delivery, 0.4) == [(0.35, 11)]


def test_an_attempt_begins_behind_what_is_acknowledged_and_is_not_too_long() -> None:
    delivery = Delivery(Positions())
    delivery.add(Chunk(1, 20_001, 1, bytes(20_000), edited=True))
    delivery.answer(20_001, 0.0)
    delivery.acknowledge(101, 20_001, 0.1)
    (piece,) = delivery.repeat(0.31, 20_001)
    assert (piece.position, len(piece.data)) == (101, MOST_REPEATED)


def test_a_silent_receiver_is_given_up() -> None:
    """RFC 9293 3.8.3: R2 is at least 100 seconds."""
    delivery = shown(3)
    delivery.answer(13, 0.0)
    times = [at for at, _ in timeline(delivery, 1000.0)]
    assert STRANDED_AFTER - LONGEST_PATIENCE <= times[-1] < STRANDED_AFTER
    assert (delivery.is_stranded, delivery.size, delivery.repeat_at) == (True, 0, inf)


def test_a_receiver_that_answers_may_keep_us_waiting() -> None:
    """RFC 9293 3.8.6.1: its window is closed."""
    delivery = shown(3)
    delivery.answer(13, 0.0)
    for minute in range(1, 20):
        timeline(delivery, 60.0 * minute)
        delivery.acknowledge(1, 31, 60.0 * minute)
    assert not delivery.is_stranded


def calls_of(count: int) -> int:
    """Functions called for a retransmission and an acknowledgement while so much is kept."""
    delivery, calls = shown(count), 0

    def counted(_frame: FrameType, what: str, _argument: object) -> None:
        nonlocal calls
        calls += what == "call"

    end = 1 + count * AFTER
    sys.setprofile(counted)
    try:
        delivery.of(1, 5)
        delivery.of(count * BEFORE // 2, count * BEFORE // 2 + 5)
        delivery.sent(end // 2)
        delivery.acknowledge(11, end, 0.0)
    finally:
        sys.setprofile(None)
    return calls


def test_twice_as_much_that_is_kept_costs_a_few_steps_more() -> None:
    """One step of each bisection."""
    assert calls_of(1600) - calls_of(800) <= 8
    assert calls_of(800) < 120
