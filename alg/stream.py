"""A TCP stream whose messages are edited on the way: bytes to whole messages, and edits back to
sequence numbers.

    what the sender sent     │ REGISTER … 512 bytes │ INVITE … 800 bytes │
                             1                      513                  1313      positions sent
    what the receiver gets   │ REGISTER … 508 bytes  │ INVITE … 796 bytes  │
                             1                       509                  1305     positions shown

Strategy: bytes are held back until their message is whole; then it is shown, edited or not. Of
bytes that are held the receiver hears nothing, so it cannot acknowledge them; but their sender may
say nothing more until it hears an acknowledgement (Nagle's algorithm), and takes for lost what is
not acknowledged. So the bytes that are held are *answered*: acknowledged in the receiver's place.
Their sender forgets them, and from then on this file answers for them: it keeps what was shown
until the receiver acknowledges it, and shows it again when that takes too long.

The REGISTER above, sent in two writes. Positions of the first byte and of the one after the last:

    the sender sends        this file does                       the receiver gets
    ──────────────────────  ───────────────────────────────────  ────────────────────────
    1..301   head           holds it: the message is not whole   nothing
                            ◄── answers 301
    301..513 body           edits the message, 512 bytes to 508  1..509 (lost)
                            a chunk: sent 1..513 is shown 1..509
                            a cut: from 513 on, shown is sent - 4
                            0.2 s later: shows the chunk again   1..509
                                                                 acknowledges 509 ──►
                            sent(509) is 513; forgets the chunk
    513..    the INVITE     shown(513) is 509                    509..

What the sender itself repeats is shown again from the chunks, an edited message as a whole: no byte
of the one stands for a byte of the other. Bytes behind a gap are kept, and not answered.

Kept are at most `MOST_KEPT` bytes of a stream: what is held, behind a gap, and not acknowledged by
the receiver. The owner sees to it that the sender hears of no larger window (`room`); whoever sends
more all the same is not read any more. No segment costs more because much is kept.

A stream is read by an ALG from its first byte or never (rule first-byte-or-never). Once it is
`over`, bytes pass as they come, but the difference that earlier edits made stays for the life of
the connection (rule positions-shift): the two ends count differently from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from alg.delivery import Chunk, Delivery, Piece
from alg.early import Early
from alg.positions import Positions

LONGEST_HELD = 8192
"""Bytes. A longer message is not waited for."""
LONGEST_WAIT = 5.0
"""Seconds that a message may take to come in, once it has begun."""
MOST_KEPT = 65536
"""Bytes of one stream. A window without scaling is as large (RFC 9293 3.1)."""
MOST_CHUNKS = 1000
"""Kept of one stream, however short they are."""

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


class Stream:
    """One direction of a connection. Not SIP (or whatever `frame` reads) any more: `over`.

    `frame` answers how long the first message in some bytes is (more than there are: not whole
    yet; 0: not known yet) and raises an exception of the type `not_a_message` when there is none.
    """

    def __init__(self, frame: Frame, not_a_message: type[Exception]) -> None:
        self.over = False
        self.why_over = ""
        self.has_ended = False
        """Has its FIN been shown?"""
        self.has_backlog = False
        """Are there whole messages that were too many to be shown at once?"""
        self._frame = frame
        self._not_a_message = not_a_message
        self._positions = Positions()
        self.delivery = Delivery(self._positions)
        self.shown = self._positions.shown
        self.sent = self.delivery.sent
        self._holds = True  # is it read by somebody who edits?
        self._received = 1  # the position after the last byte taken in; the SYN was position 0
        self._passed = 1  # everything before this position has been shown
        self._held = bytearray()  # the bytes from the last boundary on
        self._early = Early()
        self._length = 0  # bytes of the message held, once it is known
        self._skip = 0  # bytes of a message too long to be held, still to come
        self._waiting_since: float | None = None  # seconds; when the message held began to come
        self._unkept = (1, 1)  # sent positions shown last without being kept, as nobody edits

    # --- positions ---------------------------------------------------------------------

    @property
    def is_untouched(self) -> bool:
        """Are all positions the same on both sides?"""
        return self._positions.is_untouched

    @property
    def ahead(self) -> int:
        """How many bytes more the receiver has been shown than the sender has sent."""
        return self._positions.ahead

    @property
    def received(self) -> int:
        return self._received

    @property
    def passed(self) -> int:
        """The sent position after the last byte that was shown."""
        return self._received if self.over else self._passed

    @property
    def end(self) -> int:
        """The shown position after the last one that the receiver may acknowledge."""
        return self.shown(self.passed) + self.has_ended

    # --- what is kept ------------------------------------------------------------------

    @property
    def is_owing(self) -> bool:
        """Is something held, or answered for?"""
        return self.is_holding or self.delivery.is_owing

    @property
    def is_plain(self) -> bool:
        """Do its bytes pass as they come, and have they always?"""
        return self._positions.is_untouched and not len(self.delivery) and not self.is_holding

    @property
    def is_holding(self) -> bool:
        """Does it keep bytes back until more come?"""
        return bool(self._held) and self._passed < self._received

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return len(self._held) + self._early.size + self.delivery.size

    @property
    def room(self) -> int:
        """Bytes that can still be kept, from the next one on (some of them may be here already,
        behind a gap)."""
        return max(0, MOST_KEPT - len(self._held) - self.delivery.size)

    def acknowledge(self, position: int, now: float) -> None:
        """The receiver acknowledges everything before this shown position."""
        delivery = self.delivery
        delivery.acknowledge(position, self.end, now)
        self._positions.forget_before(self._positions.sent(delivery.acknowledged) - MOST_KEPT)

    def answer(self, now: float) -> int | None:
        """Answer for everything that was received: the sent position up to which it is to be
        acknowledged to the sender now. None: somebody else must, for not all of it is kept."""
        _, unkept = self._unkept
        if self.over or not self._holds or self.shown(unkept) > self.delivery.acknowledged:
            return None
        self.delivery.answer(self._received, now)
        return self._received

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When `expire` has something to do (seconds); inf: never, as things are."""
        if not self.is_holding or self._waiting_since is None:
            return self.delivery.repeat_at
        return min(self._waiting_since + LONGEST_WAIT, self.delivery.repeat_at)

    def expire(self, now: float) -> list[Piece]:
        """Let a message pass that took too long to come in, and show again what should have been
        acknowledged by now."""
        pieces: list[Piece] = []
        if self.is_holding and self._is_late(now):
            pieces += self.give_up("a message took too long to come in")
        pieces += self.delivery.repeat(now, self.end)
        self.delivery.watch(now)
        return pieces

    def _is_late(self, now: float) -> bool:
        return self._waiting_since is not None and now >= self._waiting_since + LONGEST_WAIT

    # --- bytes -------------------------------------------------------------------------

    def take(
        self,
        position: int,
        data: bytes,
        edit: Edit,
        now: float,
        hold: bool = True,
        manners: Manners = RIGHT,
        at_most: int = MOST_KEPT,
    ) -> list[Piece]:
        """Bytes came in at a sent position; answers what is to be sent on now, in order.

        `edit` answers what is to be shown of a whole message; it is asked `at_most` so often, and
        what remains waits for `proceed`. Without `hold` it is a reader only: bytes pass at once,
        and what it answers does not count. (So the correct module reads along while `off` is
        active.)
        """
        # Three kinds of bytes, in this order: those that were shown before, those that the sender
        # skipped (a segment before them was lost), and those that are new.
        self._holds = hold
        pieces = self._retransmitted(position, data)
        fresh = data[max(0, self._received - position) :]
        if not self.over and fresh:
            pieces += self._take_new(position, fresh, edit, now, manners, at_most)
        if self.over:
            pieces += self._pass_unread(position, data)
        self.delivery.watch(now)
        return pieces

    def proceed(
        self, edit: Edit, now: float, hold: bool, manners: Manners, at_most: int
    ) -> list[Piece]:
        """Go on with the messages that were too many."""
        self._holds = hold
        pieces = self._advance(edit, now, manners, at_most)
        self.delivery.watch(now)
        return pieces

    def _take_new(
        self, position: int, fresh: bytes, edit: Edit, now: float, manners: Manners, at_most: int
    ) -> list[Piece]:
        """Take bytes that did not come before, and answer what they make whole."""
        if position > self._received:
            if self._holds:
                if self._early.size + len(fresh) <= self.room:
                    self._early.keep(position, fresh)
                return []
            # A reader has let these bytes pass before those that were lost, and keeps nothing that
            # could be put in order later. So it stops reading.
            return self.give_up("bytes were lost on the way")
        if self._is_late(now):
            return self.give_up("a message took too long to come in")
        fresh += self._early.take(self._received + len(fresh))
        if len(fresh) > self.room or len(self.delivery) > MOST_CHUNKS:
            return self.give_up("more was sent than can be kept until it is acknowledged")
        if self._holds and manners.reads_each_segment:
            return self._read_alone(fresh, edit, at_most)
        self._received += len(fresh)
        self._held += fresh
        return self._advance(edit, now, manners, at_most)

    def _read_alone(self, fresh: bytes, edit: Edit, at_most: int) -> list[Piece]:
        """Look for whole messages from the beginning of a segment on, whatever came before it.
        This is the mistake that NAT slipstreaming uses: a segment begins wherever a web page wants
        it to. Only a fault of the poor module reads like this."""
        pieces = self._release()
        self._waiting_since, self._skip, self._length = None, 0, 0
        self._received += len(fresh)
        self._held += fresh
        for _ in range(at_most):
            try:
                length = self._frame(bytes(self._held))
            except self._not_a_message:
                break
            if not 0 < length <= len(self._held):
                break
            pieces += self._show(length, edit)
        return pieces + self._release()

    def give_up(self, why: str) -> list[Piece]:
        """The stream is over for the ALG; what was held is to be sent on as it is."""
        self.over, self.why_over, self._waiting_since = True, why, None
        self._skip, self.has_backlog = 0, False
        self._early.clear()  # its sender was told of none of it and will repeat it
        return self._release()

    def let_pass(self) -> list[Piece]:
        """Nobody edits any more: what was held is to be sent on as it is, and read on."""
        self._holds = False
        self._early.clear()
        return self._show_unedited()

    def forget(self) -> None:
        """Its connection has been reset: there is nobody to show anything to."""
        self.give_up("the connection was reset")
        self.delivery.clear()

    def _advance(self, edit: Edit, now: float, manners: Manners, at_most: int) -> list[Piece]:
        """Show every message that is whole now; stop at one that is not."""
        pieces: list[Piece] = []
        self.has_backlog = False
        while self._held and not self.over:
            if self._skip:
                pieces += self._skip_bytes()
                continue
            try:
                length = self._length or self._frame(bytes(self._held))
            except self._not_a_message as reason:
                return pieces + self.give_up(str(reason))
            self._length = length
            # The length may be larger than what has come: framing reads it from the headers.
            if length > LONGEST_HELD:
                self._skip, self._length = length, 0
            elif not length and len(self._held) > LONGEST_HELD:
                return pieces + self.give_up("a message is too long to be held")
            elif not length or length > len(self._held):
                if self._waiting_since is None:
                    self._waiting_since = now
                waits = self._holds and manners.waits
                return pieces + ([] if waits else self._show_unedited())
            elif not at_most:
                self.has_backlog = True
                return pieces + ([] if self._holds else self._show_unedited())
            else:
                at_most -= 1
                pieces += self._show(length, edit)
        return pieces

    def _show(self, length: int, edit: Edit) -> list[Piece]:
        """A message is whole."""
        message = bytes(self._held[:length])
        begins = self._received - len(self._held)
        del self._held[:length]
        self._waiting_since, self._length = None, 0
        if self._holds and self._passed == begins:
            return self._pass(message, edit(message))
        if not self._holds:
            edit(message)
        # Otherwise part of it was shown before the module was switched on. What the receiver has
        # cannot be changed any more, so none of the message may be.
        rest = message[max(0, self._passed - begins) :]
        return self._pass(rest, rest) if rest else []

    def _pass(self, original: bytes, shown: bytes) -> list[Piece]:
        """Show the next bytes, and keep them until they are acknowledged. All that is ever shown
        comes through here, but for what follows when the stream is over."""
        start = self._passed
        position = self.shown(start)
        self._passed += len(original)
        if len(shown) != len(original):
            self._positions.cut(self._passed, position + len(shown))
        if not self._holds and start >= self.delivery.answered:
            # Nobody edits, so what the sender repeats can pass as it comes.
            begin, end = self._unkept
            self._unkept = (begin if end == start else start, self._passed)
        elif shown:
            self.delivery.add(Chunk(start, self._passed, position, shown, shown != original))
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
        pieces = self._show_unedited()
        self._held.clear()
        return pieces

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

    def _retransmitted(self, position: int, data: bytes) -> list[Piece]:
        """What stands for the bytes that were shown before: the same as the first time, an edited
        message as a whole."""
        end = min(position + len(data), self._passed)
        if position >= end:
            return []
        pieces = [chunk.part(position, end) for chunk in self.delivery.of(position, end)]
        begin, stop = self._unkept
        begin = max(position, begin, self._positions.sent(self.delivery.acknowledged))
        stop = min(end, stop)
        if begin < stop:
            pieces.append(Piece(self.shown(begin), data[begin - position : stop - position]))
            pieces.sort(key=lambda piece: piece.position)
        if not pieces:
            # All of it has been acknowledged, but the acknowledgement was lost on its way to the
            # sender. The bytes are not kept any more; an empty segment from before the window makes
            # the receiver acknowledge once more (RFC 9293 3.10.7.4).
            pieces.append(Piece(self.delivery.acknowledged - 1, b""))
        return pieces
