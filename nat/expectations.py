"""The expectations that stand: how many there may be, until when, and what ends with them.

An ALG opens an expectation for packets that a message has announced, the NAT lets the first of them
in (`use`), and it closes with the call or registration it belongs to (its parent), at its deadline,
or with the mapping behind it. One expectation is a record in `mapping.py`; here is the table. For
the audio of a call, which waits 180 s for an answer and then lives a day unless 600 s are silent:

    0 s     an offer leaves               open       closes at 180 s
    40 s    the answer                    renewed    closes after a day, and is looked at at 640 s
    41 s    RTP, one way or both          used
    640 s   the look                                 packets have passed: the next look at 1,240 s
    700 s   the call is on hold           renewed    on other terms: closed with the call only
    900 s   BYE                           closed     and the flow that came in by it with it

What is silent is the whole call: while its audio runs, its video and its RTCP stay open too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from heapq import heapify, heappop, heappush
from math import inf

from nat.behavior import Limits
from nat.deadlines import MANY
from nat.endpoint import Endpoint
from nat.events import Observer
from nat.limits import HighWater, Hosts
from nat.mapping import Expectation, Flow, Mapping, Terms, Why

Closed = Callable[[Expectation, Why, float], None]
"""Told of each expectation that was closed, why and when: what it held may go."""


class Expectations(dict[int, Expectation]):
    """All expectations by their id; `by_parent` has them by what they belong to. Only `open` and
    `close` change either. They are counted to the `hosts` behind their mappings; `ids` are shared
    with all other records of the NAT."""

    def __init__(
        self,
        limits: Limits,
        hosts: Hosts,
        ids: Iterator[int],
        high_water: HighWater,
        observer: Observer,
        closed: Closed,
    ) -> None:
        super().__init__()
        self.limits = limits
        self.by_parent: dict[Hashable, list[Expectation]] = {}
        self._hosts = hosts
        self._ids = ids
        self._high_water = high_water
        self._observer = observer
        self._closed = closed
        self._heap: list[tuple[float, int]] = []  # (deadline, id), and some that were moved since

    def open(
        self,
        mapping: Mapping,
        remote: Endpoint | None,
        parent: Hashable,
        reason: str,
        terms: Terms,
        now: float,
    ) -> Expectation | None:
        """Let `remote` in to `mapping`, or let it go on coming in. None at a limit."""
        known = self.find(mapping, remote, parent)
        if known is not None:
            self._begin(known, terms, now)
            return known
        if self.are_too_many(mapping, parent):
            return None
        expectation = Expectation(next(self._ids), mapping, remote, parent, reason)
        self[expectation.id] = expectation
        self.by_parent.setdefault(parent, []).append(expectation)
        mapping.expectations = (*mapping.expectations, expectation)
        self._count(expectation, now)
        self._begin(expectation, terms, now)
        self._observer.expectation_opened(expectation, now)
        return expectation

    def find(
        self, mapping: Mapping, remote: Endpoint | None, parent: Hashable
    ) -> Expectation | None:
        """The one that lets `remote` in for `parent`. Two calls may expect the same remote at the
        same mapping: each has an expectation of its own, which ends with that call."""
        for expectation in mapping.expectations:
            if expectation.parent == parent and expectation.remote == remote:
                return expectation
        return None

    def _begin(self, expectation: Expectation, terms: Terms, now: float) -> None:
        """From `now` on these terms count."""
        seconds = terms.lifetime
        if expectation.is_used and terms.used_lifetime is not None:
            seconds = terms.used_lifetime
        first_look = now + (seconds if terms.silence is None else min(seconds, terms.silence))
        expectation.mapping.last_seen_in_use(now)
        self.set_end(expectation, terms, now + seconds, first_look)

    def set_end(self, expectation: Expectation, terms: Terms, end: float, look: float) -> None:
        """From now on it closes at `end`, and is looked at before, if packets pass."""
        expectation.terms, expectation.end, expectation.deadline = terms, end, look
        # Each renewal leaves an entry behind; when most are of that kind the heap is made anew.
        if len(self._heap) > MANY + 4 * len(self):
            self._heap = [(each.deadline, id_) for id_, each in self.items()]
            heapify(self._heap)
        else:
            heappush(self._heap, (look, expectation.id))

    def use(
        self, expectation: Expectation, flow: Flow | None, remote: Endpoint, now: float
    ) -> None:
        """A packet of `remote` was let in by it, with the flow that it opened if it did."""
        expectation.mapping.passed += 1
        if flow is not None:
            expectation.flow = flow
        if expectation.is_used:
            return
        expectation.is_used = True
        if expectation.used_lifetime is not None:
            self._begin(expectation, expectation.terms, now)
        self._observer.expectation_used(expectation, str(remote), now)

    def close(self, expectation: Expectation, why: Why, now: float) -> None:
        """End one. Twice is harmless."""
        if self.pop(expectation.id, None) is None:
            return
        mapping = expectation.mapping
        mapping.expectations = tuple(
            each for each in mapping.expectations if each is not expectation
        )
        siblings = self.by_parent[expectation.parent]
        siblings.remove(expectation)
        if not siblings:
            del self.by_parent[expectation.parent]
        self._hosts[mapping.internal.address].expectations -= 1
        self._hosts.forget_if_idle(mapping.internal.address)
        self._observer.expectation_closed(expectation, why, now)
        self._closed(expectation, why, now)

    # --- limits ------------------------------------------------------------------------

    def are_too_many(self, mapping: Mapping, parent: Hashable) -> bool:
        """Does a limit forbid one more?"""
        limits = self.limits
        host = self._hosts.get(mapping.internal.address)
        return (
            len(self) >= limits.expectations
            or self._held_by(parent, mapping) > limits.expectations_per_parent
            or (host is not None and host.expectations >= limits.expectations_per_host)
        )

    def _count(self, expectation: Expectation, now: float) -> None:
        """Charge it to the host behind its mapping."""
        host = self._hosts.of(expectation.mapping.internal.address, now)
        host.expectations += 1
        reach = self._high_water.reach
        reach("expectations", len(self))
        reach("expectations_per_host", host.expectations)
        reach("expectations_per_parent", self._held_by(expectation.parent, expectation.mapping))

    def _held_by(self, parent: Hashable, mapping: Mapping) -> int:
        """How many mappings `parent` would hold open, `mapping` among them."""
        held = {expectation.mapping.id for expectation in self.by_parent.get(parent, ())}
        return len(held | {mapping.id})

    def most_of_a_parent(self) -> int:
        """How many mappings the parent with the most of them holds open."""
        return max(
            (
                len({expectation.mapping.id for expectation in siblings})
                for siblings in self.by_parent.values()
            ),
            default=0,
        )

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When `expire` has something to look at."""
        return self._heap[0][0] if self._heap else inf

    def look(self, expectation: Expectation, now: float) -> None:
        """If it is due: does it go on, because packets have passed?"""
        if now < expectation.deadline:
            return
        look = self._next_look(expectation, expectation.deadline)
        if look > expectation.deadline:
            self.set_end(expectation, expectation.terms, expectation.end, look)

    def _next_look(self, expectation: Expectation, now: float) -> float:
        """When it will have been silent too long, or comes to its end."""
        silence = expectation.terms.silence
        if silence is None:
            return expectation.end
        siblings = self.by_parent[expectation.parent]
        seen = max(each.mapping.last_seen_in_use(now) for each in siblings)
        return min(expectation.end, seen + silence)

    def expire(self, now: float) -> None:
        """Close what is over, or silent."""
        while self._heap and self._heap[0][0] <= now:
            deadline, id_ = heappop(self._heap)
            expectation = self.get(id_)
            if expectation is None or expectation.deadline != deadline:
                continue
            self.look(expectation, now)
            if expectation.deadline == deadline:
                self.close(expectation, Why.EXPIRED, now)
