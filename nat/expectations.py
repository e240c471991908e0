"""The doors that stand open: how many there may be, until when, and what ends with them.

An ALG opens a door for packets that a message has announced, the translator lets the first of them
in (`use`), and the door closes with the call or registration it belongs to (its parent), at its
deadline, or with the mapping behind it. `expectation.py` is one door; here is the table of all.
"""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from nat.deadlines import MANY
from nat.endpoint import Endpoint
from nat.expectation import Expectation
from nat.mapping import Flow, Mapping

if TYPE_CHECKING:
    from nat.conntrack import Conntrack


class Expectations(dict[int, Expectation]):
    """All doors by their id; `by_parent` has them by what they belong to. Only `open` and `close`
    change either. `table` has the mappings and flows behind the doors, and counts its hosts'."""

    def __init__(self, table: Conntrack) -> None:
        super().__init__()
        self.by_parent: dict[Hashable, list[Expectation]] = {}
        self._table = table
        self._heap: list[tuple[float, int]] = []  # (deadline, id), and some that were moved since

    def open(
        self,
        mapping: Mapping,
        remote: Endpoint | None,
        parent: Hashable,
        reason: str,
        lifetime: float,
        used_lifetime: float | None,
        now: float,
    ) -> Expectation | None:
        """Let `remote` in to `mapping`, or let it go on coming in (for the words see
        `alg.base.AlgContext.expect`). None at a limit."""
        known = self.find(mapping, remote, parent)
        if known is not None:
            if known.flow is not None and used_lifetime is not None:
                lifetime = used_lifetime
            self.set_deadline(known, now + lifetime, used_lifetime)
            return known
        if self._are_too_many(mapping, parent):
            return None
        self._table.last_id += 1
        door = Expectation(self._table.last_id, mapping, remote, parent, reason)
        self[door.id] = door
        self.by_parent.setdefault(parent, []).append(door)
        mapping.expectations = (*mapping.expectations, door)
        self._count(door, now)
        self.set_deadline(door, now + lifetime, used_lifetime)
        self._table.observer.expectation_opened(door, now)
        return door

    def find(
        self, mapping: Mapping, remote: Endpoint | None, parent: Hashable
    ) -> Expectation | None:
        for door in mapping.expectations:
            if door.parent == parent and door.remote == remote:
                return door
        return None

    def set_deadline(self, door: Expectation, deadline: float, used_lifetime: float | None) -> None:
        """From now on the door closes at `deadline`, or `used_lifetime` after its first use."""
        door.deadline = deadline
        door.used_lifetime = used_lifetime
        if len(self._heap) > MANY + 4 * len(self):
            self._heap = [(each.deadline, id_) for id_, each in self.items()]
            heapify(self._heap)
        else:
            heappush(self._heap, (deadline, door.id))

    def use(self, door: Expectation, flow: Flow, now: float) -> None:
        """The first packet came: `flow` is what it opened."""
        door.flow = flow
        if door.used_lifetime is not None:
            self.set_deadline(door, now + door.used_lifetime, door.used_lifetime)
        self._table.observer.expectation_used(door, str(flow.remote), now)

    def close(self, door: Expectation, why: str, now: float) -> None:
        """Shut one door. The flow that came in by it ends with it, unless it merely ran out of
        time; so does the mapping, when nothing else needs that."""
        if self.pop(door.id, None) is None:
            return
        table, mapping = self._table, door.mapping
        mapping.expectations = tuple(each for each in mapping.expectations if each is not door)
        siblings = self.by_parent[door.parent]
        siblings.remove(door)
        if not siblings:
            del self.by_parent[door.parent]
        table.hosts[mapping.internal.address].expectations -= 1
        table.forget_if_idle(mapping.internal.address)
        table.observer.expectation_closed(door, why, now)
        if door.flow is not None and why != "expired":
            table.close_flow(door.flow, why, now)
        table.close_mapping_if_idle(mapping, why, now)

    # --- limits ------------------------------------------------------------------------

    def _are_too_many(self, mapping: Mapping, parent: Hashable) -> bool:
        """Does a limit forbid one more door?"""
        limits = self._table.behavior.limits
        host = self._table.hosts.get(mapping.internal.address)
        return (
            len(self) >= limits.expectations
            or self._held_by(parent, mapping) > limits.expectations_per_parent
            or (host is not None and host.expectations >= limits.expectations_per_host)
        )

    def _count(self, door: Expectation, now: float) -> None:
        host = self._table.host(door.mapping.internal.address, now)
        host.expectations += 1
        reach = self._table.high_water.reach
        reach("expectations", len(self))
        reach("expectations_per_host", host.expectations)
        reach("expectations_per_parent", self._held_by(door.parent, door.mapping))

    def _held_by(self, parent: Hashable, mapping: Mapping) -> int:
        """How many mappings `parent` would hold open, `mapping` among them."""
        held = {door.mapping.id for door in self.by_parent.get(parent, ())}
        return len(held | {mapping.id})

    def most_of_a_parent(self) -> int:
        """How many mappings the parent with the most of them holds open."""
        return max(
            (len({door.mapping.id for door in doors}) for doors in self.by_parent.values()),
            default=0,
        )

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When `expire` has something to look at."""
        return self._heap[0][0] if self._heap else None

    def expire(self, now: float) -> None:
        """Close what is over."""
        while self._heap and self._heap[0][0] <= now:
            deadline, id_ = heappop(self._heap)
            door = self.get(id_)
            if door is not None and door.deadline == deadline:
                self.close(door, "expired", now)
