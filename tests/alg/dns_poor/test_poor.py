"""The DNS ALG that is wrong on purpose: the correct one, but for its faults."""

from __future__ import annotations

import pytest

from alg.dns.correct import Dns
from alg.dns_poor.faults import FAULTS
from alg.dns_poor.poor import DnsPoor
from alg.fault import UnknownFault
from alg.stream import RIGHT
from tests.alg.dns.situations import PTR_INSIDE, answer, asking, met
from tests.alg.dns.test_application import MESSAGES


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("direction", ["in", "out"])
def test_without_faults_it_is_the_correct_one(message: bytes, direction: str) -> None:
    assert answer(met("client", direction), message, DnsPoor()) == answer(
        met("client", direction), message
    )
    assert DnsPoor().manners == RIGHT
    assert DnsPoor().decisions == {}


def test_faults_add_up() -> None:
    module = DnsPoor(["not-reversed", "pointers-stay"])
    (name,) = answer(met("client", "out"), asking(PTR_INSIDE, "PTR"), module).edits
    assert name.replacement == b"\x03203\x010\x03113\x0210"


def test_it_explains_its_edits_as_the_correct_one_does() -> None:
    assert DnsPoor().explain("to-internal") == Dns().explain("to-internal")
    assert DnsPoor().explain("ttl-zero").sentence == FAULTS["ttl-zero"].does
    with pytest.raises(KeyError):
        DnsPoor().explain("no-such-rule")


def test_an_unknown_fault_is_named() -> None:
    with pytest.raises(UnknownFault, match="ttl-none"):
        DnsPoor(["ttl-none"])
