"""The calls and registrations that are remembered, so many in all and so many of one inside host.

Who ends goes first: a call that is going on is forgotten only for another of the same host, when
that host has too many, or when all hosts together have and it is the host with the most of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import chain
from math import inf
from typing import Protocol, TypeVar

REMEMBERED = 1000
"""Conversations in all, and of one inside host:"""
REMEMBERED_OF_A_HOST = 500
FEW = 64
"""Entries of the heap that are not worth a thought."""


class Kept(Protocol):
    """What the table asks of a record."""

    call_id: str
    host: int
    """The address of the inside host to whose share it counts."""
    deadline: float

    @property
    def is_over(self) -> bool: ...


AnyKept = TypeVar("AnyKept", bound=Kept)
Shelf = OrderedDict[str, AnyKept]


class CallTable(dict[str, AnyKept]):
    """Records by Call-ID, in the order in which they began."""

    def __init__(self) -> None:
        super().__init__()
        self._over: Shelf[AnyKept] = OrderedDict()
        self._of_host: dict[int, tuple[Shelf[AnyKept], Shelf[AnyKept]]] = {}
        self._heap: list[tuple[float, str]] = []
        self._queued: dict[str, float] = {}

    def add(self, call: AnyKept) -> None:
        """Remember one more, and forget what is too much."""
        self[call.call_id] = call
        running, over = self._of_host.setdefault(call.host, (OrderedDict(), OrderedDict()))
        running[call.call_id] = call
        if len(running) + len(over) > REMEMBERED_OF_A_HOST:
            self.forget(next(chain(over, running)))
        if len(self) > REMEMBERED:
            self.forget(next(iter(self._over), None) or self._oldest_of_the_greediest())

    def _oldest_of_the_greediest(self) -> str:
        running = max((shelves[0] for shelves in self._of_host.values()), key=len)
        return next(iter(running))

    def changed(self, call: AnyKept) -> None:
        """It has another state, or another deadline, than before."""
        running, over = self._of_host[call.host]
        if call.is_over and running.pop(call.call_id, None):
            over[call.call_id] = self._over[call.call_id] = call
        elif not call.is_over and over.pop(call.call_id, None):
            del self._over[call.call_id]
            running[call.call_id] = call
        # One entry for each is enough: a deadline that has moved away is looked at again then.
        if call.deadline < self._queued.get(call.call_id, inf):
            self._queue(call)

    def forget(self, call_id: str) -> None:
        """Let go of one, whatever its state."""
        call = self.pop(call_id)
        shelves = self._of_host[call.host]
        for shelf in (*shelves, self._over):
            shelf.pop(call_id, None)
        self._queued.pop(call_id, None)
        if not any(shelves):
            del self._of_host[call.host]

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When `due` may have something to answer."""
        return self._heap[0][0] if self._heap else inf

    def due(self, now: float) -> Iterator[AnyKept]:
        """Those whose deadline is past."""
        while self._heap and self._heap[0][0] <= now:
            when, call_id = heappop(self._heap)
            call = self.get(call_id)
            if call is None or self._queued.get(call_id) != when:
                continue
            del self._queued[call_id]
            if call.deadline <= now:
                yield call
            elif call.deadline < inf:
                self._queue(call)

    def _queue(self, call: AnyKept) -> None:
        self._queued[call.call_id] = call.deadline
        if len(self._heap) > FEW + 4 * len(self):
            self._heap = [(when, call_id) for call_id, when in self._queued.items()]
            heapify(self._heap)
        else:
            heappush(self._heap, (call.deadline, call.call_id))
