"""Where the screen's news comes from: a simulation in this process, or a running appliance.

Both answer with the same `Frame`s, so no view knows which it is. A simulation's virtual clock is
advanced by the screen's own timer, and can be paused, stepped and started again. An appliance
cannot: pausing it would pause its users, so there only the display stands still.
"""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from alg.registry import APPLICATIONS, is_foreign
from appliance.control import documents
from appliance.journal.events import Event, Started, decode
from appliance.sim.knobs import PREFIX, turned
from appliance.sim.matrix import Plan
from appliance.sim.remedies import Remedy, remedies
from appliance.sim.scenario import Turns
from appliance.sim.simulation import Simulation
from tui.foresight import SPEC, Foresight
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
    kind: str
    """What it is, in a word for the strip."""
    lost: str
    """Why there is no more news; empty while there is."""

    @property
    def ended(self) -> bool:
        """Is there nothing more to come?"""

    @property
    def duration(self) -> float | None:
        """When it will be over (seconds); None for what is not known to end."""

    async def next_frame(self, elapsed: float, running: bool) -> Frame:
        """The news after `elapsed` wall seconds. `running`: may a virtual clock go on?"""

    async def set(self, key: str, value: Any) -> None:
        """Change a setting at once. Raises FeedError."""

    async def flush(self) -> int:
        """Forget all flows; answers how many. Raises FeedError."""

    async def close(self) -> None:
        """End the connection, if there is one."""


Awaited = Callable[[Event], bool]
"""Is this what somebody wants to get to?"""


class Factory(Protocol):
    """Makes a run that has not begun."""

    def __call__(self, knobs: dict[str, Any], turns: Turns | None = None, /) -> Simulation:
        """`knobs`: what was turned by hand, key to value: settings, and traits of parties; `turns`:
        what a step of the guide turns, in the place of what the command line did (None)."""


class Turned(NamedTuple):
    """A setting that was changed while a simulation ran, when, and after how many events."""

    events: int
    t: float
    key: str
    value: Any


class Clockwork(ABC):
    """A feed whose clock can be turned: a simulation, or a recording."""

    speed: float

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Is there nothing more to come?"""

    @abstractmethod
    def step(self, awaited: Awaited) -> Event | None:
        """Go on until the next event that is awaited, and answer it; None: to the end."""

    @abstractmethod
    def back(self, awaited: Awaited) -> Event | None:
        """Go back to just after the last event that is awaited before this moment, and answer it;
        None: to the beginning. Whoever shows it begins again, and is told everything up to
        there."""

    @abstractmethod
    def restart(self) -> None:
        """Begin again at T+0."""

    @abstractmethod
    def finish(self) -> None:
        """Run to the end at once."""


class SimulationFeed(Clockwork):
    """A simulation that runs as fast as the screen lets it, and back."""

    kind = "SIM"

    live = False
    read_only = False
    lost = ""

    def __init__(self, factory: Factory, speed: float = 1.0) -> None:
        self._factory = factory
        self.speed = speed
        self.knobs: dict[str, Any] = {}
        self._turns: Turns | None = None
        self.foresight = Foresight()
        self.restart()

    @property
    def duration(self) -> float | None:
        return self.simulation.duration

    def restart(self) -> None:
        """Run again from T+0 with the same seed; what was set by hand stays set."""
        self._at_first = dict(self.knobs)
        self._journal: list[Turned] = []
        self._begin()

    def stage(self, turns: Turns) -> None:
        """Begin another run of the story: as the guide wants it, and with nothing else turned."""
        self._turns = turns
        self.knobs.clear()
        self.restart()

    @property
    def ended(self) -> bool:
        return self._is_over

    def _begin(self) -> None:
        self._is_over = False
        self._news: list[Event] = []
        self._before = self._stopped = 0
        self.simulation = self._factory(dict(self._at_first), self._turns)
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
        self._is_over = self.simulation.now >= self.simulation.duration

    def step(self, awaited: Awaited) -> Event | None:
        seen = len(self._news)
        for _ in range(_STEPS):
            before = self.simulation.log.last_id
            if not self.simulation.step():
                self._is_over = True
                return None
            found = [event for event in self._news[seen:] if awaited(event)]
            if found:
                self._before, self._stopped = before, self.simulation.log.last_id
                return found[0]
            seen = len(self._news)
        return None

    def back(self, awaited: Awaited) -> Event | None:
        """It is the same run once more, up to there, with every setting changed again when it was
        changed."""
        log = self.simulation.log
        latest = self._before if log.last_id == self._stopped else log.last_id
        earlier = [each for each in log.since(0) if awaited(each)]
        target = max((each.id for each in earlier if each.id <= latest), default=0)
        self._journal = [each for each in self._journal if each.events < target]
        self._begin()
        log = self.simulation.log
        for each in self._journal:
            self.simulation.run_until(each.t)
            self._set(each.key, each.value)
        while log.last_id < target:
            self._before = log.last_id
            if not self.simulation.step():
                break
        self._stopped = log.last_id
        return next((each for each in self._news if each.id == target), None)

    def finish(self) -> None:
        self.simulation.run()
        self._is_over = True

    async def remedies(self) -> list[Remedy]:
        """What would have made this run better, tried beside the screen. Nothing where a module of
        somebody's own is in a slot: it has one process, which this run needs."""
        run = self.simulation
        specs = [run.engine.settings[f"alg.{name}.module"] for name in APPLICATIONS]
        if any(map(is_foreign, specs)):
            return []
        again = Simulation(run.scenario, run.engine.settings.copy(), run.seed)

        def tried() -> list[Remedy]:
            again.run_until(now)
            return remedies(again)

        now = run.now
        return await asyncio.to_thread(tried)

    def foresee(self, specs: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
        """What this story comes to with each of these values of a setting (key to values): outcome
        words by value, of which more become known until `foresight.end` is called."""
        run = self.simulation
        traits = {key: value for key, value in self.knobs.items() if key.startswith(PREFIX)}
        story = turned(run.scenario, traits)
        plans = []
        for key, values in specs.items():
            for value in values:
                settings = run.engine.settings.copy()
                settings.assign(key, value, "menu")
                plans.append(Plan(story, settings, {SPEC: value}, run.seed))
        others = {
            key: value for key, value in run.engine.settings.values.items() if key not in specs
        }
        self.foresight.begin((tuple(specs), str(others), str(traits)), plans)
        return self.foresight.outcomes

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
        """A trait of a party is what it was born with: it acts from the next run on."""
        try:
            if key.startswith(PREFIX):
                turned(self.simulation.scenario, {key: value})
            else:
                now = Turned(self.simulation.log.last_id, self.simulation.now, key, value)
                self._set(key, value)
                self._journal.append(now)
        except ValueError as error:  # SettingError, KnobError and SpecError: the text is a sentence
            raise FeedError(str(error)) from error
        self.knobs[key] = value

    def _set(self, key: str, value: Any) -> None:
        self.simulation.engine.set(key, value, "screen", self.simulation.now)

    async def flush(self) -> int:
        return self.simulation.engine.flush(self.simulation.now).flushed

    async def close(self) -> None:
        self.foresight.end()


class SocketFeed:
    """A running appliance behind its control socket.

    Two connections, because events come when they like and answers when asked for: on one the
    appliance is asked, on the other it tells. Tables are asked for at most as often as a frame is
    wanted, and less often the longer the appliance takes to answer.
    """

    live = True
    kind = "LIVE"
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
