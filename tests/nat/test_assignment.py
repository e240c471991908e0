"""Which external endpoint a mapping gets: the address of its host, and a port that nobody poisoned.

Which port the policies choose is tested in `test_ports.py`; what hosts see of all this, in
`tests/spec`.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from nat.assignment import Assignment
from nat.behavior import Behavior, PortPolicy
from nat.endpoint import TCP, UDP, Endpoint, Network, inbound_key, parse_address
from nat.policy import Policy

ONE, TWO = parse_address("203.0.113.1"), parse_address("203.0.113.2")
HOST = Endpoint.parse("192.168.20.10:4000")
REMOTE = Endpoint.parse("198.51.100.7:5060")
OTHER_REMOTE = Endpoint.parse("198.51.100.7:5061")
BEHAVIOR = Behavior(
    networks=[Network.parse("192.168.20.0/24")], external=[ONE, TWO], rng=random.Random(1)
)


def assignment(**changes: object) -> Assignment:
    behavior = replace(BEHAVIOR, **changes)  # type: ignore[arg-type]
    return Assignment(behavior, Policy(), lambda protocol, external, remote: False)


def test_a_host_stays_on_the_address_that_it_is_known_by() -> None:
    for known in (ONE, TWO):
        assert assignment().address_of(HOST, known) == known


def test_a_host_that_is_known_by_an_address_that_is_gone_gets_another() -> None:
    assert assignment(external=[TWO]).address_of(HOST, ONE) == TWO


def test_arbitrary_pooling_has_an_address_for_each_endpoint() -> None:
    chosen = assignment(paired=False)
    found = [chosen.address_of(HOST._replace(port=port), ONE) for port in range(4000, 4004)]
    assert set(found) == {ONE, TWO}
    assert found[:2] == found[2:]


def test_protocols_and_addresses_have_pools_of_their_own() -> None:
    chosen = assignment()
    assert chosen.pool(UDP, ONE) is chosen.pool(UDP, ONE)
    assert len({id(chosen.pool(p, a)) for p in (UDP, TCP) for a in (ONE, TWO)}) == 4


def test_a_change_of_settings_reaches_pools_that_exist() -> None:
    chosen = assignment()
    pool = chosen.pool(UDP, ONE)
    chosen.settings_changed(replace(BEHAVIOR, port_range=(5000, 5009), port_rest=1.0), Policy())
    assert (pool.first, pool.last, pool.rest) == (5000, 5009, 1.0)


@pytest.mark.parametrize("policy", PortPolicy)
def test_a_poisoned_port_is_not_chosen_for_the_remote_that_poisoned_it(policy: PortPolicy) -> None:
    chosen = assignment(poisoning=True, ports=policy, port_range=(4000, 4003), external=[ONE])
    chosen.poison(inbound_key(UDP, REMOTE, Endpoint(ONE, 4000)), 0.0)
    assert chosen.choose(UDP, HOST, REMOTE, None, 1.0) == Endpoint(ONE, 4002)


def test_other_remotes_and_later_days_do_not_mind() -> None:
    chosen = assignment(poisoning=True, external=[ONE])
    chosen.poison(inbound_key(UDP, REMOTE, Endpoint(ONE, 4000)), 0.0)
    assert chosen.choose(UDP, HOST, OTHER_REMOTE, None, 1.0) == Endpoint(ONE, 4000)
    assert chosen.choose(UDP, HOST, REMOTE, None, 121.0) == Endpoint(ONE, 4000)
    assert chosen.choose(UDP, HOST, None, None, 1.0) == Endpoint(ONE, 4000)  # for everybody


def test_when_every_port_is_poisoned_there_is_none() -> None:
    chosen = assignment(poisoning=True, port_range=(4000, 4003), external=[ONE])
    for port in range(4000, 4004):
        chosen.poison(inbound_key(UDP, REMOTE, Endpoint(ONE, port)), 0.0)
    assert chosen.choose(UDP, HOST, REMOTE, None, 1.0) is None


def test_a_shared_port_is_preferred_where_sharing_is_allowed() -> None:
    behavior = replace(BEHAVIOR, overloading=True, external=[ONE])
    asked: list[tuple[int, Endpoint, Endpoint]] = []

    def may_share(protocol: int, external: Endpoint, remote: Endpoint) -> bool:
        asked.append((protocol, external, remote))
        return True

    chosen = Assignment(behavior, Policy(), may_share)
    chosen.pool(UDP, ONE).take(4000)
    assert chosen.choose(UDP, HOST, REMOTE, None, 0.0) == Endpoint(ONE, 4000)
    assert asked == [(UDP, Endpoint(ONE, 4000), REMOTE)]


def test_a_pair_is_adjacent_and_on_one_address() -> None:
    chosen = assignment()
    chosen.pool(UDP, ONE).take(4001)
    pair = chosen.choose_pair(HOST, ONE, 0.0)
    assert pair == (Endpoint(ONE, 4002), Endpoint(ONE, 4003))
