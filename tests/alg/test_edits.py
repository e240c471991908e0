"""A wrong edit is refused, with all its companions; bytes outside edits never change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alg.base import Edit
from alg.edits import LARGEST_MESSAGE, BadEdit, apply, ordered

MESSAGE = b"0123456789"


def edit(start: int, end: int, replacement: bytes) -> Edit:
    return Edit(start, end, replacement, "field", "rule")


@pytest.mark.parametrize(
    ("edits", "after"),
    [
        ([], b"0123456789"),
        ([edit(2, 4, b"ab")], b"01ab456789"),
        ([edit(2, 4, b"longer")], b"01longer456789"),
        ([edit(2, 4, b"")], b"01456789"),
        ([edit(0, 0, b"first")], b"first0123456789"),
        ([edit(10, 10, b"last")], b"0123456789last"),
        ([edit(6, 8, b"B"), edit(0, 2, b"A")], b"A2345B89"),
        ([edit(2, 4, b"x"), edit(4, 6, b"y")], b"01xy6789"),
        ([edit(4, 4, b"in"), edit(4, 6, b"y")], b"0123iny6789"),
    ],
)
def test_edits_are_made_whatever_their_order(edits: list[Edit], after: bytes) -> None:
    assert apply(MESSAGE, edits) == after


@pytest.mark.parametrize(
    ("edits", "complaint"),
    [
        ([edit(-1, 2, b"x")], "outside"),
        ([edit(4, 2, b"x")], "outside"),
        ([edit(9, 11, b"x")], "outside"),
        ([edit(2, 4, b"23")], "changes nothing"),
        ([edit(2, 2, b"")], "changes nothing"),
        ([edit(2, 5, b"x"), edit(4, 6, b"y")], "overlaps"),
        ([edit(2, 4, b"x"), edit(2, 4, b"y")], "overlaps"),
        ([edit(2, 2, b"x"), edit(2, 2, b"y")], "overlaps"),
        ([edit(2, 8, b"x"), edit(4, 4, b"y")], "overlaps"),
        ([Edit(2, 4, "text", "f", "r")], "not by bytes"),  # type: ignore[arg-type]
        ([Edit(True, 4, b"x", "f", "r")], "not a number"),
        ([edit(0, 0, bytes(LARGEST_MESSAGE))], "more than"),
    ],
)
def test_a_wrong_edit_is_refused_with_a_sentence(edits: list[Edit], complaint: str) -> None:
    """Invariant I-A1; and rule small-enough: a datagram holds 65,507 bytes."""
    with pytest.raises(BadEdit, match=complaint):
        apply(MESSAGE, edits)


def test_without_edits_the_very_same_object_comes_back() -> None:
    assert apply(MESSAGE, []) is MESSAGE


@given(st.binary(max_size=60), st.data())
def test_only_bytes_inside_declared_edits_differ(message: bytes, data: st.DataObject) -> None:
    """Invariant I-A1, rule byte-exact: bytes outside the declared edits are identical."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(message)), max_size=8)))
    edits = [
        edit(start, end, b"<" + message[start:end] + b">")
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    outside = [end for pair in ordered(message, edits) for end in (pair.start, pair.end)]
    kept = b"".join(
        message[start:end]
        for start, end in zip([0, *outside[1::2]], [*outside[::2], len(message)], strict=True)
    )
    after = apply(message, edits)
    assert len(after) == len(message) + 2 * len(edits)
    for each in edits:
        after = after.replace(each.replacement, b"", 1)
    assert after == kept
