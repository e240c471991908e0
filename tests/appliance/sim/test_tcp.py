"""One connection; each test plays the other side by hand, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.parties.party import (
    Closed,
    Connected,
    Ending,
    Finished,
    News,
    Obstacle,
    Received,
)
from appliance.sim.segment import WINDOW, Segment
from appliance.sim.tcp import (
    CHALLENGES,
    DEFAULT_SEGMENT,
    MOST_UNSENT,
    OWN_SEGMENT,
    PATIENCE,
    TIME_WAIT,
    Connection,
)
from appliance.sim.tcp_states import State
from nat.endpoint import Endpoint
from nat.tcp import ACK, FIN, PSH, RST, SYN

HERE, THERE = Endpoint.parse("192.168.20.100:50000"), Endpoint.parse("203.0.113.9:80")
OURS, THEIRS = 1000, 9000  # the first sequence numbers

OPEN, END = Connected(HERE, THERE), Finished(HERE, THERE)
Sent = tuple[int, int, int, bytes]
"""Flags, sequence and acknowledgement number, payload."""


def over(how: Ending) -> Closed:
    return Closed(HERE, THERE, how)


def heard(payload: bytes) -> Received:
    return Received(HERE, THERE, payload)


class Bench:
    """A connection, and what it has sent and told since anybody looked."""

    def __init__(self, initial: int = OURS) -> None:
        self.now = 0.0
        self._out: list[Segment] = []
        self._news: list[News] = []
        self.tcp = Connection(HERE, THERE, initial, self._out, self._news)

    def sent(self) -> list[Sent]:
        """Including the acknowledgement that is owed."""
        self.tcp.acknowledge()
        sent = [(s.flags, s.sequence, s.acknowledgement, s.payload) for s in self._out]
        self._out.clear()
        return sent

    def told(self) -> list[News]:
        told = self._news[:]
        self._news.clear()
        return told

    def gets(
        self,
        flags: int,
        sequence: int,
        acknowledgement: int = 0,
        payload: bytes = b"",
        window: int = WINDOW,
        largest: int = 0,
    ) -> list[Sent]:
        segment = Segment(THERE, HERE, sequence, acknowledgement, flags, window, payload, largest)
        self.tcp.receive(segment, self.now)
        return self.sent()

    def writes(self, payload: bytes, sizes: Sequence[int] = (0,)) -> list[Sent]:
        self.tcp.write(payload, sizes, self.now)
        return self.sent()

    def closes(self) -> list[Sent]:
        self.tcp.close(self.now)
        return self.sent()

    def waits(self, until: float) -> list[tuple[float, Sent]]:
        """What it says by itself up to a time, and when."""
        said = []
        while self.tcp.deadline is not None and self.tcp.deadline <= until:
            self.now = self.tcp.deadline
            self.tcp.expire(self.now)
            said += [(self.now, each) for each in self.sent()]
        self.now = until
        return said


def a_caller(window: int = WINDOW, largest: int = 1460) -> Bench:
    """One that has connected."""
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.sent()
    bench.gets(SYN | ACK, THEIRS, OURS + 1, window=window, largest=largest)
    assert bench.told() == [OPEN]
    return bench


# --- opening -------------------------------------------------------------------------------------


def test_a_connection_is_opened_in_three_steps() -> None:
    """RFC 9293 3.5, figure 6."""
    bench = Bench()
    bench.tcp.connect(0.0)
    assert bench.sent() == [(SYN, OURS, 0, b"")]
    answer = bench.gets(SYN | ACK, THEIRS, OURS + 1)
    assert answer == [(ACK, OURS + 1, THEIRS + 1, b"")]
    assert bench.told() == [OPEN]
    assert bench.tcp.state is State.ESTABLISHED


def test_a_connection_is_taken_in_three_steps() -> None:
    bench = Bench()
    bench.tcp.accept(Segment(THERE, HERE, THEIRS, 0, SYN), 0.0)
    assert bench.sent() == [(SYN | ACK, OURS, THEIRS + 1, b"")]
    assert bench.told() == []
    assert bench.gets(ACK, THEIRS + 1, OURS + 1) == []
    assert bench.told() == [OPEN]


def test_both_may_open_at_the_same_time() -> None:
    """RFC 9293 3.5, figure 8."""
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.sent()
    assert bench.gets(SYN, THEIRS) == [(SYN | ACK, OURS, THEIRS + 1, b"")]
    assert bench.gets(ACK, THEIRS + 1, OURS + 1) == []
    assert bench.told() == [OPEN]


def test_what_is_written_before_it_is_open_goes_out_behind_the_acknowledgement() -> None:
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.writes(b"hello")
    bench.closes()
    assert bench.gets(SYN | ACK, THEIRS, OURS + 1) == [
        (ACK, OURS + 1, THEIRS + 1, b""),
        (ACK | PSH, OURS + 1, THEIRS + 1, b"hello"),
        (FIN | ACK, OURS + 6, THEIRS + 1, b""),
    ]
    assert bench.tcp.state is State.FIN_WAIT_1


def test_a_syn_offers_a_segment_size() -> None:
    """RFC 9293 3.7.1: MUST-14 and SHLD-5."""
    out: list[Segment] = []
    Connection(HERE, THERE, OURS, out, []).connect(0.0)
    assert out[0].largest == OWN_SEGMENT


def test_a_refused_connection_is_over() -> None:
    """RFC 9293 3.10.7.3: a RST that acknowledges our SYN."""
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.sent()
    assert bench.gets(RST | ACK, 0, OURS + 1) == []
    assert bench.told() == [over(Ending.REFUSED)]
    assert bench.tcp.state is State.CLOSED


@pytest.mark.parametrize("flags", [RST, RST | ACK])
def test_a_rst_that_answers_no_syn_of_ours_refuses_nothing(flags: int) -> None:
    """RFC 9293 3.10.7.3."""
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.sent()
    assert bench.gets(flags, 0, OURS + 2) == []
    assert bench.tcp.state is State.SYN_SENT


def test_an_answer_to_something_else_is_reset() -> None:
    """RFC 9293 3.10.7.3: half-open connections are found out (3.5.1)."""
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.sent()
    assert bench.gets(ACK, 300, 100) == [(RST, 100, 0, b"")]
    assert bench.tcp.state is State.SYN_SENT


def test_a_syn_is_repeated_ever_more_slowly_and_given_up_after_three_minutes() -> None:
    """RFC 6298 5.5; RFC 9293 3.8.3: MUST-23."""
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.sent()
    times = [at for at, _ in bench.waits(1000.0)]
    assert times == [1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 123.0]
    assert bench.told() == [over(Ending.TIMED_OUT)]


@pytest.mark.parametrize("obstacle", [Obstacle.PORT_UNREACHABLE, Obstacle.PROTOCOL_UNREACHABLE])
def test_a_hard_icmp_error_about_the_syn_ends_the_attempt(obstacle: Obstacle) -> None:
    """RFC 9293 3.9.2.2: SHLD-26."""
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.tcp.hear_error(obstacle, OURS + 1)  # RFC 5927 4.1: not about this SYN
    assert bench.told() == []
    bench.tcp.hear_error(obstacle, OURS)
    assert bench.told() == [over(Ending.UNREACHABLE)]


def test_a_soft_icmp_error_ends_nothing() -> None:
    """RFC 9293 3.9.2.2: MUST-56."""
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.tcp.hear_error(Obstacle.HOST_UNREACHABLE, OURS)
    assert bench.tcp.state is State.SYN_SENT


def test_no_icmp_error_ends_an_open_connection() -> None:
    """RFC 5461 4.1."""
    bench = a_caller()
    bench.writes(b"hello")
    bench.tcp.hear_error(Obstacle.PORT_UNREACHABLE, OURS + 1)
    assert bench.tcp.state is State.ESTABLISHED


def test_whoever_is_reset_before_it_is_open_never_hears_of_it() -> None:
    """RFC 9293 3.10.7.4, second: back to LISTEN."""
    bench = Bench()
    bench.tcp.accept(Segment(THERE, HERE, THEIRS, 0, SYN), 0.0)
    bench.sent()
    bench.gets(RST, THEIRS + 1)
    assert (bench.told(), bench.tcp.state) == ([], State.CLOSED)


def test_a_wrong_last_step_is_reset_and_the_right_one_still_counts() -> None:
    """RFC 9293 3.10.7.4, fifth."""
    bench = Bench()
    bench.tcp.accept(Segment(THERE, HERE, THEIRS, 0, SYN), 0.0)
    bench.sent()
    assert bench.gets(ACK, THEIRS + 1, OURS + 2) == [(RST, OURS + 2, 0, b"")]
    bench.gets(ACK, THEIRS + 1, OURS + 1)
    assert bench.told() == [OPEN]


def test_data_that_comes_with_the_syn_has_to_come_again() -> None:
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.sent()
    answer = bench.gets(SYN | ACK, THEIRS, OURS + 1, b"early")
    assert answer == [(ACK, OURS + 1, THEIRS + 1, b"")]


# --- saying --------------------------------------------------------------------------------------


def test_a_writer_decides_where_segments_end() -> None:
    bench = a_caller()
    sizes = [len(payload) for _, _, _, payload in bench.writes(b"x" * 110, (7, 100, 3))]
    assert sizes == [7, 100, 3]


@pytest.mark.parametrize(
    ("offered", "largest"), [(0, DEFAULT_SEGMENT), (100, 100), (9000, OWN_SEGMENT)]
)
def test_no_segment_is_larger_than_the_other_side_takes(offered: int, largest: int) -> None:
    """RFC 9293 3.7.1: MUST-15 and MUST-16."""
    bench = a_caller(largest=offered)
    sizes = [len(payload) for _, _, _, payload in bench.writes(b"x" * 2000, (5000,))]
    assert max(sizes) == largest
    assert sum(sizes) == 2000


def test_the_last_segment_pushes() -> None:
    """RFC 9293 3.9.1.2."""
    assert [flags for flags, *_ in a_caller().writes(b"abc", (1,))] == [ACK, ACK, ACK | PSH]


def test_no_more_is_sent_than_the_window_has_room_for() -> None:
    """RFC 9293 3.8.6; a piece waits until it fits as a whole."""
    bench = a_caller(window=10)
    assert [payload for *_, payload in bench.writes(b"abcdefghijkl", (4,))] == [b"abcd", b"efgh"]
    assert bench.gets(ACK, THEIRS + 1, OURS + 5, window=10) == [
        (ACK | PSH, OURS + 9, THEIRS + 1, b"ijkl")
    ]


def test_a_piece_that_is_larger_than_the_window_goes_in_parts() -> None:
    bench = a_caller(window=3)
    assert [payload for *_, payload in bench.writes(b"abcdefgh")] == [b"abc"]
    bench_answer = bench.gets(ACK, THEIRS + 1, OURS + 4, window=3)
    assert [payload for *_, payload in bench_answer] == [b"def"]


def test_a_closed_window_is_asked_with_one_byte_as_long_as_somebody_answers() -> None:
    """RFC 9293 3.8.6.1: MUST-36 and MUST-37."""
    bench = a_caller(window=0)
    assert bench.writes(b"abc") == []
    said = []
    for second in range(400):
        said += bench.waits(float(second))
        bench.gets(ACK, THEIRS + 1, OURS + 1, window=0)
    assert {sent for _, sent in said} == {(ACK, OURS + 1, THEIRS + 1, b"a")}
    assert bench.tcp.state is State.ESTABLISHED
    opened = bench.gets(ACK, THEIRS + 1, OURS + 1, window=100)
    assert [payload for *_, payload in opened] == [b"a", b"bc"]


def test_an_old_segment_does_not_take_back_a_window() -> None:
    """RFC 9293 3.10.7.4: SND.WL1 and SND.WL2."""
    bench = a_caller(window=100)
    bench.writes(b"abc")
    bench.gets(ACK, THEIRS + 1, OURS + 4, b"xyz", window=100)
    bench.gets(ACK, THEIRS + 4, OURS + 4, b"0", window=100)
    bench.gets(ACK, THEIRS + 1, OURS + 4, b"xyz01", window=0)
    assert [payload for *_, payload in bench.writes(b"more")] == [b"more"]


def test_what_is_not_acknowledged_is_said_again_and_given_up_in_the_end() -> None:
    """RFC 6298 5.4 and 5.5; RFC 9293 3.8.3: R2 is at least 100 seconds."""
    bench = a_caller()
    bench.writes(b"hello")
    said = bench.waits(1000.0)
    assert [at for at, _ in said] == [1.0, 3.0, 7.0, 15.0, 31.0, 63.0]
    assert {sent for _, sent in said} == {(ACK | PSH, OURS + 1, THEIRS + 1, b"hello")}
    assert bench.told() == [over(Ending.TIMED_OUT)]
    assert bench.tcp.deadline is None
    assert PATIENCE >= 100.0


def test_what_is_acknowledged_is_not_said_again() -> None:
    bench = a_caller()
    bench.writes(b"abcdef", (3,))
    bench.gets(ACK, THEIRS + 1, OURS + 4)
    assert [sent for _, sent in bench.waits(1.5)] == [(ACK | PSH, OURS + 4, THEIRS + 1, b"def")]
    bench.gets(ACK, THEIRS + 1, OURS + 7)
    assert bench.tcp.deadline is None


def test_half_a_segment_may_be_acknowledged() -> None:
    """As it comes about when somebody on the way has changed the lengths."""
    bench = a_caller()
    bench.writes(b"abcdef")
    bench.gets(ACK, THEIRS + 1, OURS + 3)
    assert [sent for _, sent in bench.waits(1.0)] == [(ACK | PSH, OURS + 3, THEIRS + 1, b"cdef")]


def test_sequence_numbers_go_on_at_nought() -> None:
    bench = Bench(2**32 - 3)
    bench.tcp.connect(0.0)
    bench.sent()
    bench.gets(SYN | ACK, 2**32 - 1, 2**32 - 2, largest=1460)
    assert bench.writes(b"abcdef", (3,)) == [
        (ACK, 2**32 - 2, 0, b"abc"),
        (ACK | PSH, 1, 0, b"def"),
    ]
    bench.gets(ACK, 0, 4, b"xy")
    assert bench.told() == [OPEN, heard(b"xy")]
    assert bench.tcp.deadline is None


def test_who_writes_more_than_can_be_kept_is_cut_off() -> None:
    bench = a_caller(window=0)
    bench.writes(b"x" * MOST_UNSENT)
    assert bench.tcp.state is State.ESTABLISHED
    assert [flags for flags, *_ in bench.writes(b"x")] == [RST | ACK]
    assert bench.told() == [over(Ending.IMPOSSIBLE)]


# --- hearing -------------------------------------------------------------------------------------


def test_data_is_delivered_and_acknowledged() -> None:
    bench = a_caller()
    assert bench.gets(ACK | PSH, THEIRS + 1, OURS + 1, b"hi") == [(ACK, OURS + 1, THEIRS + 3, b"")]
    assert bench.told() == [heard(b"hi")]


def test_an_answer_carries_the_acknowledgement() -> None:
    bench = a_caller()
    bench.tcp.receive(Segment(THERE, HERE, THEIRS + 1, OURS + 1, ACK, payload=b"hi"), 0.0)
    assert bench.writes(b"hello") == [(ACK | PSH, OURS + 1, THEIRS + 3, b"hello")]


def test_a_gap_is_shown_by_acknowledging_what_goes_before_it() -> None:
    """RFC 9293 3.10.7.4: each segment out of order is acknowledged at once."""
    bench = a_caller()
    late = bench.gets(ACK, THEIRS + 4, OURS + 1, b"def")
    assert late == [(ACK, OURS + 1, THEIRS + 1, b"")]
    assert bench.told() == []
    assert bench.gets(ACK, THEIRS + 1, OURS + 1, b"abc") == [(ACK, OURS + 1, THEIRS + 7, b"")]
    assert bench.told() == [heard(b"abcdef")]


def test_what_was_heard_already_is_acknowledged_again() -> None:
    """RFC 9293 3.10.7.4, first: else its sender would say it for ever."""
    bench = a_caller()
    bench.gets(ACK, THEIRS + 1, OURS + 1, b"abc")
    bench.told()
    assert bench.gets(ACK, THEIRS + 1, OURS + 1, b"abc") == [(ACK, OURS + 1, THEIRS + 4, b"")]
    assert bench.told() == []


def test_a_segment_without_an_acknowledgement_is_not_taken() -> None:
    """RFC 9293 3.10.7.4, fifth."""
    bench = a_caller()
    assert bench.gets(PSH, THEIRS + 1, 0, b"abc") == []
    assert bench.told() == []


@pytest.mark.parametrize("acknowledgement", [OURS + 2, OURS + 1 - WINDOW - 1])
def test_data_with_an_impossible_acknowledgement_is_not_taken(acknowledgement: int) -> None:
    """RFC 5961 5.2: it is more likely to be forged."""
    bench = a_caller()
    answer = bench.gets(ACK, THEIRS + 1, acknowledgement % 2**32, b"forged")
    assert answer == [(ACK, OURS + 1, THEIRS + 1, b"")]
    assert bench.told() == []


# --- ending --------------------------------------------------------------------------------------


def test_both_sides_close_and_the_one_that_began_waits_a_little() -> None:
    """RFC 9293 3.6, figure 12."""
    bench = a_caller()
    assert bench.closes() == [(FIN | ACK, OURS + 1, THEIRS + 1, b"")]
    assert bench.gets(ACK, THEIRS + 1, OURS + 2) == []
    assert bench.tcp.state is State.FIN_WAIT_2
    assert bench.gets(FIN | ACK, THEIRS + 1, OURS + 2) == [(ACK, OURS + 2, THEIRS + 2, b"")]
    assert bench.told() == [END, over(Ending.ORDERLY)]
    assert bench.tcp.state is State.TIME_WAIT
    assert bench.waits(TIME_WAIT) == []
    assert bench.tcp.state is State.CLOSED


def test_the_other_side_closes_first() -> None:
    bench = a_caller()
    assert bench.gets(FIN | ACK, THEIRS + 1, OURS + 1) == [(ACK, OURS + 1, THEIRS + 2, b"")]
    assert bench.told() == [END]
    assert bench.writes(b"last words") == [(ACK | PSH, OURS + 1, THEIRS + 2, b"last words")]
    assert bench.closes() == [(FIN | ACK, OURS + 11, THEIRS + 2, b"")]
    assert bench.gets(ACK, THEIRS + 2, OURS + 12) == []
    assert bench.told() == [over(Ending.ORDERLY)]
    assert bench.tcp.state is State.CLOSED


def test_both_close_at_the_same_time() -> None:
    """RFC 9293 3.6, figure 13."""
    bench = a_caller()
    bench.closes()
    bench.gets(FIN | ACK, THEIRS + 1, OURS + 1)
    assert bench.tcp.state is State.CLOSING
    bench.gets(ACK, THEIRS + 2, OURS + 2)
    assert bench.tcp.state is State.TIME_WAIT


def test_who_has_closed_goes_on_listening() -> None:
    """RFC 9293 3.6: half-closed."""
    bench = a_caller()
    bench.closes()
    bench.gets(ACK, THEIRS + 1, OURS + 2)
    bench.gets(ACK, THEIRS + 1, OURS + 2, b"still here")
    assert bench.told() == [heard(b"still here")]


def test_the_end_waits_until_all_is_said() -> None:
    bench = a_caller(window=3)
    bench.writes(b"abcdef")
    assert bench.closes() == []
    rest = bench.gets(ACK, THEIRS + 1, OURS + 4, window=10)
    assert [(flags, payload) for flags, _, _, payload in rest] == [
        (ACK | PSH, b"def"),
        (FIN | ACK, b""),
    ]


def test_an_end_that_comes_early_is_heard_last() -> None:
    bench = a_caller()
    bench.gets(FIN | ACK, THEIRS + 4, OURS + 1, b"def")
    assert bench.told() == []
    bench.gets(ACK, THEIRS + 1, OURS + 1, b"abc")
    assert bench.told() == [heard(b"abcdef"), END]


def test_a_lost_fin_is_said_again() -> None:
    bench = a_caller()
    bench.closes()
    assert bench.waits(1.0) == [(1.0, (FIN | ACK, OURS + 1, THEIRS + 1, b""))]


def test_who_has_not_heard_the_last_word_hears_it_again() -> None:
    """RFC 9293 3.10.7.4, eighth: TIME-WAIT begins anew."""
    bench = a_caller()
    bench.closes()
    bench.gets(FIN | ACK, THEIRS + 1, OURS + 2)
    bench.waits(TIME_WAIT - 1)
    assert bench.gets(FIN | ACK, THEIRS + 1, OURS + 2) == [(ACK, OURS + 2, THEIRS + 2, b"")]
    assert bench.tcp.deadline == bench.now + TIME_WAIT


@pytest.mark.parametrize(
    ("flags", "sequence", "may"),
    [(SYN, THEIRS + 3, True), (SYN, THEIRS + 2, False), (SYN | ACK, THEIRS + 3, False)],
)
def test_a_new_connection_may_follow_with_a_higher_number(
    flags: int, sequence: int, may: bool
) -> None:
    """RFC 9293 3.10.7.4, fourth; RFC 6191."""
    bench = a_caller()
    syn = Segment(THERE, HERE, sequence, 0, flags)
    assert not bench.tcp.may_be_followed_by(syn)
    bench.closes()
    bench.gets(FIN | ACK, THEIRS + 1, OURS + 2)
    assert bench.tcp.may_be_followed_by(syn) is may


def test_to_write_after_closing_is_a_mistake_that_ends_it() -> None:
    bench = a_caller()
    bench.closes()
    assert [flags for flags, *_ in bench.writes(b"x")] == [RST | ACK]
    assert bench.told() == [over(Ending.IMPOSSIBLE)]


def test_to_write_when_it_is_over_is_too_late() -> None:
    bench = a_caller()
    bench.closes()
    bench.gets(FIN | ACK, THEIRS + 1, OURS + 2)
    bench.told()
    assert bench.writes(b"x") == []
    assert bench.told() == []


# --- resets --------------------------------------------------------------------------------------


def test_a_reset_with_exactly_the_next_number_ends_it() -> None:
    """RFC 5961 3.2."""
    bench = a_caller()
    assert bench.gets(RST, THEIRS + 1) == []
    assert bench.told() == [over(Ending.RESET)]


@pytest.mark.parametrize("sequence", [THEIRS + 2, THEIRS + WINDOW])
def test_a_reset_inside_the_window_is_challenged(sequence: int) -> None:
    """RFC 5961 3.2: who really has reset answers the challenge with the right number."""
    bench = a_caller()
    assert bench.gets(RST, sequence) == [(ACK, OURS + 1, THEIRS + 1, b"")]
    assert bench.told() == []


@pytest.mark.parametrize("sequence", [THEIRS, THEIRS + 1 + WINDOW])
def test_a_reset_outside_the_window_is_nothing(sequence: int) -> None:
    """RFC 9293 3.10.7.4, first."""
    bench = a_caller()
    assert bench.gets(RST, sequence) == []
    assert bench.tcp.state is State.ESTABLISHED


def test_a_syn_in_an_open_connection_is_challenged() -> None:
    """RFC 5961 4.2."""
    bench = a_caller()
    assert bench.gets(SYN, THEIRS + 5) == [(ACK, OURS + 1, THEIRS + 1, b"")]
    assert bench.tcp.state is State.ESTABLISHED


def test_nobody_can_make_it_challenge_without_end() -> None:
    """RFC 5961 7."""
    bench = a_caller()
    answers = [answer for _ in range(100) for answer in bench.gets(RST, THEIRS + 2)]
    assert len(answers) == CHALLENGES
    bench.now = 1.0
    assert len(bench.gets(RST, THEIRS + 2)) == 1


def test_an_abort_tells_the_other_side() -> None:
    """RFC 9293 3.10.5."""
    bench = a_caller()
    bench.tcp.abort()
    assert bench.sent() == [(RST | ACK, OURS + 1, THEIRS + 1, b"")]
    assert bench.told() == []
    assert bench.tcp.state is State.CLOSED


def test_an_abort_before_anything_was_heard_is_silent() -> None:
    bench = Bench()
    bench.tcp.connect(0.0)
    bench.sent()
    bench.tcp.abort()
    assert bench.sent() == []


def test_what_arrives_after_an_abort_changes_nothing_more() -> None:
    """A segment that was on its way when the program broke off meets a connection that is gone."""
    bench = Bench()
    bench.tcp.accept(Segment(THERE, HERE, THEIRS, 0, SYN), 0.0)
    bench.tcp.close(0.0)
    bench.writes(b"too late", ())
    bench.sent()
    assert [type(each) for each in bench.told()] == [Closed]
    assert bench.gets(RST, THEIRS + 1, OURS + 1) == []
    assert bench.told() == []


# --- whatever comes ------------------------------------------------------------------------------


anything = st.tuples(
    st.integers(0, 63),
    st.integers(-5, 20) | st.sampled_from([-WINDOW, WINDOW, 2**31]),
    st.integers(-5, 20) | st.sampled_from([-WINDOW - 1, WINDOW, 2**31]),
    st.binary(max_size=5),
    st.sampled_from([0, 1, WINDOW]),
)
orders = st.sampled_from(["write", "close", "abort", "wait", "error"])


@given(st.booleans(), st.lists(anything | orders, max_size=30))
def test_whatever_comes_each_segment_has_few_answers_and_the_end_is_told_once(
    calls: bool, script: list[str | tuple[int, int, int, bytes, int]]
) -> None:
    """Nothing that comes over the network may raise, answer without bound or end it twice."""
    bench = Bench()
    if calls:
        bench.tcp.connect(0.0)
    else:
        bench.tcp.accept(Segment(THERE, HERE, THEIRS, 0, SYN), 0.0)
    news = []
    for each in script:
        bench.sent()
        if isinstance(each, tuple):
            flags, ahead, acknowledges, payload, window = each
            numbers = (THEIRS + ahead) % 2**32, (OURS + acknowledges) % 2**32
            assert len(bench.gets(flags, *numbers, payload, window)) <= 3
        elif each == "write":
            bench.writes(b"abc", (1,))
        elif each == "wait":
            bench.waits(bench.now + 3.0)
        elif each == "error":
            bench.tcp.hear_error(Obstacle.PORT_UNREACHABLE, OURS)
        else:
            getattr(bench.tcp, each)(*([bench.now] if each == "close" else []))
        news += bench.told()
    assert sum(isinstance(each, Closed) for each in news) <= 1
    if bench.tcp.state is State.CLOSED:
        assert bench.tcp.deadline is None


@given(st.integers(0, 2**32), st.binary(max_size=400), st.lists(st.integers(0, 60), max_size=5))
def test_a_stream_arrives_whole_over_a_link_that_loses_doubles_and_disorders(
    seed: int, text: bytes, sizes: list[int]
) -> None:
    """RFC 9293 2.2: reliable, in order, and nothing twice. Who closes last may wait in vain for the
    last acknowledgement, when it is lost until the other end has left TIME-WAIT (3.6.1)."""
    rng = Random(seed)
    out: list[Segment] = []
    news: tuple[list[News], list[News]] = ([], [])
    caller = Connection(HERE, THERE, rng.getrandbits(32), out, news[0])
    server = Connection(THERE, HERE, rng.getrandbits(32), out, news[1])
    caller.connect(0.0)
    server.accept(out.pop(), 0.0)
    caller.write(text, sizes, 0.0)
    caller.close(0.0)
    now, losses = 0.0, 10
    while caller.state is not State.CLOSED or server.state is not State.CLOSED:
        now += 0.5
        on_the_way, out[:] = [each for each in out for _ in range(rng.choice((1, 1, 2)))], []
        rng.shuffle(on_the_way)
        for segment in on_the_way:
            if losses and rng.random() < 0.3:
                losses -= 1
                continue
            receiver = server if segment.destination == THERE else caller
            if receiver.state is not State.CLOSED:
                receiver.receive(segment, now)
        if Finished(THERE, HERE) in news[1]:
            server.close(now)
        for each in (caller, server):
            each.expire(now)
            each.acknowledge()
    assert b"".join(each.payload for each in news[1] if isinstance(each, Received)) == text
    endings = [each[-1].how for each in news if isinstance(each[-1], Closed)]
    assert Ending.ORDERLY in endings
    assert set(endings) <= {Ending.ORDERLY, Ending.TIMED_OUT}
