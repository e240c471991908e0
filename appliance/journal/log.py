"""The one place where events get their number and time, and are handed to subscribers.

An event that is costly to build (a message with the reasons of all its changes) is kept as a
function and built when somebody wants to read it: explaining costs nothing on the packet's road.

What a module opens for a message is told after the message, although it happens before it, and only
if the module's edits are accepted. So the inspector holds the events back while the module runs:

    hold        the module maps two ports: mapping-opened is kept back
    take_held   the edits were accepted, or they were not
    emit        message-passed                                       gets number 17
    release     mapping-opened, if they were accepted                gets number 18, cause 17
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from appliance.journal.events import Event

RING = 10_000  # events
RING_BYTES = 16 * 1024 * 1024
"""Bytes of all events together, as far as they can be estimated when they are emitted."""
SMALL = 512
"""Bytes that an event takes which quotes no message."""

Builder = Callable[[], Event]


class Deferred:
    """An event that is built when it is first read; it has its number and time from the start."""

    __slots__ = ("_build", "_event", "cause", "id", "t")

    def __init__(self, build: Builder) -> None:
        self._build = build
        self._event: Event | None = None
        self.id = 0
        self.t = 0.0
        self.cause: int | None = None

    def event(self) -> Event:
        """The event itself; built once."""
        if self._event is None:
            self._event = self._build()
            self._event.id, self._event.t, self._event.cause = self.id, self.t, self.cause
        return self._event


Entry = Event | Deferred


class EventLog:
    """The last 10,000 events, or fewer if they are large, and their subscribers. `zero` is the
    clock at t = 0 (seconds). Of at most `most_bytes`, `bytes` are kept now; at one time it was
    `high_water`."""

    def __init__(self, zero: float, most_bytes: int = RING_BYTES) -> None:
        self.zero = zero
        self.most_bytes = most_bytes
        self.bytes = self.high_water = 0
        self.last_id = 0
        self._now, self._t = zero, 0.0  # of the last event: many have the same time
        self._held: list[tuple[Entry, float, int]] | None = None
        self._ring: deque[tuple[Entry, int]] = deque()
        self._subscribers: list[Callable[[Event], None]] = []

    def emit(self, entry: Entry, now: float, cause: int | None = None, size: int = SMALL) -> int:
        """Number, date and hand out an event of about `size` bytes; answers its id."""
        if self._held is not None:
            self._held.append((entry, now, size))
            return 0
        if now != self._now:
            self._now = now
            self._t = self.since_start(now)
        self.last_id = entry.id = self.last_id + 1
        entry.t = self._t
        entry.cause = cause
        self._keep(entry, size)
        if self._subscribers:
            event = entry.event() if isinstance(entry, Deferred) else entry
            for subscriber in self._subscribers:
                subscriber(event)
        return entry.id

    def _keep(self, entry: Entry, size: int) -> None:
        """Put an event into the ring; the oldest go while they are too many or too large."""
        ring = self._ring
        ring.append((entry, size))
        self.bytes += size
        while len(ring) > RING or (self.bytes > self.most_bytes and len(ring) > 1):
            self.bytes -= ring.popleft()[1]
        self.high_water = max(self.high_water, self.bytes)

    def emit_later(
        self, build: Builder, now: float, cause: int | None = None, size: int = SMALL
    ) -> int:
        """`emit` for an event that is built when somebody reads it."""
        return self.emit(Deferred(build), now, cause, size)

    def since_start(self, now: float) -> float:
        """Seconds, to whole microseconds: no noise of binary fractions."""
        return round(now - self.zero, 6)

    def hold(self) -> None:
        """Keep new events back, until it is known what caused them or that they never were."""
        self._held = []

    def take_held(self) -> list[tuple[Entry, float, int]]:
        """End `hold`. The answer is for `release`; what was undone is thrown away instead."""
        held, self._held = self._held or [], None
        return held

    def release(self, held: list[tuple[Entry, float, int]], cause: int) -> None:
        """Hand out what was held back, caused by the event `cause`."""
        for entry, now, size in held:
            self.emit(entry, now, cause, size)

    @property
    def is_read(self) -> bool:
        """Does anybody get each event as it comes?"""
        return bool(self._subscribers)

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Hand every later event to `callback`; the answer, when called, ends that."""
        self._subscribers = [*self._subscribers, callback]

        def unsubscribe() -> None:
            self._subscribers = [each for each in self._subscribers if each is not callback]

        return unsubscribe

    def since(self, event_id: int) -> Iterator[Event]:
        """The events now in the ring with a higher id, oldest first, built as they are read."""
        entries = [entry for entry, _ in self._ring if entry.id > event_id]
        return (entry.event() if isinstance(entry, Deferred) else entry for entry in entries)
