"""Packets at the four points of their way: the last ones of each flow, and those that were refused.

All points of a packet are told together, one packet after the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from typing import NamedTuple

from appliance.journal.events import PacketSeen

PACKETS_KEPT = 100
"""Packets of each flow, and of all that belong to none."""
FLOWS_KEPT = 64
"""Flows whose packets are kept: those that had one last."""


class Way(NamedTuple):
    """One packet, at each point that it came to."""

    seen: tuple[PacketSeen, ...]

    @property
    def number(self) -> int:
        return self.seen[0].packet

    @property
    def flow(self) -> int | None:
        """The flow that it belongs to; only what was translated has one."""
        return next((each.flow for each in self.seen if each.flow is not None), None)

    def is_for(self, ends: Collection[str]) -> bool:
        """Did it come from or for one of these?"""
        return self.seen[0].source in ends or self.seen[0].destination in ends


class Points:
    """The last packets."""

    def __init__(self) -> None:
        self.skipped = 0
        """Packets that were too many to be shown."""
        self._of: dict[int | None, deque[Way]] = {None: deque(maxlen=PACKETS_KEPT)}
        self._under_way: list[PacketSeen] = []

    def fold(self, news: Sequence[PacketSeen]) -> None:
        """Packets came by. (The last one of the news has come to its end.)"""
        for seen in news:
            self.skipped += seen.skipped
            if self._under_way and self._under_way[0].packet != seen.packet:
                self._finish()
            self._under_way.append(seen)
        self._finish()

    def ways(self, flow: int | None, ends: Collection[str]) -> list[Way]:
        """Of this flow, and what was refused from or for its ends; without a flow, all."""
        if flow is None:
            found = [way for kept in self._of.values() for way in kept]
        else:
            refused = (way for way in self._of[None] if way.is_for(ends))
            found = [*self._of.get(flow, ()), *refused]
        return sorted(found, key=lambda way: way.number)

    def _finish(self) -> None:
        if not self._under_way:
            return
        way = Way(tuple(self._under_way))
        self._under_way.clear()
        flow = way.flow
        kept = self._of.pop(flow, None) or deque(maxlen=PACKETS_KEPT)
        kept.append(way)
        self._of[flow] = kept
        if len(self._of) > FLOWS_KEPT:
            del self._of[next(each for each in self._of if each is not None)]
