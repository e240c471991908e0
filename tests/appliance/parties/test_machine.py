"""Timers and the list of actions."""

from __future__ import annotations

from appliance.parties.machine import Machine, Timers
from appliance.parties.party import Wake


def test_timers_go_off_by_time_and_then_in_the_order_they_were_made() -> None:
    timers, heard = Timers(), list[str]()
    timers.at(2.0, lambda now: heard.append("later"))
    timers.at(1.0, lambda now: heard.append("first"))
    timers.at(1.0, lambda now: heard.append("second"))
    timers.keep(1.5)
    assert heard == ["first", "second"]
    assert timers.next() == 2.0


def test_a_cancelled_timer_neither_goes_off_nor_counts_as_next() -> None:
    timers, heard = Timers(), list[float]()
    timers.at(1.0, heard.append).cancel()
    timers.at(2.0, heard.append)
    assert timers.next() == 2.0
    timers.keep(1.0)
    assert heard == []


def test_a_timer_may_cancel_one_of_the_same_moment() -> None:
    timers, heard = Timers(), list[float]()
    victims = []
    timers.at(1.0, lambda now: victims[0].cancel())
    victims.append(timers.at(1.0, heard.append))
    timers.keep(1.0)
    assert heard == []


def test_a_wake_is_asked_for_once_and_again_when_the_time_changes() -> None:
    machine = Machine()
    assert machine.actions() == []
    machine.timers.at(5.0, lambda now: None)
    assert machine.actions() == [Wake(5.0)]
    assert machine.actions() == []
    machine.timers.at(3.0, lambda now: None)
    assert machine.actions() == [Wake(3.0)]
    assert machine.wake(3.0) == [Wake(5.0)]


def test_an_early_wake_does_no_harm() -> None:
    machine, heard = Machine(), list[float]()
    machine.timers.at(5.0, heard.append)
    machine.actions()
    assert machine.wake(4.0) == []
    assert heard == []


def test_a_repeated_timer_goes_off_until_it_is_cancelled() -> None:
    timers = Timers()
    heard: list[float] = []
    timer = timers.every(10.0, heard.append, 0.0)
    for now in (10.0, 15.0, 20.0):
        timers.keep(now)
    assert heard == [10.0, 20.0]
    assert timers.next() == 30.0
    timer.cancel()
    assert timers.next() is None
