"""A TCP stream whose messages are edited on the way: bytes to whole messages, and edits back to
sequence numbers.

    what the sender sent     │ REGISTER … 512 bytes │ INVITE … 800 bytes │
                             0                      512                  1312      positions sent
    what the receiver gets   │ REGISTER … 508 bytes  │ INVITE … 796 bytes  │
                             0                       508                  1304     positions shown

Strategy: bytes are held back until their message is whole; then it is shown, edited or not. To the
sender a held segment looks lost for a moment, which TCP knows how to live with. What was shown is
kept until it is acknowledged, so that a retransmission, wherever it is cut, shows the same bytes.
A position is a count of bytes (the SYN is 0) and never wraps; sequence numbers are translated to
positions by whoever holds the packet.

A stream is ALG material from its first byte or never. Once it is `over`, bytes pass as they come,
but the difference that earlier edits made stays for the life of the connection.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

LONGEST_HELD = 8192
"""Bytes. A longer message is not waited for: the sender's window could never deliver it."""
LONGEST_WAIT = 5.0
"""Seconds that a message may take to come in, once it has begun."""
MOST_CUTS = 1000

Edit = Callable[[bytes], bytes]
Frame = Callable[[bytes], int]


class Manners(NamedTuple):
    """How a module wants its streams to be read. These are right; others were seen in products."""

    waits: bool = True
    """Is a message held back until all of it is there?"""
    adjusts: bool = True
    """Do sequence numbers follow the edits?"""
    reads_each_segment: bool = False
    """Is every segment read for itself, as if the connection began with it?"""


RIGHT = Manners()


class Piece(NamedTuple):
    """Bytes to be sent on, at a position as it is shown to the receiver."""

    position: int
    data: bytes


class Chunk(NamedTuple):
    """Bytes that were shown and are not acknowledged yet, sent as [sent, sent_end)."""

    sent: int
    sent_end: int
    shown: int
    data: bytes
    edited: bool


