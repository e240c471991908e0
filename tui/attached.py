"""News from a running appliance, over its control socket."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import msgspec

from appliance.journal.events import Event, Started, decode
from tui.feed import FeedError, setting_values
from tui.model import Frame

_LINE_LIMIT = 64 * 1024 * 1024
_PATIENCE = 5.0
"""Seconds that an appliance may take for an answer."""


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
