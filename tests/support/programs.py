"""Real programs in namespaces: start them, know when they are ready, end them by their own id."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from appliance.wires import netns

ROOT = Path(__file__).resolve().parents[2]
PHONES = ROOT / "docs" / "examples" / "phones"
"""Real phones in alice's place, and what SIPp plays there and elsewhere."""
PATIENCE = 30.0
WITHOUT_CAPABILITIES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""What a command is given to be root in name only (and so to be able to read this folder)."""


def run_in(namespace: str, *command: str, timeout: float = PATIENCE) -> str:
    """Run to the end and answer what it printed; a failure is an error that shows all of it."""
    done = subprocess.run(
        netns.within(namespace, command), capture_output=True, text=True, timeout=timeout, cwd=ROOT
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def try_in(namespace: str, *command: str, timeout: float = PATIENCE) -> int:
    """Run to the end; answers the exit code, for programs whose failure is nobody's business."""
    command = tuple(netns.within(namespace, command))
    return subprocess.run(command, capture_output=True, timeout=timeout).returncode


class Program:
    """A program that runs beside the test; what it says is kept."""

    def __init__(
        self,
        namespace: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        folder: Path = ROOT,
    ) -> None:
        self.process = subprocess.Popen(
            netns.within(namespace, command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        )
        self.said = b""

    def wait_for(self, words: str, timeout: float = PATIENCE) -> None:
        """Until it has said these words."""
        end = time.monotonic() + timeout
        while words.encode() not in self.said:
            assert time.monotonic() < end, f"never said {words!r}: {self.text}"
            assert self._hear(end), f"ended without {words!r}: {self.text}"

    def listen(self) -> None:
        """Take in what it has said so far: who says much waits for a reader (pipe(7))."""
        assert self.process.stdout is not None
        while select.select([self.process.stdout], [], [], 0)[0] and self._hear(0):
            pass

    def finish(self, timeout: float = PATIENCE) -> int:
        """Until it ends by itself."""
        end = time.monotonic() + timeout
        while self._hear(end):
            assert time.monotonic() < end, f"does not end: {self.text}"
        return self.process.wait(timeout)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._hear_rest()
        return self.process.wait()

    @property
    def text(self) -> str:
        return self.said.decode(errors="replace")

    def _hear(self, end: float) -> bool:
        """One more piece of what it says; False when it has closed its output."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
        if not ready:
            return True
        piece = self.process.stdout.read1(65536)  # type: ignore[attr-defined]
        self.said += piece
        return bool(piece)

    def _hear_rest(self) -> None:
        if self.process.stdout is not None and not self.process.stdout.closed:
            self.said += self.process.stdout.read()
            self.process.stdout.close()


@contextlib.contextmanager
def running(namespace: str, *command: str, ready: str = "") -> Iterator[Program]:
    """A program for the length of a `with`, begun when it has said `ready`."""
    program = Program(namespace, command)
    try:
        if ready:
            program.wait_for(ready)
        yield program
    finally:
        program.stop()


def until(condition: object, timeout: float = PATIENCE) -> None:
    """Wait until a function answers something true."""
    assert callable(condition)
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "did not come true"
        time.sleep(0.02)
