"""What a class wants to know about a fault."""

from __future__ import annotations

import dataclasses

import pytest

from alg.sip_poor.fault import Fault


def test_a_fault_edits_unless_it_says_otherwise_and_cannot_be_changed() -> None:
    fault = Fault("name", "M0", "Does.", "somewhere", "Breaks.", "RFC 0")
    assert fault.kind == "edit"
    with pytest.raises(dataclasses.FrozenInstanceError):
        fault.name = "other"  # type: ignore[misc]
