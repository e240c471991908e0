"""One number and one time for each event, causes before effects, and no work for nobody."""

from __future__ import annotations

from appliance.journal.events import CallState, Event, SettingChanged
from appliance.journal.log import RING, EventLog


def change(key: str = "key") -> SettingChanged:
    return SettingChanged(key=key, old=1, new=2, who="test")


def test_events_are_numbered_and_dated_from_the_start() -> None:
    log = EventLog(100.0)
    assert [log.emit(change(), 100.0), log.emit(change(), 101.5)] == [1, 2]
    first, second = log.since(0)
    assert (first.id, first.t, second.id, second.t) == (1, 0.0, 2, 1.5)
    assert [event.id for event in log.since(1)] == [2]


def test_a_subscriber_hears_what_comes_until_it_leaves() -> None:
    log, heard = EventLog(0.0), list[Event]()
    log.emit(change("before"), 0.0)
    leave = log.subscribe(heard.append)
    log.emit(change("while"), 0.0)
    leave()
    leave()
    log.emit(change("after"), 0.0)
    assert [event.key for event in heard if isinstance(event, SettingChanged)] == ["while"]


def test_an_event_that_is_costly_is_built_when_somebody_reads_it_and_once() -> None:
    log, built = EventLog(0.0), list[int]()

    def build() -> Event:
        built.append(1)
        return change()

    log.emit_later(build, 2.0)
    assert built == []
    for _ in range(2):
        assert [event.t for event in log.since(0)] == [2.0]
    assert built == [1]


def test_what_is_held_back_follows_its_cause_or_never_was() -> None:
    log = EventLog(0.0)
    log.hold()
    log.emit(change("effect"), 1.0)
    held = log.take_held()
    cause = log.emit(change("cause"), 1.0)
    log.release(held, cause)
    log.hold()
    log.emit(change("undone"), 2.0)
    log.take_held()
    told = log.since(0)
    assert [(event.id, event.cause) for event in told] == [(1, None), (2, 1)]


def test_the_ring_keeps_the_newest() -> None:
    log = EventLog(0.0)
    for _ in range(RING + 5):
        log.emit(change(), 0.0)
    kept = list(log.since(0))
    assert (len(kept), kept[0].id, kept[-1].id) == (RING, 6, RING + 5)


def test_a_cause_is_named_or_there_is_none() -> None:
    log = EventLog(0.0)
    state = CallState(call="c", kind="call", state="trying", caller="a", callee="b")
    log.emit(state, 0.0)
    log.emit(change(), 0.0, cause=9)
    assert [event.cause for event in log.since(0)] == [None, 9]


def test_large_events_push_out_more_of_the_old_ones() -> None:
    """A REGISTER with 2,800 contacts, thirty times a second, takes no more than the ring may."""
    log = EventLog(0.0, most_bytes=100_000)
    for number in range(100):
        log.emit_later(lambda: SettingChanged(key="k", old=1, new=2, who="w"), number, size=30_000)
        assert log.bytes <= 100_000
    assert [event.id for event in log.since(0)] == [98, 99, 100]
    assert log.high_water == 120_000 - 30_000


def test_an_event_that_has_been_read_is_counted_as_what_it_has_become() -> None:
    """What it was built from is let go, and the reasons of its changes take more."""
    log = EventLog(0.0, most_bytes=100_000)
    for number in range(5):
        log.emit_later(lambda: change("k" * 40_000), number, size=1_000)
    assert log.bytes == 5_000
    read = [event.id for event in log.since(0)]
    assert read == [1, 2, 3, 4, 5], "each is read before it can push out the next"
    assert 80_000 < log.bytes < 100_000
    assert [event.id for event in log.since(0)] == [4, 5]


def test_who_reads_slowly_keeps_nothing_alive() -> None:
    """Sixty-four watchers that ask for all that was and read none of it cost one ring."""
    log = EventLog(0.0, most_bytes=3_000)
    for number in range(3):
        log.emit(change(), number, size=1_000)
    reading = log.since(0)
    assert next(reading).id == 1
    for number in range(3, 6):
        log.emit(change(), number, size=1_000)
    assert list(reading) == [], "those that were there are gone; those that came since are news"
    assert [event.id for event in log.since(3)] == [4, 5, 6]


def test_a_smaller_ring_is_smaller_at_once() -> None:
    log = EventLog(0.0)
    for number in range(10):
        log.emit(change(), number, size=1_000)
    log.keep_at_most(2_500)
    assert (log.bytes, log.high_water) == (2_000, 10_000)


def test_one_event_that_is_too_large_is_kept_until_the_next() -> None:
    log = EventLog(0.0, most_bytes=100)
    log.emit(SettingChanged(key="k", old=1, new=2, who="w"), 0.0, size=500)
    assert [event.id for event in log.since(0)] == [1]
    log.emit(SettingChanged(key="k", old=1, new=2, who="w"), 0.0, size=50)
    assert [event.id for event in log.since(0)] == [2]
