"""What changes for what is there when settings change."""

from __future__ import annotations

import pytest

from nat.behavior import Forward
from nat.drop import Drop
from nat.endpoint import UDP, Endpoint
from nat.mapping import Terms
from tests.support.packets import (
    EXTERNAL,
    A,
    B,
    R,
    S,
    at,
    udp,
)
from tests.support.rig import APDF, EIF, Rig, left, pinned

PHONE = Endpoint.parse(f"{A}:7000")
FORWARD = Forward(UDP, Endpoint.parse(f"{EXTERNAL}:7000"), Endpoint.parse(f"{B}:7000"))


@pytest.mark.parametrize("has_expectation", [True, False])
def test_a_forward_takes_its_port_from_whoever_has_it(has_expectation: bool) -> None:
    """Also from a call whose expectation would hold it."""
    rig = Rig()
    mapping = pinned(rig.nat.table.mappings.pin(UDP, PHONE, rig.now))
    if has_expectation:
        rig.nat.table.expectations.open(mapping, None, "call", "", Terms(60.0), rig.now)
    else:
        rig.nat.table.mappings.hold(mapping, rig.now + 32.0)
    rig.change(forwards=[FORWARD])
    assert left(rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000"))).destination == at(B, 7000)
    assert not rig.nat.table.expectations
    assert left(rig.out(udp(f"{A}:7000", f"{R}:9"))).source != at(EXTERNAL, 7000)


def test_a_forward_that_was_taken_away_lets_nobody_in() -> None:
    """Though an expectation was opened in its mapping, for one remote."""
    rig = Rig(forwards=[FORWARD])
    mapping = pinned(rig.nat.table.mappings.pin(UDP, FORWARD.internal, rig.now))
    rig.nat.table.expectations.open(
        mapping, Endpoint.parse(f"{R}:9"), "call", "", Terms(60.0), rig.now
    )
    rig.change(forwards=[])
    for stranger in (R, S):
        assert rig.into(udp(f"{stranger}:9", f"{EXTERNAL}:7000")) is Drop.NO_MAPPING
    assert not rig.nat.table.mappings.by_external
    assert not rig.nat.table.hosts


def test_a_live_change_of_the_port_range_leaves_a_forward_its_port() -> None:
    """Invariant I-M4."""
    rule = Forward(UDP, Endpoint.parse(f"{EXTERNAL}:5060"), Endpoint.parse(f"{B}:5060"))
    rig = Rig(forwards=[rule])
    rig.change(port_range=(1024, 60000))
    assert left(rig.out(udp(f"{A}:5060", f"{R}:5060"))).source == at(EXTERNAL, 5062)
    assert left(rig.into(udp(f"{S}:1", f"{EXTERNAL}:5060"))).destination == at(B, 5060)


def test_settings_that_change_together_find_all_that_exists() -> None:
    """A forward that goes while the filter changes: every flow must be found under its scope."""
    rule = Forward(UDP, Endpoint.parse(f"{EXTERNAL}:5060"), Endpoint.parse(f"{B}:5060"))
    rig = Rig(forwards=[rule], filtering=EIF)
    left(rig.into(udp(f"{S}:1", f"{EXTERNAL}:5060")))
    left(rig.out(udp(f"{B}:5060", f"{S}:1")))
    rig.change(forwards=[], filtering=APDF)
    assert not rig.nat.table.flows
    assert rig.into(udp(f"{S}:1", f"{EXTERNAL}:5060")) is Drop.NO_MAPPING
