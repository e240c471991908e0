"""What a class wants to know about a fault, and how a row becomes one."""

from __future__ import annotations

from typing import Any

import pytest

from alg.sip_poor.case import Case
from alg.sip_poor.fault import Fault, Faults

TEXTS = {
    "does": "Does.",
    "seen_in": "somewhere",
    "breaks": "Breaks.",
    "look_at": "Here.",
    "rfc": "RFC 0",
}


def do_nothing(case: Case) -> None:
    pass


@pytest.mark.parametrize(
    ("parts", "acts_on_messages", "can_be_aimed"),
    [
        ({"prepare": do_nothing}, True, True),
        ({"spoil": do_nothing}, True, True),
        ({"decisions": {"port": max}}, False, False),
        ({"manners": {"waits": False}}, False, False),
        ({"prepare": do_nothing, "decisions": {"port": max}}, True, False),
    ],
)
def test_what_it_consists_of_decides_where_it_acts(
    parts: dict[str, Any], acts_on_messages: bool, can_be_aimed: bool
) -> None:
    fault = Fault("name", **TEXTS, **parts)
    assert fault.acts_on_messages is acts_on_messages
    assert fault.can_be_aimed is can_be_aimed


def test_a_row_becomes_a_fault_column_by_column() -> None:
    parts: dict[str, Any] = {
        "kind": "port",
        "prepare": do_nothing,
        "spoil": do_nothing,
        "decisions": {"port": max},
        "manners": {"waits": False},
    }
    faults = Faults()
    faults.add("first", **TEXTS)
    faults.add("second", **TEXTS, **parts)
    assert faults == [Fault("first", **TEXTS), Fault("second", **TEXTS, **parts)]
