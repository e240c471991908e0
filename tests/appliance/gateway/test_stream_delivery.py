"""What the appliance answers for: bytes that it holds are acknowledged to their sender, kept, and
sent again until the receiver has them. Times are virtual, in seconds."""

from __future__ import annotations

import pytest

from alg.delivery import STRANDED_AFTER
from alg.stream import LONGEST_HELD, LONGEST_WAIT
from appliance.journal.events import StreamLetGo
from nat.endpoint import Side
from nat.packet import Packet
from tests.appliance.gateway.test_streams import (
    ANSWER,
    FIRST,
    OPTIONS,
    PHONE,
    SECOND,
    SERVER,
    inside,
    outside,
)
from tests.support.ends import End, Line
from tests.support.packets import ACK, FIN, RST, SYN, Seen
from tests.support.world import World


@pytest.fixture
def nat() -> World:
    return World({"alg.sip.module": "sip"})


@pytest.fixture
def line(nat: World) -> Line:
    return Line(nat, PHONE, SERVER)


def number(seen: Seen, at: int) -> int:
    """A field of four bytes of the TCP header."""
    return int.from_bytes(seen.body[at : at + 4], "big")


def window(seen: Seen) -> int:
    return seen.word(seen.header_length + 14)


def times_of(line: Line, until: float) -> list[float]:
    """When segments with bytes come out to the outside by themselves."""
    times = []
    while (due := line.nat.engine.next_deadline()) <= until:
        line.nat.at(max(due, line.nat.now))
        for seen in line.nat.take_all(Side.OUTSIDE):
            line.outer.receive(seen)
            times += [line.nat.now] if seen.payload else []
    return times


# --- the answer ------------------------------------------------------------------------------


def test_held_bytes_are_acknowledged_at_once(line: Line) -> None:
    """RFC 896: a sender may say nothing more until it hears of what it has said."""
    line.say(line.inner, FIRST[:100])
    assert line.inner.acknowledged == 100
    assert line.outer.heard == b""


def test_a_whole_message_is_acknowledged_by_nobody_but_its_receiver(line: Line) -> None:
    line.say(line.inner, FIRST)
    assert line.inner.acknowledged == 0
    line.acknowledge(line.outer)
    assert line.inner.acknowledged == len(FIRST)


def test_the_answer_has_the_numbers_of_the_other_end(line: Line) -> None:
    """RFC 9293 3.10.7.4: a segment from outside its window would be ignored."""
    line.say(line.outer, ANSWER % 1)
    line.say(line.inner, FIRST[:100])
    answer = line.inner.last
    assert answer is not None
    assert (answer.source, answer.destination, answer.payload) == (SERVER, PHONE, b"")
    assert answer.body[13] == ACK
    assert number(answer, 4) == (line.inner.peer_began + 1 + len(inside(ANSWER % 1))) % (1 << 32)


def test_the_answer_tells_the_time_that_the_other_end_told_last(nat: World) -> None:
    """RFC 7323 3.2: once agreed on, timestamps are in every segment."""
    line = Line(nat, PHONE, SERVER)
    for end, time in ((line.outer, 700), (line.inner, 500)):
        said = FIRST[:100] if end is line.inner else b""
        end.said += said
        stamp = bytes((1, 1, 8, 10)) + time.to_bytes(4, "big") + bytes(4)
        line.put(end, end.segment(ACK, 0, said, options=stamp))
    assert line.inner.last is not None
    assert line.inner.last.body[20:32] == bytes((1, 1, 8, 10, 0, 0, 2, 188, 0, 0, 1, 244))


def test_what_was_answered_stays_acknowledged(line: Line) -> None:
    """An acknowledgement of the server's, which knows less, takes nothing back."""
    line.say(line.inner, FIRST + SECOND[:100])
    line.put(line.outer, line.outer.segment(ACK, 0, acknowledges=len(outside(FIRST))))
    assert line.inner.last is not None
    assert number(line.inner.last, 8) == line.inner.began + 1 + len(FIRST) + 100


def test_an_acknowledgement_that_comes_with_held_bytes_is_passed_on(line: Line) -> None:
    line.say(line.outer, ANSWER % 1)
    line.say(line.inner, FIRST[:100])
    assert line.outer.acknowledged == len(ANSWER % 1)


