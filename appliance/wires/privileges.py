"""What privileges are used for once, and giving up what is not needed any more.

Opening and configuring devices needs CAP_NET_ADMIN; forwarding needs nothing. So once the wires are
open, every capability goes, for this process and for whatever it might start. ALG modules that
somebody else wrote are in another process by then (`appliance/gateway/workers/`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os

SET_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS, linux/prctl.h
DROP_FROM_BOUNDING_SET = 24  # PR_CAPBSET_DROP
MOST_CAPABILITIES = 64
PRECEDENCE = -10  # as `nice` counts
CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h: two words for each of the three sets


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Word(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def go_first() -> None:
    """Let this process run before ordinary ones, where the kernel allows it (CAP_SYS_NICE).

    Whoever carries packets must not wait for a processor behind those whose packets it carries: on
    a machine with few of them that costs a fifth of the throughput (`docs/benchmarks.md`).
    """
    with contextlib.suppress(PermissionError):
        os.nice(PRECEDENCE)


def give_up() -> None:
    """Drop all capabilities for good. Raises OSError when the kernel does not let us."""
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.suppress(OSError):  # an ordinary user has no bounding set to lower
        for capability in range(MOST_CAPABILITIES):
            _checked(libc.prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0))
    _checked(libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    header = _Header(CAPABILITY_VERSION_3, 0)
    nothing = (_Word * 2)()
    _checked(libc.capset(ctypes.byref(header), ctypes.byref(nothing)))


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
