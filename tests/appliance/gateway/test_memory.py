"""What modules ask to be remembered: until its time, until there is too much, or not at all."""

from __future__ import annotations

import pytest

from appliance.gateway.memory import (
    BYTES_OF_A_HOST,
    REMEMBERED,
    REMEMBERED_OF_A_HOST,
    Bounds,
    Memory,
    Notes,
)


def test_a_value_is_remembered_until_its_time_and_no_longer() -> None:
    memory = Memory()
    memory.remember("key", "value", 10.0)
    assert memory.recall("key", 9.9) == "value"
    assert memory.recall("key", 10.0) is None
    assert memory.recall("other", 0.0) is None


def test_of_too_many_values_the_oldest_goes() -> None:
    memory = Memory()
    for number in range(REMEMBERED):
        memory.remember(number, number, 10.0, host=number // 500)
    memory.remember(0, "again", 10.0)  # and stands behind all others
    memory.remember("one more", True, 10.0)
    assert memory.recall(1, 0.0) is None
    assert memory.recall(0, 0.0) == "again"


def test_of_too_many_bytes_the_host_with_the_most_loses_its_own() -> None:
    memory = Memory(Bounds(most=100_000, of_a_host=60_000))
    memory.remember("call of another", "ringing", 60.0, host=1)
    for number in range(50):
        memory.remember(("a", number), "x" * 5_000, 60.0, host=2)
        memory.remember(("b", number), "x" * 5_000, 60.0, host=3)
    assert memory.recall("call of another", 0.0) == "ringing"
    assert memory.recall(("a", 49), 0.0) is not None
    assert memory.bytes <= 100_000


def test_two_memories_may_share_their_room() -> None:
    """Those of one slot: that of the module, and that of who only looks."""
    bounds = Bounds(most=100_000, of_a_host=50_000)
    memory, other = Memory(bounds), Memory(bounds)
    other.remember("watched", "x" * 20_000, 60.0, host=99)
    for host in range(20):
        memory.remember(host, "x" * 10_000, 60.0, host=host)
        assert bounds.used == memory.bytes + other.bytes <= bounds.most
    assert memory.recall(0, 0.0) is None
    assert memory.recall(19, 0.0) is not None
    assert other.recall("watched", 0.0) is not None
    memory.clear()
    assert (memory.bytes, bounds.used) == (0, other.bytes)
    assert 90_000 < bounds.high_water <= 110_000


def test_a_value_that_is_larger_than_all_may_be_is_not_kept() -> None:
    memory = Memory(Bounds(most=1_000, of_a_host=100_000))
    memory.remember("key", "x" * 2_000, 60.0)
    assert (len(memory), memory.bytes) == (0, 0)


def test_notes_of_a_message_are_seen_by_itself_at_once_and_by_others_after_the_commit() -> None:
    memory = Memory()
    memory.remember("old", 1, 10.0)
    notes = Notes(memory, 1, 2.0)
    notes.remember("new", 2, 5.0)
    notes.forget("old")
    assert (notes.recall("new"), notes.recall("old")) == (2, None)
    assert (memory.recall("new", 2.0), memory.recall("old", 2.0)) == (None, 1)
    notes.commit()
    assert (memory.recall("new", 6.9), memory.recall("old", 2.0)) == (2, None)
    assert memory.recall("new", 7.0) is None, "a lifetime counts from the message on"


def test_a_forgotten_value_can_be_remembered_again() -> None:
    memory = Memory()
    notes = Notes(memory, 1, 0.0)
    notes.forget("key")
    notes.remember("key", 1, 5.0)
    notes.commit()
    assert memory.recall("key", 1.0) == 1


def test_a_host_that_asks_for_too_much_loses_its_own() -> None:
    """5,000 small registrations from one host while another's call rings."""
    memory = Memory()
    memory.remember("call of another", "ringing", 60.0, host=1)
    for number in range(5_000):
        memory.remember(("registration", number), "value", 60.0, host=2)
    assert memory.recall("call of another", 0.0) == "ringing"
    assert len(memory) == REMEMBERED_OF_A_HOST + 1
    assert memory.recall(("registration", 4_999), 0.0) == "value"


def test_what_a_host_has_remembered_is_bounded_in_bytes() -> None:
    memory = Memory()
    for number in range(500):
        memory.remember(("call", "x" * 50_000, number), ("y" * 10_000,), 60.0, host=2)
        assert memory.bytes <= BYTES_OF_A_HOST
    assert memory.recall(("call", "x" * 50_000, 499), 0.0) is not None
    for number in range(500):
        memory.forget(("call", "x" * 50_000, number))
    assert (len(memory), memory.bytes) == (0, 0)


@pytest.mark.slow
def test_many_hosts_together_take_nothing_from_one_that_has_little() -> None:
    memory = Memory()
    memory.remember("call of another", "ringing", 60.0, host=1)
    for number in range(2 * REMEMBERED):
        memory.remember(("registration", number), "value", 60.0, host=2 + number % 200)
    assert memory.recall("call of another", 0.0) == "ringing"
    assert len(memory) == REMEMBERED
