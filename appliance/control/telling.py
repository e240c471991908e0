"""What others know of the appliance's packets, as events of the appliance: the parties of a lab say
what they made of the messages that they got, which no NAT can know.

    {"do": "tell", "event": {"type": "message-accepted", "party": "bob", "summary": "INVITE"},
     "message": "INVITE sip:bob@…"}

Only events of receivers are taken. Their number and time are the appliance's, and their cause is
the message that left with the bytes of `message`, or what made somebody send there. Of messages
with the same bytes it is the first of which nobody has told an end. A request without an `id` is
not answered: who tells much need not read. What one second may bring is limited, as is the size of
an event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.journal.events import (
    CallOutcome,
    MessageAccepted,
    MessageDiscarded,
    MessagePassed,
    PacketLost,
    PartyLearnt,
    encode,
)
from appliance.journal.log import SMALL, EventLog

LARGEST = 8192
"""Bytes of an event as JSON."""
MOST_A_SECOND = 500
LOOKED_AT = 500
"""The newest events, among which a message is looked for that somebody has got."""
MOST_TARGETS = 1000

Told = PacketLost | MessageDiscarded | MessageAccepted | PartyLearnt | CallOutcome


class Telling:
    """Takes events for `log`; `refused` counts those that it did not take."""

    def __init__(self, log: EventLog) -> None:
        self.refused = 0
        self._log = log
        self._sent_there: dict[str, int] = {}
        self._ended: deque[int] = deque(maxlen=LOOKED_AT)
        self._second = 0
        self._in_it = 0

    def take(self, request: Mapping[str, Any], now: float) -> dict[str, object]:
        """Answers the event's number; None for a message that was accepted and did not pass here.
        Raises ValueError for what is none of these events, or too much."""
        try:
            return {"event": self._take(request, now)}
        except ValueError:
            self.refused += 1
            raise

    def _take(self, request: Mapping[str, Any], now: float) -> int | None:
        self._count(now)
        event = _read(request.get("event"))
        size = len(encode(event))
        if size > LARGEST:
            raise ValueError(f"an event has {LARGEST:,} bytes at most, and this one {size:,}")
        message = request.get("message", "")
        if not isinstance(message, str):
            raise ValueError('"message" is the text of a message')
        passed = self._find(message) if message else None
        if passed is not None and not isinstance(event, PartyLearnt):
            self._ended.append(passed.id)
        if isinstance(event, MessageAccepted):
            if passed is None:
                return None
            event.summary, event.call_id = passed.summary, passed.call_id
        cause = None if passed is None else passed.id
        if isinstance(event, PacketLost):
            at, lasted = self._log.since_start(now), max(event.last - event.first, 0.0)
            event.first, event.last = round(at - lasted, 6), at
            cause = cause or self._sent_there.get(event.destination)
        number = self._log.emit(event, now, cause, SMALL + size)
        if isinstance(event, PartyLearnt):
            self._remember(event.target, number)
        return number

    def _remember(self, target: str, number: int) -> None:
        """Who sends something there that is lost does so for that reason."""
        self._sent_there.pop(target, None)
        self._sent_there[target] = number
        if len(self._sent_there) > MOST_TARGETS:
            del self._sent_there[next(iter(self._sent_there))]

    def _count(self, now: float) -> None:
        if int(now) != self._second:
            self._second, self._in_it = int(now), 0
        self._in_it += 1
        if self._in_it > MOST_A_SECOND:
            raise ValueError(f"no more than {MOST_A_SECOND} events a second are taken")

    def _find(self, message: str) -> MessagePassed | None:
        """The first message with these bytes that has not come to its end, or else the last."""
        last = None
        for event in self._log.since(self._log.last_id - LOOKED_AT):
            if isinstance(event, MessagePassed) and event.after == message:
                if event.id not in self._ended:
                    return event
                last = event
        return last


def _read(written: object) -> Told:
    """Raises ValueError."""
    try:
        event: Told = msgspec.convert(written, Told)
    except msgspec.ValidationError as error:
        raise ValueError(f'"event" is none of a receiver: {error}') from None
    return event
