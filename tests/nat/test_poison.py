"""Which ports unsolicited packets have taken away, for how long, and how many at most."""

from __future__ import annotations

from nat.assignment import POISON_TRIES
from nat.endpoint import UDP, FiveTuple
from nat.poison import MOST, MOST_OF_ONE_REMOTE, Poisoned


def arriving(number: int, remote_port: int = 5060) -> FiveTuple:
    return (UDP, 0xCB007109, 0xCB007101, remote_port, number)


def test_a_tuple_is_taken_until_its_lifetime_after_the_last_packet() -> None:
    poisoned = Poisoned()
    poisoned.remember(arriving(1), 30.0, now=0.0)
    poisoned.remember(arriving(1), 30.0, now=20.0)
    assert poisoned.is_taken(arriving(1), 30.0, now=49.9)
    assert not poisoned.is_taken(arriving(1), 30.0, now=50.0)
    assert not poisoned.is_taken(arriving(2), 30.0, now=20.0)


def test_a_stranger_cannot_fill_the_memory() -> None:
    poisoned = Poisoned()
    for number in range(MOST + 100):
        poisoned.remember(arriving(4000, number), 30.0, now=0.0)
    assert len(poisoned) == MOST
    assert not poisoned.is_taken(arriving(4000, MOST), 30.0, now=1.0)


def test_one_remote_takes_away_fewer_ports_than_are_tried_for_a_flow_to_it() -> None:
    """Whoever forges a remote's address may change the port of a flow to it, and not prevent it."""
    poisoned = Poisoned()
    for number in range(100):
        poisoned.remember(arriving(number), 30.0, now=0.0)
    assert sum(poisoned.is_taken(arriving(number), 30.0, now=1.0) for number in range(100)) == 32
    assert POISON_TRIES > MOST_OF_ONE_REMOTE
    poisoned.remember((UDP, 0xCB00710A, 0xCB007101, 5060, 1), 30.0, now=1.0)
    assert len(poisoned) == 33
    poisoned.remember(arriving(99), 30.0, now=31.0)
    assert poisoned.is_taken(arriving(99), 30.0, now=32.0), "what is over is not counted"


def test_what_is_over_makes_room() -> None:
    poisoned = Poisoned()
    for number in range(MOST):
        poisoned.remember(arriving(4000, number), 30.0, now=float(number % 2))
    poisoned.remember(arriving(4000, MOST), 30.0, now=31.0)
    assert poisoned.is_taken(arriving(4000, MOST), 30.0, now=32.0)
    assert len(poisoned) == 1
