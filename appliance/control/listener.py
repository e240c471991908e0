"""The control sockets' files: made for whom they are for, taken over from a crash, never from
another appliance that runs.

Who may do what is the mode of a file, and the kernel's to check. Whoever may look is one step
further out than whoever may change something:

    --control-mode     NAME.sock (look and change)    NAME.ro.sock (look)
    owner              the owner                      the owner and the group
    group              the owner and the group        every user of this machine
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path
from typing import Literal

from appliance.control.paths import ROOT_FOLDER, ControlError, read_only_path
from appliance.wires.privileges import caller

ControlMode = Literal["owner", "group"]
CONTROL_MODES: tuple[ControlMode, ...] = ("owner", "group")

FOR_OWNER, FOR_GROUP, FOR_ALL = 0o600, 0o660, 0o666


class Listener:
    """The listening socket and its file, which belong to the caller of sudo: making it may need
    privileges that are gone by the time there is an engine to serve. `mode` says who may connect.
    Raises ControlError when the path is taken or not possible."""

    def __init__(self, path: Path, mode: int = FOR_OWNER) -> None:
        self.path = path
        self.socket = _listen(path, mode)
        self._identity = _identity(path)
        self._spare: int | None = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def accept(self) -> socket.socket | None:
        """The next client that waits; None when there is none, or no descriptor for it. Then it is
        sent away: left waiting it would wake the loop at once again, and again."""
        try:
            return self.socket.accept()[0]
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._send_away()
            return None

    def _send_away(self) -> None:
        """By the descriptor that is kept for this."""
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        with contextlib.suppress(OSError):
            self.socket.accept()[0].close()
        with contextlib.suppress(OSError):
            self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """The file goes too, unless another has taken its place. Twice is harmless."""
        self.socket.close()
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        self.remove()

    def remove(self) -> None:
        """Remove the file, if this process may: where it may not, a `Sweeper` does it."""
        with contextlib.suppress(OSError):
            if _identity(self.path) == self._identity:
                self.path.unlink()


def _identity(path: Path) -> tuple[int, int]:
    """Which file it is: a number alone may soon be another's."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def control_listener(path: Path, mode: ControlMode) -> Listener:
    """The socket that obeys. Raises ControlError."""
    return Listener(path, FOR_GROUP if mode == "group" else FOR_OWNER)


def read_only_listener(path: Path, mode: ControlMode) -> Listener:
    """The socket that only answers, beside the control socket at `path`. Raises ControlError."""
    return Listener(read_only_path(path), FOR_ALL if mode == "group" else FOR_GROUP)


def ensure_free(path: Path) -> None:
    """Nobody answers at `path`; a socket that nobody answers at is removed, since it is left over
    from a crash. Raises ControlError."""
    try:
        _remove_stale(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ControlError(f"cannot use the control socket {path}: {reason}", 3) from None


def _listen(path: Path, mode: int) -> socket.socket:
    """A listening socket at `path`. Raises ControlError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _make_folder(path.parent)
        _remove_stale(path)
        _bind(listener, path, mode)
        listener.listen(16)
    except ControlError:
        listener.close()
        raise
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ControlError(f"{path} was taken by another appliance just now", 4) from None
        reason = error.strerror or str(error)
        raise ControlError(
            f"cannot make the control socket {path}: {reason}; choose another with --control", 3
        ) from None
    return listener


def _bind(listener: socket.socket, path: Path, mode: int) -> None:
    """It is nobody else's at any moment: given away first, opened to others afterwards."""
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    _give_to_caller(path)
    if mode != FOR_OWNER:
        path.chmod(mode)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o755 if folder == ROOT_FOLDER else 0o700, parents=True)


def _remove_stale(path: Path) -> None:
    """A socket that nobody answers is left over from a crash; one that answers is in use."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"{path} exists and is not a socket; choose another with --control", 3)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise ControlError(f"an appliance is already running at {path}", 4)


def _give_to_caller(path: Path) -> None:
    """Under sudo the socket belongs to who called it: clients need no privileges."""
    account = caller()
    if account is not None:
        os.chown(path, account.uid, account.gid)
