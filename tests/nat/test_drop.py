"""Every reason can be shown to a person."""

from __future__ import annotations

import re

from nat.drop import Drop


def test_every_reason_has_a_word_and_a_sentence() -> None:
    for drop in Drop:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", drop.reason)
        assert re.fullmatch(r"[A-Z].*\.", drop.sentence), drop


def test_no_two_reasons_are_one() -> None:
    """An enum makes members of equal value one and the same: then sums would be wrong."""
    assert len(Drop.__members__) == len(list(Drop)) == len({drop.sentence for drop in Drop})
