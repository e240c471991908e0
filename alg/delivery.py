"""What was shown of a stream and must arrive.

Chunks are kept until their receiver acknowledges them. Those whose sender was *answered* (told in
the receiver's place that they have arrived) are shown again when that takes too long: nobody else
will. All lookups are bisections, so that no segment costs more because much is kept.

    chunks, as sent      │ 1..301 edited │ 301..500 │ 500..800 │
    answered              ────────────────────►400               by us
    acknowledged          ────►301                               by the receiver (as sent)
    so the timer runs for 301..500, and the sender itself will repeat 400..800
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import inf
from typing import NamedTuple

from alg.positions import Positions

FIRST_PATIENCE = 0.2
"""Seconds until what was answered, and not acknowledged, is shown again: as long as common systems
wait at least (RFC 6298 2.4 asks for a second, but a phone call waits behind this)."""
LONGEST_PATIENCE = 8.0  # seconds between two attempts
STRANDED_AFTER = 100.0
"""Seconds without a word from the receiver, until its bytes are given up (RFC 9293 3.8.3)."""
MOST_REPEATED = 8192  # bytes at one attempt


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


class Delivery:
    """The chunks of one stream, in order, and the timer of those that were answered.

    Times are in seconds. `acknowledged` is a shown position, `size` in bytes as they were sent.
    """

    def __init__(self, positions: Positions) -> None:
        self.size = 0
        self.acknowledged = 1
        self.patience = FIRST_PATIENCE
        """Until the first attempt: to be set when it is known how far away the receiver is."""
        self.repeat_at = inf
        """When something is to be shown again."""
        self.is_stranded = False
        """Were bytes given up that the sender believes to have arrived?"""
        self._positions = positions
        self._chunks: list[Chunk] = []
        self._answered = 1  # a sent position
        self._attempts = 0
        self._heard_at = 0.0  # when the receiver last said something
        self._lost_before = 0  # what had been shown when something was shown again

    def __len__(self) -> int:
        return len(self._chunks)

    # --- chunks ------------------------------------------------------------------------

    def add(self, chunk: Chunk) -> None:
        self._chunks.append(chunk)
        self.size += chunk.sent_end - chunk.sent

    def of(self, start: int, end: int) -> list[Chunk]:
        """The chunks that hold some of the sent [start, end)."""
        begin = bisect_right(self._chunks, start, key=lambda chunk: chunk.sent_end)
        stop = bisect_left(self._chunks, end, key=lambda chunk: chunk.sent)
        return self._chunks[begin:stop]

    def sent(self, position: int) -> int:
        """What an acknowledgement of a shown position acknowledges of what was sent; one from
        within an edited message acknowledges nothing of it."""
        # An edited message has no byte in the middle that stands for one of the sender's. Whoever
        # acknowledges half of it has acknowledged none of it.
        at = bisect_left(self._chunks, position, key=lambda chunk: chunk.shown) - 1
        if at >= 0:
            chunk = self._chunks[at]
            if chunk.edited and position < chunk.shown_end:
                return chunk.sent
        return self._positions.sent(position)

    def acknowledge(self, position: int, end: int, now: float) -> None:
        """The receiver has everything before this shown position, of what was shown before `end`:
        the chunks up to there are not needed any more. An acknowledgement of what was never shown
        is forged and is ignored, or it would take away what a retransmission needs."""
        if not self.acknowledged <= position <= end:
            return
        self._heard_at = now
        if position == self.acknowledged:
            return
        self.acknowledged = position
        self._forget_before(position)
        self._attempts = 0
        self.repeat_at = inf
        self.watch(now)
        if self.repeat_at < inf and position < self._lost_before:
            self.repeat_at = now  # RFC 6582 3.2: the next is lost too, do not wait for it

    def _forget_before(self, position: int) -> None:
        done = bisect_right(self._chunks, position, key=lambda chunk: chunk.shown_end)
        self.size -= sum(chunk.sent_end - chunk.sent for chunk in self._chunks[:done])
        del self._chunks[:done]
        if not self._chunks or self._chunks[0].edited or position <= self._chunks[0].shown:
            return
        sent, sent_end, shown, data, _ = self._chunks[0]
        count = position - shown
        self._chunks[0] = Chunk(sent + count, sent_end, position, data[count:], False)
        self.size -= count

    def clear(self) -> None:
        """There is nobody to show anything to any more."""
        self._chunks.clear()
        self.size = 0
        self.repeat_at = inf

    # --- what was answered ---------------------------------------------------------------

    @property
    def answered(self) -> int:
        """The sent position up to which the sender may have heard that all has arrived."""
        return max(self._answered, self.sent(self.acknowledged))

    @property
    def is_owing(self) -> bool:
        """Is there something that nobody else will show again?"""
        return bool(self._chunks) and self._chunks[0].sent < self._answered

    def answer(self, position: int, now: float) -> None:
        """The sender is told that everything before this sent position has arrived."""
        self._answered = position
        self.watch(now)

    def watch(self, now: float) -> None:
        """Keep the timer running while there is something to answer for."""
        if not self.is_owing:
            self.repeat_at = inf
        elif self.repeat_at == inf:
            self._heard_at = now
            self.repeat_at = now + self.patience

    def repeat(self, now: float, end: int) -> list[Piece]:
        """What is to be shown again now, of what was shown before `end`: the oldest that is not
        acknowledged, and more and more slowly."""
        if now < self.repeat_at:
            return []
        if now - self._heard_at >= STRANDED_AFTER:
            self.is_stranded = True
            self.clear()
            return []
        self._attempts += 1
        self.repeat_at = now + min(self.patience * 2**self._attempts, LONGEST_PATIENCE)
        self._lost_before = end
        first = self._chunks[0]
        known = max(0, self.acknowledged - first.shown)
        return [Piece(first.shown + known, first.data[known : known + MOST_REPEATED])]
