"""How much work something is, in calls of functions: the same number on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from types import FrameType
from typing import Any

CALLS = ("call", "c_call")


def work(do: Callable[[], object]) -> int:
    """How many functions are called, Python's own among them."""
    count = 0

    def look(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in CALLS

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        do()
    finally:
        sys.setprofile(before)
    return count


def assert_linear(works: Sequence[int]) -> None:
    """`works` is the work for sizes that double each time. What is quadratic comes near four."""
    for smaller, larger in pairwise(works):
        assert larger < 3 * smaller, works
