"""A scenario come to life: parties around a real engine, under a virtual clock.

    script ──tell──► party ──Send──► World ──packet──► Engine.handle ──packet──► World ──► party
                       └──Report──► Judge ──► media-stats, call-outcome

`step()` lets the next thing happen; everybody who wants to see it reads the event log. The same
scenario, settings and seed give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from alg.fault import Fault
from alg.registry import MODULES
from appliance.engine import Engine
from appliance.journal.events import (
    CallOutcome,
    Cause,
    Event,
    MediaStats,
    MessagePassed,
    Started,
)
from appliance.journal.log import EventLog
from appliance.parties.description import media_endpoint
from appliance.parties.kinds import party
from appliance.parties.party import Report
from appliance.settings.rfc import faults_of
from appliance.settings.table import Settings
from appliance.sim import knobs
from appliance.sim.causes import causes_of
from appliance.sim.clock import Clock
from appliance.sim.conversation import Direction, State
from appliance.sim.harmless import harmless
from appliance.sim.network import World
from appliance.sim.outcome import BOTH_WAYS, Failure, Judge, Outcome
from appliance.sim.scenario import Act, Scenario
from appliance.sim.witness import Witness
from nat.endpoint import Endpoint, parse_address

EPOCH = 1735689600.0
"""The wall clock at the start of every simulation: 2025-01-01 00:00:00 UTC, seconds since 1970.
The same every time, so that the same seed gives the same recording."""

TICK = 1.0  # seconds between two looks at the audio


class Simulation:
    """Runs one scenario once. `log` holds what happened so far."""

    def __init__(self, scenario: Scenario, settings: Settings, seed: int | None = None) -> None:
        self.scenario = scenario
        self.duration = scenario.duration
        self.seed = scenario.seed if seed is None else seed
        self.began_with = settings.copy()
        self.log = EventLog(0.0)
        self.judge = Judge()
        self.witness = Witness(self.log)
        self._clock = Clock()
        self._ended = False
        self._told: dict[int, str] = {}
        self._counted: dict[str, tuple[int, int]] = {}
        self._looked_at: dict[int, State] = {}
        self._named_in: dict[Endpoint, int] = {}
        self._last_loss: int | None = None
        self._blamed: tuple[tuple[object, ...], list[Fault[Any]]] | None = None
        self._announce(settings)
        ports = Random(f"{self.seed}/nat")
        self.engine = Engine(settings, scenario.name, "simulation", self.log, ports)
        self.world = World(
            self._clock,
            self.engine,
            _external_addresses(settings),
            (scenario.links.inside, scenario.links.outside),
            self._hear,
            self.witness.lose,
            self.seed,
        )
        self._hosts = {
            name: self.world.add(
                party(name, table, self.seed),
                table.wire,
                0.0,
                table.port_unreachable,
                map(parse_address, table.addresses[1:]),
            )
            for name, table in scenario.parties.items()
        }
        self.log.subscribe(self._notice)
        for act in scenario.script:
            self.also(act)
        self._clock.at(TICK, self._tick)

    @property
    def now(self) -> float:
        """Virtual time, in seconds since the start."""
        return self._clock.now

    def also(self, act: Act) -> None:
        """Let this be done too, at its time."""
        self._clock.at(act.at, self._tell, act)

    # --- letting time pass ------------------------------------------------------------------

    def step(self) -> bool:
        """Let the next thing happen, whatever it is. False at the end."""
        if self._clock.next <= min(self.engine.next_deadline(), self.duration):
            self._clock.step()
            return True
        if self._go_on(self.duration):
            return True
        self._finish()
        return False

    def run_until(self, when: float) -> None:
        """Let everything happen that is due until then (seconds), and set the clock to it."""
        until = min(when, self.duration)
        while self._go_on(until):
            pass
        self._clock.now = max(self._clock.now, until)
        if until >= self.duration:
            self._finish()

    def run(self) -> Outcome:
        """Run to the end."""
        self.run_until(self.duration)
        return self.outcome()

    def _hear(self, party: str, report: Report, now: float) -> None:
        self.judge.hear(report, now)
        self.witness.hear(party, report, now)

    def causes(self) -> list[Cause]:
        """Why it ended as it did, or would have if it ended now: the first cause first."""
        is_over = self.now >= self.duration
        failure = self.judge.failure() or self.judge.waiting(self.now, is_over)
        return causes_of(failure, self.witness.evidence, self._faults_to_blame)

    def harmless(self) -> list[str]:
        """What was missed or wrong and did no harm, if everybody is heard."""
        is_well = self.outcome().outcome == BOTH_WAYS
        return harmless(self.witness.evidence, self.judge.leaks()) if is_well else []

    def again(self, turns: Mapping[str, Any]) -> Simulation:
        """The same story and seed with these turned, from the beginning to where this run is."""
        traits = {key: value for key, value in turns.items() if key.startswith(knobs.PREFIX)}
        settings = self.engine.settings.copy()
        for key in (settings.name_of(key) for act in self.scenario.script for key in act.set):
            settings.assign(key, self.began_with.written(key), "again")
        for key, value in turns.items():
            if key not in traits:
                settings.assign(key, value, "again")
        other = Simulation(knobs.turned(self.scenario, traits), settings, self.seed)
        other.run_until(self.now)
        return other

    def _faults_to_blame(self, failure: Failure) -> list[Fault[Any]]:
        """Those that may have led to it, unless it fails in the same way with a correct module:
        that is tried, because no trace of theirs can be seen."""
        faults = self._suspects()
        if not faults:
            return []
        if self._blamed is None or self._blamed[0] != failure[:4]:
            modules = {key: key.split(".")[1] for key in faults_of(self.engine.settings).values()}
            other = self.again(modules).judge.failure()
            is_the_same = other is not None and _seen_of(other) == _seen_of(failure)
            self._blamed = failure[:4], [] if is_the_same else faults
        return self._blamed[1]

    def _suspects(self) -> list[Fault[Any]]:
        """Faults that are switched on and may act where no change of a message shows them: in the
        NAT, where streams are read, and in what the module asks of the NAT (opening, keeping,
        closing) at a message that it otherwise treats as it must."""
        evidence = self.witness.evidence
        streams = any(each.protocol == "tcp" for each in evidence.opened.values())
        at_work = {name for message in evidence.messages.values() for name in message.bitten}
        switched_on = faults_of(self.engine.settings)
        return [
            fault
            for module in MODULES.values()
            for name, fault in module.faults.items()
            if name in switched_on
            and (fault.decisions or (fault.manners and streams) or name in at_work)
        ]

    def outcome(self) -> Outcome:
        """How it ended, or how it would have if it ended now."""
        outcome = self.judge.final()
        return outcome._replace(evidence={**outcome.evidence, "lost": dict(self.world.lost)})

    def _go_on(self, until: float) -> bool:
        """Let things happen to parties and on links, up to `until` or the next deadline in the NAT;
        or when nothing does, let that deadline pass. False when there is nothing left to do."""
        deadline = self.engine.next_deadline()
        if self._clock.next <= min(deadline, until):
            self._clock.run(min(deadline, until))
            return True
        if deadline > until:
            return False
        self._clock.now = max(self._clock.now, deadline)
        self.engine.expire(self._clock.now)
        self.world.send_own(self._clock.now)
        return True

    # --- what happens ---------------------------------------------------------------------------

    def _announce(self, settings: Settings) -> None:
        scenario = self.scenario
        names = {
            address: name for name, table in scenario.parties.items() for address in table.addresses
        }
        self.log.emit(
            Started(
                wall=EPOCH,
                name=scenario.name,
                mode="simulation",
                title=scenario.title,
                scenario=scenario.name,
                seed=self.seed,
                settings={key: _as_json(value) for key, value in settings.values.items()},
                parties=names,
            ),
            0.0,
        )

    def _tell(self, act: Act, now: float) -> None:
        for key, value in act.set.items():
            self.engine.set(key, value, "script", now)
        if act.set:
            self.world.externals = frozenset(_external_addresses(self.engine.settings))
            self._clock.halt()  # the NAT may wait for something else now
            return
        host = self._hosts[act.party]
        self.world.perform(host, host.party.tell(act.do, act.whom, now), now)

    def _tick(self, _: None, now: float) -> None:
        self._count_audio(now)
        self.witness.flush(now)
        words = self._words()
        if words != self._told:
            self._told = words
            self._tell_outcome(now)
        self._clock.at(now + TICK, self._tick)

    def _count_audio(self, now: float) -> None:
        for number, conversation in enumerate(self.judge.conversations, 1):
            state = conversation.state()
            if self._looked_at.get(number) != state:
                self._looked_at[number] = state
                for direction in conversation.directions():
                    name = f"{number}:{direction.talker}>{direction.listener}"
                    self._count_direction(name, direction, now)

    def _count_direction(self, name: str, direction: Direction, now: float) -> None:
        """Emit the counts of one direction if they have changed since the last look. More than was
        said is another call's, which goes on because its end was never heard of."""
        talker, listener, said, end, _ = direction
        heard = min(end.heard, said.sent)
        counts = (said.sent, heard)
        if self._counted.get(name, (0, 0)) == counts:
            return
        self._counted[name] = counts
        missing = said.sent > heard
        place = self.world.place_of_loss(said.source, said.remote) if missing else ""
        event = MediaStats(
            stream=name,
            talker=talker,
            listener=listener,
            sent=said.sent,
            heard=heard,
            lost_at=place,
        )
        cause = None if said.remote is None else self._named_in.get(said.remote)
        number = self.log.emit(event, now, cause)
        if place:
            self._last_loss = number

    def _words(self) -> dict[int, str]:
        """All verdicts that there are so far: on each call by its number, on the whole by 0."""
        word = self.judge.word()
        return {0: word, **self.judge.words()} if word else {}

    def _tell_outcome(self, now: float) -> None:
        word, sentence, evidence = self.outcome()
        event = CallOutcome(
            outcome=word, sentence=sentence, evidence=evidence, causes=self.causes()
        )
        self.log.emit(event, now, self._last_loss)

    def _finish(self) -> None:
        if not self._ended:
            self._ended = True
            self._clock.now = max(self._clock.now, self.duration)
            self._count_audio(self.now)
            self.witness.flush(self.now)
            self._tell_outcome(self.now)

    def _notice(self, event: Event) -> None:
        """Remember which message told somebody where to send audio: the cause of its fate."""
        if isinstance(event, MessagePassed) and "\nm=audio " in event.after:
            body = event.after.partition("\r\n\r\n")[2]
            target = media_endpoint(body.encode("latin-1"))
            if target is not None:
                self._named_in[target] = event.id


def _seen_of(failure: Failure) -> tuple[object, ...]:
    """What people notice of it, and when, to the second."""
    silent = {(each.talker, each.listener) for each in failure.silent}
    return failure.outcome, failure.who, silent, round(failure.at)


def _external_addresses(settings: Settings) -> list[int]:
    """Those that the NAT answers for on the outside."""
    static = (rule.external for rule in settings["nat.static"])
    return [*settings["outside.external"], *static]


def _as_json(value: Any) -> object:
    """A copy of a setting's value as it will be read again: JSON knows no numbers as keys."""
    if isinstance(value, dict):
        return {str(key): entry for key, entry in value.items()}
    return list(value) if isinstance(value, list) else value
