"""Virtual time: a heap of appointments, and a now that jumps from one to the next.

Two appointments at the same time are kept in the order in which they were made, so that a run
depends on nothing but what was asked for: the same scenario and seed give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Any

Happening = Callable[[Any, float], None]
"""What happens: called with the subject it was booked with, and the time."""


class Clock:
    """`now` is in seconds since the start of the simulation."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Happening, Any]] = []
        self._serial = 0
        self._is_halted = False

    def at(self, when: float, happening: Happening, subject: Any = None) -> None:
        """Book `happening(subject, when)`; what is booked for the past happens next."""
        self._serial += 1
        heappush(self._heap, (when, self._serial, happening, subject))

    @property
    def next(self) -> float:
        """When the next thing happens; inf: never, as things are."""
        return self._heap[0][0] if self._heap else inf

    def step(self) -> None:
        """Jump to the next appointment and keep it. Raises IndexError when there is none."""
        when, _, happening, subject = heappop(self._heap)
        if when > self.now:
            self.now = when
        happening(subject, self.now)

    def run(self, until: float) -> None:
        """Keep all appointments up to then, those too that are made meanwhile; or stop after the
        one in which somebody called `halt`."""
        heap = self._heap
        now = self.now
        self._is_halted = False
        while heap and heap[0][0] <= until and not self._is_halted:
            when, _, happening, subject = heappop(heap)
            if when > now:
                self.now = now = when
            happening(subject, now)

    def halt(self) -> None:
        """Let `run` stop: something may be due now that is no appointment."""
        self._is_halted = True
