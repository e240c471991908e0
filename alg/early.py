"""Bytes of a TCP stream that came before their turn."""

from __future__ import annotations

from bisect import bisect_left

MOST_EARLY = 64
"""Segments that one stream may keep; the sender repeats the others."""


class Early:
    """Bytes behind a gap, by sent position, until what goes before them has come. `size` is in
    bytes."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, bytes]] = []
        self.size = 0

    def keep(self, position: int, data: bytes) -> None:
        """Keep it, if there is room and it is not known. (What overlaps is sorted out when its
        turn comes.)"""
        at = bisect_left(self._pieces, position, key=lambda known: known[0])
        if at < len(self._pieces) and self._pieces[at][0] == position:
            known = self._pieces[at][1]
            if len(known) >= len(data):
                return
            self.size -= len(known)
            self._pieces[at] = (position, data)
        elif len(self._pieces) < MOST_EARLY:
            self._pieces.insert(at, (position, data))
        else:
            return
        self.size += len(data)

    def take(self, position: int) -> bytes:
        """The bytes from this position on that are not behind a gap any more."""
        found = bytearray()
        while self._pieces and self._pieces[0][0] <= position + len(found):
            begin, data = self._pieces.pop(0)
            self.size -= len(data)
            found += data[position + len(found) - begin :]
        return bytes(found)

    def clear(self) -> None:
        self._pieces.clear()
        self.size = 0
