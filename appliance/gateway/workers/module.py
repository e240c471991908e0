"""A module of somebody's own, as the appliance has it: an `Alg` whose every answer comes from a
worker, and is checked as if a stranger had made it.

    loading ──Loaded──► ready ──question──► answer in time ──► ready
       │                  │
       │                  └── late, dead, nonsense, out of turn ──► killed, and a new one is loading
       └── cannot be used ──► off                  five times in a row ──► off

While there is no worker that is ready, messages pass unchanged at once. What is off comes back when
its file changes, or when somebody sets it again.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from alg.base import AlgContext, Edit, Edits, Reading, Reason, Refuse, Unavailable
from alg.registry import APPLICATIONS, SpecError
from alg.stream import RIGHT, Manners
from appliance.gateway.workers import frames, wishes
from appliance.gateway.workers.frames import BadFrame, FromWorker
from appliance.gateway.workers.nursery import Line, LineDead
from appliance.gateway.workers.verbs import Verbs
from appliance.gateway.workers.workshop import LATE, Late, Workshop
from nat.endpoint import Endpoint
from nat.policy import Decide

Signature = tuple[int, ...]
MOST_FAILURES = 5
"""In a row; after so many the module is off."""
MOST_CALLS = 128
"""Verbs for one message. One that opens something counts twice: it may have to be undone."""
MOST_REASONS = 1000
"""Explanations that are kept, so that nobody has to be asked twice."""
MOST_COMPLAINTS = 20
"""That wait to be told."""
REST = 0.2
"""Seconds after a failure in which no worker is asked, so that those who always fail do not take
more than a fifth of the time."""
LOOK_EVERY = 1.0
"""Seconds between two looks at the file."""
LOOK_WHILE_LOADING = 0.05
MOST_UNASKED = 0.5
"""Seconds of processor time between two looks that a worker may use while nobody waits for it.
Tidying up after an answer takes a twentieth of that; who answers first and then goes on
computing would take the processor from those who forward."""
OFF = "it is off until its file changes or somebody sets it again"


class ModuleFailed(Exception):
    """It raised, or its worker had to be killed. The text says what happened."""


class ForeignModule:
    """An `Alg` in a worker. `path` and `class_name` are those of the SPEC. Raises SpecError when it
    is known at once that it cannot be used."""

    def __init__(self, path: Path, class_name: str, application: str, workshop: Workshop) -> None:
        self.name = class_name
        self.application = application
        self.decisions: Mapping[str, Decide] = {}
        self.manners: Manners = RIGHT
        self.complaints: list[str] = []
        """Failures that no message was about, for somebody to tell."""
        self.loads = 0
        """How often its file was loaded because somebody wanted it."""
        self._path = path
        self._class_name = class_name
        self._slot = application
        self._workshop = workshop
        self._line: Line | None = None
        self._is_ready = self._is_asked = self._has_changed = False
        self._since = self._rests_until = 0.0  # on the workshop's clock
        self._look_at = 0.0  # on the clock of `now`
        self._seen: Signature = ()
        self._failures = self._calls = 0
        self._off = ""
        self._settings: object = None
        self._reasons: dict[str, Reason] = {}
        self.restart()
        self._has_changed = not self._is_ready  # whoever made it looks at its decisions now

    # --- starting, and starting again --------------------------------------------------

    def restart(self) -> None:
        """Load the file anew, and wait for it as long as nobody else has to. Raises SpecError when
        it turns out that it cannot be used."""
        if not self._class_name:
            raise SpecError(f"{str(self._path)!r} needs the name of its class: {self._path}:Class")
        self._begin_anew()
        if self._line is not None:
            self._workshop.wait_to_load(self._line)
        self._hear_of_loading()
        if self._off:
            self.complaints = []
            raise SpecError(self._off)

    def _begin_anew(self) -> None:
        self._failures, self._off, self._rests_until = 0, "", 0.0
        self._reasons.clear()
        self.loads += 1
        self._start()

    def close(self) -> None:
        """End its worker."""
        if self._line is not None:
            self._line.end()
        self._line, self._is_ready, self._settings = None, False, None

    def _start(self) -> None:
        self.close()
        nursery = self._workshop.nursery
        self._since = self._workshop.now()
        try:
            with _opened(self._path) as (file, self._seen):
                line = nursery.start(file)
            line.send(frames.Load(str(self._path), self._class_name, self._slot))
        except (OSError, LineDead, ValueError) as error:
            self._seen = _signature(self._path)
            self._cannot_be_used(_why_not(self._path, error))
        else:
            self._line = line

    def _cannot_be_used(self, sentence: str) -> None:
        self.close()
        self._off = sentence
        self._complain(f"{sentence}; {OFF}")

    def _complain(self, sentence: str) -> None:
        self.complaints = [*self.complaints, sentence][-MOST_COMPLAINTS:]

    def _hear_of_loading(self) -> None:
        """Take in what has become of a worker that was loading. Never waits."""
        line = self._line
        if line is None or self._is_ready:
            return
        try:
            if line.waits():
                self._take_over(line, line.receive_first())
            elif self._workshop.now() - self._since >= (most := self._workshop.loading):
                self._cannot_be_used(f"{self._path}: loading it took longer than {most:g} s")
        except (LineDead, BadFrame) as failure:
            self._cannot_be_used(f"{self._path} cannot be used: {failure}")

    def _take_over(self, line: Line, frame: FromWorker) -> None:
        """Raises BadFrame."""
        if isinstance(frame, frames.Unusable):
            self._cannot_be_used(frame.sentence)
            return
        if not isinstance(frame, frames.Loaded):
            raise BadFrame("it talked out of turn")
        try:
            wishes.check(frame.points)
        except wishes.NotForStrangers as reason:
            self._cannot_be_used(str(reason))
            return
        if frame.application not in ("", *APPLICATIONS):
            self._cannot_be_used(f"{frame.application!r} is not one of: {', '.join(APPLICATIONS)}")
            return
        self.name, self.application = frame.name, frame.application
        self.manners = Manners(*frame.manners)
        self._has_changed |= set(frame.points) != set(self.decisions)
        self.decisions = {point: partial(self._decide, point) for point in frame.points}
        self._workshop.computed_unasked(line)  # counts from now on: loading has its own limit
        self._is_ready = True

    def look(self, now: float) -> bool:
        """Once a second: has the file changed, has it been loaded? True when it decides at other
        points than before."""
        if now < self._look_at:
            return False
        if _signature(self._path) != self._seen:
            self._begin_anew()
        self._hear_of_loading()
        if self._line is not None and self._is_ready:
            self._look_at_idle(self._line)
        is_loading = self._line is not None and not self._is_ready
        self._look_at = now + (LOOK_WHILE_LOADING if is_loading else LOOK_EVERY)
        changed, self._has_changed = self._has_changed, False
        return changed

    def _look_at_idle(self, line: Line) -> None:
        """What does a worker do that nobody asks anything?"""
        if line.waits():
            self._complain(str(self._gave_up(_said_unasked(line))))
        elif self._workshop.is_live and self._workshop.computed_unasked(line) > MOST_UNASKED:
            self._cannot_be_used(f"{self._path}: it computes while nobody asks it anything")

    @property
    def next_look(self) -> float:
        """When `look` is to be called, on the clock of `now`; inf in virtual time, where nobody has
        to."""
        return self._look_at if self._workshop.is_live else inf

    # --- an Alg ------------------------------------------------------------------------

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        """Raises Unavailable while there is no worker to ask, and ModuleFailed."""
        line = self._line_to_ask()
        settings = None
        if context.settings is not self._settings:
            settings = frames.encode(dict(context.settings))
        question = frames.Inspect(
            message,
            context.direction.value,
            context.internal,
            context.external,
            context.remote,
            context.transport,
            settings,
        )
        answer = self._asked(line, question, Verbs(context).do)
        self._settings = context.settings
        if isinstance(answer, frames.Edited):
            made = tuple(Edit(*row) for row in answer.edits)
            return Edits(made, Reading(answer.reading), answer.note)
        if isinstance(answer, frames.Refused):
            return Refuse(answer.rule)
        raise self._unfit(answer)

    def explain(self, rule: str) -> Reason:
        """Raises KeyError when it does not answer a reason."""
        known = self._reasons.get(rule)
        if known is not None:
            return known
        try:
            answer = self._asked(self._line_to_ask(), frames.Explain(rule), _no_verb)
            if not isinstance(answer, frames.Explained):
                raise self._unfit(answer)
        except Unavailable:
            raise KeyError(rule) from None
        except ModuleFailed as failure:
            self._complain(f"explain: {failure}")
            raise KeyError(rule) from None
        if len(self._reasons) >= MOST_REASONS:
            del self._reasons[next(iter(self._reasons))]
        reason = self._reasons[rule] = Reason(answer.sentence, answer.rfc)
        return reason

    def _decide(self, point: str, normal: Any, *facts: Any) -> Any:
        """The answer of the module at a decision point; the normal one while there is no worker to
        ask. Raises ModuleFailed."""
        try:
            line = self._line_to_ask()
            question = wishes.packed(point, normal, facts)
            answer = self._asked(line, question, partial(wishes.granted, facts[0]))
            if not isinstance(answer, frames.Decided):
                raise self._unfit(answer)
        except Unavailable:
            return normal
        except ModuleFailed as failure:
            self._complain(f"decision {point}: {failure}")
            raise
        decided = answer.answer
        return Endpoint(*decided) if isinstance(decided, tuple) else decided

    # --- asking ------------------------------------------------------------------------

    def _line_to_ask(self) -> Line:
        """Raises Unavailable."""
        if not self._is_ready and not self._off and not self._workshop.is_live:
            # Nobody waits for packets in virtual time: it must not depend on how fast this is.
            if self._line is not None:
                self._workshop.wait_to_load(self._line)
            self._hear_of_loading()
        if self._off:
            raise Unavailable(self._off)
        self._hear_of_loading()
        if self._line is None or not self._is_ready or self._workshop.now() < self._rests_until:
            raise Unavailable("the module's process is being started")
        return self._line

    def _asked(
        self, line: Line, question: frames.ToWorker, do: Callable[[Any], object]
    ) -> FromWorker:
        """Put a question and answer the worker's own, until it answers. Raises Unavailable,
        ModuleFailed. A decision that a verb leads to is asked within the question."""
        if self._is_asked:
            return self._exchange(line, question, do)
        self._workshop.begin(line)
        self._is_asked, self._calls = True, 0
        try:
            if line.waits():
                raise self._gave_up(_said_unasked(line))
            answer = self._exchange(line, question, do)
            if self._workshop.is_late(line):
                raise self._gave_up(LATE)
        finally:
            self._is_asked = False
            self._workshop.end(line)
        self._failures = 0
        return answer

    def _exchange(
        self, line: Line, question: frames.ToWorker, do: Callable[[Any], object]
    ) -> FromWorker:
        try:
            line.send(question)
            while True:
                self._workshop.wait(line)
                frame = line.receive()
                if not isinstance(frame, frames.QUESTIONS):
                    return frame
                answer = self._granted(frame, do)
                if self._line is not line:
                    raise ModuleFailed("its process was ended by a decision that it took")
                line.send(answer)
        except (Late, LineDead, BadFrame) as failure:
            raise self._gave_up(str(failure)) from None

    def _granted(self, verb: Any, do: Callable[[Any], object]) -> frames.Granted | frames.Denied:
        self._calls += 2 if isinstance(verb, frames.OPENING) else 1
        if self._calls > MOST_CALLS:
            raise self._gave_up(f"it asked too much of its context: {MOST_CALLS} verbs")
        try:
            return frames.Granted(do(verb))
        except Unavailable as refusal:
            return frames.Denied(str(refusal), True)
        except (ValueError, TypeError) as mistake:
            return frames.Denied(str(mistake), False)

    def _unfit(self, answer: FromWorker) -> Exception:
        """What is raised for an answer that is no answer to the question."""
        if not isinstance(answer, frames.Failed):
            return self._gave_up(f"it answered {type(answer).__name__.lower()!r}")
        return (Unavailable if answer.unavailable else ModuleFailed)(answer.error)

    def _gave_up(self, why: str) -> ModuleFailed:
        """Kill the worker, and start the next one if it has not failed too often."""
        self._failures += 1
        if self._failures < MOST_FAILURES:
            self._start()
            self._rests_until = self._workshop.now() + REST if self._workshop.is_live else 0.0
        else:
            self.close()
            self._off = f"the module failed {MOST_FAILURES} times in a row: {why}"
            why = f"{why}; {OFF}"
        return ModuleFailed(why)


def _said_unasked(line: Line) -> str:
    """What is wrong with a worker that has something to say though nobody has asked."""
    try:
        line.receive()
    except (LineDead, BadFrame) as failure:
        return str(failure)
    return "it talked out of turn"


def _no_verb(verb: object) -> object:
    raise ValueError("the context is over: it belongs to one message")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[int, Signature]]:
    """The file, opened for reading and not read: that is for its worker. Raises OSError, and
    ValueError for what is no ordinary file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{str(path)!r} is not an ordinary file")
        yield descriptor, _signature_of(found)
    finally:
        os.close(descriptor)


def _signature(path: Path) -> Signature:
    """What changes when the file is saved; nothing when there is none."""
    try:
        return _signature_of(path.stat())
    except (OSError, ValueError):
        return ()


def _signature_of(found: os.stat_result) -> Signature:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _why_not(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file {str(path)!r}"
    if isinstance(error, OSError):
        return f"{str(path)!r} cannot be read: {error.strerror}"
    return str(error)
