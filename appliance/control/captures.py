"""The live capture: a client of the control socket that gets every packet and writes the file.

    appliance                               writer (`writer.py`), a process of whoever asked
    tap → frame, … → backlog → socket ────► cut, summed up, written
              └ no room: counted

The appliance opens no file: it has given up the rights to do so, and a disk may make its writer
wait. So the one who wants a capture opens the file, and says so here; from then on its connection
carries frames. A frame that finds no room in the backlog is not waited for: the packet goes its
way, and the next frame says how many are missing. An empty frame is the last.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from appliance.control.frames import LAST, encode
from appliance.control.session import Session
from appliance.engine import Engine
from appliance.journal.capture import Capture, Captured
from appliance.journal.counters import Use
from appliance.journal.events import CaptureEnded, CaptureStarted, Started
from nat.endpoint import Side


class LiveCapture:
    """At most one at a time. `wake` is told when the writer has something to take."""

    def __init__(self, engine: Engine, wake: Callable[[Session], None]) -> None:
        self._engine = engine
        self._wake = wake
        first = next(engine.log.since(0), None)
        self._wall = first.wall if isinstance(first, Started) else 0.0
        self._writer: Session | None = None
        self._file = ""
        self._tap: Capture | None = None
        self._packets = 0
        self._lost = 0
        self._missing = [0, 0]
        self._high_water = 0
        self._asked_to_stop: list[Callable[[dict[str, object]], None]] = []
        engine.kept["capture"] = self._use

    def status(self) -> dict[str, object]:
        """What is going on, and what a writer has to know."""
        return {
            "file": self._file or None,
            "packets": self._packets,
            "lost": self._lost,
            "started": msgspec.to_builtins(self._heading()),
        }

    def _heading(self) -> Started:
        """Whose packets they are: what the appliance is called and set to now."""
        engine = self._engine
        values = dict(engine.settings.values)
        return Started(wall=self._wall, name=engine.name, mode=engine.mode, settings=values)

    # --- from begin to end ------------------------------------------------------------------

    def begin(self, writer: Session, file: str, now: float) -> None:
        """Hand all packets to this client from now on. Raises ValueError when another gets them."""
        if self._writer is not None:
            raise ValueError(f"{self._file} is being written; end it with: glassnat capture stop")
        self._writer, self._file = writer, file
        self._packets = self._lost = 0
        self._missing = [0, 0]
        engine = self._engine
        self._tap = Capture(engine.datapath.taps, engine.log, self._heading(), self)
        self._tap.begin()
        engine.log.emit(CaptureStarted(file=file), now)

    def stop(self, then: Callable[[dict[str, object]], None]) -> None:
        """Take no more packets, and call `then` when the file is whole. Raises ValueError when
        there is no capture."""
        if self._writer is None:
            raise ValueError("there is no capture; begin one with: glassnat capture start FILE")
        self._asked_to_stop.append(then)
        self._look_no_more()
        self._writer.append(LAST)
        self._wake(self._writer)

    def ended(self, writer: Session, why: str, now: float) -> None:
        """A client's file is closed, or it is gone itself. It may be none that writes."""
        if writer is not self._writer:
            return
        self._look_no_more()
        status = self.status()
        self._engine.log.emit(
            CaptureEnded(file=self._file, why=why, packets=self._packets, lost=self._lost), now
        )
        self._writer, self._file = None, ""
        asked, self._asked_to_stop = self._asked_to_stop, []
        for then in asked:
            then(status)

    def _look_no_more(self) -> None:
        if self._tap is not None:
            self._tap.end()
            self._tap = None

    # --- packet by packet -------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Has the writer taken enough of what was there before?"""
        writer = self._writer
        return writer is not None and writer.backlog < self._engine.settings["memory.capture"]

    def write(self, captured: Captured) -> None:
        """Hand a packet to the writer."""
        writer = self._writer
        if writer is None:
            return
        t, side, has_left, number, packet, comments = captured
        inside, outside = self._missing
        self._missing = [0, 0]
        data = memoryview(packet.buffer)[: packet.length]
        lost = (inside, outside)
        more = (packet.partial, packet.segment_size, comments, lost)
        frame = encode((t, int(side), has_left, number, data, *more))
        self._packets += packet.segments
        was_idle = writer.idle
        writer.append(frame)
        self._high_water = max(self._high_water, writer.backlog)
        if was_idle:
            self._wake(writer)

    def lose(self, side: Side, packets: int) -> None:
        """So many could not be handed over."""
        self._missing[side] += packets
        self._lost += packets

    def _use(self) -> Use:
        """Bytes that the writer has yet to take."""
        now = self._writer.backlog if self._writer else 0
        return Use(now, self._high_water, self._engine.settings["memory.capture"])
