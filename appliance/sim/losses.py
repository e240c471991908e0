"""Packets that reach nobody as events, without a flood of them.

The first of its kind is told at once; like ones that follow become one more event a second with a
count, so that the counts of all events add up.
"""

from __future__ import annotations

from copy import copy

from appliance.journal.events import PacketLost
from appliance.journal.log import EventLog

MANY_KINDS = 64
"""Kinds that are counted at a time; of others each packet is told."""


class LossLog:
    """Tells the event log of packets that were lost."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._open: dict[tuple[str, str, str, str], PacketLost] = {}

    def add(self, event: PacketLost, cause: int | None, now: float) -> None:
        """A packet was lost; `event` describes it."""
        kind = (event.why, event.source, event.destination, event.summary)
        at = self._log.since_start(now)
        waiting = self._open.get(kind)
        if waiting is not None:
            waiting.first = waiting.first if waiting.count else at
            waiting.count += 1
            waiting.last = at
            return
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
