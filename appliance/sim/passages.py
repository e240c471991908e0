"""Which message it was: of those that have passed the NAT, the one that a receiver got or lost.

A message is recognised by its bytes: a receiver has what left the NAT. The same bytes may pass
several times, when nobody answers; each of these messages has an end of its own, the first that
passed the first one.

    the message is lost             (or a part of it, and the rest is of no use)
    or its receiver discards it     (or what a wrong sequence number has left of it)
    or its receiver accepts it

All that is kept is bounded.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TypeVar

from appliance.journal.events import MessagePassed

MOST_KEPT = 2000
MOST_ALIKE = 64
"""Messages with the same bytes that are under way."""
LARGEST_WHOLE = 1472
"""Bytes that a UDP datagram carries in one packet (1500 less IPv4's and UDP's headers)."""

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(slots=True)
class Alike:
    """Messages with the same bytes, by the numbers of their events: those that have not come to
    their end, and the last one."""

    open: deque[int] = field(default_factory=lambda: deque(maxlen=MOST_ALIKE))
    last: int = 0


class Passages:
    """The newest messages that the NAT has let pass."""

    def __init__(self) -> None:
        self._alike: dict[str, Alike] = {}
        self._in_pieces: dict[str, Alike] = {}
        self._left_last = (-1.0, "", "", 0)

    def add(self, event: MessagePassed) -> None:
        """What an inside host sends to an external address passes twice at the same time (RFC 4787
        REQ-9): it is the second passage that has an end."""
        if not event.after:
            return
        t, source, message, number = self._left_last
        if (t, source, message) == (event.t, event.source, event.before):
            turned = self._alike.get(message)
            if turned is not None and turned.open and turned.open[-1] == number:
                turned.open.pop()
        alike = self._alike.get(event.after) or Alike()
        alike.open.append(event.id)
        alike.last = event.id
        keep(self._alike, event.after, alike)
        if event.transport == "tcp" or len(event.after) > LARGEST_WHOLE:
            keep(self._in_pieces, event.after, alike)
        self._left_last = event.t, event.new_source, event.after, event.id

    def find(self, message: bytes) -> int | None:
        """The number of the event of this message: of the first that has not come to its end, or
        else of the last."""
        alike = self._alike.get(message.decode("latin-1"))
        if alike is None:
            return None
        return alike.open[0] if alike.open else alike.last

    def end(self, message: bytes) -> int | None:
        """A message has come to its end; answers the number of its event, if it was not at its end
        before."""
        alike = self._alike.get(message.decode("latin-1"))
        return alike.open.popleft() if alike is not None and alike.open else None

    def end_by_piece(self, piece: bytes) -> int | None:
        """The same of a message of which there is only a part."""
        text = piece.decode("latin-1")
        for message, alike in reversed(self._in_pieces.items()):
            if alike.open and text in message:
                return alike.open.popleft()
        return None


def keep(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """As the newest of at most `MOST_KEPT`."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > MOST_KEPT:
        del kept[next(iter(kept))]
