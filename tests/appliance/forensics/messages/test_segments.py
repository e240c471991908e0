"""One direction of a connection, put together from what a capture has of it."""

from __future__ import annotations

from appliance.forensics.messages.segments import Segment, runs


def bytes_of(*segments: tuple[int, bytes]) -> list[bytes]:
    given = [Segment(number, *each, False) for number, each in enumerate(segments, 1)]
    return [bytes(run.data) for run in runs(given)]


def test_bytes_without_a_gap_are_one_run() -> None:
    assert bytes_of((10, b"abc"), (16, b"ghi"), (13, b"def")) == [b"abcdefghi"]


def test_a_gap_begins_another() -> None:
    assert bytes_of((10, b"abc"), (14, b"efg")) == [b"abc", b"efg"]


def test_of_bytes_that_came_twice_the_first_are_kept() -> None:
    assert bytes_of((10, b"abcd"), (12, b"XYef"), (10, b"abcd")) == [b"abcdef"]


def test_what_is_older_than_the_first_segment_stands_before_it() -> None:
    assert bytes_of((2, b"cd"), ((1 << 32) - 1, b"z"), (0, b"ab")) == [b"zabcd"]


def test_a_syn_begins_another_connection() -> None:
    given = [Segment(1, 10, b"abc", False), Segment(2, 12, b"", True), Segment(3, 13, b"d", False)]
    assert [bytes(run.data) for run in runs(given)] == [b"abc", b"d"]


def test_nothing_sent_is_no_run() -> None:
    assert bytes_of((10, b"")) == []
