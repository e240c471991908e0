"""Forgotten at the moment, whatever happened to the timer meanwhile, and with bounded work."""

from __future__ import annotations

import random
from itertools import count
from math import inf

from nat.deadlines import GONE, MANY, Deadlines, Timer

IDS = count(1)


class Note:
    """The smallest thing that can be forgotten."""

    def __init__(self, now: float) -> None:
        self.id = next(IDS)
        self.timer: Timer = GONE
        self.refreshed = now


def forgotten(deadlines: Deadlines[Note], now: float, at_most: int = 1000) -> list[Note]:
    return [note for note, is_over in deadlines.due(now, at_most) if is_over]


def test_a_record_is_over_exactly_at_its_timeout() -> None:
    """Invariant I-T1."""
    deadlines: Deadlines[Note] = Deadlines()
    note = Note(10.0)
    deadlines.put_under(note, deadlines.timer("short", 5.0))
    assert deadlines.next_deadline() == 15.0
    assert forgotten(deadlines, 14.999) == []
    assert forgotten(deadlines, 15.0) == [note]
    assert note.timer is GONE
    assert deadlines.next_deadline() == inf


def test_a_refreshed_record_goes_back_with_its_newer_time() -> None:
    deadlines: Deadlines[Note] = Deadlines()
    note = Note(10.0)
    deadlines.put_under(note, deadlines.timer("short", 5.0))
    note.refreshed = 14.0
    assert list(deadlines.due(15.0, 10)) == [(note, False)]
    assert deadlines.next_deadline() == 19.0
    assert forgotten(deadlines, 19.0) == [note]


def test_a_changed_timeout_changes_all_deadlines_at_once() -> None:
    deadlines: Deadlines[Note] = Deadlines()
    note = Note(10.0)
    deadlines.put_under(note, deadlines.timer("short", 300.0))
    deadlines.timer("short", 2.0)
    assert forgotten(deadlines, 12.0) == [note]


def test_a_record_follows_its_timer_and_no_other() -> None:
    deadlines: Deadlines[Note] = Deadlines()
    short, long = deadlines.timer("short", 5.0), deadlines.timer("long", 50.0)
    note = Note(0.0)
    deadlines.put_under(note, short)
    deadlines.put_under(note, long)
    assert forgotten(deadlines, 5.0) == []
    deadlines.put_under(note, short)
    assert forgotten(deadlines, 5.0) == [note]
    assert forgotten(deadlines, 50.0) == []


def test_a_record_that_comes_back_older_than_it_left_is_over_in_time() -> None:
    """A connection that was reset and brought back from outside may live no longer for it: its
    refresh is dated back when it returns to the long timer (RFC 7857 2.2)."""
    deadlines: Deadlines[Note] = Deadlines()
    short, long = deadlines.timer("short", 5.0), deadlines.timer("long", 50.0)
    note = Note(100.0)
    deadlines.put_under(note, long)
    deadlines.put_under(note, short)
    note.refreshed = 55.0
    deadlines.put_under(note, long)
    assert deadlines.next_deadline() == 105.0
    assert forgotten(deadlines, 105.0) == [note]
    assert forgotten(deadlines, 1000.0) == []
    assert (short.stale, long.stale) == (0, 0)


def test_going_to_and_fro_does_not_pile_up() -> None:
    deadlines: Deadlines[Note] = Deadlines()
    short, long = deadlines.timer("short", 5.0), deadlines.timer("long", 50.0)
    note = Note(100.0)
    for _ in range(10_000):
        deadlines.put_under(note, long)
        deadlines.put_under(note, short)
        assert len(short.heap) + len(long.heap) <= 4 * MANY


def test_what_was_let_go_is_never_handed_out() -> None:
    deadlines: Deadlines[Note] = Deadlines()
    note = Note(0.0)
    deadlines.put_under(note, deadlines.timer("short", 5.0))
    deadlines.let_go(note)
    deadlines.let_go(note)
    assert forgotten(deadlines, 100.0) == []


def test_short_lives_under_a_long_timer_do_not_pile_up() -> None:
    """10,000 connections that last no time must not be remembered for two hours."""
    deadlines: Deadlines[Note] = Deadlines()
    long = deadlines.timer("long", 7440.0)
    for _ in range(10_000):
        note = Note(0.0)
        deadlines.put_under(note, long)
        deadlines.let_go(note)
        assert len(long.heap) <= 2 * MANY + 2


def test_no_more_than_asked_for_is_looked_at() -> None:
    deadlines: Deadlines[Note] = Deadlines()
    for _ in range(100):
        deadlines.put_under(Note(0.0), deadlines.timer("short", 5.0))
    assert len(forgotten(deadlines, 5.0, at_most=30)) == 30
    assert len(forgotten(deadlines, 5.0, at_most=100)) == 70


def test_random_lives_end_as_a_plain_list_would_have_them() -> None:
    """Against the obvious model: look at every record at every step."""
    rng = random.Random(8)
    deadlines: Deadlines[Note] = Deadlines()
    names = {"a": 3.0, "b": 7.0, "c": 11.0}
    timers = {name: deadlines.timer(name, timeout) for name, timeout in names.items()}
    living: list[Note] = []
    now = 0.0
    for _ in range(3000):
        now += rng.random()
        over = {id(n) for n in living if n.timer and n.refreshed + n.timer.timeout <= now}
        assert {id(note) for note in forgotten(deadlines, now)} == over
        living = [note for note in living if id(note) not in over]
        choice = rng.random()
        if choice < 0.5 or not living:
            living.append(Note(now))
            deadlines.put_under(living[-1], timers[rng.choice("abc")])
        elif choice < 0.7:
            rng.choice(living).refreshed = now
        elif choice < 0.9:
            note, timer = rng.choice(living), timers[rng.choice("abc")]
            if note.timer is not timer:
                note.refreshed -= rng.choice((0.0, 0.0, 1.0))
            deadlines.put_under(note, timer)
        elif choice < 0.95:
            deadlines.let_go(living.pop(rng.randrange(len(living))))
        else:
            deadlines.timer(rng.choice("abc"), rng.uniform(1.0, 12.0))
