"""Each fault that drops messages: which ones it drops, and one that it lets through unchanged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alg.sip_poor.dropped_messages import FAULTS
from tests.alg.sip_poor.messages import INVITE, REGISTER
from tests.alg.sip_poor.shown import Row, not_shown

DROPPED = "dropped"
LONG = "Authorization: " + "x" * 1000
KEEP_ALIVE = ""

ROWS = [
    Row("fqdn-drop", "out", REGISTER, ""),
    Row("fqdn-drop", "out", REGISTER.replace("a@203.0.113.9", "a@example.com"), DROPPED),
    Row("block-unknown", "out", REGISTER, ""),
    Row("block-unknown", "out", REGISTER.replace("REGISTER", "REFER"), DROPPED),
    Row("block-unknown", "out", REGISTER.replace("Max-Forwards: 70", LONG), DROPPED),
    Row("keepalive-drop", "into", KEEP_ALIVE, DROPPED),
    Row("keepalive-drop", "out", REGISTER, ""),
    Row("no-clen-drop", "out", INVITE, ""),
    Row("no-clen-drop", "out", INVITE.replace("Content-Length: ?\n", ""), DROPPED),
    Row("lowport-drop", "out", INVITE, ""),
    Row("lowport-drop", "out", INVITE.replace("audio 4000", "audio 22"), DROPPED),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.fault} {row.difference}".rstrip())
def test_a_fault_drops_this_and_nothing_else(beside: Callable[..., Any], row: Row) -> None:
    assert beside(row.fault).sends(row.way, row.message) == row.difference


def test_every_fault_of_the_file_is_shown() -> None:
    assert not_shown(FAULTS, globals(), ROWS) == []
