"""Who removes the control sockets when the appliance itself may not do so any more.

The sockets are in root's folder, so that nobody else can put one of his own in their place. An
appliance that was started by root is another user by the time it ends, and so may not remove them.
What stays behind for that is a process that does nothing but wait for the appliance's end. It has
no wire and no connection, reads nothing that anybody sends, and has no capabilities either.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import NoReturn

from appliance.control.listener import Listener
from appliance.wires.privileges import give_up

END_OF_APPLIANCE = 0
"""The only descriptor it has: a pipe whose other end the appliance holds as long as it lives."""
MOST_DESCRIPTORS = 1 << 16


class Sweeper:
    """The process, which removes the files of `listeners` at `close`, or when the appliance ends in
    whatever way. Raises OSError when there can be none."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        end, self._alive = os.pipe()
        self.process = os.fork()
        if not self.process:
            _sweep(end, listeners)
        os.close(end)

    def close(self) -> None:
        """Have it done, and wait until it is."""
        os.close(self._alive)
        os.waitpid(self.process, 0)


def _sweep(end: int, listeners: Sequence[Listener]) -> NoReturn:
    """In the child."""
    try:
        os.setsid()  # Ctrl-C is for the appliance
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.dup2(end, END_OF_APPLIANCE)
        os.closerange(END_OF_APPLIANCE + 1, MOST_DESCRIPTORS)
        give_up()
        os.read(END_OF_APPLIANCE, 1)
        for listener in listeners:
            listener.remove()
    finally:
        os._exit(0)
