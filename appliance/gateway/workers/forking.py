"""The nursery: a process that forks workers, and ends with all of them when the appliance ends.

    python -m appliance.gateway.workers.forking DESCRIPTOR

It has imported all that a module may want of `alg` and `nat` before it becomes another user, who
perhaps cannot read these files. A worker is a fork of it, so it starts in a few milliseconds, and
it has nothing of the appliance: no wire, no socket, no memory.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys

from appliance.gateway.workers.confinement import (
    NotConfined,
    confine,
    die_with_the_parent,
    hide,
    leave_privileges,
)
from appliance.gateway.workers.frames import Unusable, encode
from appliance.gateway.workers.worker import Worker

READY = b"ready"
LINE, FILE, FIRST_OTHER = 3, 4, 5
"""The descriptors of a worker, beside three that lead nowhere."""


AT_HAND = (
    "alg.registry",
    "abc", "ast", "base64", "binascii", "bisect", "collections.abc", "copy", "dataclasses",
    "datetime", "decimal", "difflib", "email.message", "enum", "fractions", "functools", "hashlib",
    "heapq", "hmac", "importlib.resources", "inspect", "ipaddress", "itertools", "json", "logging",
    "math", "operator", "pathlib", "pprint", "queue", "random", "re", "secrets", "socket",
    "statistics", "string", "struct", "subprocess", "textwrap", "threading", "time", "traceback",
    "types", "typing", "unicodedata", "urllib.parse", "uuid", "weakref", "zlib",
)  # fmt: skip
"""What is imported beforehand: all of `alg` and `nat`, and what a parser may want of Python."""


class Forks:
    """`orders` is the socket to the appliance; `refusal` says why no worker may be started."""

    def __init__(self, orders: socket.socket, refusal: str) -> None:
        self._orders = orders
        self._refusal = refusal
        self._workers: dict[int, int] = {}  # process by number
        self._numbers: dict[int, int] = {}  # number by the descriptor that tells of its end
        self._poll = select.poll()
        self._poll.register(orders, select.POLLIN)

    def run(self) -> None:
        """Until the appliance is gone."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._numbers:
                    self._bury(descriptor)
                elif not self._take_order():
                    return

    def kill_all(self) -> None:
        for process in self._workers.values():
            _kill(process)

    def _take_order(self) -> bool:
        """One order; False when the appliance is gone."""
        data, descriptors, _, _ = socket.recv_fds(self._orders, 64, 2)
        if not data:
            return False
        word, _, number = data.decode().partition(" ")
        if word == "end" and int(number) in self._workers:
            _kill(self._workers[int(number)])
        elif word == "start":
            line, file = descriptors
            if self._refusal:
                os.write(line, encode(Unusable(self._refusal)))
            else:
                self._fork(int(number), line, file)
            os.close(line)
            os.close(file)
        return True

    def _fork(self, number: int, line: int, file: int) -> None:
        process = os.fork()
        if not process:
            _be_a_worker(line, file)
        ends = os.pidfd_open(process)
        self._workers[number], self._numbers[ends] = process, number
        self._poll.register(ends, select.POLLIN)

    def _bury(self, ends: int) -> None:
        """A worker has ended. Until it is waited for, nobody else gets its number."""
        os.waitpid(self._workers.pop(self._numbers.pop(ends)), 0)
        self._poll.unregister(ends)
        os.close(ends)


def _kill(process: int) -> None:
    """A worker and all of its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _be_a_worker(line: int, file: int) -> None:
    """In the child. Never returns."""
    try:
        os.setsid()
        die_with_the_parent()
        # Neither of the two is below these numbers and in the way of the other.
        high = [os.dup(line), os.dup(file)]
        os.dup2(high[0], LINE)
        os.dup2(high[1], FILE)
        os.closerange(FIRST_OTHER, 1 << 16)
        confine()
        Worker(LINE, FILE).run()
    finally:
        os._exit(0)


def main(descriptor: int) -> None:
    refusal = ""
    for name in AT_HAND:
        importlib.import_module(name)
    try:
        leave_privileges()
    except NotConfined as reason:
        refusal = str(reason)
    hide()
    gc.freeze()  # a fork does not copy what it does not touch
    with socket.socket(fileno=descriptor) as orders:
        forks = Forks(orders, refusal)
        orders.send(READY)
        try:
            forks.run()
        finally:
            forks.kill_all()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(int(sys.argv[1]))
    os._exit(0)  # nothing is left that Python would have to tidy up, and somebody waits
