"""Each fault in the numbers of headers: what it changes beside the correct ALG, and nothing
else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alg.sip_poor.header_numbers import FAULTS
from tests.alg.sip_poor.messages import INVITE, OWN, REGISTER, REGISTERED
from tests.alg.sip_poor.shown import Row, not_shown

ASKED = REGISTER.replace("Max-Forwards: 70", "Expires: 60")
ROWS = [
    Row("expires-shrink", "into", REGISTERED, f"Contact: <sip:a@{OWN}>;expires=30 | Expires: 6"),
    Row("expires-shrink", "out", ASKED, ""),
    Row("expires-grow", "into", REGISTERED, f"Contact: <sip:a@{OWN}>;expires=3000 | Expires: 600"),
    Row("expires-grow", "out", ASKED, ""),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.fault} {row.way}")
def test_a_fault_changes_this_and_nothing_else(beside: Callable[..., Any], row: Row) -> None:
    assert beside(row.fault).sends(row.way, row.message) == row.difference


def test_every_fault_of_the_file_is_shown() -> None:
    assert not_shown(FAULTS, globals(), ROWS) == []


def test_content_length_stale_is_that_of_the_body_before(
    beside: Callable[..., Any], on_the_wire: Any
) -> None:
    """And nothing else differs."""
    pair = beside("content-length-stale")
    assert pair.out(INVITE) == ""
    before, after = (text.partition(b"\r\n\r\n") for text in (on_the_wire(INVITE), pair.poor_bytes))
    assert b"Content-Length: %d" % len(before[2]) in after[0]
    assert len(after[2]) < len(before[2])
