"""Events out of a recording: what `--record` and `record.file` wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from appliance.journal.events import Event, Started, decode


class RecordingUnreadable(ValueError):
    """A file is no recording. The text says in which line, and why."""


class Recording(NamedTuple):
    """`events` in their order; `note` says what could not be read at the end, if anything."""

    started: Started
    events: Sequence[Event]
    note: str = ""


def read(path: str | Path) -> Recording:
    """All of a recording. One that was cut off (the program was killed) ends with its last whole
    line. Raises OSError and RecordingUnreadable."""
    lines = Path(path).read_bytes().split(b"\n")
    rest = lines.pop()
    events = list(_decoded(lines))
    if not events or not isinstance(events[0], Started):
        raise RecordingUnreadable("line 1: a recording begins with the event started")
    note = "the last line is cut off, and was left out" if rest else ""
    return Recording(events[0], events, note)


def _decoded(lines: Sequence[bytes]) -> Iterator[Event]:
    for number, line in enumerate(lines, 1):
        try:
            yield decode(line)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise RecordingUnreadable(f"line {number}: no event: {error}") from None