def test_a_keep_alive_while_bytes_are_held_is_answered(line: Line) -> None:
    """RFC 9293 3.8.4: an empty segment from before the next byte asks whether anybody is there."""
    line.say(line.inner, FIRST[:100])
    line.inner.last = None
    line.put(line.inner, line.inner.segment(ACK, 99))
    assert line.inner.last is not None


def test_the_window_is_what_can_still_be_kept(line: Line) -> None:
    """… of 64 KiB, until the server acknowledges something."""
    offered = []
    for count in range(1, 4):
        line.say(line.inner, OPTIONS % count + SECOND[:50])
        assert line.inner.last is not None
        offered.append(window(line.inner.last))
        line.say(line.inner, SECOND[50:])
    per_round = len(OPTIONS % 1) + len(SECOND)
    assert offered == [offered[0] - per_round * n for n in range(3)]
    line.acknowledge(line.outer)
    line.say(line.inner, SECOND[:50])
    assert line.inner.last is not None
    assert window(line.inner.last) == 65535 - 50


def test_a_closed_window_does_not_keep_a_message_from_becoming_whole(line: Line) -> None:
    """The server may have room for half of it only; the rest is kept here."""
    small = bytearray(line.outer.segment(ACK, 0))
    line.nat.put(Side.OUTSIDE, with_window(bytes(small), 0))
    line.nat.take_all(Side.INSIDE)
    line.say(line.inner, FIRST[:100])
    assert line.inner.last is not None
    assert window(line.inner.last) == LONGEST_HELD


def with_window(data: bytes, size: int) -> bytes:
    packet = Packet.of(data)
    packet.buffer[34:36] = size.to_bytes(2, "big")
    packet.finish_transport()
    return packet.to_bytes()


# --- sending again ---------------------------------------------------------------------------


def test_what_was_answered_is_sent_again_until_it_is_acknowledged(line: Line) -> None:
    """The phone believes that the head has arrived and will not repeat it. More and more slowly
    (RFC 6298 5.5)."""
    line.say(line.inner, FIRST, 100)
    assert times_of(line, 3.5) == pytest.approx([0.2, 0.6, 1.4, 3.0])
    line.acknowledge(line.outer)
    assert times_of(line, 60.0) == []
    assert line.outer.heard == outside(FIRST)


def test_what_was_not_answered_is_left_to_its_sender(line: Line) -> None:
    line.say(line.inner, FIRST)
    assert times_of(line, 60.0) == []


def test_the_first_attempt_waits_for_a_server_far_away() -> None:
    """RFC 6298 2.2: three times as long as its first answer took."""
    nat = World({"alg.sip.module": "sip"})
    inner, outer = End(Side.INSIDE, PHONE, SERVER, 1000), End(Side.OUTSIDE, SERVER, PHONE, 5000)
    line = Line.between(nat, inner, outer)
    line.put(inner, inner.segment(SYN, -1))
    nat.wait(0.3)
    line.put(outer, outer.segment(SYN | ACK, -1))
    line.put(inner, inner.segment(ACK, 0))
    line.say(inner, FIRST, 100)
    assert times_of(line, 1.5) == pytest.approx([1.2])


def test_when_something_was_lost_what_follows_is_sent_without_waiting(line: Line) -> None:
    """RFC 6582 3.2: a partial acknowledgement tells that the next one is lost too."""
    line.say(line.inner, FIRST + SECOND + FIRST[:50])
    assert times_of(line, 0.3) == [0.2]
    line.nat.at(0.3)
    line.put(line.outer, line.outer.segment(ACK, 0, acknowledges=len(outside(FIRST))))
    assert times_of(line, 0.35) == [0.3]


def test_a_server_that_is_silent_for_good_ends_the_connection_for_both(line: Line) -> None:
    """RFC 9293 3.8.3: the phone believes that its bytes have arrived, and must hear that not."""
    line.say(line.inner, FIRST, 100)
    line.nat.wait(STRANDED_AFTER + 10)
    for end in (line.inner, line.outer):
        seen = line.nat.take_all(end.side)[-1]
        assert seen.body[13] & RST
    assert times_of(line, 1000.0) == []


# --- gaps ------------------------------------------------------------------------------------


def test_bytes_behind_a_gap_are_kept(line: Line) -> None:
    """Their sender repeats only what is missing (RFC 9293 3.8: its oldest segment)."""
    line.inner.said = FIRST + SECOND
    line.repeat(line.inner, 100, 300)
    line.repeat(line.inner, 300, len(line.inner.said))
    assert (line.inner.acknowledged, line.outer.heard) == (0, b"")
    line.repeat(line.inner, 0, 100)
    assert line.outer.heard == outside(FIRST + SECOND)


