"""Sent positions and shown ones, both ways."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alg.positions import MOST_CUTS, Positions

LENGTHS = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), max_size=40)


def edited(lengths: list[tuple[int, int]]) -> tuple[Positions, list[tuple[int, int]]]:
    """Messages of these lengths, before and after, from position 1 on; and where each ends."""
    positions, sent, shown, ends = Positions(), 1, 1, [(1, 1)]
    for before, after in lengths:
        sent, shown = sent + before, shown + after
        if before != after:
            positions.cut(sent, shown)
        ends.append((sent, shown))
    return positions, ends


@given(LENGTHS)
def test_between_messages_both_directions_agree(lengths: list[tuple[int, int]]) -> None:
    """Of several sent positions at one shown position (messages that were removed) the last
    counts: what is not shown need not be acknowledged."""
    positions, ends = edited(lengths)
    for sent, shown in ends:
        assert positions.shown(sent) == shown
        assert positions.sent(shown) == max(s for s, at in ends if at == shown)


def test_the_numbers_of_the_module_docstring() -> None:
    positions, _ = edited([(512, 508), (800, 796)])
    assert [positions.shown(sent) for sent in (1, 513, 1313)] == [1, 509, 1305]
    assert positions.ahead == -8


def test_what_is_untouched_stays_so_until_the_first_cut() -> None:
    positions = Positions()
    assert (positions.is_untouched, positions.shown(77), positions.sent(77)) == (True, 77, 77)
    positions.cut(10, 12)
    assert not positions.is_untouched


def test_what_is_forgotten_is_taken_for_the_oldest_that_is_known() -> None:
    positions, ends = edited([(10, 12)] * 100)
    positions.forget_before(ends[90][0])
    assert [positions.shown(sent) for sent, _ in ends[90:]] == [shown for _, shown in ends[90:]]
    assert not positions.is_untouched


def test_the_number_of_cuts_is_bounded() -> None:
    positions, ends = edited([(10, 12)] * 3 * MOST_CUTS)
    assert len(positions._sent) <= MOST_CUTS
    assert positions.shown(ends[-1][0]) == ends[-1][1]
