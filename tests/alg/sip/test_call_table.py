"""How many calls are remembered, whose goes first, and when time is up for one."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from alg.sip.call_table import REMEMBERED, REMEMBERED_OF_A_HOST, CallTable


@dataclass
class Record:
    call_id: str
    host: int = 1
    deadline: float = inf
    is_over: bool = False


def table(*records: Record) -> CallTable[Record]:
    made: CallTable[Record] = CallTable()
    for record in records:
        made.add(record)
        made.changed(record)
    return made


def due(calls: CallTable[Record], now: float) -> list[str]:
    return [record.call_id for record in calls.due(now)]


def test_of_one_host_the_ended_go_before_the_oldest() -> None:
    records = [Record(f"c{number}") for number in range(REMEMBERED_OF_A_HOST)]
    records[7].is_over = True
    calls = table(*records, Record("one more"), Record("two more"))
    assert "c7" not in calls
    assert "c0" not in calls
    assert len(calls) == REMEMBERED_OF_A_HOST


def test_of_all_hosts_the_ended_go_first_and_then_the_oldest_of_who_has_most() -> None:
    lonely = Record("lonely", host=9)
    ended = Record("ended", host=8, is_over=True)
    many = [Record(f"c{number}", host=number % 3) for number in range(REMEMBERED - 2)]
    calls = table(lonely, ended, *many)
    assert "ended" in calls
    for number in range(5):
        calls.add(Record(f"new{number}", host=0))
    assert "ended" not in calls
    assert "lonely" in calls
    assert [name for name in ("c0", "c3", "c6", "c9", "c12", "c1") if name in calls] == [
        "c12",
        "c1",
    ]
    assert len(calls) == REMEMBERED


def test_a_call_that_goes_on_again_is_not_among_the_ended_any_more() -> None:
    first, second = Record("first", is_over=True), Record("second", is_over=True)
    calls = table(first, second)
    first.is_over = False
    calls.changed(first)
    more = [Record(f"c{number}") for number in range(REMEMBERED_OF_A_HOST - 1)]
    for record in more:
        calls.add(record)
    assert "first" in calls
    assert "second" not in calls


def test_a_deadline_that_has_moved_counts_where_it_is_now() -> None:
    sooner, later, gone = (
        Record("sooner", 1, 10.0),
        Record("later", 1, 10.0),
        Record("gone", 1, 5.0),
    )
    calls = table(sooner, later, gone)
    calls.forget("gone")
    sooner.deadline, later.deadline = 6.0, 20.0
    calls.changed(sooner)
    calls.changed(later)
    assert due(calls, 5.9) == []
    assert due(calls, 6.0) == ["sooner"]
    assert due(calls, 10.0) == []
    assert calls.next_deadline() == 20.0
    assert due(calls, 20.0) == ["later"]
    assert calls.next_deadline() == inf


def test_what_is_queued_is_bounded_by_what_is_remembered() -> None:
    """However often a deadline comes nearer, and however many records have come and gone."""
    calls = table(only := Record("only", 1, 1e9))
    for number in range(10_000):
        only.deadline -= 1.0
        calls.changed(only)
        calls.add(Record(f"c{number}", host=2, deadline=1e9))
        calls.forget(f"c{number}")
    assert len(calls._heap) < 100
