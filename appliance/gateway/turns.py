"""How much is read between two looks at the wires, and whose turn it is.

There is one thread. To read a message takes from a fifth of a millisecond to several, so a host
that sends nothing but messages could keep all others waiting. Therefore a turn of the loop reads
only so much, and what is more waits: each inside host has a queue of its own, and the hosts take
turns.

    A   ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒    the first of A's are read at once, as many as the turn allows
    B        ░                    came behind them, and waits
        ├─ packets ─┼ A B A A ┼─ packets ─┼ A A A ┼─    for one message of A, not for all

A host may have so much waiting. What is more is not read: it passes as it came.

Work is counted and not measured: the same packets must give the same result whoever else uses the
machine (promise 6, decision 0024). One unit is about a microsecond. Who has no turns (a simulation,
in which no time passes while a message is read) never calls `begin`, and nothing waits.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from math import inf

WORK_OF_A_MESSAGE = 200
BYTES_OF_A_UNIT = 4
"""The slowest text that is read takes about so long; an ordinary one a tenth."""
WORK_OF_AN_EDIT = 20

AT_ONCE = 3200
"""Work on messages of packets that have just come, in one turn."""
IN_A_TURN = 3200
"""Work on what waits, in one turn."""
MOST_WAITING_OF_A_HOST = 512
"""Datagrams of one inside host that may wait: of a PBX's in its busiest second, a third. What waits
in vain is less than what its sender repeats after half a second (RFC 3261 17.1.1.2)."""
MOST_BYTES_WAITING_OF_A_HOST = 512 * 1024
MOST_BYTES_WAITING = 4 << 20
"""Of all hosts; from there on each may have an equal share."""

Job = Callable[[float], None]
"""What is to be done when its host has its turn; told the time (seconds)."""


def work_of(size: int, edits: int) -> int:
    """The work of reading a message of `size` bytes and making so many edits in it."""
    return WORK_OF_A_MESSAGE + size // BYTES_OF_A_UNIT + WORK_OF_AN_EDIT * edits


class Turns:
    """Says which messages may be read at once, and keeps those that must wait."""

    def __init__(self) -> None:
        self._left = inf  # work that this turn still allows
        self._queues: OrderedDict[int, _Queue] = OrderedDict()  # by host; next first
        self._bytes = 0

    def __len__(self) -> int:
        """How much waits: datagrams, and connections."""
        return sum(len(queue.jobs) for queue in self._queues.values())

    @property
    def bytes(self) -> int:
        """How much waits, in datagrams."""
        return self._bytes

    def begin(self) -> None:
        """A turn of the loop begins."""
        self._left = AT_ONCE

    def may_read(self, host: int) -> bool:
        """May a message of this inside host be read at once? Not before those that wait already."""
        return self._left > 0 and host not in self._queues

    def charge(self, work: int) -> None:
        """So much has been done."""
        self._left -= work

    def has_room(self, host: int, size: int) -> bool:
        """May one more datagram of this host wait?"""
        queue = self._queues.get(host) or _Queue()
        most = MOST_BYTES_WAITING_OF_A_HOST
        if self._bytes + size > MOST_BYTES_WAITING:
            most = min(most, MOST_BYTES_WAITING // (len(self._queues) + 1))
        return len(queue.jobs) < MOST_WAITING_OF_A_HOST and queue.bytes + size <= most

    def wait(self, host: int, job: Job, size: int = 0) -> None:
        """Do it when it is this host's turn. `size`: bytes that are kept for it."""
        queue = self._queues.setdefault(host, _Queue())
        queue.jobs.append((job, size))
        queue.bytes += size
        self._bytes += size

    def next_deadline(self) -> float:
        """When `proceed` has something to do (seconds)."""
        return 0.0 if self._queues else inf  # at once

    def proceed(self, now: float) -> None:
        """Do some of what waits: one of each host, and again while the turn allows it."""
        before, self._left = self._left, IN_A_TURN
        while self._queues and self._left > 0:
            host, queue = next(iter(self._queues.items()))
            job, size = queue.jobs.popleft()
            queue.bytes -= size
            self._bytes -= size
            job(now)
            if queue.jobs:
                self._queues.move_to_end(host)
            else:
                del self._queues[host]
        self._left = before


class _Queue:
    """What waits of one host."""

    def __init__(self) -> None:
        self.jobs: deque[tuple[Job, int]] = deque()
        self.bytes = 0
