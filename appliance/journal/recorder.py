"""Recordings: every event as a line of JSON in a file.

A full disk must not stop forwarding, and must not leave half a line behind: each event is one
write, a write that did not get through whole is cut off again, and then the recording ends with one
warning.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from appliance.journal.counters import Use
from appliance.journal.events import Event, encode
from appliance.journal.log import EventLog


class Recorder:
    """Writes events to a file, which is begun anew and becomes no longer than `most_bytes` (None:
    as long as the disk has room). Raises OSError when that is not possible."""

    def __init__(
        self, path: str | Path, warn: Callable[[str], None], most_bytes: int | None = None
    ) -> None:
        self._path = Path(path)
        self._most_bytes = most_bytes
        self._warn = warn
        self._file: BinaryIO | None = self._path.open("wb", buffering=0)
        self.bytes = 0  # up to the end of the last whole line
        self._unsubscribe: Callable[[], None] | None = None

    def attach(self, log: EventLog) -> None:
        """Record all that `log` still knows and all that follows."""
        for event in log.since(0):
            self.write(event)
        self._unsubscribe = log.subscribe(self.write)

    def write(self, event: Event) -> None:
        """Append one event; after a failure, nothing."""
        if self._file is None:
            return
        line = encode(event) + b"\n"
        if self._most_bytes is not None and self.bytes + len(line) > self._most_bytes:
            self._give_up(f"it is as long as it may be ({self._most_bytes} bytes, record.bytes)")
            return
        try:
            written = self._file.write(line)
        except OSError as error:
            self._give_up(error.strerror or str(error))
            return
        if written != len(line):
            self._give_up("no space left")
            return
        self.bytes += len(line)

    def use(self) -> Use:
        """How long the file is, and may become (0: as long as the disk has room)."""
        return Use(self.bytes, self.bytes, self._most_bytes or 0)

    def close(self) -> None:
        """Stop recording. Calling it twice is harmless."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _give_up(self, reason: str) -> None:
        if self._file is not None:
            try:
                os.ftruncate(self._file.fileno(), self.bytes)
            except OSError:
                reason += "; the last line may be cut"
        self.close()
        self._warn(f"recording to {self._path} ended: {reason}")
