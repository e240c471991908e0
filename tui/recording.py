"""A recording as a source of news: what happened, again, at any speed and in both directions.

The events are all there is. The tables at a moment are made of them: a flow is there from the event
that opened it to the one that ended it, without a countdown, which nobody has recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from appliance.journal.events import Event, FlowExpired, FlowOpened, SettingChanged, Started
from tui.feed import Awaited, Clockwork, FeedError
from tui.model import Frame
from tui.translations import RECORDED

UNCHANGEABLE = "This is a recording: what happened cannot be changed, only looked at."


class RecordingFeed(Clockwork):
    """Plays events. `now` is the time of the recording, in seconds."""

    live = False
    read_only = True
    lost = ""
    kind = "REC"
    has_packets = False

    def __init__(self, events: Sequence[Event], speed: float = 1.0) -> None:
        self._events = events
        self.speed = speed
        self.duration = events[-1].t if events else 0.0
        self.restart()

    def restart(self) -> None:
        """What the first event tells, name and settings, is known before anything passes."""
        self._rewind()
        if self._events:
            self._play()

    def _rewind(self) -> None:
        self.now = 0.0
        self._at = self._told = 0
        self._flows: dict[int, dict[str, Any]] = {}
        self._settings: dict[str, Any] = {}

    @property
    def ended(self) -> bool:
        return self._at >= len(self._events)

    @ended.setter
    def ended(self, _: bool) -> None:
        raise AttributeError("a recording ends where it ends")

    async def next_frame(self, elapsed: float, running: bool) -> Frame:
        if running and not self.ended:
            self._play_until(self.now + elapsed * self.speed)
        news = self._events[self._told : self._at]
        self._told = self._at
        return Frame(self.now, news, list(self._flows.values()), [], dict(self._settings))

    def _play_until(self, t: float) -> None:
        while not self.ended and self._events[self._at].t <= t:
            self._play()
        self.now = min(t, self.duration)

    def _play(self) -> Event:
        """The next event happens."""
        event = self._events[self._at]
        self._at += 1
        self.now = max(self.now, event.t)
        if isinstance(event, Started):
            self._settings = dict(event.settings)
        elif isinstance(event, SettingChanged):
            self._settings[event.key] = event.new
        elif isinstance(event, FlowOpened):
            self._flows[event.flow] = _row(event)
        elif isinstance(event, FlowExpired):
            self._flows.pop(event.flow, None)
        return event

    def step(self, awaited: Awaited) -> Event | None:
        while not self.ended:
            event = self._play()
            if awaited(event):
                return event
        return None

    def back(self, awaited: Awaited) -> Event | None:
        before = self._events[: max(self._at - 1, 0)]
        places = [place for place, event in enumerate(before) if awaited(event)]
        self._rewind()
        for _ in range(places[-1] + 1 if places else 1):
            if not self.ended:
                self._play()
        return before[places[-1]] if places else None

    def go_to(self, t: float) -> bool:
        is_back = t < self.now
        if is_back:
            self._rewind()
        self._play_until(max(t, self._events[0].t if self._events else 0.0))
        return is_back

    def finish(self) -> None:
        self._play_until(self.duration)

    async def set(self, key: str, value: Any) -> None:
        raise FeedError(UNCHANGEABLE)

    async def flush(self) -> int:
        raise FeedError(UNCHANGEABLE)

    async def close(self) -> None:
        """Nothing to end."""


def _row(event: FlowOpened) -> dict[str, Any]:
    """As `show flows` has it, as far as it is known."""
    return {
        "id": event.flow,
        "protocol": event.protocol,
        "internal": event.internal,
        "external": event.external,
        "remote": event.remote,
        "state": RECORDED,
        "expires_in": None,
        "opened_by": event.opened_by,
        "packets_out": 0,
        "packets_in": 0,
    }
