"""Virtual time."""

from __future__ import annotations

from math import inf

import pytest

from appliance.sim.clock import Clock


def test_things_happen_by_time_and_then_in_the_order_they_were_booked() -> None:
    clock, diary = Clock(), list[tuple[str, float]]()

    def note(subject: str, now: float) -> None:
        diary.append((subject, now))

    clock.at(2.0, note, "third")
    clock.at(1.0, note, "first")
    clock.at(1.0, note, "second")
    while clock.next < inf:
        clock.step()
    assert diary == [("first", 1.0), ("second", 1.0), ("third", 2.0)]
    assert clock.now == 2.0


def test_time_never_goes_back() -> None:
    """What is booked for the past happens next, and now."""
    clock, diary = Clock(), list[float]()
    clock.at(5.0, lambda _, now: clock.at(1.0, lambda _, later: diary.append(later)))
    clock.step()
    clock.step()
    assert diary == [5.0]


def test_subjects_need_no_order() -> None:
    clock = Clock()
    clock.at(1.0, lambda subject, now: None, object())
    clock.at(1.0, lambda subject, now: None, object())
    clock.step()
    assert clock.next == 1.0


def test_an_empty_diary_cannot_be_stepped() -> None:
    with pytest.raises(IndexError):
        Clock().step()
