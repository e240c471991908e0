"""Which ports unsolicited packets have taken away, for how long, and how many at most."""

from __future__ import annotations

from nat.endpoint import UDP
from nat.mapping import FiveTuple
from nat.poison import MOST, Poisoned


def arriving(number: int) -> FiveTuple:
    return (UDP, 0xCB007109, 0xCB007101, 5060, number)


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
        poisoned.remember(arriving(number), 30.0, now=0.0)
    assert len(poisoned) == MOST
    assert not poisoned.is_taken(arriving(MOST), 30.0, now=1.0)


def test_what_is_over_makes_room() -> None:
    poisoned = Poisoned()
    for number in range(MOST):
        poisoned.remember(arriving(number), 30.0, now=float(number % 2))
    poisoned.remember(arriving(MOST), 30.0, now=31.0)
    assert poisoned.is_taken(arriving(MOST), 30.0, now=32.0)
    assert len(poisoned) == 1
