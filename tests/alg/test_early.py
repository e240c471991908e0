"""Bytes behind a gap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alg.early import MOST_EARLY, Early

TEXT = bytes(range(1, 101))


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 30)), max_size=30), st.integers(0, 99))
def test_what_follows_on_a_position_is_put_in_order(
    parts: list[tuple[int, int]], position: int
) -> None:
    early = Early()
    for begin, size in parts:
        early.keep(begin, TEXT[begin : begin + size])
    known = {at for begin, size in parts for at in range(begin, min(begin + size, 100))}
    end = position
    while end in known:
        end += 1
    found = early.take(position)
    assert found == TEXT[position:end]
    assert early.take(position + len(found)) == b""
    assert early.size <= sum(size for begin, size in parts if begin > position)


def test_the_number_of_segments_is_bounded() -> None:
    early = Early()
    for at in range(10 * MOST_EARLY):
        early.keep(2 * at, b"x")
    assert early.size == MOST_EARLY


def test_a_longer_segment_takes_the_place_of_a_shorter_one() -> None:
    early = Early()
    for size in (5, 20, 10):
        early.keep(0, TEXT[:size])
    assert early.size == 20
    assert early.take(0) == TEXT[:20]
    assert early.size == 0
