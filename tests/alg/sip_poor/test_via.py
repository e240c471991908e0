"""Each fault in Via: what it changes beside the correct ALG, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alg.sip_poor.via import FAULTS
from tests.alg.sip_poor.messages import ACK, REGISTER, REGISTERED, SEEN
from tests.alg.sip_poor.shown import Row, not_shown

ROWS = [
    Row("semicolon-lost", "out", REGISTER, f"Via: SIP/2.0/UDP {SEEN}branch=z9hG4bK1"),
    Row("semicolon-lost", "into", REGISTERED, ""),
    Row("stray-char", "out", REGISTER, f"Via: SIP/2.0/UDP {SEEN};;branch=z9hG4bK1"),
    Row("via-not-restored", "into", REGISTERED, f"Via: SIP/2.0/UDP {SEEN};branch=z9hG4bK1"),
    Row("branch-rewrite", "out", REGISTER, ""),
]
BEGINNINGS = [
    Row("branch-rewrite", "out", ACK, f"Via: SIP/2.0/UDP {SEEN};branch=z9hG4bK"),
    Row("own-via", "out", REGISTER, f"Via: SIP/2.0/UDP {SEEN};branch=z9hG4bKalg"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.fault} {row.way}")
def test_a_fault_changes_this_and_nothing_else(beside: Callable[..., Any], row: Row) -> None:
    assert beside(row.fault).sends(row.way, row.message) == row.difference


@pytest.mark.parametrize("row", BEGINNINGS, ids=lambda row: f"{row.fault} {row.way}")
def test_a_branch_ends_at_random(beside: Callable[..., Any], row: Row) -> None:
    assert beside(row.fault).sends(row.way, row.message).startswith(row.difference)


def test_every_fault_of_the_file_is_shown() -> None:
    assert not_shown(FAULTS, globals(), [*ROWS, *BEGINNINGS]) == []


def test_the_extra_via_is_taken_away_again_on_the_way_back(beside: Callable[..., Any]) -> None:
    pair = beside("own-via")
    pair.out(REGISTER)
    sent = pair.poor_bytes.decode()
    assert "Max-Forwards: 69" in sent
    own, phones = [line for line in sent.split("\r\n") if line.startswith("Via")]
    back = REGISTERED.replace(f"Via: SIP/2.0/UDP {SEEN};branch=z9hG4bK1", f"{own}\n{phones}")
    restored = pair.poor.into(back)
    pair.into(REGISTERED)
    assert restored == pair.right_bytes


def test_chance_is_seeded(beside: Callable[..., Any]) -> None:
    """The same message gets the same bytes, whoever asks."""
    pairs = [beside("branch-rewrite") for _ in range(2)]
    assert pairs[0].out(ACK) == pairs[1].out(ACK) == pairs[0].out(ACK)
