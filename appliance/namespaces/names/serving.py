"""The name server's sockets: UDP and TCP on one address (RFC 7766: both, or answers that are too
long have no way), and those by which the resolver is asked.

Each question that goes on to the resolver has a socket of its own, so that the kernel chooses a
random port for it and hands over nothing that comes from anywhere else. A connection that says
nothing, and what nobody answers, ends by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections import Counter
from collections.abc import Callable

from appliance.namespaces.names.forwarding import Asker, Errand, Forwarding
from appliance.parties.zone import LONGEST_ANSWER, LONGEST_BY_TCP

LENGTH = 2  # bytes before each message of a connection (RFC 1035 4.2.2)
BACKLOG = 32
MOST_CONNECTIONS = 64
MOST_CONNECTIONS_OF_A_HOST = 8
SILENCE = 10.0
"""Seconds that a connection may be silent."""

Place = tuple[str, int]
"""An address and a port, as sockets have them."""


class Listening:
    """Both sockets of the server, bound: that needs privileges, and nothing afterwards does."""

    def __init__(self, place: Place) -> None:
        """Raises OSError."""
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.tcp.bind(place)
            self.udp.bind(self.tcp.getsockname())  # the same, when the port was left open
            self.tcp.listen(BACKLOG)
        except OSError:
            self.close()
            raise

    @property
    def place(self) -> Place:
        address, port = self.tcp.getsockname()
        return str(address), int(port)

    @property
    def descriptors(self) -> tuple[int, int]:
        return self.udp.fileno(), self.tcp.fileno()

    def close(self) -> None:
        self.udp.close()
        self.tcp.close()


async def serve(listening: Listening, forwarding: Forwarding, resolver: Place | None) -> None:
    """Answer until the process is told to end."""
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    async with Server(listening, forwarding, resolver):
        await end.wait()


class Server:
    """Answers as long as the `async with` lasts. `resolver` is whom `forwarding` asks."""

    def __init__(
        self, listening: Listening, forwarding: Forwarding, resolver: Place | None
    ) -> None:
        self._listening = listening
        self._forwarding = forwarding
        self._resolver = resolver
        self._connections: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    async def __aenter__(self) -> Server:
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Ear(self._hear), sock=self._listening.udp
        )
        self._tcp = await asyncio.start_server(self._talk, sock=self._listening.tcp)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._udp is not None
        assert self._tcp is not None
        self._udp.close()
        self._tcp.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- by UDP ------------------------------------------------------------------------

    def _hear(self, query: bytes, source: Place) -> None:
        asker = Asker(source[0], ("udp", source), LONGEST_ANSWER)
        said = self._forwarding.ask(query, asker, False, asyncio.get_running_loop().time())
        if isinstance(said, Errand):
            task = asyncio.ensure_future(self._answer_later(said, source))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._say(said, source)

    async def _answer_later(self, errand: Errand, source: Place) -> None:
        self._say(await self._resolve(errand), source)

    def _say(self, said: bytes, source: Place) -> None:
        if said and self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(said, source)

    # --- by TCP ------------------------------------------------------------------------

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: question after question, each answered before the next is read."""
        source: Place = writer.get_extra_info("peername") or ("", 0)
        host = source[0]
        is_welcome = self._connections.total() < MOST_CONNECTIONS
        is_welcome &= self._connections[host] < MOST_CONNECTIONS_OF_A_HOST
        self._connections[host] += 1
        try:
            if is_welcome:
                await self._answer_all(reader, writer, Asker(host, ("tcp", source), LONGEST_BY_TCP))
        except (OSError, EOFError, TimeoutError):
            pass  # it has gone, or it is silent: nothing is owed to it
        finally:
            self._connections -= Counter({host: 1})
            writer.close()

    async def _answer_all(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asker: Asker
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            query = await asyncio.wait_for(_message(reader), SILENCE)
            said = self._forwarding.ask(query, asker, True, loop.time())
            if isinstance(said, Errand):
                said = await self._resolve(said)
            if not said:
                return
            writer.write(len(said).to_bytes(LENGTH) + said)
            await asyncio.wait_for(writer.drain(), SILENCE)

    # --- the resolver ------------------------------------------------------------------

    async def _resolve(self, errand: Errand) -> bytes:
        """What the asker is to be told, sooner or later."""
        patience = errand.until - asyncio.get_running_loop().time()
        ask = self._ask_by_tcp if errand.by_tcp else self._ask_by_udp
        try:
            return await asyncio.wait_for(ask(errand), max(patience, 0.0))
        except (OSError, EOFError, TimeoutError):
            return self._forwarding.give_up(errand)
        except asyncio.CancelledError:
            self._forwarding.give_up(errand)
            raise

    async def _ask_by_udp(self, errand: Errand) -> bytes:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()

        def hear(said: bytes, _: Place) -> None:
            own = self._forwarding.hear(errand, said)
            if own is not None and not answered.done():
                answered.set_result(own)

        def fail(reason: Exception) -> None:
            if not answered.done():
                answered.set_exception(reason)

        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Ear(hear, fail), remote_addr=self._resolver
        )
        try:
            transport.sendto(errand.sent)
            return await answered
        finally:
            transport.close()

    async def _ask_by_tcp(self, errand: Errand) -> bytes:
        assert self._resolver is not None
        reader, writer = await asyncio.open_connection(*self._resolver)
        try:
            writer.write(len(errand.sent).to_bytes(LENGTH) + errand.sent)
            own = self._forwarding.hear(errand, await _message(reader))
            if own is None:
                raise EOFError("it answers something else")
            return own
        finally:
            with contextlib.suppress(OSError):
                writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Raises EOFError when the connection ends before it."""
    return await reader.readexactly(int.from_bytes(await reader.readexactly(LENGTH)))


class _Ear(asyncio.DatagramProtocol):
    """Hands over what a socket hears, and what the kernel says about it."""

    def __init__(
        self,
        hear: Callable[[bytes, Place], None],
        fail: Callable[[Exception], None] = lambda reason: None,
    ) -> None:
        self._hear = hear
        self._fail = fail

    def datagram_received(self, data: bytes, addr: Place) -> None:
        self._hear(data, addr)

    def error_received(self, exc: Exception) -> None:
        self._fail(exc)
