"""The other end of the control socket, for commands: find the appliance, ask, print the answer.

Blocking and simple; the TUI has its own (`tui/attached.py`), because it must not block.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from appliance.control.frames import LENGTH
from appliance.control.paths import READ_ONLY_SUFFIX, folders, read_only_path
from appliance.settings.hints import nearest, shown

NOT_PERMITTED = 3
"""The exit code for a socket that is somebody else's."""
PATIENCE = 10.0
"""Seconds to wait for an answer. An appliance under full load answers within one."""


class ClientError(Exception):
    """A question that got no answer, or a no. `exit_code`: 2 for what was asked
    wrongly, 3 for what is not permitted, 4 for an appliance that is not there."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def running() -> dict[str, Path]:
    """The sockets of all appliances that answer, by name. Stale ones are passed over; those that
    may not be opened are listed, for a better error later."""
    found: dict[str, Path] = {}
    for folder in folders():
        with contextlib.suppress(OSError):
            for path in sorted(folder.glob("*.sock")):
                is_second = path.name.endswith(READ_ONLY_SUFFIX)
                if not is_second and path.stem not in found and _answers(path):
                    found[path.stem] = path
    return found


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except PermissionError:
            return True
        except OSError:
            return False
    return True


def find(name: str | None = None) -> Path:
    """The socket of the appliance called `name`, or of the only one that runs.

    Raises ClientError.
    """
    found = running()
    if name is not None:
        if name in found:
            return found[name]
        others = f" ({', '.join(found)} is)" if len(found) == 1 else ""
        raise ClientError(
            f"no appliance {shown(name)} is running{others}{nearest(name, [*found])}", 4
        )
    if not found:
        raise ClientError(
            "no appliance is running; start one: glassnat run --config FILE, "
            "or between two bridges: glassnat up",
            4,
        )
    if len(found) > 1:
        raise ClientError(
            f"several appliances are running: {', '.join(found)}; say which "
            "(attach NAME; other commands: --name NAME)",
            2,
        )
    return next(iter(found.values()))


def to_look(path: Path) -> Path:
    """The read-only socket beside the control socket at `path`; where there is none (an appliance
    of an earlier version), the control socket."""
    second = read_only_path(path)
    return second if second.exists() else path


class Client:
    """A connection to one appliance. Use it in a `with` statement."""

    def __init__(self, path: str | Path) -> None:
        """Raises ClientError."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.connect(str(path))
        except PermissionError:
            self._socket.close()
            raise ClientError(f"{path} belongs to another user; try sudo", NOT_PERMITTED) from None
        except OSError as error:
            self._socket.close()
            reason = error.strerror or str(error)
            raise ClientError(f"no appliance answers at {path}: {reason}", 4) from None
        self._input = self._socket.makefile("rb")
        self._number = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._input.close()
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def ask(self, do: str, **arguments: object) -> Any:
        """The result of one request. Raises ClientError."""
        self._number += 1
        request = {"id": self._number, "do": do, **arguments}
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            raise ClientError("the appliance has gone away", 4) from None
        answer = json.loads(self._line())
        if not answer.get("ok"):
            raise ClientError(str(answer.get("error", "refused")), 2)
        return answer["result"]

    def events(self, since: int | None = None, points: bool = False) -> Iterator[bytes]:
        """Events as lines of JSON, until the appliance ends; with `points` packets as well. Raises
        ClientError."""
        self.ask("watch", points=points, **({} if since is None else {"since": since}))
        self._socket.settimeout(None)
        while line := self._input.readline():
            if line.startswith(b'{"id"'):
                raise ClientError(str(json.loads(line)["error"]), 4)
            yield line.rstrip(b"\n")

    def frames(self) -> Iterator[bytes]:
        """What the appliance sends after a capture was asked for, until it ends."""
        self._socket.settimeout(None)
        while len(head := self._input.read(LENGTH)) == LENGTH:
            size = int.from_bytes(head, "big")
            body = self._input.read(size)
            if len(body) < size:
                return
            yield body

    def tell(self, do: str, **arguments: object) -> None:
        """Something that is not answered. Who has gone away hears nothing."""
        with contextlib.suppress(OSError):
            self._socket.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")

    def _line(self) -> bytes:
        try:
            line = self._input.readline()
        except TimeoutError:
            raise ClientError(f"no answer within {PATIENCE:.0f} s", 4) from None
        except OSError:
            raise ClientError("the appliance has gone away", 4) from None
        if not line.endswith(b"\n"):
            raise ClientError("the appliance has gone away", 4)
        return line


def caller() -> str:
    """Who changes a setting, for the event: the user's name as far as it is known."""
    import pwd  # not everywhere, and simulations are played there too

    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
