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
        self.kept = self.high_water = 0
        self._by_host: Counter[int] = Counter()
        self._holding: Counter[int] = Counter()

    @property
    def holding(self) -> int:
        """Streams that keep bytes back."""
        return self._holding.total()

    def is_full(self, host: int) -> bool:
        """Has this host, or have all, taken so much that nothing more can be kept for it?"""
        return self.kept > MOST_BYTES or self._by_host[host] > MOST_OF_A_HOST

    def charge(self, connection: Connection, host: int) -> bool:
        """Count what a connection takes now; False when it begins to hold one stream too many."""
        share = connection.share
        one, other = connection.streams
        chunks = len(one.delivery) + len(other.delivery)
        kept = one.size + other.size + COST_OF_A_CHUNK * chunks
        if share is None:
            if not kept:
                return True  # most
            share = connection.share = Share(host)
            finalize(connection, self._set, share, 0, 0).atexit = False
        holding = one.is_holding + other.is_holding
        holds_more = holding > share.holding
        self._set(share, kept, holding)
        return not holds_more or self._holding[host] <= MOST_HOLDING

    def _set(self, share: Share, kept: int, holding: int) -> None:
        for table, change in (
            (self._by_host, kept - share.kept),
            (self._holding, holding - share.holding),
        ):
            table[share.host] += change
            if not table[share.host]:
                del table[share.host]
        self.kept += kept - share.kept
        self.high_water = max(self.high_water, self.kept)
        share.kept, share.holding = kept, holding
