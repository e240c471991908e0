"""What a process cannot do any more; `tests/support/hostile.py` says it of modules."""

from __future__ import annotations

import platform
import resource
import struct
import subprocess
import sys

import pytest

from appliance.gateway.workers import confinement
from appliance.gateway.workers.confinement import LIMITS, NUMBERS

CONFINED = """
import fcntl, os, socket, subprocess, threading, resource, signal
from appliance.gateway.workers.confinement import confine, leave_privileges
leave_privileges()
confine()
for attempt in {attempts!r}:
    try:
        print("done", eval(attempt))
    except BaseException as error:
        print(type(error).__name__)
"""


def attempted(*attempts: str) -> list[str]:
    """What a confined process says when it tries these, one after the other."""
    said = subprocess.run(
        [sys.executable, "-c", CONFINED.format(attempts=attempts)],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env={"PYTHONPATH": ":".join(each for each in sys.path if each)},
    )
    return said.stdout.splitlines()


@pytest.mark.parametrize(
    "attempt", ["open('/etc/hostname').read() is None", "fcntl.fcntl(0, fcntl.F_GETFD) < 0"]
)
def test_reading_is_allowed(attempt: str) -> None:
    assert attempted(attempt) == ["done False"]


TOUCHES_OTHERS = (
    "os.fork()", "os.posix_spawn('/bin/true', ['true'], {})", "os.execv('/bin/true', ['true'])",
    "os.kill(1, 0)", "os.kill(os.getpid(), 0)", "os.killpg(0, 9)", "os.pidfd_open(1)",
    "socket.socket()", "socket.socket(socket.AF_UNIX)", "socket.socket(socket.AF_NETLINK)",
    "open('/tmp/gnwrk', 'w')", "open('/tmp/gnwrk', 'a')", "os.open('/tmp/gnwrk', os.O_CREAT)",
    "open('/dev/null', 'r+')", "os.mkdir('/tmp/gnwrk')", "os.unlink('/tmp/gnwrk')",
    "os.rename('/tmp/gnwrk', '/tmp/gnwrk2')", "os.symlink('/tmp/gnwrk', '/tmp/gnwrk2')",
    "os.chmod('/tmp', 0)", "os.truncate('/tmp/gnwrk', 0)", "os.utime('/tmp')",
    "os.setpriority(os.PRIO_PROCESS, 0, 5)", "os.sched_setaffinity(0, [0])",
    "resource.prlimit(0, resource.RLIMIT_AS)", "os.removexattr('/tmp', 'user.x')",
    "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())", "fcntl.fcntl(0, 10, signal.SIGKILL)",
    "fcntl.fcntl(0, 15, bytes(8))", "fcntl.ioctl(0, 0x8901, bytes(4))",
    "fcntl.ioctl(0, 0x8902, bytes(4))",
)  # fmt: skip


@pytest.mark.skipif(platform.machine() not in NUMBERS, reason="no filter for this processor")
def test_what_touches_others_is_not() -> None:
    ends = attempted(*TOUCHES_OTHERS)
    assert dict(zip(TOUCHES_OTHERS, ends, strict=True)) == dict.fromkeys(
        TOUCHES_OTHERS, "PermissionError"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attempt", "ends"),
    [
        ("bytearray(1 << 30)", "MemoryError"),
        ("threading.Thread(target=print).start()", "RuntimeError"),
        ("[os.dup(0) for _ in range(100)]", "OSError"),
    ],
)
def test_what_takes_too_much_is_not(attempt: str, ends: str) -> None:
    assert attempted(attempt) == [ends]


def test_no_limit_can_be_raised_again() -> None:
    assert all(limit in {each for each, _ in LIMITS} for limit in (resource.RLIMIT_AS,))
    (ends,) = attempted("resource.setrlimit(resource.RLIMIT_AS, (-1, -1))")
    assert ends in ("PermissionError", "ValueError")


@pytest.mark.parametrize("processor", NUMBERS)
def test_the_filter_is_a_program_that_always_ends_in_an_answer(processor: str) -> None:
    """Jumps go forwards only (the kernel checks that); here every path through it is walked."""
    code = [struct.unpack("=HBBI", each) for each in confinement._instructions(*NUMBERS[processor])]
    waiting, seen = [0], set()
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        kind, when_true, when_false, _ = code[at]
        if kind == confinement.RETURN:
            continue
        waiting += [at + 1 + when_true, at + 1 + when_false]
    assert max(seen) == len(code) - 1
    assert code[-1][0] == confinement.RETURN


@pytest.mark.parametrize("column", [0, 1])
def test_no_system_call_has_the_number_of_another(column: int) -> None:
    calls = {
        **confinement.DENIED,
        **{name: row[0] for name, row in confinement.BY_ARGUMENT.items()},
    }
    numbers = [row[column] for row in calls.values() if row[column] is not None]
    assert len(set(numbers)) == len(numbers)
