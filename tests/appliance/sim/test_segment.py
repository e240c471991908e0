"""Sequence numbers go round in a circle, and a stream is cut as its writer wants."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.sim.segment import Segment, advanced, cut, distance, refusal
from nat.endpoint import Endpoint
from nat.tcp import ACK, FIN, RST, SYN

HERE, THERE = Endpoint.parse("192.168.20.100:50000"), Endpoint.parse("203.0.113.9:80")

numbers = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("later", "earlier", "apart"),
    [(5, 3, 2), (3, 5, -2), (1, 2**32 - 1, 2), (2**32 - 1, 1, -2), (7, 7, 0)],
)
def test_a_distance_is_the_short_way_round(later: int, earlier: int, apart: int) -> None:
    """RFC 9293 3.4: all arithmetic on sequence numbers is modulo 2^32."""
    assert distance(later, earlier) == apart


@given(numbers, st.integers(-(2**31) + 1, 2**31 - 1))
def test_whoever_goes_a_distance_arrives(start: int, apart: int) -> None:
    assert distance(advanced(start, apart), start) == apart


@pytest.mark.parametrize(
    ("flags", "payload", "length"),
    [(ACK, b"", 0), (SYN, b"", 1), (FIN | ACK, b"ab", 3), (ACK, b"abc", 3)],
)
def test_syn_and_fin_count_as_a_byte(flags: int, payload: bytes, length: int) -> None:
    """RFC 9293 3.4."""
    assert Segment(HERE, THERE, 1, 0, flags, payload=payload).length == length


@pytest.mark.parametrize(
    ("sizes", "pieces"),
    [
        ((0,), [b"abcdefghij"]),
        ((), [b"abcdefghij"]),
        ((4,), [b"abcd", b"efgh", b"ij"]),
        ((1, 4), [b"a", b"bcde", b"fghi", b"j"]),
        ((7, 0), [b"abcdefg", b"hij"]),
        ((7, 2, 1), [b"abcdefg", b"hi", b"j"]),
        ((7, 100, 3), [b"abcdefg", b"hij"]),
        ((0, 3), [b"abcdefghij"]),
    ],
)
def test_a_writer_says_how_its_bytes_are_cut(sizes: Sequence[int], pieces: list[bytes]) -> None:
    """The last size counts for all that follow; 0 is as much as there is."""
    assert cut(b"abcdefghij", sizes) == pieces


def test_nothing_is_cut_into_nothing() -> None:
    assert cut(b"", (3, 0)) == []


@given(st.binary(max_size=50), st.lists(st.integers(0, 9)))
def test_cutting_loses_nothing(payload: bytes, sizes: list[int]) -> None:
    assert b"".join(cut(payload, sizes)) == payload


def test_what_has_an_acknowledgement_is_refused_with_that_number() -> None:
    """RFC 9293 3.10.7.1: <SEQ=SEG.ACK><CTL=RST>."""
    answer = refusal(Segment(THERE, HERE, 500, 77, ACK, payload=b"abc"))
    assert answer == Segment(HERE, THERE, 77, 0, RST, 0)


def test_a_syn_is_refused_by_acknowledging_it() -> None:
    """RFC 9293 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>."""
    answer = refusal(Segment(THERE, HERE, 2**32 - 1, 0, SYN))
    assert answer == Segment(HERE, THERE, 0, 0, RST | ACK, 0)


def test_a_rst_is_never_answered() -> None:
    """RFC 9293 3.10.7.1."""
    assert refusal(Segment(THERE, HERE, 500, 77, RST | ACK)) is None
