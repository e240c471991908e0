"""A TCP stream whose messages are edited on the way (invariants I-A6 and I-A7)."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alg.sip.framing import NotSipStream, frame
from alg.stream import LONGEST_HELD, LONGEST_WAIT, Stream

INSIDE, OUTSIDE = b"192.168.20.100:5060", b"203.0.113.1:1024"


def message(number: int, body: bytes = b"") -> bytes:
    return (
        b"OPTIONS sip:203.0.113.9 SIP/2.0\r\nVia: SIP/2.0/TCP " + INSIDE + b"\r\n"
        b"CSeq: %d OPTIONS\r\nContent-Length: %d\r\n\r\n" % (number, len(body))
    ) + body


def edit(whole: bytes) -> bytes:
    return whole.replace(INSIDE, OUTSIDE)


class Receiver:
    """Puts pieces together as TCP does, and fails when two of them contradict each other."""

    def __init__(self) -> None:
        self.bytes: dict[int, int] = {}

    def takes(self, pieces) -> None:
        for position, data in pieces:
            for at, byte in enumerate(data, position):
                assert self.bytes.setdefault(at, byte) == byte, "a byte changed when sent again"

    @property
    def text(self) -> bytes:
        """What has arrived without a gap."""
        found = bytearray()
        while len(found) + 1 in self.bytes:
            found.append(self.bytes[len(found) + 1])
        return bytes(found)


@given(st.data())
def test_the_result_does_not_depend_on_segmentation(data) -> None:
    """I-A6: cut anywhere, lost, doubled and sent again: the receiver gets the edited messages."""
    messages = [message(number, b"x" * data.draw(st.integers(0, 60))) for number in range(1, 6)]
    sent = b"".join(messages)
    stream, receiver = Stream(frame, NotSipStream), Receiver()
    cuts = sorted(data.draw(st.lists(st.integers(1, len(sent) - 1), max_size=12)))
    edges = [0, *cuts, len(sent)]
    for start, end in pairwise(edges):
        again = data.draw(st.integers(0, start))
        receiver.takes(stream.take(1 + again, sent[again:end], edit, 0.0))
        if data.draw(st.booleans()):
            shown = 1 + len(receiver.text)
            assert stream.sent(shown) <= 1 + end
            stream.acknowledge(shown, 0.0)
    assert receiver.text == b"".join(map(edit, messages))
    assert stream.shown(1 + len(sent)) == 1 + len(receiver.text)
    assert stream.sent(1 + len(receiver.text)) == 1 + len(sent)


def test_a_message_is_held_until_it_is_whole() -> None:
    """Rule whole-or-not."""
    stream = Stream(frame, NotSipStream)
    whole = message(1)
    assert stream.take(1, whole[:40], edit, 0.0) == []
    pieces = stream.take(41, whole[40:], edit, 0.1)
    assert [piece.data for piece in pieces] == [edit(whole)]


def test_a_gap_waits_for_the_sender_to_send_again() -> None:
    stream = Stream(frame, NotSipStream)
    whole = message(1)
    assert stream.take(41, whole[40:], edit, 0.0) == []
    assert stream.take(1, whole, edit, 0.2)[0].data == edit(whole)


def test_what_is_acknowledged_and_sent_again_is_answered_by_an_old_empty_segment() -> None:
    """RFC 9293 3.10.7.4: a segment before the window makes the receiver acknowledge again."""
    stream = Stream(frame, NotSipStream)
    whole = message(1)
    stream.take(1, whole, edit, 0.0)
    shown_end = 1 + len(edit(whole))
    stream.acknowledge(shown_end, 0.5)
    assert stream.take(1, whole, edit, 1.0) == [(shown_end - 1, b"")]


def test_an_acknowledgement_from_within_an_edited_message_covers_nothing_of_it() -> None:
    stream = Stream(frame, NotSipStream)
    stream.take(1, message(1), edit, 0.0)
    assert stream.sent(50) == 1


@pytest.mark.parametrize(
    "opening",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"abcdefghijklmnopqrstuvwxyz0123456789\0",
        b"GET sip:203.0.113.9 HTTP/1.1\r\n\r\n",
    ],
)
def test_a_stream_that_does_not_begin_with_sip_is_never_read_again(opening: bytes) -> None:
    """I-A7, NAT slipstreaming: a REGISTER at the start of a later segment is only bytes."""
    stream = Stream(frame, NotSipStream)
    assert stream.take(1, opening, edit, 0.0) == [(1, opening)]
    assert stream.over
    assert stream.take(1 + len(opening), message(1), edit, 0.1)[0].data == message(1)
    assert stream.is_untouched


def test_after_a_message_that_fails_to_parse_earlier_edits_still_count() -> None:
    stream = Stream(frame, NotSipStream)
    first = message(1)
    stream.take(1, first, edit, 0.0)
    pieces = stream.take(1 + len(first), b"garbage", edit, 0.1)
    assert pieces == [(1 + len(edit(first)), b"garbage")]
    assert stream.over
    assert not stream.is_untouched


def test_a_message_longer_than_8_kib_passes_unread_and_the_next_one_is_edited() -> None:
    """Rule whole-or-not."""
    stream, receiver = Stream(frame, NotSipStream), Receiver()
    long, short = message(1, b"y" * LONGEST_HELD), message(2)
    sent = long + short
    for at in range(0, len(sent), 1000):
        receiver.takes(stream.take(1 + at, sent[at : at + 1000], edit, 0.0))
    assert receiver.text == long + edit(short)


def test_a_message_that_takes_too_long_is_not_waited_for() -> None:
    """Rule whole-or-not."""
    stream = Stream(frame, NotSipStream)
    whole = message(1)
    stream.take(1, whole[:40], edit, 0.0)
    late = stream.take(1, whole, edit, LONGEST_WAIT + 0.1)
    assert b"".join(piece.data for piece in late) == whole
    assert stream.over


def test_a_reader_holds_nothing_and_sees_every_message() -> None:
    """Beside the module `off`: bytes pass at once."""
    stream, seen = Stream(frame, NotSipStream), []
    sent = message(1) + message(2, b"body")
    out = b""
    for at in range(0, len(sent), 30):
        pieces = stream.take(
            1 + at, sent[at : at + 30], lambda m: seen.append(m) or b"", 0.0, False
        )
        out += b"".join(piece.data for piece in pieces)
        assert len(out) == min(at + 30, len(sent))
    assert out == sent
    assert seen == [message(1), message(2, b"body")]


def test_a_reader_that_missed_bytes_stops_reading() -> None:
    """Otherwise a module switched on later would wait for them for ever."""
    stream = Stream(frame, NotSipStream)
    whole = message(1)
    assert stream.take(41, whole[40:], edit, 0.0, hold=False) == [(41, whole[40:])]
    assert stream.over


def test_a_module_switched_on_within_a_message_begins_with_the_next() -> None:
    stream = Stream(frame, NotSipStream)
    first, second = message(1), message(2)
    out = stream.take(1, first[:40], edit, 0.0, hold=False)
    out += stream.take(41, first[40:] + second, edit, 0.1)
    assert b"".join(piece.data for piece in out) == first + edit(second)


def test_many_edits_of_both_signs_keep_positions_in_step() -> None:
    """Rule positions-shift."""
    rng = random.Random(7)
    stream, receiver = Stream(frame, NotSipStream), Receiver()
    sent = expected = b""
    for number in range(1, 300):
        whole = message(number)
        shown = (
            whole + b"" if rng.random() < 0.3 else whole.replace(INSIDE, b"z" * rng.randrange(40))
        )
        receiver.takes(stream.take(1 + len(sent), whole, lambda _, new=shown: new, 0.0))
        sent, expected = sent + whole, expected + shown
        assert stream.shown(1 + len(sent)) == 1 + len(expected)
    assert receiver.text == expected
