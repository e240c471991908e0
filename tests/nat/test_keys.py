"""A key remembers as much of the remote endpoint as the mapping behaviour says (RFC 4787 4.1)."""

from __future__ import annotations

import pytest

from nat.behavior import Dependence
from nat.deadlines import Timer
from nat.endpoint import UDP, Endpoint
from nat.keys import Keys
from nat.mapping import Flow, FlowLeg, Mapping, OpenedBy, legs_between
from tests.support.packets import R, S, at
from tests.support.rig import ADM, APDM, EIM, INTERNAL, PUBLIC

NEAR = at(R, 5000)
REMOTES = (NEAR, at(R, 5001), at(S, 5000))


def mapping(id_: int = 1) -> Mapping:
    return Mapping(id_, UDP, INTERNAL, PUBLIC, OpenedBy.PACKET)


def served(keys: Keys) -> list[bool]:
    return [keys.find(UDP, INTERNAL, remote) is not None for remote in REMOTES]


def flow_of(mapping: Mapping) -> Flow:
    """A living one, to NEAR."""
    flow = Flow(1, mapping, NEAR, OpenedBy.PACKET, legs_between(FlowLeg, mapping, NEAR), 0.0)
    flow.timer = Timer("udp", 300.0)
    return flow


SERVED = [(EIM, [True, True, True]), (ADM, [True, True, False]), (APDM, [True, False, False])]


@pytest.mark.parametrize(("dependence", "remotes"), SERVED)
def test_a_mapping_serves_the_remotes_that_its_key_does_not_tell_apart(
    dependence: Dependence, remotes: list[bool]
) -> None:
    keys = Keys(dependence)
    keys.add(mapping(), NEAR)
    assert served(keys) == remotes
    assert (keys.serving_all(UDP, INTERNAL) is not None) is (dependence is EIM)


@pytest.mark.parametrize("dependence", [EIM, ADM, APDM])
def test_a_key_tells_the_families_apart(dependence: Dependence) -> None:
    """::192.0.2.1 and 192.0.2.1 have the same number (RFC 4291 2.5.5.1)."""
    four, six = Endpoint.parse("192.0.2.1:5"), Endpoint.parse("[::c000:201]:5")
    keys, found = Keys(dependence), {}
    for number, host in enumerate((four, six), 1):
        found[host] = Mapping(number, UDP, host, host, OpenedBy.FORWARD)
        keys.add(found[host], host)
    assert len(keys) == 2
    for host in (four, six):
        assert keys.find(UDP, host, host) is found[host]


def test_who_serves_a_remote_goes_on_doing_so() -> None:
    keys, first, second = Keys(APDM), mapping(1), mapping(2)
    keys.add(first, NEAR)
    keys.add(second, NEAR)
    assert keys.find(UDP, INTERNAL, NEAR) is first
    keys.remove(second)
    assert keys.find(UDP, INTERNAL, NEAR) is first
    keys.remove(first)
    assert (len(keys), first.keys) == (0, ())


@pytest.mark.parametrize("after", [ADM, APDM])
def test_a_mapping_that_no_longer_serves_all_is_found_by_its_endpoint(after: Dependence) -> None:
    keys, old = Keys(EIM), mapping()
    keys.add(old, NEAR)
    for _ in keys.change(after, [flow_of(old)]):
        assert keys.of(UDP, INTERNAL) == [old]
    assert keys.of(UDP, INTERNAL) == [old]
    keys.remove(old)
    assert keys.of(UDP, INTERNAL) == []


def test_a_change_is_seen_when_it_is_complete_and_knows_what_came_meanwhile() -> None:
    """A packet waits for one step of it at most."""
    keys, old, new = Keys(APDM), mapping(1), mapping(2)
    keys.add(old, NEAR)
    steps = keys.change(ADM, [flow_of(old)])
    assert served(keys) == [True, False, False], "nothing has begun"
    next(steps)
    keys.add(new, at(S, 5000))
    assert served(keys) == [True, False, True], "as before, until all is done"
    for _ in steps:
        pass
    assert [keys.find(UDP, INTERNAL, remote) for remote in REMOTES] == [old, old, new]


def test_a_mapping_that_is_removed_during_a_change_is_gone_afterwards() -> None:
    keys, old = Keys(APDM), mapping()
    keys.add(old, NEAR)
    steps = keys.change(EIM, [flow_of(old)])
    next(steps)
    keys.remove(old)
    assert list(steps) == []
    assert served(keys) == [False, False, False]
