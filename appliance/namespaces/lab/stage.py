"""All parties of a story on real sockets, the person who tells them what to do, and the judge.

One thread, one selector: the sockets are in the namespaces of their sides, and the program is in
none of them. Time is the machine's, or passes faster for everybody alike (`speed`). While the
machine lets this program wait, no time passes in the story: its people would take that for silence.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from appliance.namespaces.lab.programs import Flows, Program
from appliance.namespaces.lab.sockets import Sockets
from appliance.namespaces.lab.witness import Tell, Witness
from appliance.parties.carrier import CarrierTraits
from appliance.parties.kinds import party
from appliance.parties.party import Report, Send, What
from appliance.sim.outcome import Judge, Outcome
from appliance.sim.scenario import Act, Scenario
from nat.endpoint import Side, parse_address

COUNT_EVERY = 0.5  # seconds of the story between two looks at the appliance's counters
FLUSH_EVERY = 1.0  # seconds of the story in which like losses are told once
LONGEST_WAIT = 0.2  # seconds; so often it is looked whether somebody wants an end
LATE = 0.02  # seconds; who is later than that was kept waiting

Change = Callable[[str, Any], None]
"""Changes a setting of the running appliance."""
Told = Callable[[float, str], None]
"""Hears what happens, as it happens: seconds of the story, and a sentence."""


class Stage:
    """`rooms` are the namespaces of both sides, `speed` how many seconds of the story pass in one.
    `programs` play parties of this name; `flows` answers what the appliance knows of them, `tell`
    tells it what it cannot know."""

    def __init__(
        self,
        story: Scenario,
        rooms: Mapping[Side, str],
        change: Change,
        told: Told = lambda at, what: None,
        speed: float = 1.0,
        programs: Sequence[Program] = (),
        flows: Flows = lambda: (),
        tell: Tell = lambda event, message: None,
    ) -> None:
        self.judge = Judge()
        self._witness = Witness(tell)
        self._story = story
        self._change = change
        self._told = told
        self._speed = speed
        self._selector = selectors.DefaultSelector()
        self._script = sorted(story.script, key=lambda act: act.at)
        self._began: float | None = None
        self._programs = programs
        self._flows = flows
        self._next_count, self._next_flush = COUNT_EVERY, FLUSH_EVERY
        self._people = _people(story)
        absent = {program.name for program in programs}
        self._hosts = {
            name: Sockets(
                party(name, traits, story.seed),
                rooms[traits.wire],
                self._selector,
                self._now,
                self._hear,
                map(parse_address, traits.addresses[1:]),
                self._lose,
            )
            for name, traits in story.parties.items()
            if name not in absent and not isinstance(traits, CarrierTraits)
        }

    def run(self, goes_on: Callable[[], bool] = lambda: True) -> Outcome:
        """Play it to its end, or as long as `goes_on`. Raises OSError where a socket cannot be
        had."""
        try:
            for host in self._hosts.values():
                host.start()
            self._began = time.monotonic()
            while self._now() < self._story.duration and goes_on():
                self._step()
        finally:
            for host in self._hosts.values():
                host.close()
            self._selector.close()
        outcome = self.judge.final()
        self._witness.flush(self._now())
        self._witness.end(outcome)
        return outcome

    def _now(self) -> float:
        """Seconds of the story."""
        return 0.0 if self._began is None else (time.monotonic() - self._began) * self._speed

    def _step(self) -> None:
        patience = self._patience()
        with self._at_most(patience):
            ready = self._selector.select(patience)
        with self._at_most(0.0):
            self._serve(ready)

    @contextmanager
    def _at_most(self, seconds: float) -> Iterator[None]:
        """What takes much longer than this is a pause, and no time passes in the story."""
        before = time.monotonic()
        yield
        late = time.monotonic() - before - seconds
        if late > LATE and self._began is not None:
            self._began += late

    def _serve(self, ready: Sequence[tuple[selectors.SelectorKey, int]]) -> None:
        for key, _ in ready:
            if _is_open(key.fileobj) and key.fileobj in self._selector.get_map():
                key.data(key.fileobj)
        now = self._now()
        while self._script and self._script[0].at <= now:
            self._act(self._script.pop(0))
        for host in self._hosts.values():
            if host.wake_at is not None and host.wake_at <= now:
                host.wake()
        if self._next_flush <= now:
            self._next_flush = now + FLUSH_EVERY
            self._witness.flush(now)
        if self._programs and self._next_count <= now:
            self._next_count = now + COUNT_EVERY
            for program in self._programs:
                program.count(self._flows)

    def _patience(self) -> float:
        """Seconds until there is something to do."""
        due = [host.wake_at for host in self._hosts.values() if host.wake_at is not None]
        if self._script:
            due.append(self._script[0].at)
        soonest = min(due, default=self._story.duration) - self._now()
        return min(max(soonest / self._speed, 0.0), LONGEST_WAIT)

    def _act(self, act: Act) -> None:
        for key, value in act.set.items():
            self._told(act.at, f"{key} is set to {value}")
            self._change(key, value)
        if act.party in self._hosts:
            self._told(act.at, f"{act.party}: {act.do} {act.whom}".rstrip())
            self._hosts[act.party].tell(act.do, act.whom)

    def _lose(self, name: str, send: Send, why: str) -> None:
        self._witness.lose(name, send, why, self._now())

    def _hear(self, name: str, report: Report) -> None:
        now = self._now()
        self._witness.hear(name, report)
        if report.what is What.MESSAGE_ACCEPTED:  # which each message is that nobody complains of
            return
        report = self._with_the_programs_name(report)
        for inferred in self._inferred(report):
            self.judge.hear(inferred, now)
        target = "" if report.target is None else str(report.target)
        said = ", ".join(each for each in (report.peer, report.detail, target) if each)
        self._told(now, f"{report.who}: {report.what.value}{f' ({said})' if said else ''}")

    def _with_the_programs_name(self, report: Report) -> Report:
        """A program calls itself as it likes (SIPp "sipp"): who is on the line by a name that
        nobody has here is the program, if there is one alone."""
        if len(self._programs) != 1 or not report.peer or report.peer in self._people:
            return report
        return report._replace(peer=self._programs[0].name)

    def _inferred(self, report: Report) -> Iterator[Report]:
        """It, and what it says of programs that make no reports."""
        for program in self._programs:
            yield from program.before(report)
        yield report
        for program in self._programs:
            yield from program.after(report)


def _people(story: Scenario) -> set[str]:
    """By the names that they call each other."""
    people = (traits.people(name) for name, traits in story.parties.items())
    return {*story.parties, *chain.from_iterable(people)}


def _is_open(ready: Any) -> bool:
    """Has nobody closed it since the selector looked?"""
    return bool(ready.fileno() >= 0)
