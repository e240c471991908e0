"""The list of faults."""

from __future__ import annotations

from alg.sip_poor import headers, media, pinholes
from alg.sip_poor.faults import FAULTS


def test_no_two_faults_share_a_name() -> None:
    everything = (*headers.FAULTS, *media.FAULTS, *pinholes.FAULTS)
    assert len(FAULTS) == len(everything)
    assert list(FAULTS.values()) == list(everything)


def test_the_two_best_known_are_there() -> None:
    assert FAULTS["callid-oneway"].number == "M1"
    assert FAULTS["no-sdp"].number == "M23"
