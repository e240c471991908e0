"""Whom a door lets in, and until when (invariant I-E3)."""

from __future__ import annotations

import pytest

from nat.behavior import Limits
from nat.drop import Drop
from nat.endpoint import UDP, Endpoint
from nat.mapping import Expectation, Mapping, OpenedBy
from tests.support.packets import EXTERNAL, A, R, S, udp
from tests.support.rig import APDM, Rig, left

KNOCKS = [
    # the door is for, who knocks, is let in
    (f"{R}:7000", f"{R}:7000", True),
    (f"{R}:7000", f"{R}:7001", False),
    (f"{R}:7000", f"{S}:7000", False),
    (f"{R}:0", f"{R}:7001", True),  # any port of that address
    (f"{R}:0", f"{S}:7001", False),
    (None, f"{S}:7001", True),  # anyone
]


def door(remote: str | None) -> Expectation:
    """A door with a deadline at 10 s."""
    ends = Endpoint.parse(f"{A}:7000"), Endpoint.parse(f"{EXTERNAL}:7000")
    wanted = None if remote is None else Endpoint.parse(remote)
    made = Expectation(1, Mapping(1, UDP, *ends, OpenedBy.ALG), wanted, "call", "media")
    made.deadline = 10.0
    return made


@pytest.mark.parametrize(("remote", "knocks", "admitted"), KNOCKS)
def test_a_door_is_for_one_endpoint_one_host_or_anyone(
    remote: str | None, knocks: str, admitted: bool
) -> None:
    assert door(remote).admits(Endpoint.parse(knocks), 9.9) is admitted


@pytest.mark.parametrize("remote", [None, f"{R}:0", f"{R}:7000"])
def test_a_door_is_shut_from_its_deadline_on(remote: str | None) -> None:
    """Invariant I-T1: also when nobody has tidied it up yet."""
    moments = (9.999, 10.0, 11.0)
    admitted = [door(remote).admits(Endpoint.parse(f"{R}:7000"), now) for now in moments]
    assert admitted == [True, False, False]


def test_a_door_that_was_given_no_time_lets_nobody_in() -> None:
    fresh = Expectation(1, door(None).mapping, None, "call", "media")
    assert not fresh.admits(Endpoint.parse(f"{R}:7000"), 0.0)
    assert (fresh.flow, fresh.used_lifetime) == (None, None), "and use would not prolong it"


PHONE = Endpoint.parse(f"{A}:7000")


def opened(rig: Rig, remote: str | None = None) -> Expectation:
    """A door to the phone in a running NAT."""
    mapping = rig.nat.table.mappings.pin(UDP, PHONE, rig.now)
    assert isinstance(mapping, Mapping)
    wanted = None if remote is None else Endpoint.parse(remote)
    made = rig.nat.table.expectations.open(mapping, wanted, "call", "media", 60.0, None, rig.now)
    assert made is not None
    return made


def test_the_first_who_comes_in_gets_a_flow_and_the_door_is_in_use() -> None:
    rig = Rig()
    new = opened(rig)
    assert left(rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000"))).destination == PHONE
    (flow,) = rig.nat.table.flows.values()
    assert new.flow is flow
    assert (str(flow.remote), flow.opened_by) == (f"{R}:9", "alg")


def test_later_ones_come_in_and_open_nothing() -> None:
    """A door for anyone must not let a stranger fill the tables."""
    rig = Rig()
    opened(rig)
    for port in range(1, 20):
        left(rig.into(udp(f"{S}:{port}", f"{EXTERNAL}:7000")))
    assert len(rig.nat.table.flows) == 1


def test_a_host_that_may_have_no_more_flows_is_reached_all_the_same() -> None:
    """RFC 6888 REQ-4 limits what a host uses up, not who may call it."""
    rig = Rig(limits=Limits(flows_per_host=1, new_flows_per_second_per_host=0))
    left(rig.out(udp(f"{A}:4000", f"{R}:5000")))
    new = opened(rig)
    assert left(rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000"))).destination == PHONE
    assert len(rig.nat.table.flows) == 1
    assert new.flow is None


def test_who_talks_already_by_another_mapping_gets_no_second_flow() -> None:
    """One conversation has one flow, by whichever external port its packets come in."""
    rig = Rig(mapping=APDM)
    talking = left(rig.out(udp(f"{A}:7000", f"{R}:9"))).source
    opened(rig)
    (door_mapping,) = {each.mapping for each in rig.nat.table.expectations.values()}
    assert door_mapping.external != talking
    assert left(rig.into(udp(f"{R}:9", str(door_mapping.external)))).destination == PHONE
    assert len(rig.nat.table.flows) == 1


def test_a_door_for_one_remote_is_shut_to_others() -> None:
    rig = Rig()
    opened(rig, f"{R}:0")
    assert rig.into(udp(f"{S}:9", f"{EXTERNAL}:7000")) is Drop.FILTERED
    assert not rig.nat.table.flows