def test_bytes_behind_a_gap_are_answered_by_an_acknowledgement_of_what_is_there(line: Line) -> None:
    """RFC 5681 3.2: from three of them the sender knows that something is lost."""
    line.inner.said = FIRST
    line.repeat(line.inner, 0, 50)
    line.inner.last = None
    line.repeat(line.inner, 100, 150)
    assert line.inner.last is not None
    assert number(line.inner.last, 8) == line.inner.began + 1 + 50


def test_an_end_behind_a_gap_waits_to_be_repeated(line: Line) -> None:
    line.inner.said = FIRST
    line.put(line.inner, line.inner.segment(ACK | FIN, 100, FIRST[100:]))
    line.repeat(line.inner, 0, 100)
    assert (line.outer.heard, line.outer.ended) == (outside(FIRST), False)
    line.put(line.inner, line.inner.segment(ACK | FIN, len(FIRST)))
    assert line.outer.ended


# --- what may happen meanwhile ---------------------------------------------------------------


def test_a_message_that_takes_too_long_passes_by_itself(line: Line) -> None:
    """Its sender may wait for an answer to what was acknowledged."""
    line.say(line.inner, FIRST[:100])
    assert times_of(line, LONGEST_WAIT + 0.1) == [LONGEST_WAIT]
    assert line.outer.heard == FIRST[:100]
    line.say(line.inner, FIRST[100:])
    assert line.outer.heard == FIRST
    (event,) = line.nat.told(StreamLetGo)
    assert event.reason == "a message took too long to come in"


def test_what_passed_unread_is_still_answered_for(line: Line) -> None:
    line.say(line.inner, FIRST[:100])
    assert times_of(line, LONGEST_WAIT + 0.3) == [LONGEST_WAIT, LONGEST_WAIT + 0.2]
    line.acknowledge(line.outer)
    assert times_of(line, 60.0) == []


def test_when_the_module_is_switched_off_what_is_held_passes_at_once(line: Line) -> None:
    line.say(line.inner, FIRST[:100])
    line.nat.set("alg.sip.module", "off")
    assert times_of(line, 0.1) == [0.0]
    line.say(line.inner, FIRST[100:])
    assert line.outer.heard == FIRST
    line.acknowledge(line.outer)
    assert line.inner.acknowledged == len(FIRST)


def test_when_the_module_is_switched_off_and_on_nothing_is_answered_that_is_not_kept(
    nat: World,
) -> None:
    nat.set("alg.sip.module", "off")
    line = Line(nat, PHONE, SERVER)
    line.say(line.inner, FIRST)
    nat.set("alg.sip.module", "sip")
    line.say(line.inner, SECOND[:100])
    assert line.inner.acknowledged == 0
    line.acknowledge(line.outer)
    assert line.inner.acknowledged == len(FIRST) + 100


@pytest.mark.parametrize("resetting", ["inner", "outer"])
def test_after_a_reset_nothing_is_kept_and_nothing_is_sent(line: Line, resetting: str) -> None:
    line.say(line.inner, FIRST + SECOND[:100])
    line.acknowledge(line.outer)
    line.say(line.inner, SECOND[100:] + FIRST[:50])
    end = getattr(line, resetting)
    line.put(end, end.segment(RST, len(end.said)))
    assert times_of(line, 60.0) == []
    assert line.nat.engine.datapath.streams.shares.kept == 0


def test_the_nat_follows_a_reset_with_the_numbers_of_its_sender(line: Line) -> None:
    """The server has been shown fewer bytes than the phone has sent."""
    line.say(line.inner, FIRST)
    line.acknowledge(line.outer)
    line.put(line.inner, line.inner.segment(RST, len(FIRST)))
    (flow,) = line.nat.table.flows.values()
    assert flow.state == "reset"


def test_a_connection_ends_in_order_after_edits(line: Line) -> None:
    line.say(line.inner, FIRST)
    line.acknowledge(line.outer)
    line.finish(line.inner)
    line.put(line.outer, line.outer.segment(ACK | FIN, 0, acknowledges=len(outside(FIRST)) + 1))
    (flow,) = line.nat.table.flows.values()
    assert flow.state == "closed"
