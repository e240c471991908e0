"""What the kernel has dropped at a device: before this program saw it, and after it was sent.

A TUN device has a queue of packets for this program. When the program is too slow it is full, and
the kernel drops the next packet without a word; only the device's own counters know.

sysfs has them as files, but the mount at /sys shows one namespace only, that in which it was made.
So a mount is made for the device's namespace, attached nowhere, and of it the one folder is kept
open: no privilege is needed to read it later, and the namespace can be deleted as if nobody looked.
"""

from __future__ import annotations

import ctypes
import os
from typing import NamedTuple

from appliance.wires import netns as namespaces

# Of the kernel's generic table, the same on all machines but alpha (linux/mount.h; Linux 5.2).
FSOPEN, FSCONFIG, FSMOUNT = 430, 431, 432
CLOSE_ON_EXEC = 1  # FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC
CREATE = 6  # FSCONFIG_CMD_CREATE
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
LONGEST_NUMBER = 32


class KernelDrops(NamedTuple):
    """Packets that were for this program and never came, and packets that it sent and the kernel
    did not take further."""

    before: int
    after: int


class DeviceStatistics:
    """The counters of one device, since this object was made: a device may be older than the
    program. None where the kernel does not tell."""

    def __init__(self, folder: int | None) -> None:
        """`folder`: the descriptor of the device's `statistics`, which is closed with this."""
        self._folder = folder
        self._began = self._read()

    @classmethod
    def of(cls, device: str, netns: str) -> DeviceStatistics:
        """Those of a device, found by its name in a namespace."""
        path = f"class/net/{device}/statistics"
        try:
            mount = _sysfs(netns)
            try:
                return cls(os.open(path, FOLDER, dir_fd=mount))
            finally:
                os.close(mount)
        except OSError:  # an old kernel, or no device: packets pass all the same
            return cls(None)

    def dropped(self) -> KernelDrops | None:
        """What was dropped so far."""
        now = self._read()
        if now is None or self._began is None:
            return None
        return KernelDrops(now.before - self._began.before, now.after - self._began.after)

    def close(self) -> None:
        """Twice is fine."""
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _read(self) -> KernelDrops | None:
        if self._folder is None:
            return None
        try:
            # As the device sees it: what it transmits is what this program is to read.
            return KernelDrops(self._number("tx_dropped"), self._number("rx_dropped"))
        except (OSError, ValueError):  # the device has gone away
            return None

    def _number(self, name: str) -> int:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder)
        try:
            return int(os.read(descriptor, LONGEST_NUMBER))
        finally:
            os.close(descriptor)


def _sysfs(netns: str) -> int:
    """A sysfs of that namespace, attached nowhere. For who is not permitted to make one, that at
    /sys shows the namespace of this process, as a rule. Raises OSError."""
    try:
        return _mounted(netns)
    except PermissionError:
        if netns:
            raise
        return os.open("/sys", FOLDER)


def _mounted(netns: str) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    with namespaces.entered(netns):
        context = _checked(libc.syscall(FSOPEN, b"sysfs", CLOSE_ON_EXEC))
        try:
            _checked(libc.syscall(FSCONFIG, context, CREATE, None, None, 0))
            return _checked(libc.syscall(FSMOUNT, context, CLOSE_ON_EXEC, 0))
        finally:
            os.close(context)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
