"""A process that stays behind another one, and has next to nothing of it.

It has no descriptors but those that it is given, so that no wire and no connection lives on by it.
It is in a session of its own: Ctrl-C, and whoever ends the program, are for the others.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection
from typing import NoReturn

MOST_DESCRIPTORS = 1 << 16


def stay_behind(job: Callable[[], None], keep: Collection[int]) -> int:
    """Fork a process that does `job` with the descriptors of `keep`, and ends. Answers its number.
    What the job raises is lost."""
    process = os.fork()
    if not process:
        _do(job, keep)
    return process


def _do(job: Callable[[], None], keep: Collection[int]) -> NoReturn:
    """In the child."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        kept = sorted({*keep})
        for low, high in zip([-1, *kept], [*kept, MOST_DESCRIPTORS], strict=True):
            os.closerange(low + 1, high)
        job()
    finally:
        os._exit(0)
