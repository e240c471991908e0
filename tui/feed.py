"""Where the screen's news comes from: a simulation in this process, or a running appliance.

Both answer with the same `Frame`s, so no view knows which it is. A simulation's virtual clock is
advanced by the screen's own timer, and can be paused, stepped and started again. An appliance
cannot: pausing it would pause its users, so there only the display stands still.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from appliance.control import documents
from appliance.journal.events import Event, Started, decode
from appliance.sim.simulation import Simulation
from tui.model import Frame

SLOWEST, FASTEST = 0.25, 60.0
_SLICE = 0.25
"""Virtual seconds that are run between two looks at the wall clock."""
_BUDGET = 0.15
"""Wall seconds that one frame may take, so that keys are answered at any speed."""
_STEPS = 100_000
"""Things that may happen before a single step gives up looking."""
_LINE_LIMIT = 64 * 1024 * 1024
_PATIENCE = 5.0
"""Seconds that an appliance may take for an answer."""


class FeedError(Exception):
    """Something that was asked for was refused. The text is a sentence."""


class Feed(Protocol):
    """What the screen needs of its source."""

    live: bool
    read_only: bool
    ended: bool
    lost: str
    """Why there is no more news; empty while there is."""

    @property
    def duration(self) -> float | None:
        """When a simulation will be over (seconds); None for what is not known to end."""

    async def next_frame(self, elapsed: float, running: bool) -> Frame:
        """The news after `elapsed` wall seconds. `running`: may a virtual clock go on?"""

    async def set(self, key: str, value: Any) -> None:
        """Change a setting at once. Raises FeedError."""

    async def flush(self) -> int:
        """Forget all flows; answers how many. Raises FeedError."""

    async def close(self) -> None:
        """End the connection, if there is one."""


class SimulationFeed:
    """A simulation that runs as fast as the screen lets it.

    `factory` makes the simulation from the settings that were changed by hand (key to value).
    """

    live = False
    read_only = False
    lost = ""

    def __init__(self, factory: Callable[[dict[str, Any]], Simulation], speed: float = 1.0) -> None:
        self._factory = factory
        self.speed = speed
        self._knobs: dict[str, Any] = {}
        self.restart()

    @property
    def duration(self) -> float | None:
        return self.simulation.duration

    def restart(self) -> None:
        """Run again from T+0 with the same seed; what was set by hand stays set."""
        self.ended = False
        self._news: list[Event] = []
        self.simulation = self._factory(dict(self._knobs))
        self._news += self.simulation.log.since(0)
        self.simulation.log.subscribe(self._news.append)

    async def next_frame(self, elapsed: float, running: bool) -> Frame:
        if running and not self.ended:
            self._advance(elapsed * self.speed)
        return self._frame()

    def _advance(self, seconds: float) -> None:
        target = min(self.simulation.now + seconds, self.simulation.duration)
        began = time.monotonic()
        while self.simulation.now < target and time.monotonic() - began < _BUDGET:
            self.simulation.run_until(min(self.simulation.now + _SLICE, target))
        self.ended = self.simulation.now >= self.simulation.duration

    def step(self, awaited: tuple[type, ...] = (object,)) -> None:
        """Go on until the next event of these types, or to the end."""
        seen = len(self._news)
        for _ in range(_STEPS):
            if not self.simulation.step():
                self.ended = True
                return
            if any(isinstance(event, awaited) for event in self._news[seen:]):
                return
            seen = len(self._news)

    def _frame(self) -> Frame:
        news = self._news[:]
        self._news.clear()
        return Frame(
            self.simulation.now,
            news,
            list(self._document("flows")),
            list(self._document("expectations")),
            setting_values(self._document("settings")),
        )

    def _document(self, what: str) -> Any:
        return documents.show(self.simulation.engine, what, self.simulation.now)

    async def set(self, key: str, value: Any) -> None:
        try:
            self.simulation.engine.set(key, value, "screen", self.simulation.now)
        except ValueError as error:  # SettingError and SpecError: the text is a sentence
            raise FeedError(str(error)) from error
        self._knobs[key] = value

    async def flush(self) -> int:
        return self.simulation.engine.flush(self.simulation.now).flushed

    async def close(self) -> None:
        """Nothing to end."""


class SocketFeed:
    """A running appliance behind its control socket.

    Two connections, because events come when they like and answers when asked for: on one the
    appliance is asked, on the other it tells. Tables are asked for at most as often as a frame is
    wanted, and less often the longer the appliance takes to answer.
    """

    live = True
    ended = False
    duration: float | None = None

    def __init__(self, path: str, read_only: bool = False) -> None:
        self._path = path
        self.read_only = read_only
        self.lost = ""
        self._news: list[Event] = []
        self._started: Started | None = None
        self._asked = 0
        self._rest_until = 0.0
        self._last = 0.0
        self._turn = asyncio.Lock()
        self._listener: asyncio.Task[None] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def next_frame(self, elapsed: float, running: bool) -> Frame:
        if self.lost:
            return self._told(Frame(self._last))
        try:
            if self._listener is None:
                await self._connect()
            return await self._look()
        except (OSError, TimeoutError, ValueError, FeedError) as error:
            self.lost = _why_lost(error)
            return self._told(Frame(self._now()))

    async def _connect(self) -> None:
        self._reader, self._writer = await _open(self._path)
        reader, writer = await _open(self._path)
        writer.write(b'{"id": 1, "do": "watch", "since": 0}\n')
        self._listener = asyncio.create_task(self._listen(reader, writer))

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Collect events until the appliance ends."""
        try:
            while line := await reader.readline():
                self._hear(line)
            self.lost = "the appliance has ended"
        except (OSError, ValueError) as error:
            self.lost = _why_lost(error)
        finally:
            writer.close()

    def _hear(self, line: bytes) -> None:
        """One line of the event stream; what is not an event is its answer to `watch`."""
        try:
            event = decode(line)
        except msgspec.MsgspecError:
            return
        if isinstance(event, Started):
            self._started = event
        self._news.append(event)

    async def _look(self) -> Frame:
        began = time.monotonic()
        if began < self._rest_until:
            return self._told(Frame(self._now()))
        flows = await self._ask({"do": "show", "what": "flows"})
        expectations = await self._ask({"do": "show", "what": "expectations"})
        settings = await self._ask({"do": "show", "what": "settings"})
        took = time.monotonic() - began
        self._rest_until = began + 10 * took
        return self._told(
            Frame(self._now(), (), flows, expectations, setting_values(settings)),
        )

    def _told(self, frame: Frame) -> Frame:
        news = self._news[:]
        self._news.clear()
        return _with_events(frame, news)

    def _now(self) -> float:
        """The appliance's clock, reckoned from the wall clock that its first event told."""
        if self._started is not None:
            self._last = max(time.time() - self._started.wall, 0.0)
        return self._last

    async def _ask(self, request: dict[str, Any]) -> Any:
        """One question and its answer. Raises FeedError when the answer is no."""
        async with self._turn:
            if self._reader is None or self._writer is None:
                raise FeedError("not connected yet")
            self._asked += 1
            line = json.dumps({"id": self._asked, **request}) + "\n"
            self._writer.write(line.encode())
            async with asyncio.timeout(_PATIENCE):
                answer = json.loads(await self._answer())
        if not answer.get("ok"):
            raise FeedError(str(answer.get("error", "refused")))
        return answer.get("result")

    async def _answer(self) -> bytes:
        assert self._reader is not None
        line = await self._reader.readline()
        if not line:
            raise ConnectionError("the appliance has ended")
        return line

    async def set(self, key: str, value: Any) -> None:
        if self.read_only:
            raise FeedError("this screen is attached read-only")
        await self._asked_by_hand({"do": "set", "key": key, "value": value, "who": "screen"})

    async def flush(self) -> int:
        if self.read_only:
            raise FeedError("this screen is attached read-only")
        answer = await self._asked_by_hand({"do": "flush"})
        return int(answer["flushed"])

    async def _asked_by_hand(self, request: dict[str, Any]) -> Any:
        if self.lost:
            raise FeedError(self.lost)
        try:
            return await self._ask(request)
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            raise FeedError(_why_lost(error)) from error

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
        if self._writer is not None:
            self._writer.close()


def _why_lost(error: Exception) -> str:
    """What went wrong on the way to the appliance, without the numbers of the kernel's errors."""
    if isinstance(error, TimeoutError):
        return "the appliance does not answer"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "the appliance has ended"
    reason = error.strerror if isinstance(error, OSError) else None
    return reason or str(error) or "the appliance is gone"


async def _open(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(path, limit=_LINE_LIMIT)


def _with_events(frame: Frame, news: list[Event]) -> Frame:
    return Frame(frame.now, news, frame.flows, frame.expectations, frame.settings)


def setting_values(document: Any) -> Mapping[str, Any]:
    """Key to value, from the document `show settings`."""
    return {key: entry["value"] for key, entry in document.items()}
