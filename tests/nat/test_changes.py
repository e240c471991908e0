"""What changes for what is there when settings change."""

from __future__ import annotations

import pytest

from nat.behavior import Forward, Static, Timeouts
from nat.drop import Drop
from nat.endpoint import UDP, Endpoint, parse_address
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


# --- another address outside ----------------------------------------------------------

OTHER = "203.0.113.7"


@pytest.mark.parametrize("keeps", [False, True])
def test_a_mapping_whose_address_is_lost_ends_unless_the_settings_keep_it(keeps: bool) -> None:
    """Kept, it says nothing new to the outside: the remote goes on seeing the old address."""
    rig = Rig(keep_renumbered=keeps)
    left(rig.out(udp(f"{A}:7000", f"{R}:9")))
    rig.change(keep_renumbered=keeps, external=[parse_address(OTHER)])
    assert bool(rig.nat.table.flows) is keeps
    seen = left(rig.out(udp(f"{A}:7000", f"{R}:9"))).source
    assert seen.address == parse_address(EXTERNAL if keeps else OTHER)


def test_a_flow_to_what_has_become_our_own_address_ends() -> None:
    """Its next packet turns back in the NAT (RFC 4787 REQ-9) and finds nobody who waits for it."""
    rig = Rig()
    left(rig.out(udp(f"{A}:7000", f"{OTHER}:9")))
    rig.change(external=[parse_address(EXTERNAL), parse_address(OTHER)])
    assert not rig.nat.table.flows
    assert rig.out(udp(f"{A}:7000", f"{OTHER}:9")) is Drop.NO_MAPPING


def test_what_a_rule_maps_is_heard_again_when_the_address_is_ours_again() -> None:
    """The rule stays while the address is away; so does what it let in."""
    rig = Rig(forwards=[FORWARD])
    knock = udp(f"{R}:9", f"{EXTERNAL}:7000")
    left(rig.into(knock))
    rig.change(forwards=[FORWARD], external=[parse_address(OTHER)])
    assert left(rig.into(knock)).destination == at(B, 7000)


# --- hosts with an address of their own ------------------------------------------------

ALONE = Static(parse_address(A), parse_address(OTHER))


def test_a_host_that_gets_an_address_of_its_own_begins_anew() -> None:
    """Its old mapping would go on to show it under the address of all."""
    rig = Rig()
    assert left(rig.out(udp(f"{A}:7000", f"{R}:9"))).source == at(EXTERNAL, 7000)
    left(rig.out(udp(f"{B}:7001", f"{R}:9")))
    rig.change(statics=[ALONE])
    assert [flow.mapping.internal for flow in rig.nat.table.flows.values()] == [at(B, 7001)]
    assert left(rig.out(udp(f"{A}:7000", f"{R}:9"))).source == at(OTHER, 7000)
    assert left(rig.into(udp(f"{S}:1", f"{OTHER}:80"))).destination == at(A, 80)


def test_a_host_whose_rule_is_taken_away_is_one_of_many_again() -> None:
    rig = Rig(statics=[ALONE])
    left(rig.into(udp(f"{S}:1", f"{OTHER}:80")))
    rig.change(statics=[])
    assert not rig.nat.table.flows
    assert left(rig.out(udp(f"{A}:7000", f"{R}:9"))).source == at(EXTERNAL, 7000)


def test_an_address_that_one_host_is_given_is_taken_from_all_others() -> None:
    """RFC 4787 REQ-2 holds for a pool; a 1:1 mapping is one host's alone."""
    both = [parse_address(EXTERNAL), parse_address(OTHER)]
    rig = Rig(external=both[1:])
    left(rig.out(udp(f"{B}:7001", f"{R}:9")))
    rig.change(external=both, statics=[ALONE])
    assert not rig.nat.table.flows
    assert left(rig.out(udp(f"{B}:7001", f"{R}:9"))).source == at(EXTERNAL, 7001)


# --- another timeout for a port --------------------------------------------------------


def test_flows_to_a_port_that_gets_a_timeout_of_its_own_live_by_it_at_once() -> None:
    rig = Rig(timeouts=Timeouts(udp_unanswered=30.0))
    for port in (53, 54):
        left(rig.out(udp(f"{A}:7000", f"{R}:{port}")))
    rig.change(timeouts=Timeouts(udp_unanswered=30.0, udp_by_port={53: 10.0}))
    rig.wait(11.0)
    rig.tidy()
    assert [flow.remote for flow in rig.nat.table.flows.values()] == [at(R, 54)]
