"""A TCP stream whose messages are edited on the way: bytes to whole messages, and edits back to
sequence numbers.

    what the sender sent     │ REGISTER … 512 bytes │ INVITE … 800 bytes │
                             1                      513                  1313      positions sent
    what the receiver gets   │ REGISTER … 508 bytes  │ INVITE … 796 bytes  │
                             1                       509                  1305     positions shown

Strategy: bytes are held back until their message is whole; then it is shown, edited or not. To the
sender a held segment looks lost for a moment, which TCP knows how to live with. What was shown is
kept until it is acknowledged, so that a retransmission, wherever it is cut, shows the same bytes.
A position is a count of bytes (the SYN is 0) and never wraps; sequence numbers are translated to
positions by whoever holds the packet.

The REGISTER above, sent in two segments whose acknowledgement is lost. Positions of the first byte
and of the one after the last; the SYN was 0, so the data begins at 1:

    the sender sends        this file does                       the receiver gets
    ──────────────────────  ───────────────────────────────────  ────────────────────────
    1..301   first part     holds it: the message is not whole   nothing
    301..513 second part    edits the message, 512 bytes to 508  1..509
                            a chunk: sent 1..513 is shown 1..509
                            a cut: from 513 on, shown is sent - 4
                                                                 acknowledges 509 (lost)
    1..301   once more      finds the chunk: an edited message   1..509 once more
                            is shown again as a whole
                                                                 acknowledges 509
                            sent(509) is 513; forgets the chunk
    513..    the INVITE     shown(513) is 509                    509..

The retransmitted part cannot be cut out of the edited message, because no byte of the one stands
for a byte of the other. The receiver drops what it has already, so showing too much is harmless.

A stream is read by an ALG from its first byte or never (rule first-byte-or-never). Once it is
`over`, bytes pass as they come, but the difference that earlier edits made stays for the life of
the connection (rule positions-shift): the two ends count differently from then on.
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
"""Edits of which one stream remembers where they shifted it. Retransmissions come from near the
end of the stream, so of more than these the oldest are forgotten."""

Edit = Callable[[bytes], bytes]
Frame = Callable[[bytes], int]


class Manners(NamedTuple):
    """How a module wants its streams to be read. The defaults are right; the poor module takes
    others, each of which was seen in a product."""

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
    """Bytes that were shown and are not acknowledged yet. The sender's are [sent, sent_end); the
    receiver's begin at `shown`, and are of the same length unless they were `edited`."""

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
        self._waiting_since: float | None = None  # seconds; when the message held began to come
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
        """Where a sent position is shown to the receiver: the last cut before it says how far the
        two have come apart."""
        sent, shown = self._cuts[bisect_right(self._cuts, (position, 1 << 62)) - 1]
        return shown + position - sent

    def sent(self, position: int) -> int:
        """What an acknowledgement of a shown position acknowledges of what was sent; one from
        within an edited message acknowledges nothing of it."""
        # An edited message has no byte in the middle that stands for one of the sender's. Whoever
        # acknowledges half of it has acknowledged none of it; the sender will send it all again.
        for chunk in self._chunks:
            if chunk.edited and chunk.shown < position < chunk.shown + len(chunk.data):
                return chunk.sent
        for sent, shown in reversed(self._cuts):
            if shown <= position:
                return sent + position - shown
        return position

    def acknowledge(self, position: int) -> None:
        """The receiver has everything before this shown position: the chunks up to there are not
        needed any more. An acknowledgement of what was never shown is forged and is ignored, or it
        would take away what a retransmission needs."""
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
        bytes pass at once, and what it answers does not count. (So the correct module reads along
        while `off` is active.)
        """
        # Three kinds of bytes, in this order: those that were shown before, those that the sender
        # skipped (a segment before them was lost), and those that are new.
        pieces = self._retransmitted(position, min(position + len(data), self._passed))
        if self.over:
            return pieces + self._pass_unread(position, data)
        if position > self._received:
            if hold:
                # TCP delivers in order. What is not passed on is not acknowledged, so the sender
                # will send this again behind what was lost.
                return pieces
            # A reader has let these bytes pass before those that were lost, and keeps nothing that
            # could be put in order later. So it stops reading.
            pieces += self.give_up("bytes were lost on the way")
            return pieces + self._pass_unread(position, data)
        if self._waiting_since is not None and now - self._waiting_since > LONGEST_WAIT:
            pieces += self.give_up("a message took too long to come in")
            return pieces + self._pass_unread(position, data)
        fresh = data[self._received - position :]
        if fresh:
            pieces += self._take_new(fresh, edit, now, hold, manners)
        return pieces

    def _take_new(
        self, fresh: bytes, edit: Edit, now: float, hold: bool, manners: Manners
    ) -> list[Piece]:
        """Take the next bytes of the stream, and answer what they make whole."""
        if hold and manners.reads_each_segment:
            return self._read_alone(fresh, edit)
        self._received += len(fresh)
        self._held += fresh
        return self._advance(edit, now, hold, hold and manners.waits)

    def _read_alone(self, fresh: bytes, edit: Edit) -> list[Piece]:
        """Look for whole messages from the beginning of a segment on, whatever came before it.
        This is the mistake that NAT slipstreaming uses: a segment begins wherever a web page wants
        it to. Only a fault of the poor module reads like this."""
        pieces = self._release()
        self._waiting_since, self._skip = None, 0
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
        self.over, self.why_over, self._waiting_since = True, why, None
        self._skip = 0
        return self._release()

    def _advance(self, edit: Edit, now: float, hold: bool, waits: bool) -> list[Piece]:
        """Show every message that is whole now; stop at one that is not."""
        pieces: list[Piece] = []
        while self._held and not self.over:
            if self._skip:
                pieces += self._skip_bytes()
                continue
            try:
                length = self._frame(bytes(self._held))
            except self._not_a_message as reason:
                return pieces + self.give_up(str(reason))
            # The length may be larger than what has come: framing reads it from the headers.
            if length > LONGEST_HELD:
                self._skip = length
            elif not length and len(self._held) > LONGEST_HELD:
                return pieces + self.give_up("a message is too long to be held")
            elif not length or length > len(self._held):
                if self._waiting_since is None:
                    self._waiting_since = now
                return pieces + ([] if waits else self._show_unedited())
            else:
                pieces += self._show(length, edit, hold)
        return pieces

    def _show(self, length: int, edit: Edit, hold: bool) -> list[Piece]:
        """A message is whole."""
        message = bytes(self._held[:length])
        begins = self._received - len(self._held)
        del self._held[:length]
        self._waiting_since = None
        if hold and self._passed == begins:
            return self._pass(message, edit(message))
        if not hold:
            edit(message)
        # Otherwise part of it was shown before the module was switched on. What the receiver has
        # cannot be changed any more, so none of the message may be.
        rest = message[self._passed - begins :]
        return self._pass(rest, rest) if rest else []

    def _pass(self, original: bytes, shown: bytes) -> list[Piece]:
        """Show the next bytes, and keep them until they are acknowledged. All that is ever shown
        comes through here, but for what follows when the stream is over."""
        start = self._passed
        position = self.shown(start)
        self._passed += len(original)
        edited = shown != original
        self._chunks.append(Chunk(start, self._passed, position, shown, edited))
        if len(shown) != len(original):
            self._cuts.append((self._passed, position + len(shown)))
            del self._cuts[1 : max(1, len(self._cuts) - MOST_CUTS)]  # the first says "from 0 on"
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

    def _show_unedited(self) -> list[Piece]:
        """Show everything that is held, as it is, and keep it to read the rest of its message. Who
        does this can no longer edit it (`_show` sees that a part has passed)."""
        begins = self._received - len(self._held)
        data = bytes(self._held[self._passed - begins :])
        return self._pass(data, data) if data else []

    def _pass_unread(self, position: int, data: bytes) -> list[Piece]:
        """Bytes of a stream that is over, so far as they were not shown while it was being read.
        They are not kept: nothing is edited any more, and a retransmission passes like these."""
        begin = max(position, self._passed)
        fresh = data[begin - position :]
        self._received = max(self._received, position + len(data))
        return [Piece(self.shown(begin), fresh)] if fresh else []

    def _retransmitted(self, start: int, end: int) -> list[Piece]:
        """The bytes that stand for the retransmitted [start, end): the same as the first time, an
        edited message as a whole."""
        if start >= end:
            return []
        pieces = [
            _part(chunk, start, end)
            for chunk in self._chunks
            if chunk.sent < end and start < chunk.sent_end
        ]
        if not pieces:
            # All of it has been acknowledged, but the acknowledgement was lost on its way to the
            # sender. The bytes are not kept any more; an empty segment from before the window makes
            # the receiver acknowledge once more (RFC 9293 3.10.7.4).
            pieces.append(Piece(self.shown(self._acknowledged) - 1, b""))
        return pieces


def _part(chunk: Chunk, start: int, end: int) -> Piece:
    """What a chunk shows of the sent [start, end)."""
    if chunk.edited:
        return Piece(chunk.shown, chunk.data)
    first = max(start, chunk.sent) - chunk.sent
    last = min(end, chunk.sent_end) - chunk.sent
    return Piece(chunk.shown + first, chunk.data[first:last])
