"""How the work of reading grows with what is read, on any machine: sizes are doubled and times
compared with each other, never with a clock's idea of how long it should take.

    size      1 KB    8 KB    64 KB
    linear    t       8 t     64 t      per byte: the same everywhere
    squared   t       64 t    4096 t    per byte: 8 times as much with each step
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from itertools import combinations
from math import inf

SIZES = (1016, 8128, 65_024)
"""Bytes: doubled three times, and three times again. The largest is nearly the largest message."""
GROWTH = 6.0
"""So many times as much may a byte cost as in any smaller text. What is linear costs less and less,
since more bytes share what it costs to begin; what is squared costs 64 times as much at the end."""
UNREAD = 30e-9
"""Seconds: a byte that costs less was not read, as in a small text that is refused at once, or that
another test has had read before and that is remembered."""
TRIES = 6
"""The machine may stumble in one of them, and a stumble only makes things slower."""
OTHER = 40
"""Bytes: each try has another text, since what was read once may be remembered."""


def assert_linear(read: Callable[[bytes], object], make: Callable[[int], bytes]) -> None:
    """`make` answers about so many bytes, and `read` must take time in proportion to them."""
    least = [inf] * len(SIZES)  # seconds for a byte
    for number in range(TRIES):
        texts = [make(size - number * OTHER) for size in SIZES]
        least = [
            min(known, _per_byte(read, text)) for known, text in zip(least, texts, strict=True)
        ]
        if all(large <= GROWTH * max(small, UNREAD) for small, large in combinations(least, 2)):
            return
    raise AssertionError([f"{seconds * 1e9:.1f} ns a byte" for seconds in least])


def _per_byte(read: Callable[[bytes], object], text: bytes) -> float:
    """Of processor time, without the collector's, which depends on what the other tests left."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        began = time.process_time()
        read(text)
        return (time.process_time() - began) / len(text)
    finally:
        if was_on:
            gc.enable()


def filled(shape: bytes, text: bytes) -> Callable[[int], bytes]:
    """A `make`: `%b` in the shape becomes as many of the text as there is room for."""
    return lambda size: shape.replace(b"%b", text * ((size - len(shape)) // len(text)))
