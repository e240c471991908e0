"""What the story comes to under each choice, played beside the screen while a menu is open.

A thread plays the first itself, because it takes a moment until there are processes; the others are
played by `appliance/sim/matrix.py` on all processors. That is done in a program of its own (this
file): it can be ended at once, and a screen is no place to start processes from, since what they
would inherit as their output is Textual's. What was found stays known as long as nothing else is
turned.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from appliance.sim.matrix import Plan, cells, play

SPEC = "alg"
"""The axis by which outcomes are known."""

Found = tuple[str, str]
"""A SPEC, and the outcome word."""


class Players:
    """Plays what it is given, in a program of its own."""

    def __init__(self) -> None:
        self._program: subprocess.Popen[bytes] | None = None
        self._is_over = threading.Event()

    def play(self, plans: Sequence[Plan]) -> Iterator[Found]:
        """As they finish, until all are played or `end` is called."""
        if self._is_over.is_set():
            return
        with subprocess.Popen(
            [sys.executable, "-m", "tui.foresight"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as self._program:
            given, told = self._program.stdin, self._program.stdout
            if self._is_over.is_set():  # said while the program began
                self._program.terminate()
            assert given is not None
            assert told is not None
            try:
                pickle.dump(list(plans), given)
                given.close()
            except BrokenPipeError:
                return
            for line in told:
                spec, outcome = json.loads(line)
                yield spec, outcome

    def end(self) -> None:
        self._is_over.set()
        if self._program is not None:
            self._program.terminate()


class Foresight:
    """`outcomes`: outcome words by SPEC, as far as they are known."""

    def __init__(self, players: Callable[[], Players] = Players) -> None:
        self.outcomes: dict[str, str] = {}
        self._new_players = players
        self._players: Players | None = None
        self._about: object = None
        self._thread: threading.Thread | None = None

    def begin(self, about: object, plans: Sequence[Plan]) -> None:
        """Find out what is not known yet. `about`: everything else that decides; when it is another
        one than before, what was known is forgotten."""
        if about != self._about:
            self.end()
            self.outcomes = {}
            self._about = about
        missing = [plan for plan in plans if plan.axes[SPEC] not in self.outcomes]
        if missing and self._players is None:
            self._players = self._new_players()
            work = (missing, self.outcomes, self._players)
            self._thread = threading.Thread(target=_find, args=work, daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Nobody looks any more."""
        if self._players is not None:
            self._players.end()
            self._players = None

    def wait(self) -> None:
        """Until all is known that somebody wants to know."""
        if self._thread is not None:
            self._thread.join()


def _find(plans: Sequence[Plan], into: dict[str, str], players: Players) -> None:
    """Write down what comes of each, into what the menu reads."""
    into[plans[0].axes[SPEC]] = play(plans[0]).outcome
    into.update(players.play(plans[1:]) if plans[1:] else ())


def serve(given: BinaryIO) -> Iterator[str]:
    """The other program: a line of JSON for each plan that has been played."""
    for cell in cells(pickle.load(given), as_they_finish=True):
        yield json.dumps([cell.axes[SPEC], cell.outcome])


if __name__ == "__main__":
    for line in serve(sys.stdin.buffer):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
