"""Who may open what: connections from the inside, and expectations from outside."""

from __future__ import annotations

import pytest

from nat.behavior import Limits
from nat.drop import Drop
from nat.endpoint import UDP, Endpoint
from nat.mapping import Expectation, Mapping, Terms
from tests.support.packets import (
    ACK,
    EXTERNAL,
    FIN,
    PSH,
    RST,
    SYN,
    A,
    R,
    S,
    tcp,
    udp,
)
from tests.support.rig import APDM, Rig, left

PHONE = Endpoint.parse(f"{A}:7000")


def opened(rig: Rig, remote: str | None = None) -> Expectation:
    """An expectation to the phone in a running NAT."""
    mapping = rig.nat.table.mappings.pin(UDP, PHONE, rig.now)
    assert isinstance(mapping, Mapping)
    wanted = None if remote is None else Endpoint.parse(remote)
    made = rig.nat.table.expectations.open(mapping, wanted, "call", "media", Terms(60.0), rig.now)
    assert made is not None
    return made


def test_the_first_who_comes_in_gets_a_flow_and_the_expectation_is_in_use() -> None:
    rig = Rig()
    new = opened(rig)
    assert left(rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000"))).destination == PHONE
    (flow,) = rig.nat.table.flows.values()
    assert new.flow is flow
    assert (str(flow.remote), flow.opened_by) == (f"{R}:9", "alg")


def test_later_ones_come_in_and_open_nothing() -> None:
    """An expectation for anyone must not let a stranger fill the tables."""
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
    (expectation_mapping,) = {each.mapping for each in rig.nat.table.expectations.values()}
    assert expectation_mapping.external != talking
    assert left(rig.into(udp(f"{R}:9", str(expectation_mapping.external)))).destination == PHONE
    assert len(rig.nat.table.flows) == 1


def test_an_expectation_for_one_remote_is_shut_to_others() -> None:
    rig = Rig()
    opened(rig, f"{R}:0")
    assert rig.into(udp(f"{S}:9", f"{EXTERNAL}:7000")) is Drop.FILTERED
    assert not rig.nat.table.flows


@pytest.mark.parametrize("flags", [ACK, ACK | PSH, RST, RST | ACK, FIN | ACK, SYN | ACK])
def test_only_a_syn_opens_a_connection(flags: int) -> None:
    """RFC 7857 2: no "loose" pick-up; a RST without a connection creates nothing."""
    rig = Rig()
    assert rig.out(tcp(f"{A}:4000", f"{R}:80", flags)) is Drop.NOT_OPENING
    assert not rig.nat.table.flows
    assert not rig.nat.table.hosts
