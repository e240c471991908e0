"""The appliance as a process that stays when the command that started it has ended.

It is a copy of `glassnat up`, made at once: so while one of them makes the namespaces, the other
reads the files of the appliance, which takes as long.
"""

from __future__ import annotations

import os
import select
from pathlib import Path

from appliance.namespaces.between.record import Record
from appliance.namespaces.between.undo import own_process

PATIENCE = 10.0
"""Seconds that the appliance may take until it carries packets."""
LONGEST_NARRATION = 1 << 16
GO, READY = b"go", b"ready"


class NotStarted(Exception):
    """The appliance has ended, or does not begin. The text is what it said; the exit code its
    own."""

    def __init__(self, said: str, exit_code: int) -> None:
        super().__init__(said)
        self.exit_code = exit_code


class Background:
    """Two processes: the one that this is made in, and a copy of it, in which `is_copy` is true.
    What the copy says goes to `log`.

    The original calls `go` when all is there that the copy needs, and `wait`. The copy calls `goes`
    before its deed, and `is_ready` when that has begun.
    """

    def __init__(self, record: Record, log: Path) -> None:
        self._record = record
        self._log = log
        told, self._tells = os.pipe()
        hears, self._says = os.pipe()
        self._process = os.fork()
        self.is_copy = not self._process
        if self.is_copy:
            self._hears = told
            os.close(self._tells)
            os.close(hears)
            self._leave_terminal()
        else:
            self._hears = hears
            os.close(told)
            os.close(self._says)

    def go(self) -> None:
        os.write(self._tells, GO)

    def wait(self) -> None:
        """Until the copy is ready. Raises NotStarted."""
        if not select.select([self._hears], [], [], PATIENCE)[0]:
            raise NotStarted(f"the appliance has not begun within {PATIENCE:.0f} s", 3)
        if os.read(self._hears, len(READY)) != READY:
            _, status = os.waitpid(self._process, 0)
            code = os.waitstatus_to_exitcode(status)
            raise NotStarted(self._narration(), code if code > 0 else 1)

    def dismiss(self) -> None:
        """A copy that has not been told to go ends."""
        os.close(self._tells)

    def goes(self) -> bool:
        """Wait for the word, and write this process down before its deed. False when the original
        has ended without it."""
        if os.read(self._hears, len(GO)) != GO:
            return False
        self._record.expect(own_process())
        self._record.close()
        return True

    def is_ready(self) -> None:
        os.write(self._says, READY)
        os.close(self._says)

    def _leave_terminal(self) -> None:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        log = os.open(self._log, flags, 0o644)
        for descriptor, number in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(descriptor, number)
        os.close(nothing)
        os.close(log)

    def _narration(self) -> str:
        try:
            with self._log.open(errors="replace") as file:
                said = file.read(LONGEST_NARRATION).strip()
        except OSError:
            said = ""
        return said.removeprefix("glassnat: ") or "the appliance has ended without a word"
