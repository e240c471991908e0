"""What all modules of somebody's own have in common: a nursery, and how long they are waited for.

This is the one place beside the loop that looks at a clock, because here the appliance waits for
somebody else. There are two kinds of patience:

    a running appliance  waits 50 ms for an answer, by the clock on the wall, and then forwards. In
                         a row it waits for 55 ms at most, and for all modules together no longer
                         than it has done other work since: `Workshop.begin`.
    virtual time         (a simulation, `alg diff`, a test) has no packets that wait. There a module
                         has used its 50 ms when it has computed for so long. So a busy machine does
                         not change what happens, and the same seed gives the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from alg.base import Unavailable
from appliance.gateway.workers.nursery import Line, Nursery, shared

LATEST = 0.05
"""Seconds for one answer; a correct module of ours takes a five-hundredth of that."""
LONGEST_SILENCE = 2.0
"""Seconds on the wall after which even virtual time does not wait any more for an answer."""
LOADING = 2.0
"""Seconds that a file may take to be loaded."""
STARTING = 10.0
"""Seconds that the nursery may take to be started, before packets flow."""
WHILE_FORWARDING = 0.04
"""Seconds that a running appliance waits for a file when a setting names it. It may load longer:
then its messages pass unchanged until it is ready."""
BETWEEN_WAITS = 1.0
CREDIT = 0.005
"""Seconds of answering that modules have ahead when they have been idle for a while: forty answers
at once. It is small, so that an answer that is as late as it may be, and what was said before it,
and carrying out what it says are together no more than 60 ms."""
STEP = 0.02  # between two looks at how long a worker has computed, seconds


class Late(Exception):
    """The answer took too long."""


class Workshop:
    """One for each appliance. `nursery` was started while there were privileges, or is the shared
    one; `is_live`: do packets wait while a module is asked? `now` answers seconds."""

    def __init__(
        self,
        nursery: Nursery | None = None,
        is_live: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nursery = nursery
        self.loading = LOADING
        self.is_live = is_live
        self.now = now
        self._forwards = False
        self._credit = CREDIT
        self._left = self._asked = self._computed = 0.0
        self._waited = -BETWEEN_WAITS

    @property
    def nursery(self) -> Nursery:
        """The nursery; before packets flow, it is ready."""
        if self._nursery is None:
            self._nursery = shared()
        if not self._forwards:
            self._nursery.wait_until_ready(STARTING)
        return self._nursery

    def opens(self) -> None:
        """From now on packets flow."""
        self._forwards = self.is_live

    # --- loading -----------------------------------------------------------------------

    def wait_to_load(self, line: Line) -> None:
        """Wait until the worker has something to say, but no longer than is good for others."""
        if not self._forwards:
            line.waits(self.loading)
        elif self.now() - self._waited >= BETWEEN_WAITS and self._has_credit():
            self._asked = self.now()
            line.waits(WHILE_FORWARDING)
            self._waited = self.now()
            self.end(line)

    # --- answers -----------------------------------------------------------------------

    def begin(self, line: Line) -> None:
        """A worker is going to be asked something. Raises Unavailable when modules have had their
        share of the appliance's time."""
        if not self._has_credit() and self._forwards:
            raise Unavailable("modules of somebody's own have used up their share of time")
        self._asked = self.now()
        self._computed = 0.0 if self.is_live else _computed_by(line)

    def _has_credit(self) -> bool:
        now = self.now()
        self._credit = min(CREDIT, self._credit + now - self._left)
        self._left = now
        return self._credit > 0

    def end(self, line: Line) -> None:
        """It has answered or failed."""
        self._left = self.now()
        line.asked += self._left - self._asked
        self._credit -= self._left - self._asked

    def wait(self, line: Line) -> None:
        """Wait for what the worker says next. Raises Late."""
        if self.is_live:
            if not line.waits(self._asked + LATEST - self.now()):
                raise Late(LATE)
            return
        silent_from = self.now()
        while not line.waits(STEP):
            is_silent = self.now() - silent_from > LONGEST_SILENCE
            if is_silent or _computed_by(line) - self._computed > LATEST:
                raise Late(LATE)

    def is_late(self, line: Line) -> bool:
        """Has the answer that just came taken too long?"""
        if self.is_live:
            return self.now() - self._asked > LATEST
        return _computed_by(line) - self._computed > LATEST

    def computed_unasked(self, line: Line) -> float:
        """Seconds of processor time that a worker has used since the last time that this was asked,
        and in which nobody waited for it."""
        before, line.unasked = line.unasked, _computed_by(line) - line.asked
        return line.unasked - before


LATE = f"it took longer than {LATEST * 1000:g} ms"


def _computed_by(line: Line) -> float:
    """Seconds of processor time that a worker has used in its life."""
    try:
        return time.clock_gettime((~line.process << 3) | PROCESSOR_TIME)
    except OSError:  # it has ended, and its line says so
        return 0.0


PROCESSOR_TIME = 2
"""CPUCLOCK_SCHED: the clock of a process, as clock_getcpuclockid(3) makes it of its number."""
