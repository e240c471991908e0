"""What `up` has made for an appliance, written down before it is made.

A file for each appliance, `/run/glassnat/NAME.up`: first a line that says what it is, then a line
for each thing that is about to be made. So `down` needs nothing but the name, and whenever `up` is
killed the file names at least all that there is. It is gone when nothing of it is left.

Whoever works on an appliance holds the file's lock: `up` while it makes things, and the commands
that it runs, which inherit it. So who comes after a `kill -9` waits for the one command that is
still under way; the kernel lets the lock go when the last of them has ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from appliance.control import paths
from appliance.wires.netns import OF_THIS_PROCESS

SUFFIX = ".up"
WITHDRAWN = "withdrawn"
"""The line which says that what stands before it was not made."""


class Trace(NamedTuple):
    """Something that is left behind until it is removed. `kind` is a row of `undo.py`."""

    kind: str
    name: str
    detail: str = ""


class Facts(NamedTuple):
    """What is told about an appliance that `up` made, besides what is to be undone. `home` is the
    namespace that its bridges are in: another may have bridges of the same names."""

    name: str
    inside: str
    outside: str
    control: str
    home: str = ""


class AlreadyUp(Exception):
    """There is a record of that name. The text says what to do."""

    exit_code = 4


class Record:
    """The file of one appliance, locked as long as this object is not closed."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.lock = descriptor

    @classmethod
    def begin(cls, facts: Facts) -> Record:
        """A new one. Raises AlreadyUp, and OSError."""
        path = path_of(facts.name)
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        try:
            record = cls(path, os.open(path, flags, 0o644))
        except FileExistsError:
            raise AlreadyUp(
                f"{facts.name} is up already, or was when it ended; first: sudo glassnat down "
                f"{facts.name} (or choose another name)"
            ) from None
        fcntl.flock(record.lock, fcntl.LOCK_EX)
        if not os.fstat(record.lock).st_nlink:  # who took it down did not know that it had begun
            record.close()
            return cls.begin(facts)
        record._append(facts._asdict())
        return record

    @classmethod
    def open(cls, name: str) -> Record | None:
        """The one that exists, as soon as nobody else works on it; None: there is none. Raises
        OSError."""
        path = path_of(name)
        try:
            record = cls(path, os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC))
        except FileNotFoundError:
            return None
        fcntl.flock(record.lock, fcntl.LOCK_EX)
        if os.fstat(record.lock).st_nlink:
            return record
        record.close()  # somebody else was quicker
        return None

    def expect(self, *traces: Trace) -> None:
        """Write down what is about to be made."""
        self._append(traces)

    def withdraw(self) -> None:
        """What was expected last was not made: if it is there, it is somebody else's."""
        self._append(WITHDRAWN)

    def traces(self) -> list[Trace]:
        """What is to be undone, in the order in which it was made."""
        return _read(self.path)[1]

    def close(self) -> None:
        """Let others work on it. Twice is fine."""
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1

    def end(self) -> None:
        """Nothing is left."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        self.close()

    def _append(self, line: object) -> None:
        os.write(self.lock, json.dumps(line).encode() + b"\n")


def home() -> str:
    """The namespace of this process, by the kernel's number for it."""
    return str(OF_THIS_PROCESS.stat().st_ino)


def path_of(name: str, folder: Path | None = None) -> Path:
    return (folder or paths.ROOT_FOLDER) / f"{name}{SUFFIX}"


def names() -> list[str]:
    """Of all appliances that `up` has made, and of this user's own."""
    found = (path.stem for folder in paths.folders() for path in folder.glob(f"*{SUFFIX}"))
    return sorted({*found})


def read(name: str) -> tuple[Facts, list[Trace]]:
    """What is written down, for who only looks; nothing, if it has gone meanwhile."""
    found = (path_of(name, folder) for folder in paths.folders())
    path = next((each for each in found if each.exists()), path_of(name))
    facts, traces = _read(path)
    if path.parent != paths.ROOT_FOLDER:  # who wrote it saw this folder where root's is
        control = path.with_name(Path(facts.control).name)
        facts = facts._replace(control=str(control))
    return facts, traces


def _read(path: Path) -> tuple[Facts, list[Trace]]:
    """A line that was cut off by `kill -9` says nothing: what it was about was not begun."""
    facts = Facts(path.stem, "", "", "")
    made: list[list[Trace]] = []
    for line in _lines(path):
        if isinstance(line, dict):
            facts = Facts(**line)
        elif line == WITHDRAWN:
            made.pop()
        else:
            made.append([Trace(*each) for each in line])
    return facts, [trace for traces in made for trace in traces]


def _lines(path: Path) -> Iterator[Any]:
    written = b""
    with contextlib.suppress(FileNotFoundError):
        written = path.read_bytes()
    for line in written.splitlines():
        with contextlib.suppress(ValueError):
            yield json.loads(line)
