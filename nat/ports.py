"""Which external port a new mapping gets (RFC 4787 4.2, RFC 6056, RFC 6888 REQ-8).

One pool for each protocol and external address. Every port is free, used, resting or reserved, at
all times. Even and odd ports stand in tables of their own, so that "the next free port of the same
parity" is one `bytearray.find`: bounded work, also in a full pool.

Why a port rests (RFC 6888 REQ-8), on a timeline of port 40000 with a rest of 120 s:

    0 s     A:5060 takes it                                       used
    300 s   A's last flow is over, `release`                      resting
    301 s   B asks for 40000: it gets the next free port
    302 s   a late packet for A comes in: it reaches nobody
    310 s   A:5060 opens a flow: it has its port back at once     used (as if it had never rested)
    900 s   `release` again                                       resting
    1020 s  the rest is over, `settle`                            free, for anybody

Without the rest, B could hear at 302 s what was meant for A. When more ports rest than may, the one
that has rested longest is free before its time.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Container, Iterator
from contextlib import contextmanager

from nat.behavior import PortPolicy
from nat.endpoint import Endpoint
from nat.limits import HighWater

FREE, USED, RESTING, RESERVED = 0, 1, 2, 3
HIGHEST_PORT = 65535
TO_BE_CHOSEN = bytes.maketrans(bytes((RESERVED,)), bytes((FREE,)))
NOT_TO_BE_CHOSEN = bytes.maketrans(bytes((FREE,)), bytes((RESERVED,)))
WELL_KNOWN_END = 1024  # RFC 4787 REQ-3a: ports below stay below
RANDOM_TRIES = 32
PAIR_TRIES = 2048
"""Ports looked at before no pair is found: bounded work, also where only every other is free."""


class PortPool:
    """The ports of one external address for one protocol."""

    def __init__(self, first: int, last: int, rest: float) -> None:
        self.first, self.last, self.rest = first, last, rest
        self.most_resting = HIGHEST_PORT
        self.high_water = HighWater()
        none = bytes((RESERVED,)) * 32768
        self._states = (bytearray(none), bytearray(none))  # of even ports, of odd ports
        self._counts = [0, 0, 0, 65536]
        self._resting: dict[int, tuple[float, Endpoint]] = {}
        self._resting_order: deque[tuple[float, int]] = deque()
        self._cursor = first
        self._kept_out: set[int] = {0}
        for parity, table in enumerate(self._states):
            low, high = _indices(parity, max(first, 1), last)
            table[low:high] = bytes((FREE,)) * (high - low)
            self._counts[FREE] += high - low
        self._counts[RESERVED] -= self._counts[FREE]

    def _state_when_unused(self, port: int) -> int:
        """Free, unless it lies outside the range or stands reserved."""
        may_be_chosen = self.first <= port <= self.last and port not in self._kept_out
        return FREE if may_be_chosen else RESERVED

    def _set(self, port: int, state: int) -> None:
        """All changes of one port come here, so that the counts stay true."""
        table = self._states[port & 1]
        self._counts[table[port >> 1]] -= 1
        self._counts[state] += 1
        table[port >> 1] = state

    def state(self, port: int) -> int:
        """FREE, USED, RESTING or RESERVED."""
        return self._states[port & 1][port >> 1]

    def set_range(self, first: int, last: int) -> None:
        """Change which ports may be chosen; ports in use outside it are not given back to it."""
        if (first, last) == (self.first, self.last):
            return
        self.first, self.last = first, last
        self._cursor = first
        for parity, table in enumerate(self._states):
            low, high = _indices(parity, max(first, 1), last)
            table[:low] = table[:low].translate(NOT_TO_BE_CHOSEN)
            table[low:high] = table[low:high].translate(TO_BE_CHOSEN)
            table[high:] = table[high:].translate(NOT_TO_BE_CHOSEN)
        for port in self._kept_out:
            if self.state(port) == FREE:
                self._states[port & 1][port >> 1] = RESERVED
        self._counts = [sum(table.count(state) for table in self._states) for state in range(4)]

    def counts(self) -> dict[str, int]:
        """How many of the 65,536 ports are in which state."""
        return dict(zip(("free", "used", "resting", "reserved"), self._counts, strict=True))

    def reserve(self, port: int) -> None:
        """Keep a port out of every choice: a service or a forward of the NAT stands there. One in
        use is kept out from its release on."""
        self._kept_out.add(port)
        self._resting.pop(port, None)
        if self.state(port) != USED:
            self._set(port, RESERVED)

    def release_reserved(self, port: int) -> None:
        """Undo `reserve`."""
        self._kept_out.discard(port)
        if self.state(port) != USED:
            self._set(port, self._state_when_unused(port))

    def take(self, port: int) -> None:
        """A mapping has this port now."""
        self._resting.pop(port, None)
        self._set(port, USED)

    def release(self, port: int, internal: Endpoint, now: float) -> None:
        """A mapping is gone. The port rests, so that late packets for it do not reach another
        host; the same internal endpoint may have it back at once, as for a phone's next call."""
        unused = self._state_when_unused(port)
        if unused == RESERVED or self.rest <= 0:
            self._set(port, unused)
        else:
            self._set(port, RESTING)
            self._resting[port] = (now, internal)
            self._resting_order.append((now, port))
            self.settle(now)
            self.high_water.reach("resting_ports", len(self._resting))

    def end_rest(self, port: int) -> None:
        """A port that was never shown outside need not rest."""
        if self._resting.pop(port, None) is not None:
            self._set(port, self._state_when_unused(port))

    def settle(self, now: float) -> None:
        """Free the ports that have rested long enough, and the oldest if too many rest."""
        order = self._resting_order
        while order and (order[0][0] + self.rest <= now or len(self._resting) > self.most_resting):
            released, port = order.popleft()
            if self._resting.get(port, (None,))[0] == released:
                del self._resting[port]
                self._set(port, self._state_when_unused(port))

    def is_available(self, port: int, internal: Endpoint) -> bool:
        """May `internal` have this port now?"""
        return self._states[port & 1][port >> 1] == FREE or self.rests_for(port, internal)

    def rests_for(self, port: int, internal: Endpoint) -> bool:
        """Was the port given up by `internal`, not long ago?"""
        return self.state(port) == RESTING and self._resting[port][1] == internal

    @contextmanager
    def rehearsing(self) -> Iterator[None]:
        """What is chosen meanwhile is only a preview: the cursor goes back."""
        cursor = self._cursor
        yield
        self._cursor = cursor

    # --- choosing ----------------------------------------------------------------------

    def choose(
        self,
        internal: Endpoint,
        policy: PortPolicy,
        parity: bool,
        rng: random.Random,
        taken: Container[int] = (),
    ) -> int | None:
        """A port that `internal` may take, or None when there is none (of the right class and,
        if `parity`, of the right parity). Ports that are `taken` count as used."""
        is_own = policy is PortPolicy.PRESERVE and internal.port not in taken
        if is_own and self.is_available(internal.port, internal):
            return internal.port
        low, high = self._class_of(internal.port)
        parities = (internal.port & 1,) if parity else (0, 1)
        if policy is PortPolicy.RANDOM:
            return self._choose_random(low, high, parities, rng, taken)
        wish = internal.port if policy is PortPolicy.PRESERVE else self._cursor
        port = self._next_free(min(max(wish, low), high), low, high, parities, taken)
        if port is not None and policy is PortPolicy.SEQUENTIAL:
            self._cursor = port + 1 if port < self.last else self.first
        return port

    def choose_pair(
        self,
        internal: Endpoint,
        policy: PortPolicy,
        rng: random.Random,
        taken: Container[int] = (),
    ) -> int | None:
        """A port of `internal`'s parity with the next one free as well: RTP and its RTCP.

        The same pair first, then upward in steps of two, around the pool once.
        """
        low, high = self._class_of(internal.port)
        start = internal.port
        if policy is not PortPolicy.PRESERVE:
            start = rng.randrange(low, high) if policy is PortPolicy.RANDOM else self._cursor
        start += (start ^ internal.port) & 1
        second = Endpoint(internal.address, internal.port + 1)
        port: int | None = start
        for _ in range(PAIR_TRIES):
            if port is None:
                return None
            port = self._next_available(port, low, high, internal, taken)
            if port is None:
                return None
            has_neighbour = port + 1 <= high and port + 1 not in taken
            if has_neighbour and self.is_available(port + 1, second):
                self._cursor = port + 2 if port + 2 <= self.last else self.first
                return port
            port += 2
        return None

    def choose_at_random(self, internal: Endpoint, parity: bool, rng: random.Random) -> int | None:
        """A port of the right class, whatever the policy."""
        return self.choose(internal, PortPolicy.RANDOM, parity, rng)

    def _class_of(self, port: int) -> tuple[int, int]:
        """First and last port of the class that a port is mapped within: well-known, or not (RFC
        4787 REQ-3a). If the range has none of its class, all of the range."""
        if port < WELL_KNOWN_END and self.first < WELL_KNOWN_END:
            return self.first, min(self.last, WELL_KNOWN_END - 1)
        if self.last >= WELL_KNOWN_END:
            return max(self.first, WELL_KNOWN_END), self.last
        return self.first, self.last

    def _choose_random(
        self,
        low: int,
        high: int,
        parities: tuple[int, ...],
        rng: random.Random,
        taken: Container[int],
    ) -> int | None:
        # In a pool that is not nearly full a few tries find one; else the next free one will do.
        for _ in range(RANDOM_TRIES):
            port = rng.randrange(low, high + 1)
            if port & 1 in parities and self.state(port) == FREE and port not in taken:
                return port
        return self._next_free(port, low, high, parities, taken)

    def _next_available(
        self, start: int, low: int, high: int, internal: Endpoint, taken: Container[int]
    ) -> int | None:
        """`start` if `internal` may have it, else the next free port of its parity."""
        is_possible = low <= start <= high and start not in taken
        if is_possible and self.is_available(start, internal):
            return start
        return self._next_free(start, low, high, (start & 1,), taken)

    def _next_free(
        self, start: int, low: int, high: int, parities: tuple[int, ...], taken: Container[int]
    ) -> int | None:
        """The first free port from `start` upward, then from `low`."""
        for first, last in ((start, high), (low, start - 1)):
            found = [
                port
                for parity in parities
                if (port := self._find(parity, first, last, taken)) is not None
            ]
            if found:
                return min(found)
        return None

    def _find(self, parity: int, first: int, last: int, taken: Container[int]) -> int | None:
        """The first free port of one parity between two, both included."""
        begin, end = _indices(parity, first, last)
        while (begin := self._states[parity].find(FREE, begin, end)) >= 0:
            port = begin * 2 + parity
            if port not in taken:
                return port
            begin += 1
        return None


def _indices(parity: int, first: int, last: int) -> tuple[int, int]:
    """The slice of a table of one parity that holds the ports `first` to `last`."""
    return (first + 1 - parity) >> 1, ((last - parity) >> 1) + 1
