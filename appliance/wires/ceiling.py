"""How much memory the appliance may have, and what it says when it ends by a fault of its own.

All that it keeps is bounded, so it should never come near this ceiling. Should it do so all the
same, it is to end with a sentence by itself, and not take the machine with it. Nothing that an
inside or outside host sends can be answered by a traceback either.

    at the start                       28 MiB
    and for each flow                  2.7 KiB, with a mapping of its own
    so 65,536 flows                    203 MiB

The program looks by itself how much it has, between two packets. The kernel's limit (RLIMIT_AS)
stands higher and is for what would take very much at once: where *any* allocation may fail, Python
itself may crash, and then nobody says a sentence.
"""

from __future__ import annotations

import contextlib
import os
import resource
import traceback
from collections.abc import Iterator

from appliance.wires.wire import WireError

MIB = 1 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")
FOR_ITSELF = 256 * MIB
FOR_A_FLOW = 4096
"""Bytes, and half as much again as one takes."""
LEAST = 64 * MIB
"""With less the program could not even start."""
AT_ONCE = 64 * MIB
"""What may be taken beyond the ceiling, and a quarter of it, before the program looks again."""


class Fault(Exception):
    """The appliance has ended by a mistake of its own. The text says so, and what to do."""

    exit_code = 1

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"the appliance has ended by a fault of its own: {what}; {remedy}")


def bytes_for(given: int, flows: int) -> int:
    """What is `given`, or, if that is 0, what so many flows may need."""
    return max(LEAST, given or FOR_ITSELF + FOR_A_FLOW * flows)


class Ceiling:
    """`most`: bytes of memory that this process may have, from now on."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._pages = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)  # proc(5)
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = most + most // 4 + AT_ONCE
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    def check(self) -> None:
        """Raises MemoryError when there is more than the ceiling."""
        resident = int(os.pread(self._pages, 64, 0).split()[1]) * PAGE
        if resident > self.most:
            raise MemoryError

    def close(self) -> None:
        """Stop looking; the kernel's limit stays."""
        os.close(self._pages)


@contextlib.contextmanager
def faults_explained(most: int) -> Iterator[None]:
    """Whatever goes wrong inside becomes a Fault, but for a wire that has gone: that is none."""
    try:
        yield
    except WireError:
        raise
    except MemoryError:
        raise Fault(
            f"it needed more memory than its ceiling of {most // MIB} MiB",
            "start it again with a larger process.memory or a smaller nat.limits.flows",
        ) from None
    except Exception as error:
        if os.environ.get("GLASSNAT_DEBUG"):
            traceback.print_exc()
        raise Fault(
            f"{type(error).__name__}: {error}",
            "start it again, and report it with what GLASSNAT_DEBUG=1 shows",
        ) from error
