"""RFC 4787 4.2, RFC 6056, RFC 6888 REQ-8: every port is in exactly one state, at all times."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from nat.behavior import PortPolicy
from nat.endpoint import Endpoint, parse_address
from nat.ports import FREE, RESERVED, RESTING, USED, PortPool
from tests.support.packets import A, B

PRESERVE, SEQUENTIAL, RANDOM = PortPolicy.PRESERVE, PortPolicy.SEQUENTIAL, PortPolicy.RANDOM


def inside(port: int, host: str = A) -> Endpoint:
    return Endpoint(parse_address(host), port)


def take(pool: PortPool, internal: Endpoint, policy: PortPolicy = PRESERVE) -> int | None:
    port = pool.choose(internal, policy, True, random.Random(1))
    if port is not None:
        pool.take(port)
    return port


WISHES = [
    # range, taken before, internal port, chosen
    ((1024, 65535), (), 5060, 5060),
    ((1024, 65535), (5060,), 5060, 5062),  # parity, RFC 4787 REQ-4
    ((1024, 65535), (5061,), 5061, 5063),
    ((1024, 65535), (65534,), 65534, 1024),  # around the end
    ((1024, 65535), (), 80, 1024),  # 0-1023 is not in the pool
    ((1, 65535), (), 80, 80),  # RFC 4787 REQ-3a: below 1024 stays below
    ((1, 65535), (80,), 80, 82),
    ((1, 65535), (1022,), 1022, 2),
    ((1, 65535), (65535,), 65535, 1025),
    ((2000, 2001), (), 5060, 2000),
    ((2000, 2001), (2000,), 5060, None),  # the one of the right parity is taken
    ((2000, 2001), (2000,), 5061, 2001),
]


@pytest.mark.parametrize(("pool_range", "taken", "wish", "expected"), WISHES)
def test_preservation_takes_the_wish_or_the_next_like_it(
    pool_range: tuple[int, int], taken: tuple[int, ...], wish: int, expected: int | None
) -> None:
    pool = PortPool(*pool_range, 0)
    for port in taken:
        pool.take(port)
    assert take(pool, inside(wish)) == expected


@pytest.mark.parametrize("policy", PortPolicy)
def test_a_pool_gives_every_port_once_and_then_none(policy: PortPolicy) -> None:
    pool = PortPool(3000, 3099, 0)
    rng = random.Random(2)
    given = []
    while (port := pool.choose(inside(5000), policy, False, rng)) is not None:
        pool.take(port)
        given.append(port)
    assert sorted(given) == list(range(3000, 3100))
    pool.release(3042, inside(5000), 0.0)
    assert pool.choose(inside(6000), policy, False, rng) == 3042


def test_the_states_always_add_up_to_the_whole() -> None:
    """Invariant I-M5."""
    rng, pool, now = random.Random(3), PortPool(1000, 1100, 5.0), 0.0
    for _ in range(700):
        now += rng.random()
        port = rng.randrange(900, 1200)
        state = pool.state(port)
        if state == USED:
            pool.release(port, inside(port), now)
        elif rng.random() < 0.1:
            (pool.reserve if state == FREE else pool.release_reserved)(port)
        elif pool.is_available(port, inside(port)):
            pool.take(port)
        pool.settle(now)
        if rng.random() < 0.02:
            pool.set_range(1000, rng.randrange(1050, 1150))
        counts = pool.counts()
        assert sum(counts.values()) == 65536
        assert counts["used"] == sum(pool.state(each) == USED for each in range(900, 1200))


def test_a_released_port_rests_for_others_but_not_for_its_own_endpoint() -> None:
    """RFC 6888 REQ-8: late packets for the old mapping must not reach another host."""
    pool = PortPool(1024, 65535, 120.0)
    pool.take(5060)
    pool.release(5060, inside(5060, A), 10.0)
    assert pool.state(5060) == RESTING
    assert not pool.is_available(5060, inside(5060, B))
    assert pool.is_available(5060, inside(5060, A))
    pool.settle(129.9)
    assert take(pool, inside(5060, B)) == 5062
    pool.settle(130.0)
    assert take(pool, inside(5060, B)) == 5060


def test_a_port_taken_back_while_it_rested_is_not_freed_by_the_old_rest() -> None:
    pool = PortPool(1024, 65535, 10.0)
    pool.take(5060)
    pool.release(5060, inside(5060), 0.0)
    pool.take(5060)
    pool.settle(20.0)
    assert pool.state(5060) == USED


def test_a_reserved_port_is_never_chosen_also_after_the_range_has_changed() -> None:
    """Invariant I-M4: a forward stands there."""
    pool = PortPool(1024, 65535, 0)
    pool.reserve(5060)
    pool.set_range(1024, 60000)
    assert pool.state(5060) == RESERVED
    assert take(pool, inside(5060)) == 5062
    pool.release_reserved(5060)
    assert take(pool, inside(5060, B)) == 5060


def test_a_port_that_is_reserved_while_in_use_is_kept_out_after_its_release() -> None:
    pool = PortPool(1024, 65535, 0)
    pool.take(5060)
    pool.reserve(5060)
    assert pool.state(5060) == USED
    pool.release(5060, inside(5060), 0.0)
    assert pool.state(5060) == RESERVED


def test_a_resting_port_outside_a_smaller_range_does_not_come_back() -> None:
    pool = PortPool(1024, 65535, 10.0)
    pool.take(50000)
    pool.release(50000, inside(50000), 0.0)
    pool.set_range(1024, 40000)
    pool.settle(10.0)
    assert pool.state(50000) == RESERVED


def test_port_zero_is_nobodys() -> None:
    assert PortPool(0, 65535, 0).state(0) == RESERVED


def test_sequential_ports_follow_each_other_and_wrap() -> None:
    pool = PortPool(3000, 3005, 0)
    ports = [pool.choose(inside(9), SEQUENTIAL, False, random.Random()) for _ in range(7)]
    assert ports == [3000, 3001, 3002, 3003, 3004, 3005, 3000]


def test_random_ports_cannot_be_guessed_from_the_last() -> None:
    """RFC 6056: over 1,000 allocations, 16 equal classes pass chi square at 0.1 %, and so do the
    steps from one to the next."""
    pool, rng = PortPool(1024, 65535, 0), random.Random(4)
    ports = [pool.choose(inside(5000), RANDOM, False, rng) or 0 for _ in range(1000)]
    steps = [(after - before) % 64512 for before, after in pairwise(ports)]
    for numbers in ([port - 1024 for port in ports], steps):
        classes = [0] * 16
        for each in numbers:
            classes[each * 16 // 64512] += 1
        expected = len(numbers) / 16
        assert sum((count - expected) ** 2 / expected for count in classes) < 37.7


PAIRS = [
    # taken, internal RTP port, pair
    ((), 4000, 4000),
    ((4000,), 4000, 4002),
    ((4001,), 4000, 4002),  # the RTCP port is taken: the next pair
    ((4001, 4003, 4004), 4000, 4006),
    ((), 4001, 4001),  # an odd RTP port stays odd
]


@pytest.mark.parametrize(("taken", "port", "expected"), PAIRS)
def test_rtp_and_rtcp_get_neighbours_of_the_same_parity(
    taken: tuple[int, ...], port: int, expected: int
) -> None:
    """RFC 4787 REQ-4 and 4.2.3: contiguous, and both or none."""
    pool = PortPool(1024, 65535, 0)
    for each in taken:
        pool.take(each)
    assert pool.choose_pair(inside(port), PRESERVE, random.Random(1)) == expected


@pytest.mark.parametrize("policy", PortPolicy)
def test_a_pool_without_two_neighbours_has_no_pair(policy: PortPolicy) -> None:
    pool = PortPool(3000, 3009, 0)
    for port in range(3000, 3010, 2):
        pool.take(port + 1)
    assert pool.choose_pair(inside(4000), policy, random.Random(1)) is None


def test_a_rehearsed_choice_leaves_no_trace() -> None:
    """The next port is the one that was named, for whoever takes it first."""
    pool = PortPool(3000, 3009, 0)
    with pool.rehearsing():
        first = pool.choose(inside(4000), PortPolicy.SEQUENTIAL, False, random.Random(1))
    assert (
        pool.choose(inside(4000), PortPolicy.SEQUENTIAL, False, random.Random(1)) == first == 3000
    )


@pytest.mark.parametrize("policy", list(PortPolicy))
def test_ports_that_are_taken_count_as_used(policy: PortPolicy) -> None:
    pool = PortPool(3000, 3009, 0)
    taken = set(range(3000, 3008))
    assert pool.choose(inside(3000), policy, True, random.Random(1), taken) == 3008
    assert pool.choose_pair(inside(3000), policy, random.Random(1), taken) == 3008
    assert pool.choose(inside(3000), policy, True, random.Random(1), {*taken, 3008}) is None


def test_another_range_keeps_used_and_reserved_ports_as_they_are() -> None:
    pool = PortPool(3000, 3009, 0)
    pool.take(3002)
    pool.reserve(3005)
    pool.set_range(3004, 3012)
    states = {port: pool.state(port) for port in range(3000, 3014)}
    assert states.pop(3002) == USED
    free = {port for port, state in states.items() if state == FREE}
    assert free == {3004, 3006, 3007, 3008, 3009, 3010, 3011, 3012}
    assert pool.counts() == {"free": 8, "used": 1, "resting": 0, "reserved": 65536 - 9}
