"""All that is made for one story: the namespaces, the appliance between them, its files.

Everything is written down before it is made, as `up` does it, and so can be removed by its name
alone, whatever happened to the program in between.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from appliance.control.listener import ensure_free
from appliance.control.paths import default_path
from appliance.namespaces.between import undo, work
from appliance.namespaces.between.record import Facts, Record, Trace
from appliance.namespaces.between.step import Step
from appliance.namespaces.between.undo import Echo
from appliance.namespaces.lab import naming
from appliance.namespaces.lab.rooms import Rooms
from appliance.settings import files as configuration
from appliance.settings.table import Settings
from nat.endpoint import Side

PATIENCE = 20.0
"""Seconds that the appliance may take until it answers."""
LOOK = 0.02
READY = "ready"
LONGEST_NARRATION = 1 << 16


class NoAppliance(Exception):
    """It did not begin. The text is what it said, the exit code its own if it had one."""

    def __init__(self, sentence: str, exit_code: int | None) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code or 3


class House:
    """For one story, in which `speed` seconds pass in one. `echo` says each command before it is
    run."""

    def __init__(self, rooms: Rooms, echo: Echo, speed: float = 1.0) -> None:
        self.rooms = rooms
        self._speed = speed
        self.control = default_path(rooms.name)
        self._echo = echo
        self._record: Record | None = None
        self._appliances: list[int] = []

    @property
    def record(self) -> Record:
        """Where all that there is has been written down."""
        if self._record is None:
            raise RuntimeError("nothing was built")
        return self._record

    def build(self, names: bool) -> None:
        """All of it, or nothing; with `names`, programs find the parties by name. Raises AlreadyUp,
        CommandError, NoAppliance, OSError."""
        rooms = self.rooms
        inside, outside = (rooms.namespace(side) for side in Side)
        facts = Facts(rooms.name, inside, outside, str(self.control))
        self._record = Record.begin(facts)
        try:
            ensure_free(self.control)
            self._make(rooms.steps())
            second = rooms.second_settings()
            if second is not None:
                self._start(second, default_path(second["name"]))
            self._start(rooms.settings, self.control)
            self._make(rooms.furniture())
            if names:
                self._name_parties()
        except BaseException:
            self.take_down()
            raise

    def is_whole(self) -> bool:
        """Do all appliances still run?"""
        return not select.select(self._appliances, [], [], 0)[0]

    def take_down(self) -> list[str]:
        """Answers a sentence for each thing that could not be removed."""
        return undo.take_down(self.record, self._echo)

    def keep(self, suffix: str) -> Path:
        """A file beside the control socket, which goes when all goes."""
        path = self.control.with_name(self.control.stem + suffix)
        self.record.expect(Trace("file", str(path)))
        return path

    def _make(self, steps: Iterable[Step]) -> None:
        work.make(list(steps), self.record, self._echo)

    def _name_parties(self) -> None:
        """Where that is nobody's to write (in a user namespace), there are no names."""
        if not os.access(naming.FOLDER.parent, os.W_OK):
            return
        for side in Side:
            namespace = self.rooms.namespace(side)
            path = naming.file(namespace)
            self.record.expect(*naming.traces(namespace))
            self._echo(("tee", str(path)))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(naming.RESOLV_CONF)
        self._make(naming.step(self.rooms.namespace(side), self.rooms.story) for side in Side)

    def _start(self, settings: Settings, control: Path) -> None:
        """An appliance, as anybody starts it."""
        written, log = (control.with_suffix(suffix) for suffix in (".toml", ".log"))
        self.record.expect(Trace("file", str(written)), Trace("file", str(log)))
        written.write_text(configuration.effective(settings))
        self.record.expect(Trace("sockets", str(control)))
        words = ["run", "--config", str(written), "--control", str(control)]
        if self._speed != 1.0:
            words += ["--speed", f"{self._speed:g}"]
        self._echo(("glassnat", *words))
        with log.open("wb") as said:
            appliance = subprocess.Popen(
                [sys.executable, "-m", "appliance.cli", *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self.record.expect(undo.process(appliance.pid))
        self._appliances.append(os.pidfd_open(appliance.pid))
        self._wait_for(appliance, log)

    def _wait_for(self, appliance: subprocess.Popen[bytes], log: Path) -> None:
        """Until it says that it is ready, which is when both wires are there."""
        for _ in range(round(PATIENCE / LOOK)):
            if READY in _narration(log):
                return
            try:
                appliance.wait(LOOK)
            except subprocess.TimeoutExpired:
                continue
            break
        said = _narration(log)  # its last words, which it may have said since that look
        sentence = said.rpartition("\n")[2].removeprefix("glassnat: ")
        raise NoAppliance(sentence or "the appliance said nothing", appliance.poll())


def _narration(log: Path) -> str:
    return log.read_bytes()[:LONGEST_NARRATION].decode(errors="replace").strip()
