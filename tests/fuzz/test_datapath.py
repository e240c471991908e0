"""The fuzz program in small, so that it cannot rot (its story is in `datapath.py`)."""

from __future__ import annotations

import pytest

from tests.fuzz import datapath
from tests.support.sweep import sampled


@pytest.mark.slow
@pytest.mark.parametrize("seed", sampled([1, 2, 3], 3))
def test_whatever_comes_both_kinds_of_buffer_give_the_same_bytes_and_the_books_balance(
    seed: int,
) -> None:
    outcomes = datapath.run(1500, seed)
    assert outcomes["passed"] + outcomes["stayed"] == 1500
    assert outcomes["passed"] > 200
    assert len(outcomes) > 15, "a fuzzer that sees one reason tests one `if`"
