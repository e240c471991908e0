"""The other end of a live capture: takes frames from the appliance and writes the file.

It is a process of whoever asked for the capture, so the file is opened with that one's rights and
is that one's. It cuts super-packets, computes checksums and waits for the disk: the appliance has
no time for any of these.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from appliance.control.client import Client
from appliance.control.frames import decode
from appliance.journal.capture import Captured
from appliance.journal.capturefile import CaptureFile, Ring
from appliance.journal.events import Started
from nat.endpoint import Side
from nat.packet import Packet

GONE = "the appliance has ended"


def open_file(path: str | Path, started: Started, warn: Callable[[str], None]) -> CaptureFile:
    """The file of a capture, as the settings of the appliance have it. Raises OSError."""
    size, files = (int(str(started.settings[f"capture.{key}"])) for key in ("bytes", "files"))
    return CaptureFile(path, started, warn, Ring(size, files))


def heading_of(status: dict[str, Any]) -> Started:
    """Whose packets they are, from what the appliance answers to `capture`."""
    return msgspec.convert(status["started"], Started)


def begin(client: Client, file: CaptureFile) -> None:
    """Ask for all packets, to be taken by `write`. Raises ClientError, as when somebody else has
    asked for them."""
    client.ask("capture", file=str(file.path))


def write(client: Client, file: CaptureFile) -> None:
    """Write what comes, until the appliance is told to stop, or ends, or nothing more can be
    written."""
    why = GONE
    try:
        for body in client.frames():
            if body:
                _keep(body, file)
            else:
                why = ""
            if file.is_over or not body:
                break
    finally:
        file.close()
        client.tell("capture", ended=file.why or why)


def _keep(body: bytes, file: CaptureFile) -> None:
    frame = decode(body)
    for side in Side:
        if missing := frame.lost[side]:
            file.lose(side, missing)
    packet = Packet(bytearray(frame.data), len(frame.data), frame.partial, frame.segment_size)
    way = frame.t, Side(frame.side), frame.has_left, frame.number
    file.write(Captured(*way, packet, frame.comments))
