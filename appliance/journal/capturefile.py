"""A capture in a file, or in several of which the oldest go: whole packets, whatever happens.

    call.pcapng                                 one file
    call_00007.pcapng, call_00008.pcapng, …     a ring: the newest has the highest number

Each packet is one write. A write that did not get through whole (a full disk, a pipe that nobody
reads any more) is cut off again, and then the capture ends with one warning. So it does when the
file is deleted: what is written to it would go nowhere.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from appliance.journal import pcapng
from appliance.journal.capture import Captured
from appliance.journal.events import Started
from appliance.journal.onwire import packets_of
from appliance.journal.plain import clean
from appliance.version import VERSION
from nat.endpoint import Side, parse_address

LOOK = 1_000_000
"""Microseconds between two looks whether the file is still there."""
_WIRES = {
    Side.INSIDE: "the wire to the private network",
    Side.OUTSIDE: "the wire to the world",
}


@dataclass(frozen=True, slots=True)
class Ring:
    """How long a file may become (bytes; None: as long as the disk has room), and how many there
    are at a time: with one the capture ends when it is full."""

    bytes: int | None = None
    files: int = 1


@dataclass(slots=True)
class Tally:
    """What became of packets, of one wire."""

    written: int = 0
    lost: int = 0


def heading(started: Started) -> bytes:
    """What stands before all packets: whose they are, all settings, and who is called what."""
    settings = (f"{key} = {_as_json(value)}" for key, value in started.settings.items())
    what = [started.title or f"{started.name} ({started.mode})"]
    if started.seed is not None:
        what.append(f"scenario {started.scenario}, seed {started.seed}")
    program = f"glassnat {VERSION}"
    return b"".join(
        (
            pcapng.section(program, (clean("; ".join(what), 1000), "\n".join(settings))),
            *(pcapng.interface(str(side), said) for side, said in _WIRES.items()),
            pcapng.names(_hosts(started)),
        )
    )


def _as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _hosts(started: Started) -> Mapping[int, str]:
    """The parties, and the NAT itself."""
    hosts = {}
    if gateway := started.settings.get("inside.gateway"):
        hosts[str(gateway)] = "nat-inside"
    externals = started.settings.get("outside.external")
    for external in externals if isinstance(externals, list) else []:
        hosts[str(external)] = "nat-outside"
    hosts |= started.parties
    return {parse_address(address): clean(name) for address, name in hosts.items()}


def packet_blocks(captured: Captured, zero: int, lost: int = 0) -> Iterator[bytes]:
    """A packet, or those that it stands for. `zero` is the time of t = 0 (microseconds since 1970),
    `lost` what is missing before."""
    t, side, has_left, number, packet, comments = captured
    time = zero + round(t * 1_000_000)
    for data in packets_of(packet):
        yield pcapng.packet(side, time, data, has_left, number, comments, lost)
        comments, lost = (), 0


class CaptureFile:
    """Writes packets from `write`. `warn` is told once, in a sentence, when it has ended by itself.
    Raises OSError when the file cannot be begun."""

    def __init__(
        self, path: str | Path, started: Started, warn: Callable[[str], None], ring: Ring = Ring()
    ) -> None:
        self.path = Path(path)
        self.why = ""
        """Why it has ended by itself, if it has."""
        self.tallies = (Tally(), Tally())
        self._start = round(started.wall * 1_000_000)
        self._heading = heading(started)
        self._warn = warn
        self._ring = ring
        self._number = 0
        self._files: list[Path] = []
        self._file: BinaryIO | None = None
        self._bytes = 0  # of this file, up to the end of the last whole block
        self._last = self._start
        self._looked = self._start
        self._lost = [0, 0]  # since the last packet of each wire that was written
        self._begin()

    @property
    def is_over(self) -> bool:
        """Is nothing written any more?"""
        return self._file is None

    @property
    def has_room(self) -> bool:
        """A file takes what the disk takes."""
        return True

    def write(self, captured: Captured) -> None:
        """Append a packet, or those that it stands for; after a failure, nothing."""
        self._last = time = self._start + round(captured.t * 1_000_000)
        if time - self._looked >= LOOK:
            self._looked = time
            if self._is_deleted():
                self._give_up("the file was deleted")
        side = captured.side
        for block in packet_blocks(captured, self._start, self._lost[side]):
            if not self._put(block):
                return
            self.tallies[side].written += 1
            self._lost[side] = 0

    def lose(self, side: Side, packets: int) -> None:
        """So many could not be kept: the next packet that can says so, and the file's end."""
        self._lost[side] += packets
        self.tallies[side].lost += packets

    def close(self) -> None:
        """End the file with what there is to say of the whole. Calling it twice is harmless."""
        if self._file is not None:
            self._append(self._statistics())
        if self._file is not None:
            self._file.close()
            self._file = None

    def fileno(self) -> int:
        """Of the file that is being written; -1 when none is."""
        return self._file.fileno() if self._file is not None else -1

    def let_go(self) -> None:
        """Another process goes on writing it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # --- one file, or one after the other ---------------------------------------------------

    def _begin(self) -> None:
        """Begin a file. Raises OSError."""
        self._number += 1
        path = self.path
        if self._ring.files > 1:
            path = path.with_name(f"{path.stem}_{self._number:05}{path.suffix}")
        self._file = path.open("wb", buffering=0)
        self._bytes = 0
        self._files.append(path)
        self._append(self._heading)
        while len(self._files) > self._ring.files:
            with contextlib.suppress(OSError):
                self._files.pop(0).unlink()

    def _put(self, block: bytes) -> bool:
        """Append a packet to this file or to the next. Was there room for it?"""
        most = self._ring.bytes
        if self._file is None:
            return False
        if most is not None and self._bytes + len(block) + len(self._statistics()) > most:
            if self._ring.files == 1:
                self._give_up(f"it is as long as it may be ({most} bytes, capture.bytes)")
                return False
            self.close()
            try:
                self._begin()
            except OSError as error:
                self._give_up(error.strerror or str(error))
        return self._append(block)

    def _append(self, block: bytes) -> bool:
        if self._file is None:
            return False
        try:
            written = self._file.write(block)
        except OSError as error:
            self._give_up(error.strerror or str(error))
            return False
        if written != len(block):
            self._give_up("no space left")
            return False
        self._bytes += len(block)
        return True

    def _statistics(self) -> bytes:
        return b"".join(
            pcapng.statistics(side, self._start, self._last, tally.written, tally.lost)
            for side, tally in zip(Side, self.tallies, strict=True)
        )

    # --- what can go wrong ---------------------------------------------------------------------

    def _is_deleted(self) -> bool:
        status = self._status()
        return status is not None and status.st_nlink == 0

    def _status(self) -> os.stat_result | None:
        """Of a file that has a place on a disk; None for pipes and their like."""
        if self._file is None:
            return None
        status = os.fstat(self._file.fileno())
        return status if stat.S_ISREG(status.st_mode) else None

    def _give_up(self, reason: str) -> None:
        if self._file is not None:
            if self._status() is not None:
                try:
                    os.ftruncate(self._file.fileno(), self._bytes)
                except OSError:
                    reason += "; the last packet may be cut"
            self._file.close()
            self._file = None
        self.why = reason
        self._warn(f"the capture in {self._files[-1]} ended: {reason}")
