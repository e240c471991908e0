"""Memory that streams may take: in all, and of it what one inside host may take.

Whoever takes too much loses the reading of its own streams, and nobody else's.
"""

from __future__ import annotations

from collections import Counter
from weakref import finalize

from appliance.gateway.connection import Connection, Share

MOST_BYTES = 16 << 20
"""Bytes kept of all streams."""
MOST_OF_A_HOST = 2 << 20
"""Bytes kept of one inside host's streams."""
MOST_HOLDING = 64
"""Streams of one inside host that may keep bytes back at one time."""
COST_OF_A_CHUNK = 150  # bytes that Python takes to keep a chunk, whatever is in it


class Shares:
    """What all connections take, by host (its address)."""

    def __init__(self) -> None:
        self.kept = 0
        self._by_host: Counter[int] = Counter()
        self._holding: Counter[int] = Counter()

    @property
    def holding(self) -> int:
        """Streams that keep bytes back."""
        return self._holding.total()

    def charge(self, connection: Connection, host: int) -> str | None:
        """Count what a connection takes now; answers why that is too much, if it is."""
        share = connection.share
        if share is None:
            share = connection.share = Share(host)
            finalize(connection, self._set, share, 0, 0).atexit = False
        kept = sum(each.size + COST_OF_A_CHUNK * len(each.delivery) for each in connection.streams)
        holding = sum(each.is_holding for each in connection.streams)
        grows, holds_more = kept > share.kept, holding > share.holding
        self._set(share, kept, holding)
        if holds_more and self._holding[host] > MOST_HOLDING:
            return "too many messages are being waited for"
        if grows and (self.kept > MOST_BYTES or self._by_host[host] > MOST_OF_A_HOST):
            return "too much of its host is being kept"
        return None

    def _set(self, share: Share, kept: int, holding: int) -> None:
        for table, change in (
            (self._by_host, kept - share.kept),
            (self._holding, holding - share.holding),
        ):
            table[share.host] += change
            if not table[share.host]:
                del table[share.host]
        self.kept += kept - share.kept
        share.kept, share.holding = kept, holding
