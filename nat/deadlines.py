"""When records are forgotten, without touching a clock or a queue for each packet.

A deadline is derived, not stored: a record keeps the time of its last refresh and the timer it
stands under. So a refresh is one attribute store, and changing a timeout changes all deadlines at
once. Each timer keeps its records in a heap ordered by *last refresh as last looked at*; when the
head comes due and turns out to have been refreshed meanwhile, it goes back with the newer time.
A lookup compares the deadline too, so that being late here is never visible.

The life of one flow under a timer of 300 seconds, and what its entry in the heap says:

    time    what happens                              last refresh   entry
    0 s     the flow is put under the timer           0              0, due at 300
    100 s   a packet                                  100            0, due at 300
    290 s   a packet                                  290            0, due at 300
    300 s   the entry is due: the flow is alive       290            290, due at 590
    590 s   the entry is due: the flow is over        290            none

Three hundred packets a second would cost no more: the heap is touched once in 300 seconds.

A record that leaves a timer leaves its entry behind; when it comes back it gets another one, since
its refresh may be older than the entry says. When most entries of a heap are such, they are swept
out, a few each time that a record leaves:

    old     1 × 3 × × 6 × × ×      swept from its end: × is thrown away, the others move
    heap    7 8                    what comes meanwhile; then it is the only one again

Until then the timer has two heaps, and what is due first stands at the head of one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush, heapreplace
from math import inf
from typing import Generic, Protocol, TypeVar, cast

MANY = 64
"""Entries that may be left behind before a heap is swept: below, sweeping would cost more."""
SWEPT_AT_ONCE = 8
"""Entries. To sweep all of them at once would make the next packet wait."""


Entry = tuple[float, int, "Record"]
"""(last refresh as last looked at, the record's id, record): ids decide between equal times"""


class Timer:
    """A class of records that are forgotten after the same silence of `timeout` seconds."""

    __slots__ = ("heap", "moved", "name", "old", "stale", "timeout")

    def __init__(self, name: str, timeout: float) -> None:
        self.name = name
        self.timeout = timeout
        self.heap: list[Entry] = []
        self.old: list[Entry] = []  # a heap that is being swept into the other
        self.moved: dict[int, float] = {}  # by id, what came from there
        self.stale = 0  # entries beyond one for each record that stands under this timer

    def first(self) -> list[Entry]:
        """The heap with the entry that is due first; empty when there is none."""
        heap, old = self.heap, self.old
        return old if old and (not heap or old[0] < heap[0]) else heap


GONE = Timer("gone", -inf)
"""For a record that stands under no timer any more: it has always expired."""


class Record(Protocol):
    """What can be forgotten. `refreshed` is in seconds on the caller's clock."""

    id: int
    timer: Timer
    refreshed: float


R = TypeVar("R", bound=Record)


class Deadlines(Generic[R]):
    """All timers of one kind of record. A record under `GONE` is ignored and let go."""

    def __init__(self) -> None:
        self.timers: dict[str, Timer] = {}

    def timer(self, name: str, timeout: float) -> Timer:
        """The timer of that name, made when it is new; its timeout becomes `timeout`."""
        timer = self.timers.get(name)
        if timer is None:
            timer = self.timers[name] = Timer(name, timeout)
        timer.timeout = timeout
        return timer

    def put_under(self, record: R, timer: Timer) -> None:
        """From now on `record` is forgotten by `timer`. (Its refresh may be dated back when it goes
        to another timer, but not while it stays under one.)"""
        if record.timer is timer:
            return
        if record.timer is not GONE:
            self.let_go(record)
        record.timer = timer
        entry: Entry = (record.refreshed, record.id, record)
        heappush(timer.heap, entry)

    def let_go(self, record: R) -> None:
        """The record stands under no timer any more."""
        timer, record.timer = record.timer, GONE
        if timer is GONE:
            return
        timer.stale += 1
        if timer.old:
            self._sweep(timer)
        elif timer.stale > MANY and timer.stale * 2 > len(timer.heap):
            timer.old, timer.heap = timer.heap, []

    def _sweep(self, timer: Timer) -> None:
        """Move a few entries of the old heap that are still needed to the new one. The last entry
        of a heap can be taken off without disturbing the order of the others."""
        old, moved = timer.old, timer.moved
        for _ in range(SWEPT_AT_ONCE):
            if not old:
                moved.clear()
                return
            entry = old.pop()
            refreshed, id_, record = entry
            if record.timer is timer and refreshed < moved.get(id_, inf):
                timer.stale -= id_ in moved
                moved[id_] = refreshed
                heappush(timer.heap, entry)
            else:
                timer.stale -= 1

    def next_deadline(self) -> float:
        """When to call `due`; it may turn out that there is nothing to do then."""
        soonest = inf
        for timer in self.timers.values():
            for heap in (timer.heap, timer.old):
                if heap and heap[0][0] + timer.timeout < soonest:
                    soonest = heap[0][0] + timer.timeout
        return soonest

    def due(self, now: float, at_most: int) -> Iterator[tuple[R, bool]]:
        """Records whose timer is to be looked at: (record, is its time over?).

        At most so many are looked at in one call. The caller takes a record whose time is over
        out of its tables; it stands under no timer when it is handed out.
        """
        for timer in self.timers.values():
            while at_most > 0 and (heap := timer.first()) and heap[0][0] + timer.timeout <= now:
                at_most -= 1
                seen, id_, record = heap[0]
                if record.timer is timer and record.refreshed > seen:
                    entry: Entry = (record.refreshed, id_, record)
                    heapreplace(heap, entry)
                    yield cast(R, record), False
                    continue
                heappop(heap)
                if record.timer is timer:
                    record.timer = GONE
                    yield cast(R, record), True
                else:
                    timer.stale -= 1
