"""Packets that reach nobody as events, without a flood of them.

The first of its kind is told at once; like ones that follow become one more event a second with a
count, so that the counts of all events add up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import copy
from typing import Protocol

from appliance.journal.events import PacketLost

Tell = Callable[[], tuple[PacketLost, int | None]]
"""Answers an event for a packet that was lost, and the number of the event that led to it."""
MANY_KINDS = 64
"""Kinds that are counted at a time; of others each packet is told."""


class Log(Protocol):
    """As much of an event log as is needed here."""

    def emit(self, entry: PacketLost, now: float, cause: int | None) -> int:
        """Take an event."""

    def since_start(self, now: float) -> float:
        """A time as events have it."""


class LossLog:
    """Tells `log` of packets that were lost."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._open: dict[Hashable, PacketLost] = {}

    def add(self, kind: Hashable, tell: Tell, now: float) -> None:
        """A packet was lost. `tell` is asked to describe it when it is the first of its kind."""
        at = self._log.since_start(now)
        waiting = self._open.get(kind)
        if waiting is not None:
            waiting.first = waiting.first if waiting.count else at
            waiting.count += 1
            waiting.last = at
            return
        event, cause = tell()
        event.first = event.last = at
        self._log.emit(event, now, cause)
        if len(self._open) < MANY_KINDS:
            self._open[kind] = copy(event)
            self._open[kind].count = 0
            self._open[kind].cause = cause

    def flush(self, now: float) -> None:
        """Tell what was repeated since the last time; what was not is forgotten."""
        for kind, waiting in list(self._open.items()):
            if waiting.count:
                again = copy(waiting)
                self._log.emit(again, now, waiting.cause)
                waiting.count = 0
            else:
                del self._open[kind]
