"""What was said is not said again and again, and nothing is left out: the counts add up."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from appliance.journal.events import CallOutcome, PacketLost
from appliance.journal.repeats import MOST_SERIES
from appliance.journal.sentences import Teller

ENOUGH = 100.0
"""Seconds after which every series is over."""


def lost(at: float, count: int = 50, summary: str = "", source: int = 10000) -> PacketLost:
    return PacketLost(
        t=at, where="on the outside", why="no route", protocol="udp",
        source=f"203.0.113.9:{source}", destination="192.168.20.100:4000", count=count,
        summary=summary,
    )  # fmt: skip


def packets(lines: Sequence[str]) -> int:
    counts = (re.search(r": ([\d,]+) times ", line) for line in lines)
    return sum(int(found[1].replace(",", "")) if found else 1 for found in counts)


def test_what_is_lost_second_by_second_is_told_ever_less_often() -> None:
    """After one, two, four, eight … seconds: what was lost since the last line, and until now."""
    teller = Teller()
    told = [second for second in range(1, 40) if teller.tell(lost(float(second)))]
    assert told == [1, 2, 4, 8, 16, 32]
    *_, last = (line for second in range(40, 65) for line in teller.tell(lost(float(second))))
    assert ": 1,600 times udp " in last
    assert last.endswith("; 3,200 so far")


def test_after_a_pause_it_is_told_again() -> None:
    """And what was not told of the series before, when that has ended."""
    teller = Teller()
    told = [teller.tell(lost(at)) for at in (1.0, 2.0, 3.0, 9.0)]
    assert [len(lines) for lines in told] == [1, 1, 0, 2]
    rest, again = told[-1]
    assert rest.startswith("    4.500  lost on the outside: 50 times udp ")
    assert rest.endswith("; 150 in all")
    assert again.startswith("    9.000  lost on the outside: 50 times udp ")


def test_a_message_that_is_sent_again_and_lost_is_told_each_time() -> None:
    """After half a second, one, two and four (RFC 3261 17.1.1.2)."""
    teller = Teller()
    told = [teller.tell(lost(at, 1, "INVITE")) for at in (0.5, 1.0, 2.0, 4.0)]
    assert [len(lines) for lines in told] == [1] * 4


@pytest.mark.parametrize("kinds", [1, MOST_SERIES + 10], ids=["one kind", "very many"])
def test_the_counts_of_all_lines_add_up(kinds: int) -> None:
    teller = Teller()
    events = [lost(second / 2, source=kind) for second in range(7) for kind in range(kinds)]
    lines = [line for event in events for line in teller.tell(event)] + teller.rest()
    assert packets(lines) == 50 * len(events)
    assert teller.rest() == []


def outcome(word: str, *calls: str) -> CallOutcome:
    """`calls` are the verdicts on each call."""
    rows = [
        {"call": number, "outcome": each, "sentence": f"call {number}, a to b, {each}: 7 of 7"}
        for number, each in enumerate(calls, 1)
    ]
    return CallOutcome(outcome=word, sentence=f"{word}: 7 of 7", evidence={"calls": rows})


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (
            [outcome("both-ways", "both-ways")] * 2,
            ["both-ways: 7 of 7"],
        ),
        (
            [outcome("both-ways", "both-ways"), outcome("call-dropped", "call-dropped")],
            ["both-ways: 7 of 7", "call-dropped: 7 of 7; before that: both ways"],
        ),
        (
            [outcome("no-audio", "no-audio"), outcome("no-audio", "no-audio", "")]
            + [outcome("no-audio", "no-audio", "both-ways")] * 2,
            ["no-audio: 7 of 7", "call 2, a to b, both-ways: 7 of 7"],
        ),
        (
            [CallOutcome(outcome="rejected", sentence="rejected: x", evidence={"calls": 7})],
            ["rejected: x"],
        ),
    ],
    ids=["unchanged", "changed", "of a second call", "evidence that is none"],
)
def test_an_outcome_is_told_once_and_again_when_it_has_changed(
    events: list[CallOutcome], told: list[str]
) -> None:
    teller = Teller()
    assert [line for event in events for line in teller.say(event)] == told
