"""What modules ask to be remembered: until its time, until there is too much, or not at all."""

from __future__ import annotations

from appliance.gateway.memory import REMEMBERED, Memory, Notes


def test_a_value_is_remembered_until_its_time_and_no_longer() -> None:
    memory = Memory()
    memory.remember("key", "value", 10.0)
    assert memory.recall("key", 9.9) == "value"
    assert memory.recall("key", 10.0) is None
    assert memory.recall("other", 0.0) is None


def test_of_too_many_values_the_oldest_goes() -> None:
    memory = Memory()
    for number in range(REMEMBERED):
        memory.remember(number, number, 10.0)
    memory.remember(0, "again", 10.0)  # and stands behind all others
    memory.remember("one more", True, 10.0)
    assert memory.recall(1, 0.0) is None
    assert memory.recall(0, 0.0) == "again"


def test_notes_of_a_message_are_seen_by_itself_at_once_and_by_others_after_the_commit() -> None:
    memory = Memory()
    memory.remember("old", 1, 10.0)
    notes = Notes(memory, 2.0)
    notes.remember("new", 2, 5.0)
    notes.forget("old")
    assert (notes.recall("new"), notes.recall("old")) == (2, None)
    assert (memory.recall("new", 2.0), memory.recall("old", 2.0)) == (None, 1)
    notes.commit()
    assert (memory.recall("new", 6.9), memory.recall("old", 2.0)) == (2, None)
    assert memory.recall("new", 7.0) is None, "a lifetime counts from the message on"


def test_a_forgotten_value_can_be_remembered_again() -> None:
    memory = Memory()
    notes = Notes(memory, 0.0)
    notes.forget("key")
    notes.remember("key", 1, 5.0)
    notes.commit()
    assert memory.recall("key", 1.0) == 1
