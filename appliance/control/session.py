"""One client of the control socket: its requests come in as lines, its answers go out in slices.

Nothing here blocks, and no call does more than a slice of work: one read, or one write of at most
`SLICE` bytes. A long answer is turned into JSON slice by slice, only as fast as its reader takes
it, so that an answer of a hundred thousand flows neither delays packets nor is ever whole in
memory.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from appliance.control.filters import Fits

SLICE = 64 * 1024
"""Bytes written, and entries of a list turned into JSON, before packets have their turn again."""
ENTRIES_PER_SLICE = 200
LONGEST_REQUEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Gathering:
    """A document for which much must be looked at: each step looks at a little, and packets have
    their turn in between; the last one returns the document."""

    steps: Generator[None, None, object]

    def pieces(self) -> Generator[bytes, None, object]:
        """Nothing, at each step."""
        while True:
            try:
                next(self.steps)
            except StopIteration as end:
                return end.value
            yield b""


class Session:
    """One client's connection: what it has sent and what it has yet to take."""

    def __init__(self, connection: socket.socket, read_only: bool = False) -> None:
        self.connection = connection
        self.read_only = read_only  # it may ask, and change nothing
        self.watching = False
        self.sees_points = False
        self.captures = False  # it writes down what it is sent
        self.gone = False
        self.backlog = 0  # bytes in `_lines`
        self._received = bytearray()
        self._ready = b""  # the part of the output that is being written
        self._sources: deque[Iterator[bytes]] = deque()  # answers not yet turned into bytes
        self._lines: deque[bytes] = deque()  # events, after all sources
        self._closing = False
        self._ended = False  # it will send no more

    @property
    def idle(self) -> bool:
        """Has it taken everything that was for it?"""
        return not (self._ready or self._sources or self._lines)

    @property
    def finished(self) -> bool:
        return self.idle and (self._closing or (self._ended and not self.has_line))

    @property
    def has_line(self) -> bool:
        return b"\n" in self._received

    def read(self) -> None:
        try:
            data = self.connection.recv(LONGEST_REQUEST)
        except BlockingIOError:
            return
        self._ended = not data
        self._received += data

    def next_line(self) -> bytes | None:
        """The next request, if it is here as a whole."""
        if self._closing:
            return None
        end = self._received.find(b"\n")
        if end < 0:
            if len(self._received) > LONGEST_REQUEST:
                self.drop("the request is too long")
            return None
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line

    def answer(
        self,
        number: object,
        result: object = None,
        fits: Fits | None = None,
        error: str | None = None,
    ) -> None:
        """Queue the answer to request `number`; of a list, the entries that fit."""
        if error is not None:
            text = json.dumps({"id": number, "ok": False, "error": error})
            self.follow([text.encode() + b"\n"])
        else:
            self.follow(_encoded_answer(number, result, fits))

    def follow(self, pieces: Iterable[bytes]) -> None:
        """Queue bytes that are made only when there is room for them."""
        self._sources.append(iter(pieces))

    def append(self, line: bytes) -> None:
        """Queue an event."""
        self._lines.append(line)
        self.backlog += len(line)

    def drop(self, sentence: str) -> None:
        """Forget what is queued but for the piece under way, say why, close."""
        self._received.clear()
        self._sources.clear()
        self._lines.clear()
        self.backlog = 0
        self.watching = self.sees_points = self.captures = False
        self._closing = True
        self.answer(None, error=sentence)

    def write(self) -> bool:
        """Send at most a slice. Was all of it taken?"""
        if not self._ready:
            self._ready = self._next_slice()
        try:
            sent = self.connection.send(self._ready[:SLICE])
        except BlockingIOError:
            return False
        self._ready = self._ready[sent:]
        return not self._ready

    def flush(self, seconds: float) -> None:
        """Send all that is left, at the end, as far as it is taken in so many seconds."""
        self.connection.settimeout(seconds)
        with contextlib.suppress(OSError):
            self.connection.sendall(b"".join((self._ready, *self._lines)))

    def _next_slice(self) -> bytes:
        """Whole pieces, about `SLICE` bytes of them."""
        pieces: list[bytes] = []
        size = 0
        while self._sources and size < SLICE:
            piece = next(self._sources[0], None)
            if piece is None:
                self._sources.popleft()
                continue
            pieces.append(piece)
            size += len(piece)
            if not piece or (len(pieces) > 1 and size > SLICE // 4):
                break
        while self._lines and not self._sources and size < SLICE:
            line = self._lines.popleft()
            self.backlog -= len(line)
            pieces.append(line)
            size += len(line)
        return b"".join(pieces)


def _encoded_answer(number: object, result: object, fits: Fits | None) -> Iterator[bytes]:
    """The answer as JSON, piece by piece; a list (or a generator) some entries at a time. A piece
    of which nothing fits is empty."""
    head = b'{"id":' + _json(number) + b',"ok":true,"result":'
    if isinstance(result, Gathering):
        result = yield from result.pieces()
    if isinstance(result, list | Iterator):
        yield head + b"["
        entries = iter(result)
        between = b""
        while batch := list(islice(entries, ENTRIES_PER_SLICE)):
            chosen = [entry for entry in batch if fits(entry)] if fits else batch
            yield between + _json(chosen)[1:-1] if chosen else b""
            between = b"," if chosen else between
        yield b"]}\n"
    else:
        yield head + _json(result) + b"}\n"


def _json(value: object) -> bytes:
    """ASCII JSON: what is not ASCII could come from the network."""
    line = msgspec.json.encode(value)
    return line if line.isascii() else json.dumps(json.loads(line)).encode()
