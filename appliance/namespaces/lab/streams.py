"""The TCP connections of one party on real sockets.

A party sees what a program sees: streams of bytes, and how they end. What it wants cut into
segments of some size is written in pieces of that size, each with its own call and without Nagle's
algorithm (RFC 9293 3.7.4), so that the kernel sends them as they are.
"""

from __future__ import annotations

import errno
import selectors
import socket
from collections import deque
from collections.abc import Callable, Sequence, Set
from itertools import chain, repeat

from appliance.parties.party import (
    Abort,
    Close,
    Closed,
    Connect,
    Connected,
    Ending,
    Finished,
    News,
    Received,
    Write,
)
from nat.endpoint import Endpoint, address_text, parse_address

LARGEST_READ = 65536
ENDINGS = {
    errno.ECONNREFUSED: Ending.REFUSED,
    errno.ECONNRESET: Ending.RESET,
    errno.EPIPE: Ending.RESET,
    errno.ETIMEDOUT: Ending.TIMED_OUT,
    errno.ENETUNREACH: Ending.UNREACHABLE,
    errno.EHOSTUNREACH: Ending.UNREACHABLE,
}
Ends = tuple[Endpoint, Endpoint]
Made = Callable[[], socket.socket]
"""Makes a TCP socket in the party's namespace."""


class Stream:
    """One connection. `is_open` from the moment that both sides know of it."""

    def __init__(self, ends: Ends, connection: socket.socket, is_open: bool) -> None:
        self.ends = ends
        self.socket = connection
        self.is_open = is_open
        self.waiting: deque[bytes] = deque()
        self.is_closing = False
        self.has_heard_end = False


class Streams:
    """All of a party at `address`. `news` hears what happens, `selector` is the loop's."""

    def __init__(
        self,
        address: int,
        made: Made,
        selector: selectors.BaseSelector,
        news: Callable[[News], None],
    ) -> None:
        self._address = address
        self._made = made
        self._selector = selector
        self._news = news
        self._streams: dict[Ends, Stream] = {}
        self._listening: dict[int, socket.socket] = {}

    def listen(self, ports: Set[int]) -> None:
        """Accept connections to these ports, and to no others."""
        for port in self._listening.keys() - ports:
            self._forget(self._listening.pop(port))
        for port in ports - self._listening.keys():
            listening = self._made()
            listening.bind((address_text(self._address), port))
            listening.listen()
            self._listening[port] = listening
            self._selector.register(listening, selectors.EVENT_READ, self._accept)

    def do(self, order: Connect | Write | Close | Abort) -> None:
        """Carry out an action of the party. One about a connection that is no more changes
        nothing."""
        ends = (order.local, order.remote)
        if isinstance(order, Connect):
            self._connect(ends)
        elif ends in self._streams:
            stream = self._streams[ends]
            if isinstance(order, Write):
                stream.waiting.extend(_pieces(order.payload, order.sizes))
                self._write(stream)
            elif isinstance(order, Close):
                stream.is_closing = True
                self._write(stream)
            else:
                _reset(stream.socket)
                self._drop(stream)

    def close(self) -> None:
        """End everything."""
        self.listen(set())
        for stream in list(self._streams.values()):
            self._drop(stream)

    # --- the loop calls -------------------------------------------------------------------

    def _accept(self, listening: socket.socket) -> None:
        connection, (host, port) = listening.accept()
        _prepare(connection)
        local = connection.getsockname()
        ends = (Endpoint(parse_address(local[0]), local[1]), Endpoint(parse_address(host), port))
        self._add(Stream(ends, connection, is_open=True))
        self._news(Connected(*ends))

    def _connect(self, ends: Ends) -> None:
        local, remote = ends
        connection = self._made()
        _prepare(connection)
        stream = Stream(ends, connection, is_open=False)
        self._add(stream)
        try:
            connection.bind((address_text(local.address), local.port))
            status = connection.connect_ex((address_text(remote.address), remote.port))
        except OSError as error:
            status = error.errno or errno.EHOSTUNREACH
        if status not in (0, errno.EINPROGRESS):
            self._end(stream, ENDINGS.get(status, Ending.IMPOSSIBLE))

    def _add(self, stream: Stream) -> None:
        self._streams[stream.ends] = stream
        events = selectors.EVENT_READ if stream.is_open else selectors.EVENT_WRITE
        self._selector.register(stream.socket, events, lambda _: self._serve(stream))

    def _serve(self, stream: Stream) -> None:
        if not stream.is_open:
            status = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if status:
                self._end(stream, ENDINGS.get(status, Ending.UNREACHABLE))
                return
            stream.is_open = True
            self._news(Connected(*stream.ends))
        self._write(stream)
        if self._streams.get(stream.ends) is stream and not stream.has_heard_end:
            self._read(stream)

    def _read(self, stream: Stream) -> None:
        try:
            payload = stream.socket.recv(LARGEST_READ)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(stream, ENDINGS.get(error.errno or 0, Ending.RESET))
            return
        if payload:
            self._news(Received(*stream.ends, payload))
            return
        stream.has_heard_end = True
        self._news(Finished(*stream.ends))
        self._finish_if_over(stream)
        self._watch(stream)

    def _write(self, stream: Stream) -> None:
        """As much as the kernel takes."""
        while stream.is_open and stream.waiting:
            piece = stream.waiting[0]
            try:
                sent = stream.socket.send(piece)
            except BlockingIOError:
                break
            except OSError as error:
                self._end(stream, ENDINGS.get(error.errno or 0, Ending.RESET))
                return
            if sent == len(piece):
                stream.waiting.popleft()
            else:
                stream.waiting[0] = piece[sent:]
        if stream.is_open and stream.is_closing and not stream.waiting:
            _say_end(stream.socket)
            self._finish_if_over(stream)
        self._watch(stream)

    def _watch(self, stream: Stream) -> None:
        """Ask the loop for what can still happen."""
        if self._streams.get(stream.ends) is not stream:
            return
        waits = bool(stream.waiting) or not stream.is_open
        events = selectors.EVENT_WRITE if waits else 0
        events |= 0 if stream.has_heard_end or not stream.is_open else selectors.EVENT_READ
        known = stream.socket in self._selector.get_map()
        if events and known:
            self._selector.modify(stream.socket, events, lambda _: self._serve(stream))
        elif events:
            self._selector.register(stream.socket, events, lambda _: self._serve(stream))
        elif known:
            self._selector.unregister(stream.socket)

    def _finish_if_over(self, stream: Stream) -> None:
        if stream.has_heard_end and stream.is_closing and not stream.waiting:
            self._end(stream, Ending.ORDERLY)

    def _end(self, stream: Stream, how: Ending) -> None:
        if self._streams.get(stream.ends) is stream:
            self._drop(stream)
            self._news(Closed(*stream.ends, how))

    def _drop(self, stream: Stream) -> None:
        self._streams.pop(stream.ends, None)
        self._forget(stream.socket)

    def _forget(self, made: socket.socket) -> None:
        if made in self._selector.get_map():
            self._selector.unregister(made)
        made.close()


def _prepare(connection: socket.socket) -> None:
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(connection: socket.socket) -> None:
    """Closing it will be an RST (SO_LINGER with no time, socket(7))."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def _say_end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:  # the other side has been quicker
        return


def _pieces(payload: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The payload in pieces of these sizes; the last size counts for all that follow."""
    pieces: list[bytes] = []
    at = 0
    for size in chain(sizes, repeat(sizes[-1])):
        if at >= len(payload):
            return pieces
        end = at + size if size else len(payload)
        pieces.append(payload[at:end])
        at = end
    return pieces
