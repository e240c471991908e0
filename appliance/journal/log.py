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
from appliance.journal.weight import weight_of

RING = 10_000  # events
RING_BYTES = 16 * 1024 * 1024
SMALL = 512
"""Bytes that an event takes which quotes no message, with its place in the ring."""

Builder = Callable[[], Event]


class Deferred:
    """An event that is built when it is first read; it has its number and time from the start."""

    __slots__ = ("_build", "_event", "cause", "id", "t")

    def __init__(self, build: Builder) -> None:
        self._build: Builder | None = build
        self._event: Event | None = None
        self.id = 0
        self.t = 0.0
        self.cause: int | None = None

    @property
    def is_built(self) -> bool:
        return self._event is not None

    def event(self) -> Event:
        """The event itself; built once, and then what it was built from is let go."""
        if self._event is None:
            assert self._build is not None
            self._event, self._build = self._build(), None
            self._event.id, self._event.t, self._event.cause = self.id, self.t, self.cause
        return self._event


Entry = Event | Deferred


class EventLog:
    """The last 10,000 events, or fewer if they are large, and their subscribers. `zero` is the
    clock at t = 0 (seconds). Of at most `most_bytes`, `bytes` are kept now; at one time it was
    `high_water`.

    The event of a message is counted twice: as what it is built from, by who emits it, and when it
    has been built as what it has become, since reasons take more room than positions."""

    def __init__(self, zero: float, most_bytes: int = RING_BYTES) -> None:
        self.zero = zero
        self.most_bytes = most_bytes
        self.bytes = self.high_water = 0
        self.last_id = 0
        self._now, self._t = zero, 0.0  # of the last event: many have the same time
        self._held: list[tuple[Entry, float, int]] | None = None
        self._ring: deque[Entry] = deque()
        self._sizes: deque[int] = deque()
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
        self._ring.append(entry)
        self._sizes.append(size)
        self.bytes += size
        self._forget_old()
        if self._subscribers:
            event = self._read(entry)
            for subscriber in self._subscribers:
                subscriber(event)
        return entry.id

    def _forget_old(self) -> None:
        """The oldest events go while they are too many or too large together."""
        ring = self._ring
        while len(ring) > RING or (self.bytes > self.most_bytes and len(ring) > 1):
            ring.popleft()
            self.bytes -= self._sizes.popleft()
        if self.bytes > self.high_water:
            self.high_water = self.bytes

    def _read(self, entry: Entry) -> Event:
        """An event, built if need be; from then on it is counted as what it is."""
        if not isinstance(entry, Deferred):
            return entry
        if entry.is_built:
            return entry.event()
        event = entry.event()
        place = entry.id - self._ring[0].id if self._ring else -1
        if place >= 0:
            size = SMALL + weight_of(event)
            self.bytes += size - self._sizes[place]
            self._sizes[place] = size
            self._forget_old()
        return event

    def keep_at_most(self, most_bytes: int) -> None:
        """Of all events together, in bytes, from now on."""
        self.most_bytes = most_bytes
        self._forget_old()

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

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Hand every later event to `callback`; the answer, when called, ends that."""
        self._subscribers = [*self._subscribers, callback]

        def unsubscribe() -> None:
            self._subscribers = [each for each in self._subscribers if each is not callback]

        return unsubscribe

    def since(self, event_id: int) -> Iterator[Event]:
        """The events now in the ring with a higher id, oldest first, built as they are read. Who
        reads slowly misses what has been forgotten meanwhile: the ring is not kept for anybody."""
        last = self.last_id
        while self._ring:
            first = self._ring[0].id
            event_id = max(event_id + 1, first)
            if event_id > last:
                return
            yield self._read(self._ring[event_id - first])
