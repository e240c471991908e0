"""A party's TCP connections on real sockets, told as a program hears of them."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from collections.abc import Callable, Iterator

import pytest

from appliance.namespaces.lab.streams import Streams
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
from nat.endpoint import Endpoint

HOST = f"127.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}.9"
OWN = Endpoint.parse(f"{HOST}:5060")
PATIENCE = 20


class Room:
    """One party's connections and the loop that serves them."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.news: list[News] = []
        self.streams = Streams(OWN.address, self._made, self.selector, self.news.append)

    def _made(self) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return made

    def until(self, true: Callable[[], bool], turns: int = PATIENCE) -> None:
        for _ in range(turns):
            if true():
                return
            for key, _ in self.selector.select(1.0):
                key.data(key.fileobj)
        assert true(), self.news

    def heard(self, kind: type) -> bool:
        return any(isinstance(each, kind) for each in self.news)


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.streams.close()
    made.selector.close()


@pytest.fixture
def caller(room: Room) -> Iterator[socket.socket]:
    """A connection to the party, which has heard of it."""
    room.streams.listen({OWN.port})
    with socket.create_connection((HOST, OWN.port)) as connection:
        room.until(lambda: room.heard(Connected))
        yield connection


def ends(room: Room) -> tuple[Endpoint, Endpoint]:
    (connected,) = (each for each in room.news if isinstance(each, Connected))
    return connected.local, connected.remote


def test_what_comes_is_heard_as_it_comes(room: Room, caller: socket.socket) -> None:
    caller.sendall(b"hello")
    room.until(lambda: room.heard(Received))
    assert room.news[-1] == Received(*ends(room), b"hello")


def test_what_is_written_arrives(room: Room, caller: socket.socket) -> None:
    room.streams.do(Write(*ends(room), b"one two three", sizes=(4, 3)))
    heard = b""
    while len(heard) < 13:
        heard += caller.recv(100)
    assert heard == b"one two three"


@pytest.mark.slow
def test_more_than_the_kernel_takes_waits(room: Room, caller: socket.socket) -> None:
    much = bytes(4 << 20)
    room.streams.do(Write(*ends(room), much))
    caller.setblocking(False)
    heard = bytearray()

    def is_whole() -> bool:
        with contextlib.suppress(BlockingIOError):
            heard.extend(caller.recv(1 << 20))
        return len(heard) == len(much)

    room.until(is_whole, turns=100_000)


def test_the_end_is_heard_and_said(room: Room, caller: socket.socket) -> None:
    """RFC 9293 3.6: each side ends for itself."""
    caller.shutdown(socket.SHUT_WR)
    room.until(lambda: room.heard(Finished))
    assert not room.heard(Closed)
    room.streams.do(Close(*ends(room)))
    assert caller.recv(1) == b""
    assert room.news[-1] == Closed(*ends(room), Ending.ORDERLY)


def test_an_abort_is_a_reset(room: Room, caller: socket.socket) -> None:
    room.streams.do(Abort(*ends(room)))
    with pytest.raises(ConnectionResetError):
        caller.recv(1)
    assert not room.heard(Closed)


def test_a_reset_is_heard(room: Room, caller: socket.socket) -> None:
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    caller.close()
    room.until(lambda: room.heard(Closed))
    assert room.news[-1] == Closed(*ends(room), Ending.RESET)


def test_a_connection_to_nobody_is_refused(room: Room) -> None:
    order = Connect(OWN._replace(port=40_000), OWN._replace(port=9))
    room.streams.do(order)
    room.until(lambda: room.heard(Closed))
    assert room.news == [Closed(order.local, order.remote, Ending.REFUSED)]


def test_an_order_about_no_connection_changes_nothing(room: Room) -> None:
    room.streams.do(Write(OWN, OWN, b"hello"))
    room.streams.do(Close(OWN, OWN))
    assert room.news == []


def test_ports_are_open_only_as_long_as_they_are_wanted(room: Room) -> None:
    room.streams.listen({OWN.port})
    room.streams.listen(set())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, OWN.port))
