"""How much memory the appliance may have, and what it says when it ends by a fault of its own.

All that it keeps is bounded, so it should never come near this ceiling. Should it do so all the
same, it is to end with a sentence by itself, and not take the machine with it. Nothing that an
inside or outside host sends can be answered by a traceback either.

    at the start                       28 MiB
    and for each flow                  2.7 KiB, with a mapping of its own
    so 65,536 flows                    203 MiB
"""

from __future__ import annotations

import contextlib
import os
import resource
import traceback
from collections.abc import Iterator

from appliance.wires.wire import WireError

MIB = 1 << 20
FOR_ITSELF = 256 * MIB
FOR_A_FLOW = 4096
"""Bytes, and half as much again as one takes."""
LEAST = 64 * MIB
"""With less the program could not even start."""
FOR_TIDYING_UP = 16 * MIB
"""Beyond the ceiling, once it has been reached."""


class Fault(Exception):
    """The appliance has ended by a mistake of its own. The text says so, and what to do."""

    exit_code = 1

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"the appliance has ended by a fault of its own: {what}; {remedy}")


def ceiling(given: int, flows: int) -> int:
    """In bytes: the MiB `given`, or, if that is 0, what so many flows may need."""
    return max(LEAST, given * MIB or FOR_ITSELF + FOR_A_FLOW * flows)


def limit_memory(most: int) -> None:
    """Let this process have `most` bytes of memory. What the machine allows is never exceeded."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    beyond = most + FOR_TIDYING_UP
    hard = beyond if hard == resource.RLIM_INFINITY else min(hard, beyond)
    resource.setrlimit(resource.RLIMIT_AS, (min(most, hard), hard))


@contextlib.contextmanager
def faults_explained(most: int) -> Iterator[None]:
    """Whatever goes wrong inside becomes a Fault, but for a wire that has gone: that is none."""
    try:
        yield
    except WireError:
        raise
    except MemoryError:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
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
