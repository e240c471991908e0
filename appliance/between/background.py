"""The appliance as a process that stays when the command that started it has ended."""

from __future__ import annotations

import os
import select
from pathlib import Path

from appliance.between.record import Record
from appliance.between.undo import own_process

PATIENCE = 10.0
"""Seconds that the appliance may take until it carries packets."""
LONGEST_NARRATION = 1 << 16
READY = b"ready"


class NotStarted(Exception):
    """The appliance has ended, or does not begin. The text is what it said; the exit code its
    own."""

    def __init__(self, said: str, exit_code: int) -> None:
        super().__init__(said)
        self.exit_code = exit_code


class Background:
    """A process that is a copy of this one. `log` is where what it says goes.

    In the copy `is_copy` is true: it calls `settle`, does what it is for, and calls `is_ready` when
    that has begun. The original calls `wait`.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._hears, self._says = os.pipe()
        self._process = os.fork()
        self.is_copy = not self._process
        os.close(self._hears if self.is_copy else self._says)

    def settle(self, record: Record) -> None:
        """Write this process down, and leave the terminal."""
        record.expect(own_process())
        record.close()
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        log = os.open(self._log, flags, 0o644)
        for descriptor, number in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(descriptor, number)
        os.close(nothing)
        os.close(log)

    def is_ready(self) -> None:
        os.write(self._says, READY)
        os.close(self._says)

    def wait(self) -> None:
        """Until it is ready. Raises NotStarted."""
        if not select.select([self._hears], [], [], PATIENCE)[0]:
            raise NotStarted(f"the appliance has not begun within {PATIENCE:.0f} s", 3)
        if os.read(self._hears, len(READY)) != READY:
            _, status = os.waitpid(self._process, 0)
            code = os.waitstatus_to_exitcode(status)
            raise NotStarted(self._narration(), code if code > 0 else 1)

    def _narration(self) -> str:
        try:
            with self._log.open(errors="replace") as file:
                said = file.read(LONGEST_NARRATION).strip()
        except OSError:
            said = ""
        return said.removeprefix("glassnat: ") or "the appliance has ended without a word"
