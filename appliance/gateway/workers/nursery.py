"""The appliance's end of the nursery, the process that starts workers.

The appliance cannot start them by itself: once it has given up its privileges it can make none of
another user, and to fork it would hand its wires and sockets to somebody else's module. So it
starts the nursery first (`forking.py`), which becomes an unprivileged user at once and then forks a
worker whenever it is asked. Asking is one datagram, with two descriptors: the worker's end of its
line and the module's file, opened for reading. Nobody waits here.
"""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import select
import socket
import struct
import subprocess
import sys
import weakref
from functools import cache
from itertools import count

from appliance.gateway.workers.frames import (
    LARGEST_FRAME,
    FromWorker,
    ToWorker,
    decode_from_worker,
    encode,
)

ENDING = 0.5
"""Seconds that the nursery may take to end."""
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
"""All that workers know of the appliance's. Sets of texts have the same order in every run, so that
the same seed gives the same bytes."""


class LineDead(Exception):
    """Nobody is at the other end of a line any more."""


class Line:
    """One worker and the socket pair to it; the worker ends with this object. `process` is its
    number, once it has said something."""

    def __init__(self, nursery: Nursery, number: int, near: socket.socket) -> None:
        self.process = 0
        self.asked = self.unasked = 0.0  # seconds: see `Workshop.computed_unasked`
        self._socket = near
        self._poll = select.poll()
        self._poll.register(near, select.POLLIN)
        self.end = weakref.finalize(self, _end, nursery, number, near)
        """Kills the worker, if it still lives."""

    def send(self, frame: ToWorker) -> None:
        """Raises LineDead, also when the worker does not read what was sent before."""
        try:
            self._socket.send(encode(frame))
        except OSError as error:
            raise LineDead(f"its process takes nothing in ({error.strerror})") from None

    def waits(self, seconds: float = 0.0) -> bool:
        """Is there something to receive, at the latest after so many seconds?"""
        return bool(self._poll.poll(math.ceil(max(0.0, seconds) * 1000)))

    def receive(self) -> FromWorker:
        """What the worker has said; ask `waits` first. Raises LineDead and frames.BadFrame."""
        try:
            data = self._socket.recv(LARGEST_FRAME + 1)
        except OSError as error:
            raise LineDead(f"its process cannot be heard ({error.strerror})") from None
        if not data:
            raise LineDead("its process has ended")
        return decode_from_worker(data)

    def receive_first(self) -> FromWorker:
        """The same for the first time, when the kernel is asked who it is that speaks."""
        # There is room for the kernel's word alone: a descriptor that is sent along is closed.
        room = socket.CMSG_SPACE(CREDENTIALS.size)
        try:
            _, ancillary, _, _ = self._socket.recvmsg(0, room, socket.MSG_PEEK)
        except OSError as error:
            raise LineDead(f"its process cannot be heard ({error.strerror})") from None
        for _, kind, data in ancillary:
            if kind == socket.SCM_CREDENTIALS and len(data) == CREDENTIALS.size:
                self.process = CREDENTIALS.unpack(data)[0]
        return self.receive()


CREDENTIALS = struct.Struct("=iII")  # process, user and group: struct ucred, unix(7)


def _end(nursery: Nursery, number: int, near: socket.socket) -> None:
    near.close()
    nursery.end(number)


class Nursery:
    """Starts the process; `close` ends it and all its workers, as does the end of this process."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._is_ready = False
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        near.setblocking(False)
        known = os.pathsep.join(each for each in sys.path if each)
        self._socket = near
        self._process: subprocess.Popen[bytes] | None = None
        # Who cannot start it can forward all the same; `start` says that there is none.
        with far, contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "appliance.gateway.workers.forking",
                    str(far.fileno()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[far.fileno()],
                cwd="/",
                env={**ENVIRONMENT, "PYTHONPATH": known},
                start_new_session=True,
            )

    @property
    def process(self) -> int:
        """Its number; 0 when it could not be started."""
        return self._process.pid if self._process else 0

    def wait_until_ready(self, seconds: float) -> None:
        """Wait for it to be started, so long at most."""
        if not self._is_ready:
            waiting = select.poll()
            waiting.register(self._socket, select.POLLIN)
            waiting.poll(seconds * 1000)
            self._is_ready = True

    def start(self, file: int) -> Line:
        """A new worker, which holds the open descriptor `file` and waits for its first frame.
        Raises LineDead when there is no nursery any more."""
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        number = next(self._numbers)
        near.setblocking(False)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with far:
            try:
                message = f"start {number}".encode()
                socket.send_fds(self._socket, [message], [far.fileno(), file])
            except OSError:
                near.close()
                raise LineDead("no process can be started for it") from None
        return Line(self, number, near)

    def end(self, number: int) -> None:
        """Kill a worker, if it still lives."""
        with contextlib.suppress(OSError):
            self._socket.send(f"end {number}".encode())

    def close(self) -> None:
        """End it and all workers; calling it twice is harmless. One that is still being started is
        not waited for: it ends when it finds nobody to report to."""
        if self._socket.fileno() < 0:
            return
        ending = select.poll()
        ending.register(self._socket, select.POLLIN)
        has_begun = bool(ending.poll(0))
        if has_begun:
            with contextlib.suppress(OSError):  # it has ended before
                self._socket.shutdown(socket.SHUT_WR)
            ending.modify(self._socket, 0)  # only that it has closed its end
            ending.poll(ENDING * 1000)
        self._socket.close()
        if self._process and has_begun:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(ENDING)


@cache
def shared() -> Nursery:
    """The one of this process, for those who need no privileges before: a simulation, a command, a
    test."""
    nursery = Nursery()
    atexit.register(nursery.close)
    return nursery
