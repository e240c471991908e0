"""Network namespaces, as `ip netns` keeps them: a name is a file under /run/netns.

The appliance only looks into namespaces that its configuration names; making and deleting them is
for the lab, `up`, and the tests.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

NAMED = Path("/run/netns")
OF_THIS_PROCESS = Path("/proc/self/ns/net")
CLONE_NEWNET = 0x40000000
PATIENCE = 30.0
"""Seconds that a configuring command may take before it is taken for stuck."""


class CommandError(Exception):
    """A configuring command failed. The text is the command and what it said."""

    exit_code = 3


def path_of(netns: str) -> Path:
    """The file behind a namespace given by name or by path; this process's own for ""."""
    if not netns:
        return OF_THIS_PROCESS
    return Path(netns) if "/" in netns else NAMED / netns


def exists(netns: str) -> bool:
    return path_of(netns).exists()


def add(netns: str) -> None:
    """Make a namespace with its loopback up. Raises CommandError."""
    run(["ip", "netns", "add", netns])
    run(["ip", "-n", netns, "link", "set", "lo", "up"])


def delete(netns: str) -> None:
    """Delete a namespace, and with it all devices in it. None of that name is fine."""
    if exists(netns):
        run(["ip", "netns", "delete", netns])


def within(netns: str, command: Sequence[str]) -> list[str]:
    """`command` as it is to be started to run inside a named namespace."""
    return ["ip", "netns", "exec", netns, *command] if netns else list(command)


def run(command: Sequence[str], keep: Sequence[int] = ()) -> str:
    """Run a configuring command and answer what it printed. It inherits the descriptors in `keep`.
    Raises CommandError."""
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            pass_fds=keep,
        )
    except FileNotFoundError:
        raise CommandError(f"{command[0]} is not installed (package iproute2)") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"`{' '.join(command)}` does not end") from None
    if done.returncode:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise CommandError(f"`{' '.join(command)}`: {said}")
    return done.stdout


@contextlib.contextmanager
def entered(netns: str) -> Iterator[None]:
    """Be in a namespace for the length of a `with`: sockets and devices opened there belong to it,
    commands started there see it. Raises OSError (the namespace is missing, or not permitted).

    For a program with one thread: a namespace is a property of the thread.
    """
    if not netns:
        yield
        return
    home = os.open(OF_THIS_PROCESS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(path_of(netns))
        try:
            yield
        finally:
            _set_namespace(home)
    finally:
        os.close(home)


def _enter(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _set_namespace(descriptor)
    finally:
        os.close(descriptor)


def _set_namespace(descriptor: int) -> None:
    """`os.setns` came with Python 3.12 only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
