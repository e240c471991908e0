"""A program on a terminal, seen from the other end of its pty."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.programs import ROOT

ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>]|[()][AB0])")
PATIENCE = 60.0


class Terminal:
    """`began`: when the program was started, on the monotonic clock."""

    def __init__(self, command: Sequence[str], columns: int, rows: int) -> None:
        self._parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        }
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            command,
            stdin=child,
            stdout=child,
            stderr=child,
            cwd=ROOT,
            env={**environment, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        os.close(child)
        self.written = b""

    def close(self) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        os.close(self._parent)

    def press(self, keys: str) -> float:
        """Answers when. What was written before is forgotten."""
        self.rest(0.0)
        self.written = b""
        os.write(self._parent, keys.encode())
        return time.monotonic()

    def wait_for(self, words: str, patience: float = PATIENCE) -> float:
        """Until these have been written to it; answers when that was seen."""
        end = time.monotonic() + patience
        while words.encode() not in ESCAPES.sub(b"", self.written):
            if time.monotonic() > end or not self._read(0.5):
                raise AssertionError(f"never wrote {words!r}: {self.written[-400:]!r}")
        return time.monotonic()

    def rest(self, seconds: float) -> None:
        """Read what is written meanwhile, as a terminal does."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 or select.select([self._parent], [], [], 0)[0]:
            self._read(max(left, 0.0))

    def _read(self, patience: float) -> bool:
        """False when the program has ended."""
        if select.select([self._parent], [], [], patience)[0]:
            try:
                self.written += os.read(self._parent, 65536)
            except OSError:  # EIO: the other end has been closed
                return False
        return True

    def processor_time(self) -> float:
        """Seconds that the program has used so far."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def glassnat(*words: str, columns: int = 120, rows: int = 36) -> Iterator[Terminal]:
    """The program with these words on its command line."""
    terminal = Terminal([sys.executable, "-m", "appliance.cli", *words], columns, rows)
    try:
        yield terminal
    finally:
        terminal.close()
