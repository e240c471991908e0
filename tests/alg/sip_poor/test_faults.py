"""The list of faults."""

from __future__ import annotations

import pytest

from alg.sip_poor.fault import Fault
from alg.sip_poor.faults import FAULTS, KINDS
from nat.policy import POINTS

EVERYTHING = [fault for kind in KINDS for fault in kind.FAULTS]


def test_no_two_faults_share_a_name() -> None:
    assert list(FAULTS.values()) == EVERYTHING


def test_the_two_best_known_are_there() -> None:
    assert FAULTS["callid-oneway"].number == "M1"
    assert FAULTS["no-sdp"].number == "M23"


def test_the_catalogue_is_complete() -> None:
    """M1 to M62 and M65: M63 and M64 concern other protocols."""
    numbers = {int(fault.number.removeprefix("M")) for fault in EVERYTHING}
    assert numbers == {*range(1, 63), 65}


@pytest.mark.parametrize("fault", EVERYTHING, ids=lambda fault: fault.name)
def test_a_fault_that_decides_names_its_decision_point(fault: Fault) -> None:
    assert set(fault.decisions) <= POINTS
    assert not fault.decisions or fault.kind in fault.decisions
