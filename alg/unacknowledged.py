"""What must be kept of a TCP stream: bytes that were shown and may have to be shown again, and
bytes that came before their turn.

Everything here is bounded by count and by bytes, and looked up by bisection, so that no segment
costs more because others are kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

MOST_CHUNKS = 1000
"""That one stream may keep."""
MOST_EARLY = 64
"""Segments behind a gap that one stream may keep; the sender repeats the others."""


class Piece(NamedTuple):
    """Bytes to be sent on, at a position as it is shown to the receiver."""

    position: int
    data: bytes


class Chunk(NamedTuple):
    """Bytes that were shown and are not acknowledged yet. The sender's are [sent, sent_end); the
    receiver's begin at `shown`, and are of the same length unless they were `edited`."""

    sent: int
    sent_end: int
    shown: int
    data: bytes
    edited: bool

    @property
    def shown_end(self) -> int:
        return self.shown + len(self.data)

    def part(self, start: int, end: int) -> Piece:
        """What it shows of the sent [start, end). No byte of an edited message stands for a byte
        of the other, so that one is always shown as a whole; its receiver drops what it has."""
        if self.edited:
            return Piece(self.shown, self.data)
        first = max(start, self.sent) - self.sent
        last = min(end, self.sent_end) - self.sent
        return Piece(self.shown + first, self.data[first:last])


class Unacknowledged:
    """The chunks of a stream, in order. `size` is in bytes."""

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self.size = 0

    def __len__(self) -> int:
        return len(self._chunks)

    @property
    def first(self) -> Chunk | None:
        return self._chunks[0] if self._chunks else None

    def add(self, chunk: Chunk) -> None:
        self._chunks.append(chunk)
        self.size += len(chunk.data)

    def acknowledge(self, position: int) -> None:
        """The receiver has everything before this shown position."""
        done = bisect_right(self._chunks, position, key=lambda chunk: chunk.shown_end)
        for chunk in self._chunks[:done]:
            self.size -= len(chunk.data)
        del self._chunks[:done]
        first = self.first
        if first is not None and not first.edited and position > first.shown:
            count = position - first.shown
            self._chunks[0] = Chunk(
                first.sent + count, first.sent_end, position, first.data[count:], False
            )
            self.size -= count

    def clear(self) -> None:
        self._chunks.clear()
        self.size = 0

    def of(self, start: int, end: int) -> list[Chunk]:
        """The chunks that hold some of the sent [start, end)."""
        begin = bisect_right(self._chunks, start, key=lambda chunk: chunk.sent_end)
        stop = bisect_left(self._chunks, end, key=lambda chunk: chunk.sent)
        return self._chunks[begin:stop]

    def edited_around(self, position: int) -> Chunk | None:
        """The edited message in whose middle a shown position lies."""
        at = bisect_left(self._chunks, position, key=lambda chunk: chunk.shown) - 1
        if at < 0:
            return None
        chunk = self._chunks[at]
        return chunk if chunk.edited and position < chunk.shown_end else None


class Early:
    """Bytes behind a gap, by sent position, until what goes before them has come."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def keep(self, piece: Piece) -> None:
        """Keep it, if there is room and it is not known. (What overlaps is sorted out when its
        turn comes.)"""
        at = bisect_left(self._pieces, piece.position, key=lambda known: known.position)
        if at < len(self._pieces) and self._pieces[at].position == piece.position:
            known = self._pieces[at]
            if len(known.data) >= len(piece.data):
                return
            self.size -= len(known.data)
            self._pieces[at] = piece
        elif len(self._pieces) < MOST_EARLY:
            self._pieces.insert(at, piece)
        else:
            return
        self.size += len(piece.data)

    def take(self, position: int) -> bytes:
        """The bytes from this position on that are not behind a gap any more."""
        found = bytearray()
        while self._pieces and self._pieces[0].position <= position + len(found):
            piece = self._pieces.pop(0)
            self.size -= len(piece.data)
            found += piece.data[position + len(found) - piece.position :]
        return bytes(found)

    def clear(self) -> None:
        self._pieces.clear()
        self.size = 0
