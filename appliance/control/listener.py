"""The control socket's file: made for its owner alone, taken over from a crash, never from another
appliance that runs."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path

from appliance.control.paths import ROOT_FOLDER, ControlError


class Listener:
    """The listening socket and its file, which belong to the caller of sudo: making it may need
    privileges that are gone by the time there is an engine to serve. Raises ControlError when the
    path is taken or not possible."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = _listen(path)
        self._inode = os.stat(path).st_ino
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
        with contextlib.suppress(OSError):
            if os.stat(self.path).st_ino == self._inode:
                self.path.unlink()


def ensure_free(path: Path) -> None:
    """Nobody answers at `path`; a socket that nobody answers at is removed, since it is left over
    from a crash. Raises ControlError."""
    try:
        _remove_stale(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ControlError(f"cannot use the control socket {path}: {reason}", 3) from None


def _listen(path: Path) -> socket.socket:
    """A listening socket at `path`, for its owner alone. Raises ControlError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _make_folder(path.parent)
        _remove_stale(path)
        _bind_for_owner(listener, path)
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


def _bind_for_owner(listener: socket.socket, path: Path) -> None:
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    _give_to_caller(path)


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
    caller = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and caller.isascii() and caller.isdecimal():
        os.chown(path, int(caller), -1)
