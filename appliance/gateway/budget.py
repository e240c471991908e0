"""How long somebody else's code may take.

Our own modules are linear in their message and need no watch. A student's may loop, and then the
whole appliance would stand still: there is one thread. So it runs under an alarm, which the kernel
rings in the middle of whatever it does.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

FOREIGN_SECONDS = 0.05
"""For one message; a correct module of ours takes a five-hundredth of that."""


class OutOfTime(BaseException):
    """The budget is used up. Not an Exception, so that no `except Exception` in foreign code
    swallows it; and the alarm rings again for one that catches everything."""


@contextmanager
def time_budget(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the body when it has run for `seconds` of wall time.

    Signals reach the main thread alone: elsewhere (a test runner's thread) nothing is limited.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTime(f"it took longer than {seconds * 1000:g} ms")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
