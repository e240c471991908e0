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


def test_running_keeps_what_is_booked_meanwhile_and_stops_at_the_limit() -> None:
    clock, kept = Clock(), []

    def keep(name: str, now: float) -> None:
        kept.append((name, now))
        if name == "first":
            clock.at(2.0, keep, "booked meanwhile")

    clock.at(1.0, keep, "first")
    clock.at(4.0, keep, "too late")
    clock.run(3.0)
    assert kept == [("first", 1.0), ("booked meanwhile", 2.0)]
    assert (clock.now, clock.next) == (2.0, 4.0)


def test_who_is_halted_stops_after_that_appointment_and_can_run_again() -> None:
    clock, kept = Clock(), []

    def keep(name: str, now: float) -> None:
        kept.append(name)
        clock.halt()

    for name in ("one", "two"):
        clock.at(1.0, keep, name)
    clock.run(3.0)
    assert kept == ["one"]
    clock.run(3.0)
    assert kept == ["one", "two"]
