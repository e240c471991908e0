"""What one capture has missed, and what it has not: which packets are judged."""

from __future__ import annotations

import pytest

from appliance.forensics.diagnosis import diagnose
from appliance.forensics.gaps import PACKETS_OF_A_STREAM, mark
from appliance.forensics.reporting import notes
from appliance.forensics.sides import Sides
from nat.endpoint import Side
from tests.appliance.forensics.situations import SIP, answer, request
from tests.appliance.forensics.test_sides import Row, back, both, conversation, out, tape
from tests.support.packets import A, udp

SIP_PORTS = [5060]
SERVER = "203.0.113.9:5060"


def marked(inside: list[Row], outside: list[Row]) -> Sides:
    sides = both(tape(*inside), tape(*outside))
    mark(sides, SIP_PORTS)
    return sides


def unjudged(sides: Sides, side: Side) -> list[float]:
    return [each.t for each in sides.seen if each.is_gap and each.side is side]


@pytest.mark.parametrize("loser", Side)
def test_what_is_missing_between_two_that_are_there_was_lost_by_the_capture(loser: Side) -> None:
    """One that came, and one that was let out."""
    tapes = conversation()
    del tapes[loser][8:10]
    assert unjudged(marked(*tapes), loser.other) == [4.0, 4.5]


def test_what_stopped_or_was_silent_for_long_is_judged() -> None:
    """A mapping may have ended there: what came and had no partner again tells that."""
    inside, outside = conversation()
    only_some = [row for at, row in enumerate(inside) if at % 2 == 0 or not 4 < at < 18]
    sides = marked(only_some, outside)
    assert unjudged(sides, Side.OUTSIDE) == []
    ended = [row for at, row in enumerate(inside) if at % 2 == 0 or at < 12]
    assert unjudged(marked(ended, outside), Side.OUTSIDE) == []


@pytest.mark.parametrize("short", [Side.INSIDE, Side.OUTSIDE])
def test_a_capture_that_is_over_while_the_other_goes_on_says_nothing_of_what_follows(
    short: Side,
) -> None:
    tapes = conversation()
    tapes[short][:] = tapes[short][10:-10]
    sides = marked(*tapes)
    assert unjudged(sides, short.other) == [
        t for t, _ in tapes[short.other] if not 5.0 <= t <= 14.5
    ]


def test_a_wire_that_falls_silent_may_be_a_nat_that_has_forgotten() -> None:
    """Nothing comes from inside any more, and nothing is let in: that may be a timeout."""
    inside, outside = conversation()
    sent = [row for row in outside if row[0] <= 5.0 or row[0] % 1.0]
    sides = marked([row for row in inside if row[0] <= 5.0], sent)
    assert sides.unpaired(Side.OUTSIDE) == 15
    assert unjudged(sides, Side.OUTSIDE) == []


def test_what_is_let_in_before_anything_was_sent_has_an_older_mapping() -> None:
    rows = [back(1), back(2), out(3), back(4)]
    inside, outside = ([(0.1 * at, row[side]) for at, row in enumerate(rows)] for side in (0, 1))
    sides = marked(inside, outside)
    assert unjudged(sides, Side.OUTSIDE) == [0.0, 0.1]
    diagnosis = diagnose(sides, SIP, SIP_PORTS, ())
    assert (diagnosis.left, diagnosis.explained, diagnosis.packets) == (0, 2, 2)
    assert not diagnosis.is_told  # there was no message


def test_streams_that_had_begun_before_the_first_message_are_said() -> None:
    inside, outside = conversation(PACKETS_OF_A_STREAM)
    diagnosis = diagnose(both(tape(*inside), tape(*outside)), SIP, SIP_PORTS, ())
    assert diagnosis.older_streams == 2
    (note,) = notes(diagnosis)
    assert note.startswith("2 streams of packets had begun before the first message")
    inside, outside = conversation(PACKETS_OF_A_STREAM - 1)
    assert [*notes(diagnose(both(tape(*inside), tape(*outside)), SIP, SIP_PORTS, ()))] == []


def test_a_request_that_was_answered_was_let_out_and_one_said_again_need_not_have_been() -> None:
    asked = request("OPTIONS")
    left = asked.replace(A.encode(), b"203.0.113.1")
    back = udp(SERVER, "203.0.113.1:5060", answer(left))
    first, again = (0.0, udp(f"{A}:5060", SERVER, asked)), (0.5, udp(f"{A}:5060", SERVER, asked))
    known: Row = (3.0, udp("203.0.113.1:5060", SERVER, b"\r\n\r\n"))
    assert unjudged(marked([first], [(0.1, back), known]), Side.INSIDE) == [0.0]
    assert unjudged(marked([first, again], [(0.6, back), known]), Side.INSIDE) == [0.5]
    assert unjudged(marked([first], [known]), Side.INSIDE) == []


def test_a_message_that_is_missing_between_others_may_have_been_dropped() -> None:
    rows = [
        (0.1 * cseq, request("OPTIONS", cseq=cseq).replace(b"Contact", b"X-Same"))
        for cseq in range(5)
    ]
    inside: list[Row] = [(t, udp(f"{A}:5060", SERVER, row)) for t, row in rows]
    outside: list[Row] = [(t, udp("203.0.113.1:5060", SERVER, row)) for t, row in rows]
    assert unjudged(marked(inside, outside[:2] + outside[3:]), Side.INSIDE) == []
