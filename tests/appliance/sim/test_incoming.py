"""Segments come in any order and more than once; what is delivered is the stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.sim.incoming import MOST_EARLY, Incoming
from appliance.sim.segment import WINDOW, Segment, advanced
from nat.endpoint import Endpoint
from nat.tcp import ACK, FIN

HERE, THERE = Endpoint.parse("192.168.20.100:50000"), Endpoint.parse("203.0.113.9:80")
FIRST = 2**32 - 3  # so that every test goes over the end of the circle
TEXT = b"abcdefghijklmnopqrstuvwxyz"


def segment(start: int, end: int, flags: int = ACK) -> Segment:
    """The bytes of TEXT from `start` to `end`."""
    return Segment(THERE, HERE, advanced(FIRST, start), 0, flags, payload=TEXT[start:end])


def test_in_order_is_delivered_at_once() -> None:
    incoming = Incoming(FIRST)
    assert incoming.take(segment(0, 5)) == b"abcde"
    assert incoming.take(segment(5, 9)) == b"fghi"
    assert incoming.expected == advanced(FIRST, 9)


def test_what_comes_early_waits_for_what_goes_before_it() -> None:
    incoming = Incoming(FIRST)
    assert incoming.take(segment(10, 15)) == b""
    assert incoming.take(segment(5, 10)) == b""
    assert incoming.take(segment(0, 5)) == TEXT[:15]


def test_what_was_delivered_is_not_delivered_again() -> None:
    incoming = Incoming(FIRST)
    incoming.take(segment(0, 5))
    assert incoming.take(segment(0, 5)) == b""
    assert incoming.take(segment(2, 8)) == b"fgh"


@given(st.lists(st.tuples(st.integers(0, 26), st.integers(0, 26)), max_size=40))
def test_whatever_the_order_the_stream_is_what_was_said(ranges: list[tuple[int, int]]) -> None:
    incoming = Incoming(FIRST)
    pieces = [incoming.take(segment(min(each), max(each))) for each in ranges]
    assert TEXT.startswith(b"".join(pieces))
    rest = incoming.take(segment(0, 26))
    assert b"".join([*pieces, rest]) == TEXT


def test_no_more_than_so_many_early_segments_are_kept() -> None:
    incoming = Incoming(0)
    for number in range(1, MOST_EARLY + 2):
        incoming.take(Segment(THERE, HERE, number, 0, ACK, payload=b"x"))
    assert len(incoming.take(Segment(THERE, HERE, 0, 0, ACK, payload=b"x"))) == MOST_EARLY + 1


def test_bytes_behind_the_window_are_not_kept() -> None:
    """RFC 9293 3.10.7.4: segments are trimmed to the window."""
    incoming = Incoming(0)
    incoming.take(Segment(THERE, HERE, WINDOW - 1, 0, ACK, payload=b"xyz"))
    delivered = incoming.take(Segment(THERE, HERE, 0, 0, ACK, payload=b"a" * (WINDOW - 1)))
    assert delivered == b"a" * (WINDOW - 1) + b"x"


@pytest.mark.parametrize(
    ("ahead", "size", "inside"),
    [
        (0, 0, True),
        (WINDOW - 1, 0, True),
        (WINDOW, 0, False),
        (WINDOW, 10, False),
        (-1, 0, False),
        (-10, 10, False),
        (-10, 11, True),
    ],
)
def test_what_is_in_the_window(ahead: int, size: int, inside: bool) -> None:
    """RFC 9293 3.10.7.4, table 6."""
    arrived = Segment(THERE, HERE, advanced(FIRST, ahead), 0, ACK, payload=b"x" * size)
    assert Incoming(FIRST).is_in_window(arrived) is inside


def test_the_end_is_taken_when_all_before_it_has_come() -> None:
    incoming = Incoming(FIRST)
    incoming.take(segment(5, 10, FIN | ACK))
    assert not incoming.take_end()
    incoming.take(segment(0, 5))
    assert incoming.take_end()
    assert incoming.expected == advanced(FIRST, 11)
    assert not incoming.take_end()