class Stream:
    """One direction of a connection. Not SIP (or whatever `frame` reads) any more: `over`.

    `frame` answers how long the first message in some bytes is (more than there are: not whole
    yet; 0: not known yet) and raises an exception of the type `not_a_message` when there is none.
    """

    def __init__(self, frame: Frame, not_a_message: type[Exception]) -> None:
        self.over = False
        self.why_over = ""
        self._frame = frame
        self._not_a_message = not_a_message
        self._received = 1  # the position after the last byte taken in; the SYN was position 0
        self._passed = 1  # everything before this position has been shown
        self._held = bytearray()  # the bytes from the last boundary on
        self._skip = 0  # bytes of a message too long to be held, still to come
        self._since: float | None = None
        self._cuts: list[tuple[int, int]] = [(0, 0)]  # from here on: (sent, shown)
        self._chunks: deque[Chunk] = deque()
        self._acknowledged = 1

    # --- positions ---------------------------------------------------------------------

    @property
    def is_untouched(self) -> bool:
        """Are all positions the same on both sides?"""
        return len(self._cuts) == 1

    @property
    def received(self) -> int:
        return self._received

    def shown(self, position: int) -> int:
        """Where a sent position is shown to the receiver."""
        sent, shown = self._cuts[bisect_right(self._cuts, (position, 1 << 62)) - 1]
        return shown + position - sent

    def sent(self, position: int) -> int:
        """What an acknowledgement of a shown position acknowledges of what was sent; one from
        within an edited message acknowledges nothing of it."""
        for chunk in self._chunks:
            if chunk.edited and chunk.shown < position < chunk.shown + len(chunk.data):
                return chunk.sent
        for sent, shown in reversed(self._cuts):
            if shown <= position:
                return sent + position - shown
        return position

    def acknowledge(self, position: int) -> None:
        """The receiver has everything before this shown position. (Not true of what has not been
        shown: somebody forges, and retransmissions will still be needed.)"""
        if position > self.shown(self._received):
            return
        while self._chunks and self._chunks[0].shown + len(self._chunks[0].data) <= position:
            self._acknowledged = max(self._acknowledged, self._chunks.popleft().sent_end)

    @property
    def is_holding(self) -> bool:
        """Does it keep bytes back until more come?"""
        return bool(self._held) and self._passed < self._received

    # --- bytes -------------------------------------------------------------------------

    def take(
        self,
        position: int,
        data: bytes,
        edit: Edit,
        now: float,
        hold: bool = True,
        manners: Manners = RIGHT,
    ) -> list[Piece]:
        """Bytes came in at a sent position; answers what is to be sent on now, in order.

        `edit` answers what is to be shown of a whole message. Without `hold` it is a reader only:
        bytes pass at once, and what it answers does not count.
        """
        pieces = self._again(position, min(position + len(data), self._passed))
        if self.over:
            return pieces + self._straight_on(position, data)
        if position > self._received:
            if hold:
                return pieces  # something before it was lost: its sender will send this again
            # A reader has let it pass, and will never see what was lost in its place.
            pieces += self.give_up("bytes were lost on the way")
            return pieces + self._straight_on(position, data)
        if self._since is not None and now - self._since > LONGEST_WAIT:
            pieces += self.give_up("a message took too long to come in")
            return pieces + self._straight_on(position, data)
        fresh = data[self._received - position :]
        if fresh:
            pieces += self._take_in(fresh, edit, now, hold, manners)
        return pieces

    def _take_in(
        self, fresh: bytes, edit: Edit, now: float, hold: bool, manners: Manners
    ) -> list[Piece]:
        """The next bytes of the stream."""
        if hold and manners.reads_each_segment:
            return self._read_alone(fresh, edit)
        self._received += len(fresh)
        self._held += fresh
        return self._advance(edit, now, hold, hold and manners.waits)

    def _read_alone(self, fresh: bytes, edit: Edit) -> list[Piece]:
        """Look for whole messages from the beginning of a segment on, whatever came before it."""
        pieces = self._release()
        self._since, self._skip = None, 0
        self._received += len(fresh)
        self._held += fresh
        while self._held:
            try:
                length = self._frame(bytes(self._held))
            except self._not_a_message:
                break
            if not 0 < length <= len(self._held):
                break
            pieces += self._show(length, edit, hold=True)
        return pieces + self._release()

    def give_up(self, why: str) -> list[Piece]:
        """The stream is over for the ALG; what was held is to be sent on as it is."""
        self.over, self.why_over, self._since = True, why, None
        self._skip = 0
        return self._release()

    def _advance(self, edit: Edit, now: float, hold: bool, waits: bool) -> list[Piece]:
        pieces: list[Piece] = []
        while self._held and not self.over:
            if self._skip:
                pieces += self._skip_bytes()
                continue
            try:
                length = self._frame(bytes(self._held))
            except self._not_a_message as reason:
                return pieces + self.give_up(str(reason))
            if length > LONGEST_HELD:
                self._skip = length
            elif not length and len(self._held) > LONGEST_HELD:
                return pieces + self.give_up("a message is too long to be held")
            elif not length or length > len(self._held):
                self._since = now if self._since is None else self._since
                return pieces + ([] if waits else self._release_watched())
            else:
                pieces += self._show(length, edit, hold)
        return pieces

    def _show(self, length: int, edit: Edit, hold: bool) -> list[Piece]:
        """A message is whole."""
        message = bytes(self._held[:length])
        begins = self._received - len(self._held)
        del self._held[:length]
        self._since = None
        if hold and self._passed == begins:
            return self._pass(message, edit(message))
        if not hold:
            edit(message)
        # Otherwise part of it was shown before anybody wanted to change it: none of it may change.
        rest = message[self._passed - begins :]
        return self._pass(rest, rest) if rest else []

    def _pass(self, original: bytes, shown: bytes) -> list[Piece]:
        start = self._passed
        position = self.shown(start)
        self._passed += len(original)
        edited = shown != original
        self._chunks.append(Chunk(start, self._passed, position, shown, edited))
        if len(shown) != len(original):
            self._cuts.append((self._passed, position + len(shown)))
            del self._cuts[1 : max(1, len(self._cuts) - MOST_CUTS)]
        return [Piece(position, shown)] if shown else []

    def _skip_bytes(self) -> list[Piece]:
        """Let a message pass that is too long to be waited for."""
        size = min(self._skip, len(self._held))
        begins = self._received - len(self._held)
        data = bytes(self._held[:size])[max(0, self._passed - begins) :]
        del self._held[:size]
        self._skip -= size
        return self._pass(data, data) if data else []

    def _release(self) -> list[Piece]:
        """Show everything that is held, as it is."""
        begins = self._received - len(self._held)
        data = bytes(self._held[self._passed - begins :])
        self._held.clear()
        return self._pass(data, data) if data else []

    def _release_watched(self) -> list[Piece]:
        """The same, but go on reading the message that they begin."""
        begins = self._received - len(self._held)
        data = bytes(self._held[self._passed - begins :])
        return self._pass(data, data) if data else []

    def _straight_on(self, position: int, data: bytes) -> list[Piece]:
        """Bytes of a stream that is over, beyond what was shown while it was not."""
        begin = max(position, self._passed)
        fresh = data[begin - position :]
        self._received = max(self._received, position + len(data))
        return [Piece(self.shown(begin), fresh)] if fresh else []

    def _again(self, start: int, end: int) -> list[Piece]:
        """Retransmitted bytes: the same as the first time, an edited message as a whole."""
        if start >= end:
            return []
        pieces = [
            _part(chunk, start, end)
            for chunk in self._chunks
            if chunk.sent < end and start < chunk.sent_end
        ]
        if not pieces:
            # All of it has been acknowledged, and the sender has not heard: an empty segment from
            # before the window makes the receiver say so again (RFC 9293 3.10.7.4).
            pieces.append(Piece(self.shown(self._acknowledged) - 1, b""))
        return pieces


def _part(chunk: Chunk, start: int, end: int) -> Piece:
    if chunk.edited:
        return Piece(chunk.shown, chunk.data)
    first = max(start, chunk.sent) - chunk.sent
    last = min(end, chunk.sent_end) - chunk.sent
    return Piece(chunk.shown + first, chunk.data[first:last])
