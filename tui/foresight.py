"""What the story comes to under each choice, played beside the screen while a menu is open.

    screen ──plans──► the other program ──fork──► a process for each processor
           ◄─line for each─┘

It is played in a program of its own (this file): it can be ended at once, and a screen is no place
to start processes from, since what they would inherit as their output is Textual's. That program is
begun before anybody asks, and waits with everything loaded and its processes forked from it, so
that they load nothing. Each plan is played to its end: the outcome is what a run on the screen
would have. What was found stays known as long as nothing else is turned.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.pool import Pool
from typing import BinaryIO

from alg.registry import SpecError
from appliance.sim.matrix import Plan, play

SPEC = "alg"
"""The axis by which outcomes are known."""

Found = tuple[str, str]
"""A SPEC, and the outcome word."""

_NO_MORE = "\n"
"""The line after the last one of an answer."""


class Players:
    """Plays what it is given, in a program of its own, which begins at once."""

    def __init__(self) -> None:
        self._is_over = False
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tui.foresight"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that it can be ended with all its processes
        )

    def play(self, plans: Sequence[Plan]) -> Iterator[Found]:
        """As they finish, until all are played or `end` is called; then once more, if wanted."""
        given, told = self._program.stdin, self._program.stdout
        assert given is not None
        assert told is not None
        try:
            pickle.dump(list(plans), given)
            given.flush()
        except (BrokenPipeError, ValueError):  # it has ended, or `end` has closed the pipe
            return
        for line in told:
            if self._is_over or line == _NO_MORE.encode():
                return
            spec, outcome = json.loads(line)
            yield spec, outcome

    def end(self) -> None:
        """The screen does not wait until it has ended."""
        self._is_over = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._program.pid, signal.SIGKILL)
        threading.Thread(target=self._tidy).start()

    def _tidy(self) -> None:
        with contextlib.suppress(BrokenPipeError), self._program:
            self._program.wait()


class Foresight:
    """`outcomes`: outcome words by SPEC, as far as they are known."""

    def __init__(self, players: Callable[[], Players] = Players) -> None:
        self.outcomes: dict[str, str] = {}
        self._new_players = players
        self._players: Players | None = None
        self._about: object = None
        self._thread: threading.Thread | None = None

    def prepare(self) -> None:
        """Somebody may ask soon."""
        if self._players is None:
            self._players = self._new_players()

    def begin(self, about: object, plans: Sequence[Plan]) -> None:
        """Find out what is not known yet. `about`: everything else that decides; when it is another
        one than before, what was known is forgotten."""
        if about != self._about:
            self.rest()
            self.outcomes = {}
            self._about = about
        missing = [plan for plan in plans if plan.axes[SPEC] not in self.outcomes]
        if missing and not self._is_playing:
            self.prepare()
            assert self._players is not None
            work = (missing, self.outcomes, self._players)
            self._thread = threading.Thread(target=_find, args=work, daemon=True)
            self._thread.start()

    @property
    def _is_playing(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def rest(self) -> None:
        """Nobody looks any more; somebody may ask again."""
        if self._is_playing:
            self.end()
            self.prepare()

    def end(self) -> None:
        """Nobody will ask again."""
        if self._players is not None:
            self._players.end()
            self._players = None
        self._thread = None

    def wait(self) -> None:
        """Until all is known that somebody wants to know."""
        if self._thread is not None:
            self._thread.join()


def _find(plans: Sequence[Plan], into: dict[str, str], players: Players) -> None:
    """Write down what comes of each, into what the menu reads."""
    into.update(players.play(plans))


# --- the other program ---------------------------------------------------------------------------


def serve(given: BinaryIO, tell: Callable[[str], None], pool: Pool) -> None:
    """A line of JSON for each plan that has been played, as they finish; as long as somebody
    asks."""
    while True:
        try:
            plans = pickle.load(given)
        except EOFError:
            return
        for spec, outcome in pool.imap_unordered(_played, plans):
            tell(json.dumps([spec, outcome]) + "\n")
        tell(_NO_MORE)


def _processes() -> Pool:
    return get_context("fork").Pool(len(os.sched_getaffinity(0)))


def _played(plan: Plan) -> Found:
    """What a module of somebody's own makes impossible has no outcome."""
    try:
        return plan.axes[SPEC], play(plan).outcome
    except SpecError:
        return plan.axes[SPEC], ""


def _tell(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        serve(sys.stdin.buffer, _tell, _processes())
    finally:
        # A pool that is asked to end waits for its processes, and they may wait for each other.
        os.killpg(0, signal.SIGKILL)
