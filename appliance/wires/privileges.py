"""What privileges are used for once, and giving up what is not needed any more.

Opening and configuring devices needs CAP_NET_ADMIN; forwarding needs nothing. So once the wires are
open, every capability goes, for this process and for whatever it might start: a mistake in reading
a packet then has a process that can do next to nothing to its host. ALG modules that somebody else
wrote are in another process by then (`appliance/gateway/workers/`).

Root without a capability still owns root's files. So who was started as root goes on as another
user: as the one who called `sudo`, else as `nobody`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
from pathlib import Path
from typing import NamedTuple

SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, linux/prctl.h
GET_PARENT_DEATH_SIGNAL = 2
SET_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS
DROP_FROM_BOUNDING_SET = 24  # PR_CAPBSET_DROP
MOST_CAPABILITIES = 64
PRECEDENCE = -10  # as `nice` counts
SESSION = Path("/proc/self/autogroup")
"""Where the precedence of a whole session stands, sched(7); missing where sessions have none."""
NOBODY = 65534
"""Its number everywhere, and that of its group, should the machine's list of users not say."""
CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h: two words for each of the three sets


class Account(NamedTuple):
    """Whose something is to be; -1: as it is."""

    uid: int
    gid: int


def caller() -> Account | None:
    """Who called this program through sudo; None when nobody did."""
    uid, gid = (os.environ.get(name, "") for name in ("SUDO_UID", "SUDO_GID"))
    if os.geteuid() != 0 or not _is_number(uid):
        return None
    return Account(int(uid), int(gid) if _is_number(gid) else -1)


def unprivileged() -> Account | None:
    """Who this process is to become; None: it is an ordinary user already."""
    if os.geteuid() != 0:
        return None
    who = caller()
    if who is None or who.uid == 0:
        return nobody()
    return who if who.gid >= 0 else who._replace(gid=nobody().gid)


def nobody() -> Account:
    """The user who owns nothing."""
    try:
        return Account(*pwd.getpwnam("nobody")[2:4])
    except KeyError:
        return Account(NOBODY, NOBODY)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


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

    Niceness counts among the processes of a session only, where the kernel shares out processors to
    sessions first (its autogroups). So who leads a session of his own, as what `up` leaves in the
    background does, asks for all of it; a session that is somebody's terminal is left alone.
    """
    with contextlib.suppress(PermissionError):
        os.nice(PRECEDENCE)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # it has none, or that is not permitted
            SESSION.write_text(str(PRECEDENCE))


def give_up(account: Account | None = None) -> bool:
    """Drop all capabilities for good, and become somebody else if so wanted. False when that is not
    permitted, as to a root who is one in name only: then it stays who it is. Raises OSError when
    the kernel does not let the capabilities go."""
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.suppress(OSError):  # an ordinary user has no bounding set to lower
        for capability in range(MOST_CAPABILITIES):
            _checked(libc.prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0))
    became = account is None or _become(account, libc)
    _checked(libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    header = _Header(CAPABILITY_VERSION_3, 0)
    nothing = (_Word * 2)()
    _checked(libc.capset(ctypes.byref(header), ctypes.byref(nothing)))
    return became


def _become(account: Account, libc: ctypes.CDLL) -> bool:
    """Be another user, in his own group alone; False when that is not permitted."""
    ends_with_parent = ctypes.c_int()
    libc.prctl(GET_PARENT_DEATH_SIGNAL, ctypes.byref(ends_with_parent), 0, 0, 0)
    try:
        os.setgroups([])
        os.setresgid(account.gid, account.gid, account.gid)
        os.setresuid(account.uid, account.uid, account.uid)
    except OSError:
        return False
    # With another user the kernel forgets it, prctl(2).
    libc.prctl(SET_PARENT_DEATH_SIGNAL, ends_with_parent.value, 0, 0, 0)
    return True


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
