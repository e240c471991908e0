"""Each fault about addresses: what it changes beside the correct ALG, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alg.sip_poor.addresses import FAULTS
from tests.alg.sip_poor.messages import ACK, CALLED, INVITE, OWN, REGISTER, REGISTERED, SEEN
from tests.alg.sip_poor.shown import Row, not_shown

ROWS = [
    Row("callid-oneway", "out", REGISTER, "Call-ID: 1@203.0.113.1"),
    Row("callid-oneway", "into", REGISTERED, ""),
    Row("callid-hide", "out", REGISTER, "Call-ID: 1@203.0.113.1"),
    Row("callid-hide", "into", REGISTERED, "Call-ID: 1@192.168.20.100"),
    Row("replace-all", "out", REGISTER, "Call-ID: 1@203.0.113.1 | User-Agent: Phone 203.0.113.1"),
    Row("replace-all", "into", REGISTERED, "Call-ID: 1@192.168.20.100"),
    Row("replace-all", "out", INVITE, "a=x:203.0.113.1"),
    Row(
        "prefix-replace",
        "out",
        REGISTER.replace("a@203.0.113.9>;", "a@192.168.20.1005>;"),
        "From: <sip:a@203.0.113.15>;tag=1",
    ),
    Row("requests-only", "out", REGISTER, ""),
    Row("requests-only", "out", CALLED, f"Contact: <sip:a@{OWN}>"),
    Row("no-from-to", "out", INVITE, "From: <sip:a@192.168.20.100>;tag=1"),
    Row("foreign-mangled", "out", INVITE, f"Contact: <sip:a@{SEEN}>, <sip:a@203.0.113.1>"),
    Row("ack-uri-rewrite", "out", ACK, "ACK sip:bob@203.0.113.1:5060 SIP/2.0"),
    Row("ack-uri-rewrite", "out", ACK.replace("ACK", "INFO"), ""),
    Row("ack-uri-rewrite", "out", ACK.replace("10.9.9.9", "198.51.100.7"), ""),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.fault} {row.way}")
def test_a_fault_changes_this_and_nothing_else(beside: Callable[..., Any], row: Row) -> None:
    assert beside(row.fault).sends(row.way, row.message) == row.difference


def test_every_fault_of_the_file_is_shown() -> None:
    assert not_shown(FAULTS, globals(), ROWS) == []


@pytest.mark.parametrize(("fault", "pinholes"), [("callid-hide", 1), ("callid-oneway", 0)])
def test_only_a_call_id_that_is_restored_keeps_the_registration_alive(
    beside: Callable[..., Any], fault: str, pinholes: int
) -> None:
    """The registrar repeats the Call-ID that it saw (RFC 3261 8.2.6.2)."""
    pair = beside(fault)
    pair.out(REGISTER)
    lines = pair.poor_bytes.decode().split("\r\n")
    (seen,) = [line for line in lines if line.startswith("Call-ID")]
    pair.poor.into(REGISTERED.replace("Call-ID: 1@203.0.113.1", seen))
    assert len(pair.poor.open) == pinholes
