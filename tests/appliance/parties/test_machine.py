"""Timers and the list of actions."""

from __future__ import annotations

from appliance.parties.machine import Machine, Timers
from appliance.parties.party import Action, Ground, Report, Send, Wake, What
from nat.endpoint import Endpoint


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


def accepting(*before: Action, since: int = 0) -> list[str]:
    """What a party says of a message when it has done all this."""
    machine = Machine()
    machine.name = "bob"
    for action in before:
        machine.do(action)
    machine.accept(b"message", since)
    reports = [each for each in machine.actions() if isinstance(each, Report)]
    return [each.detail for each in reports if each.what is What.MESSAGE_ACCEPTED]


def test_what_is_accepted_is_told_with_what_is_done_about_it() -> None:
    here, there = Endpoint(1, 5060), Endpoint(2, 5060)
    ringing, ack = (
        Send(here, there, each) for each in (b"SIP/2.0 180 Ringing\r\n", b"ACK sip:a SIP/2.0\r\n")
    )
    audio = Send(here, there, b"\x80" * 172)
    assert accepting(ringing, audio, ack) == ["sends 180, ACK"]
    assert accepting(ringing, audio, ack, since=1) == ["sends ACK"]
    assert accepting(audio, Report(What.CALL_ENDED, "bob")) == ["call ended"]
    assert accepting() == [""]


def test_what_something_was_said_against_is_not_accepted_and_one_reason_is_enough() -> None:
    objection = Report(What.MESSAGE_REFUSED, "bob", ground=Ground(b"message"))
    assert accepting(objection) == []
    assert accepting(objection._replace(ground=Ground(b"another"))) == [""]
    machine = Machine()
    machine.object_to(What.MESSAGE_DISCARDED, "bob", "the first", Ground(b"message"))
    machine.object_to(What.MESSAGE_REFUSED, "bob", "the second", Ground(b"message"))
    assert [each.detail for each in machine.actions() if isinstance(each, Report)] == ["the first"]


def test_what_is_decided_later_is_told_of_then() -> None:
    machine = Machine()
    machine.name = "bob"
    machine.decide_later(b"message")
    machine.accept(b"message")
    assert machine.actions() == []
    machine.accept(b"message")
    assert len(machine.actions()) == 1
