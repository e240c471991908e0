"""How long the appliance waits for somebody else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import pytest

from alg.base import Unavailable
from appliance.gateway.workers.nursery import Line
from appliance.gateway.workers.workshop import (
    BETWEEN_WAITS,
    CREDIT,
    LATEST,
    LOADING,
    LONGEST_SILENCE,
    WHILE_FORWARDING,
    Late,
    Workshop,
)


class Clock:
    """Moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Silent:
    """A line on which nothing ever comes, or something after so many seconds."""

    process = 0
    asked = unasked = 0.0

    def __init__(self, clock: Clock, answers: Sequence[float] = ()) -> None:
        self._clock = clock
        self._answers = list(answers)
        self.waited: list[float] = []

    def waits(self, seconds: float = 0.0) -> bool:
        self.waited.append(seconds)
        if self._answers and self._answers[0] <= seconds:
            self._clock.now += self._answers.pop(0)
            return True
        self._clock.now += max(0.0, seconds)
        return False


def live(clock: Clock) -> Workshop:
    shop = Workshop(is_live=True, now=clock)
    shop.opens()
    return shop


def line(clock: Clock, *answers: float) -> Line:
    return cast(Line, Silent(clock, answers))


def waited(line: Line) -> list[float]:
    return cast(Silent, line).waited


def test_an_answer_is_waited_for_until_it_is_late() -> None:
    clock = Clock()
    shop, silent = live(clock), line(clock)
    shop.begin(silent)
    with pytest.raises(Late, match="longer than 50 ms"):
        shop.wait(silent)
    assert clock.now == 1000.0 + LATEST


def test_all_that_is_said_for_one_answer_shares_its_time() -> None:
    clock = Clock()
    shop, busy = live(clock), line(clock, 0.02, 0.02, 0.02)
    shop.begin(busy)
    shop.wait(busy)
    shop.wait(busy)
    with pytest.raises(Late):
        shop.wait(busy)
    assert clock.now == pytest.approx(1000.0 + LATEST)


def ask_slowly(shop: Workshop, clock: Clock) -> None:
    for _ in range(100):
        slow = line(clock, 0.004)
        shop.begin(slow)
        shop.wait(slow)
        shop.end(slow)


def test_in_a_row_no_more_than_55_ms_are_waited() -> None:
    """Five milliseconds ahead, and one answer that is as late as it may be; then other work comes
    first, for as long as the modules took."""
    clock = Clock()
    shop = live(clock)
    begun = clock.now
    with pytest.raises(Unavailable, match="their share of time"):
        ask_slowly(shop, clock)
    assert clock.now - begun <= CREDIT + LATEST
    spent = clock.now - begun
    clock.now += spent - CREDIT - 0.001
    with pytest.raises(Unavailable):
        shop.begin(line(clock))
    clock.now += 0.002
    shop.begin(line(clock))


def test_waiting_for_a_file_counts_like_waiting_for_an_answer() -> None:
    """Else 40 ms for a setting and 50 ms for the next message would be one pause."""
    clock = Clock()
    shop, silent = live(clock), line(clock)
    shop.wait_to_load(silent)
    with pytest.raises(Unavailable):
        shop.begin(silent)
    clock.now += WHILE_FORWARDING
    shop.begin(silent)


def test_who_is_quick_enough_is_always_asked() -> None:
    """300 microseconds for a message, a thousand messages in a second."""
    clock = Clock()
    shop = live(clock)
    for _ in range(10_000):
        quick = line(clock, 0.0003)
        shop.begin(quick)
        shop.wait(quick)
        shop.end(quick)
        clock.now += 0.0007


def test_what_a_worker_computes_while_it_is_waited_for_is_not_unasked() -> None:
    """A line without a process has the clock of this one."""
    clock = Clock()
    shop, busy = live(clock), line(clock, 0.04)
    shop.computed_unasked(busy)
    shop.begin(busy)
    shop.wait(busy)
    shop.end(busy)
    assert shop.computed_unasked(busy) < -0.03
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    assert shop.computed_unasked(busy) >= 0.05


def test_a_setting_waits_40_ms_for_a_file_and_once_a_second() -> None:
    """So that no number of clients that set a module in a loop stops forwarding."""
    clock = Clock()
    shop, silent = live(clock), line(clock)
    for _ in range(10):
        shop.wait_to_load(silent)
    assert waited(silent) == [WHILE_FORWARDING]
    clock.now += BETWEEN_WAITS
    shop.wait_to_load(silent)
    assert waited(silent) == [WHILE_FORWARDING] * 2


@pytest.mark.parametrize("is_live", [True, False])
def test_before_packets_flow_a_file_has_two_seconds(is_live: bool) -> None:
    clock = Clock()
    shop, silent = Workshop(is_live=is_live, now=clock), line(clock)
    shop.wait_to_load(silent)
    assert waited(silent) == [LOADING]


def test_in_virtual_time_an_answer_is_late_by_what_was_computed() -> None:
    """A machine that has no time for the worker makes it late on the wall, and not here: until it
    has been silent for two seconds."""
    clock = Clock()
    shop, slow = Workshop(now=clock), line(clock, 0.019, 0.019, 0.019)
    shop.begin(slow)
    for _ in range(3):
        shop.wait(slow)
    assert not shop.is_late(slow)
    with pytest.raises(Late):
        shop.wait(slow)
    assert clock.now == pytest.approx(1000.057 + LONGEST_SILENCE, abs=0.05)


def test_in_virtual_time_nobody_has_a_share() -> None:
    clock = Clock()
    shop = Workshop(now=clock)
    shop.opens()
    for _ in range(100):
        quick = line(clock, 0.01)
        shop.begin(quick)
        shop.wait(quick)
        shop.end(quick)
