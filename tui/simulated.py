"""News from a simulation in this process. Back is real: the same run once more from its start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from alg.registry import APPLICATIONS
from alg.spec import is_foreign
from appliance.control import documents
from appliance.journal.events import Event, PacketSeen
from appliance.settings.files import profile_table
from appliance.settings.values import short_value
from appliance.sim.knobs import PREFIX, PROFILE, Remedy, turned
from appliance.sim.matrix import Plan
from appliance.sim.remedies import remedies
from appliance.sim.scenario import Act, Turns
from appliance.sim.simulation import Simulation
from tui.feed import Awaited, Clockwork, FeedError, setting_values
from tui.foresight import SPEC, Foresight
from tui.model import Frame, short_key
from tui.own import Stamp, stamp

MODULES = [f"alg.{name}.module" for name in APPLICATIONS]
_SLICE = 0.25
"""Virtual seconds that are run between two looks at the wall clock."""
_BUDGET = 0.15
"""Wall seconds that one frame may take, so that keys are answered at any speed."""
_STEPS = 100_000
"""Things that may happen before a single step gives up looking."""


class Factory(Protocol):
    """Makes a run that has not begun."""

    def __call__(self, knobs: dict[str, Any], turns: Turns | None = None, /) -> Simulation:
        """`knobs`: what was turned by hand, key to value: settings, and traits of parties; `turns`:
        what a step of the guide turns, in the place of what the command line did (None)."""


class Turned(NamedTuple):
    """A setting that was changed while a simulation ran, when, and after how many events. `after`:
    the run had ended by then, so nothing in it went otherwise."""

    events: int
    t: float
    key: str
    value: Any
    after: bool


class SimulationFeed(Clockwork):
    """A simulation that runs as fast as the screen lets it, and back."""

    kind = "SIM"

    live = False
    read_only = False
    lost = ""
    has_packets = True

    def __init__(self, factory: Factory, speed: float = 1.0) -> None:
        self._factory = factory
        self.speed = speed
        self.knobs: dict[str, Any] = {}
        self._turns: Turns | None = None
        self.foresight = Foresight()
        self._stamps: dict[str, Stamp] = {}
        self.restart()

    @property
    def duration(self) -> float | None:
        return self.simulation.duration

    def restart(self) -> None:
        """Run again from T+0 with the same seed; what was set by hand stays set. Raises FeedError
        when a module cannot be had any more."""
        self._at_first = dict(self.knobs)
        self._journal: list[Turned] = []
        self._begin()

    def stage(self, turns: Turns) -> None:
        """Begin another run of the story: as the guide wants it, and with nothing else turned."""
        self._turns = turns
        self.knobs.clear()
        self.restart()

    @property
    def ended(self) -> bool:
        return self._is_over

    def _begin(self) -> None:
        """Raises FeedError, and leaves all as it was, when a module cannot be had any more."""
        try:
            self.simulation = self._factory(dict(self._at_first), self._turns)
        except ValueError as error:
            raise FeedError(str(error)) from error
        self._is_over = False
        self._news: list[Event] = []
        self._before = self._stopped = 0
        self._points: list[PacketSeen] = []
        self._looks = self.wanted.points
        self._news += self.simulation.log.since(0)
        self.simulation.log.subscribe(self._news.append)
        if self._looks:
            self.simulation.engine.points.begin(self._points.append)

    async def next_frame(self, elapsed: float, running: bool) -> Frame:
        if self.wanted.points != self._looks:
            self._look_at_packets(self.wanted.points)
        if running and not self.ended:
            self._advance(elapsed * self.speed)
        return self._frame()

    def _look_at_packets(self, wanted: bool) -> None:
        """Those that have passed can be seen too: in the same run once more, up to this moment."""
        if not wanted:
            self._looks = False
            self.simulation.engine.points.end()
            return
        now, told, waiting = self.simulation.now, self.simulation.log.last_id, self._news[:]
        is_over, before, stopped = self._is_over, self._before, self._stopped
        self._begin()
        self._turn_again()
        self.simulation.run_until(now)
        self._news[:] = [*waiting, *(each for each in self._news if each.id > told)]
        self._is_over, self._before, self._stopped = is_over, before, stopped

    def _advance(self, seconds: float) -> None:
        target = min(self.simulation.now + seconds, self.simulation.duration)
        began = time.monotonic()
        while self.simulation.now < target and time.monotonic() - began < _BUDGET:
            self.simulation.run_until(min(self.simulation.now + _SLICE, target))
        self._is_over = self.simulation.now >= self.simulation.duration

    def step(self, awaited: Awaited) -> Event | None:
        seen = len(self._news)
        for _ in range(_STEPS):
            before = self.simulation.log.last_id
            if not self.simulation.step():
                self._is_over = True
                return None
            found = [event for event in self._news[seen:] if awaited(event)]
            if found:
                self._before, self._stopped = before, self.simulation.log.last_id
                return found[0]
            seen = len(self._news)
        return None

    def back(self, awaited: Awaited) -> Event | None:
        """It is the same run once more, up to there, with every setting changed again when it was
        changed."""
        log = self.simulation.log
        latest = self._before if log.last_id == self._stopped else log.last_id
        earlier = [each for each in log.since(0) if awaited(each)]
        target = max((each.id for each in earlier if each.id <= latest), default=0)
        self._journal = [each for each in self._journal if each.events < target]
        self._begin()
        log = self.simulation.log
        self._turn_again()
        while log.last_id < target:
            self._before = log.last_id
            if not self.simulation.step():
                break
        self._stopped = log.last_id
        return next((each for each in self._news if each.id == target), None)

    def go_to(self, t: float) -> bool:
        is_back = t < self.simulation.now
        if is_back:
            self._journal = [each for each in self._journal if each.t <= t]
            self._begin()
            self._turn_again()
        self.simulation.run_until(min(t, self.simulation.duration))
        self._is_over = self.simulation.now >= self.simulation.duration
        return is_back

    def _turn_again(self) -> None:
        """Change every setting again when it was changed."""
        for each in self._journal:
            self.simulation.run_until(each.t)
            self._set(each.key, each.value)

    def finish(self) -> None:
        self.simulation.run()
        self._is_over = True

    def again(self) -> Callable[[], Simulation] | None:
        """Makes this run anew, with all that was turned while it ran; None where a module of
        somebody's own is in a slot."""
        if self._has_foreign_modules:
            return None
        story, seed = self.simulation.scenario, self.simulation.seed
        settings = self.simulation.began_with
        journal = [each for each in self._journal if not each.after]

        def made() -> Simulation:
            run = Simulation(story, settings.copy(), seed)
            for each in journal:
                run.also(Act(at=each.t, set={each.key: each.value}))
            return run

        return made

    @property
    def label(self) -> str:
        """What was turned in this run, in few words: its modules, the knobs that it began with, and
        with its time what was turned on the way. What is turned later is of the next run."""
        way = [each for each in self._journal if not each.after]
        knobs = self.knobs_at_first | {each.key: each.value for each in way if not each.t}
        modules = {key: knobs.get(key, self.simulation.began_with[key]) for key in MODULES}
        begun = [_in_few_words(*each) for each in knobs.items() if each[0] not in modules]
        later = [
            f"{_in_few_words(each.key, each.value)} at {each.t:.0f} s" for each in way if each.t
        ]
        specs = [str(spec) for spec in modules.values() if spec != "off"]
        return " ".join([*(specs or ["off"]), *begun, *later])

    @property
    def knobs_at_first(self) -> dict[str, Any]:
        """What this run began with: the knobs of the guide's step, and those turned by hand."""
        return {**self._of_the_step, **self._at_first}

    @property
    def knobs_to_come(self) -> dict[str, Any]:
        """What the next run begins with."""
        return {**self._of_the_step, **self.knobs}

    @property
    def _of_the_step(self) -> dict[str, Any]:
        if self._turns is None:
            return {}
        profile = {PROFILE: self._turns.profile} if self._turns.profile else {}
        return {**profile, **self._turns.set}

    @property
    def _has_foreign_modules(self) -> bool:
        """Such a module has one process, which this run needs."""
        settings = self.simulation.engine.settings
        return any(is_foreign(settings[key]) for key in MODULES)

    async def remedies(self) -> list[Remedy]:
        """What would have made this run better, tried beside the screen. Nothing where a module of
        somebody's own is in a slot."""
        run = self.simulation
        if self._has_foreign_modules:
            return []
        again = Simulation(run.scenario, run.engine.settings.copy(), run.seed)

        def tried() -> list[Remedy]:
            again.run_until(now)
            return remedies(again)

        now = run.now
        return await asyncio.to_thread(tried)

    def foresee(self, specs: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
        """What this story comes to with each of these values of a setting (key to values): outcome
        words by value, of which more become known until `foresight.rest` is called."""
        values = self.simulation.engine.settings.values
        others = {key: value for key, value in values.items() if key not in specs}
        traits = {key: value for key, value in self.knobs.items() if key.startswith(PREFIX)}
        self._forget_saved(each for known in specs.values() for each in known)
        self.foresight.begin((tuple(specs), str(others), str(traits)), self.plans(specs))
        return self.foresight.outcomes

    def _forget_saved(self, specs: Iterable[str]) -> None:
        """What somebody's own module comes to is to be found out again once it was saved."""
        for spec in filter(is_foreign, specs):
            now = stamp(Path(spec.rpartition(":")[0]))
            if self._stamps.get(spec) != now:
                self._stamps[spec] = now
                self.foresight.outcomes.pop(spec, None)

    def plans(self, specs: Mapping[str, Sequence[str]]) -> list[Plan]:
        """A run of this story with each of these values of a setting, all else being as it is."""
        run = self.simulation
        traits = {key: value for key, value in self.knobs.items() if key.startswith(PREFIX)}
        story = turned(run.scenario, traits)
        plans = []
        for key, values in specs.items():
            for value in values:
                settings = run.engine.settings.copy()
                settings.assign(key, value, "menu")
                plans.append(Plan(story, settings, {SPEC: value}, run.seed))
        return plans

    def _frame(self) -> Frame:
        news, points = self._news[:], self._points[:]
        self._news.clear()
        self._points.clear()
        return Frame(
            self.simulation.now,
            news,
            list(self._document("flows")),
            list(self._document("expectations")),
            setting_values(self._document("settings")),
            points=points,
        )

    def _document(self, what: str) -> Any:
        return documents.show(self.simulation.engine, what, self.simulation.now)

    async def set(self, key: str, value: Any) -> None:
        """A trait of a party is what it was born with, and a profile is a whole product: both act
        from the next run on."""
        try:
            if key == PROFILE:
                profile_table(str(value))
            elif key.startswith(PREFIX):
                turned(self.simulation.scenario, {key: value})
            else:
                run = self.simulation
                now = Turned(run.log.last_id, run.now, key, value, self._is_over)
                self._set(key, value)
                self._journal.append(now)
        except (ValueError, LookupError) as error:  # the text of all of them is a sentence
            raise FeedError(str(error)) from error
        self.knobs[key] = value

    def _set(self, key: str, value: Any) -> None:
        self.simulation.engine.set(key, value, "screen", self.simulation.now)

    async def flush(self) -> int:
        return self.simulation.engine.flush(self.simulation.now).flushed

    async def close(self) -> None:
        self.foresight.end()


def _in_few_words(key: str, value: Any) -> str:
    return f"{short_key(key)} {short_value(value)}"
