"""The helper that bounds how work grows catches what it is there for."""

from __future__ import annotations

import pytest

from tests.support.growth import assert_linear, filled


def linear(data: bytes) -> int:
    return sum(data)


def squared(data: bytes) -> int:
    """Goes over everything before each place."""
    return sum(data.count(b"b", 0, end) for end in range(0, len(data), 16))


def test_linear_work_is_let_pass() -> None:
    assert_linear(linear, filled(b"%b", b"a"))


@pytest.mark.slow
def test_squared_work_is_caught() -> None:
    with pytest.raises(AssertionError):
        assert_linear(squared, filled(b"%b", b"a"))


def test_a_shape_is_filled_to_its_size() -> None:
    assert filled(b"<%b>", b"ab")(11) == b"<ababab>"
