"""What is taken from a process before it runs somebody else's code.

In two steps. The nursery, which forks all workers, becomes an unprivileged user for good
(`leave_privileges`) before the appliance gives up its own privileges, because nobody can do that
later. Each worker then gives up what is left (`confine`): threads, processes, signals, sockets,
writing, and more memory or processor time than a module may need.

The last step is a filter of system calls (seccomp(2)): what it names fails with EPERM. It is there
because a user is allowed much between processes of his own: when the appliance itself runs as an
ordinary user, the worker could kill it, connect to its control socket or delete its owner's files.
On other processors than those of `NUMBERS`, and in a kernel that was built without it, there is no
such filter, and only the limits hold.
"""

from __future__ import annotations

import ctypes
import os
import platform
import pwd
import resource
import signal
import struct
from collections.abc import Iterator

from appliance.wires.privileges import give_up

MOST_MEMORY = 512 * 1024 * 1024
"""Bytes of address space of a worker."""
MOST_PROCESSOR_SECONDS = 3600
"""Of a worker in all its life; one that reaches it is replaced."""
MOST_DESCRIPTORS = 32
NOBODY = 65534

LIMITS = (
    (resource.RLIMIT_AS, MOST_MEMORY),
    (resource.RLIMIT_CPU, MOST_PROCESSOR_SECONDS),
    (resource.RLIMIT_NOFILE, MOST_DESCRIPTORS),
    (resource.RLIMIT_NPROC, 0),  # neither processes nor threads
    (resource.RLIMIT_FSIZE, 0),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_MEMLOCK, 0),
    (resource.RLIMIT_MSGQUEUE, 0),
)

SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, linux/prctl.h
SET_DUMPABLE = 4  # PR_SET_DUMPABLE
SET_SECCOMP = 22  # PR_SET_SECCOMP
FILTER = 2  # SECCOMP_MODE_FILTER


class NotConfined(Exception):
    """The process cannot be made harmless. The text is a sentence."""


def leave_privileges() -> None:
    """Become `nobody` if this is root, and drop all capabilities. Raises NotConfined."""
    if os.geteuid() == 0:
        try:
            number, group = pwd.getpwnam("nobody")[2:4]
        except KeyError:
            number = group = NOBODY
        try:
            os.setgroups([])
            os.setresgid(group, group, group)
            os.setresuid(number, number, number)
        except OSError as error:
            raise NotConfined(
                "modules of somebody's own cannot run here: the program is root but may not become"
                f" another user ({error.strerror}); start it as an ordinary user"
            ) from None
    give_up()


def hide() -> None:
    """Let no process of the same user look into this one, or into what it forks."""
    ctypes.CDLL(None).prctl(SET_DUMPABLE, 0, 0, 0, 0)


def die_with_the_parent() -> None:
    """Be killed when the process that forked this one ends."""
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def confine() -> None:
    """Give up all that a module does not need. Raises OSError when the kernel does not let us."""
    libc = ctypes.CDLL(None, use_errno=True)
    for limit, most in LIMITS:
        hard = resource.getrlimit(limit)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (bound, bound))
    _filter_system_calls(libc)


# --- the filter ------------------------------------------------------------------------

DENIED = {
    "clone": (56, 220), "clone3": (435, 435), "fork": (57, None), "vfork": (58, None),
    "execve": (59, 221), "execveat": (322, 281),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "prlimit64": (302, 261), "setpriority": (141, 140), "ioprio_set": (251, 30),
    "sched_setparam": (142, 118), "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122), "sched_setattr": (314, 274),
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "io_uring_setup": (425, 425),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "truncate": (76, 45), "creat": (85, None), "openat2": (437, 437),
    "unlink": (87, None), "unlinkat": (263, 35), "rmdir": (84, None),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "mkdir": (83, None), "mkdirat": (258, 34), "mknod": (133, None), "mknodat": (259, 33),
    "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "flock": (73, 32), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
}  # fmt: skip
"""System calls by number, on x86-64 and on AArch64 (`asm/unistd.h`; None: there is none)."""

NUMBERS = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""The column above, and how the kernel calls the processor (AUDIT_ARCH_…, linux/audit.h)."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
SIGNALLING = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX, linux/fcntl.h
SIGNALLING_TOO = (0x8901, 0x8902)  # FIOSETOWN, SIOCSPGRP, asm/sockios.h
OTHER_ABI = 0x40000000  # __X32_SYSCALL_BIT: the same calls under other numbers

# linux/bpf_common.h and linux/seccomp.h
LOAD_WORD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, PROCESSOR_AT, ARGUMENTS_AT = 0, 4, 16
ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | 1  # SECCOMP_RET_ERRNO, EPERM

BY_ARGUMENT = {
    "open": ((2, None), 1, JUMP_ANY_BIT, (WRITING,)),
    "openat": ((257, 56), 2, JUMP_ANY_BIT, (WRITING,)),
    "fcntl": ((72, 25), 1, JUMP_EQUAL, SIGNALLING),
    "ioctl": ((16, 29), 1, JUMP_EQUAL, SIGNALLING_TOO),
}
"""Those that are denied when one of their arguments (the first is 0) is or has one of these: files
are opened for reading only, and no descriptor has the kernel send a signal to somebody else, which
would be as good as kill(2)."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _filter_system_calls(libc: ctypes.CDLL) -> None:
    if platform.machine() not in NUMBERS:
        return
    code = b"".join(_instructions(*NUMBERS[platform.machine()]))
    program = _Program(len(code) // 8, code)
    libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0)  # fails in an old kernel


def _instructions(column: int, processor: int) -> Iterator[bytes]:
    """Each is: code, how many to skip when true and when false, and a number."""
    refuse, skip_one = (RETURN, 0, 0, REFUSE), 1
    yield _one(LOAD_WORD, 0, 0, PROCESSOR_AT)
    yield _one(JUMP_EQUAL, skip_one, 0, processor)
    yield _one(*refuse)
    yield _one(LOAD_WORD, 0, 0, NUMBER_AT)
    yield _one(JUMP_AT_LEAST, 0, skip_one, OTHER_ABI)
    yield _one(*refuse)
    for numbers in DENIED.values():
        number = numbers[column]
        if number is not None:
            yield _one(JUMP_EQUAL, 0, skip_one, number)
            yield _one(*refuse)
    for numbers, argument, jump, wrong in BY_ARGUMENT.values():
        number = numbers[column]
        if number is not None:
            yield _one(JUMP_EQUAL, 0, 2 * len(wrong) + 2, number)
            yield _one(LOAD_WORD, 0, 0, ARGUMENTS_AT + 8 * argument)
            for each in wrong:
                yield _one(jump, 0, skip_one, each)
                yield _one(*refuse)
            yield _one(RETURN, 0, 0, ALLOW)
    yield _one(RETURN, 0, 0, ALLOW)


def _one(code: int, when_true: int, when_false: int, number: int) -> bytes:
    return struct.pack("=HBBI", code, when_true, when_false, number)
