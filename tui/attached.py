"""News from a running appliance, over its control socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import msgspec

from appliance.journal.events import Event, PacketSeen, SettingChanged, Started, decode
from tui.feed import READ_ONLY, FeedError, Wanted, setting_values
from tui.model import Frame

_LINE_LIMIT = 64 * 1024 * 1024
_PATIENCE = 5.0
"""Seconds that an appliance may take for an answer."""
_RESTS = 20
"""How many times as long as the appliance took for an answer it is not asked again: so that what it
does for a screen is a small part of what it does."""
_PACKET = b'"packet-seen"'
_TYPE = 30
"""Bytes within which a line says what it is."""
_MOST_POINTS = 5_000
"""Points that may wait until a frame is asked for."""
AGAIN = 1.0
"""Seconds between two looks for an appliance that has ended."""
STARTED_AGAIN = "The appliance was started again: this is the new one, from its beginning."
CONNECTED_AGAIN = "The appliance is there again, and the same as before."
_TROUBLE = (OSError, TimeoutError, ValueError, FeedError)


class SocketFeed:
    """A running appliance behind its control socket. One that ends and is started again is joined
    again, and told from its beginning.

    Two connections, because events come when they like and answers when asked for: on one the
    appliance is asked, on the other it tells. Tables are asked for at most as often as a frame is
    wanted, and less often the longer the appliance takes to answer.
    """

    live = True
    kind = "LIVE"
    has_packets = True
    ended = False
    duration: float | None = None

    def __init__(self, path: str, read_only: bool = False) -> None:
        self._path = path
        self.read_only = read_only
        self.lost = ""
        self.wanted = self._told_of = Wanted()
        self._news: list[Event] = []
        self._anew = ""
        self._started: Started | None = None
        self._settings: Mapping[str, Any] | None = None
        self._settings_are_old = True
        self._process: object = None
        self._asked = 0
        self._rest_until = 0.0
        self._last = 0.0
        self._turn = asyncio.Lock()
        self._listener: asyncio.Task[None] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._watcher: asyncio.StreamWriter | None = None
        self._points: list[PacketSeen] = []
        self._looker: asyncio.StreamWriter | None = None
        self._packets: asyncio.Task[None] | None = None

    async def next_frame(self, elapsed: float, running: bool) -> Frame:
        if self.lost and not await self._joins_again():
            return self._told(Frame(self._last))
        try:
            if self._listener is None:
                await self._connect()
            return await self._look()
        except _TROUBLE as error:
            self._lose(_why_lost(error))
            return self._told(Frame(self._now()))

    async def _joins_again(self) -> bool:
        """Is an appliance there again, at the same place? It is asked for once a second."""
        if time.monotonic() < self._rest_until:
            return False
        before = self._process
        try:
            await self._connect()
        except _TROUBLE:
            self._rest_until = time.monotonic() + AGAIN
            return False
        self.lost, self._started, self._rest_until = "", None, 0.0
        is_another = before is not None and self._process != before
        self._anew = STARTED_AGAIN if is_another else CONNECTED_AGAIN
        return True

    async def _connect(self) -> None:
        self._hang_up()
        self._news.clear()
        self._settings_are_old = True
        self._reader, self._writer = await _open(self._path)
        hello = await self._ask({"do": "hello"})
        self._process = hello.get("pid")
        reader, self._watcher = await _open(self._path)
        self._watcher.write(b'{"id": 1, "do": "watch", "since": 0}\n')
        self._listener = asyncio.create_task(self._listen(reader))

    def _lose(self, why: str) -> None:
        """The first reason is the one that matters."""
        if not self.lost:
            self.lost = why
            self._rest_until = time.monotonic() + AGAIN

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Collect events until the appliance ends."""
        try:
            while line := await reader.readline():
                self._hear(line)
            self._lose("the appliance has ended")
        except (OSError, ValueError) as error:
            self._lose(_why_lost(error))

    def _hear(self, line: bytes) -> None:
        """One line of the event stream; what is not an event is its answer to `watch`, or says why
        there will be no more."""
        try:
            event = decode(line)
        except msgspec.MsgspecError:
            if b'"error"' in line:
                self._lose("this screen could not follow, and was let go")
            return
        if isinstance(event, Started):
            self._started = event
        elif isinstance(event, SettingChanged):
            self._settings_are_old = True
        self._news.append(event)

    async def _look(self) -> Frame:
        began = time.monotonic()
        if began < self._rest_until and self.wanted == self._told_of:
            return self._told(Frame(self._now()))
        self._told_of = self.wanted
        await self._look_at_packets(self.wanted.points)
        if self._settings_are_old:
            self._settings_are_old = False  # they may be changed while the answer is on its way
            self._settings = setting_values(await self._ask({"do": "show", "what": "settings"}))
        flows, expectations, calls = [
            await self._ask({"do": "show", "what": what})
            for what in ("flows", "expectations", "calls")
        ]
        call = None
        if self.wanted.call:
            call = await self._ask({"do": "show", "what": "call", "call": self.wanted.call})
        took = time.monotonic() - began
        self._rest_until = began + _RESTS * took
        return self._told(Frame(self._now(), (), flows, expectations, self._settings, calls, call))

    async def _look_at_packets(self, wanted: bool) -> None:
        """On a connection of its own, because an appliance looks at packets for as long as it is
        there."""
        if wanted and self._packets is None:
            reader, self._looker = await _open(self._path)
            self._looker.write(b'{"id": 1, "do": "watch", "points": true}\n')
            self._packets = asyncio.create_task(self._see(reader))
        elif not wanted and self._packets is not None:
            self._look_away()

    async def _see(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                if _PACKET in line[:_TYPE]:  # events are told here as well
                    self._points.append(cast(PacketSeen, decode(line)))
                    del self._points[:-_MOST_POINTS]

    def _look_away(self) -> None:
        if self._packets is not None:
            self._packets.cancel()
        if self._looker is not None:
            self._looker.close()
        self._packets = self._looker = None
        self._points.clear()

    def _told(self, frame: Frame) -> Frame:
        news, anew, points = self._news[:], self._anew, self._points[:]
        self._news.clear()
        self._points.clear()
        self._anew = ""
        return replace(frame, events=news, anew=anew, points=points)

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
                answer = msgspec.json.decode(await self._answer())
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
            raise FeedError(READ_ONLY)
        await self._asked_by_hand({"do": "set", "key": key, "value": value, "who": "screen"})

    async def flush(self) -> int:
        if self.read_only:
            raise FeedError(READ_ONLY)
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
        self._hang_up()

    def _hang_up(self) -> None:
        self._look_away()
        if self._listener is not None:
            self._listener.cancel()
        for writer in (self._writer, self._watcher):
            if writer is not None:
                writer.close()
        self._listener = self._reader = self._writer = self._watcher = None


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
