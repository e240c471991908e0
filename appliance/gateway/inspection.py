"""Where the datapath and the ALG modules meet: one message through the module in its slot.

A flow on an ALG's port carries a *slot*, not a module: changing the module during a call changes
what stands in the slot, for flows that exist too. A module that raises, answers nonsense or has an
edit refused never stops the NAT: its message passes unchanged, nothing is opened for it, the
failure is counted and told, and after ten of them the module is off for that flow.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from alg import compare, edits, registry
from alg.base import Alg, Edit, Edits, Reading, Refuse, Unavailable
from alg.off import Off
from alg.sip.message import summary
from alg.stream import RIGHT, Manners
from appliance.calls import CallTracker
from appliance.gateway.budget import FOREIGN_SECONDS, OutOfTime, time_budget
from appliance.gateway.context import DryContext, Ledger, LiveContext, Memory
from appliance.journal.events import AlgError, Change, MessagePassed
from appliance.journal.log import EventLog
from nat.conntrack import Conntrack
from nat.endpoint import PROTOCOL_NUMBERS, UDP, Direction, Endpoint
from nat.mapping import Leg
from nat.policy import Decide

TOO_MANY_ERRORS = 10
"""After so many, the module is off for the flow (until another module is put into the slot)."""
MOST_REMEMBERED = 10_000  # flows whose errors are counted


class Slot:
    """A place for a module, with its settings, its memory and its counters."""

    def __init__(self, name: str, settings: Mapping[str, Any], correct: Alg | None) -> None:
        self.name = name
        self.module: Alg = Off()
        self.spec = "off"
        self.settings = settings
        self.correct = correct
        self.memory = Memory()
        self.shadow_memory = Memory()
        self.ledger = Ledger()
        self.errors_by_flow: dict[int, int] = {}
        self.counters = dict.fromkeys(
            ("seen", "rewritten", "unchanged", "opaque", "malformed", "refused", "errors"), 0
        )

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Take over changed settings. Raises alg.registry.SpecError."""
        spec = str(settings["module"])
        faults = settings.get("faults", ())
        if (spec, faults) != (self.spec, self.settings.get("faults", ())) or spec == "off":
            self.module = registry.load(spec, faults)
            self.memory = Memory()
            self.errors_by_flow.clear()
        self.spec, self.settings = spec, settings

    def budget(self) -> AbstractContextManager[None]:
        """How long the module may take for a message: one that is not ours is watched."""
        return time_budget(FOREIGN_SECONDS) if registry.is_foreign(self.spec) else nullcontext()

    @property
    def manners(self) -> Manners:
        """How the module wants TCP streams to be read."""
        manners: Manners = getattr(self.module, "manners", RIGHT)
        return manners

    def decisions(self) -> dict[str, Decide]:
        """What the module wants to decide in the place of the NAT (`nat/policy.py`). Where it
        raises, the NAT decides and the failure is counted."""
        others: Mapping[str, Decide] = getattr(self.module, "decisions", {})
        return {point: self._guarded(decide) for point, decide in others.items()}

    def _guarded(self, decide: Decide) -> Decide:
        def guarded(normal: Any, *facts: object) -> Any:
            try:
                with self.budget():
                    return decide(normal, *facts)
            except (Exception, OutOfTime):  # whatever a module does, the NAT goes on
                self.counters["errors"] += 1
                return normal

        return guarded

    def ports(self) -> set[tuple[int, int]]:
        """(protocol, port) pairs that this ALG looks at, on the remote or the internal end."""
        return {
            (PROTOCOL_NUMBERS[transport], port)
            for transport in self.settings.get("transports", ("udp",))
            for port in self.settings.get("ports", ())
        }


class Inspector:
    """Runs messages through slots and tells the log what became of them."""

    def __init__(self, table: Conntrack, calls: CallTracker, log: EventLog) -> None:
        self._table = table
        self._calls = calls
        self._log = log

    def inspect(self, slot: Slot, leg: Leg, message: bytes, room: int, now: float) -> bytes | None:
        """The message to send instead, the same object when nothing is to be changed, or None
        when the module refuses it. `room` is how long it may become, in bytes."""
        slot.counters["seen"] += 1
        correct = self._dry(slot, leg, message, now)
        context = LiveContext(self._table, leg, slot.memory, slot.settings, now)
        self._log.hold()
        outcome = self._run(slot, leg, message, context, room)
        if outcome.commits:
            context.commit()
        else:
            context.rollback()
        opened = self._log.take_held()
        # The chain of causes begins with the message: it is numbered before what it opened.
        cause = self._tell(slot, leg, message, outcome, correct, now)
        if outcome.commits:
            self._log.release(opened, cause)
        if slot.name == "sip":
            self._calls.follow(message, now, cause)
        if outcome.error:
            self._count_error(slot, leg, outcome.error, now, cause)
        return outcome.after

    def _run(
        self, slot: Slot, leg: Leg, message: bytes, context: LiveContext, room: int
    ) -> Outcome:
        flow_id = leg.flow.id if leg.flow else 0
        if slot.errors_by_flow.get(flow_id, 0) >= TOO_MANY_ERRORS:
            return _left_alone(message, "the module failed too often on this flow and is off")
        try:
            with slot.budget():
                answer = slot.module.inspect(message, context)
            _check_answer(answer)
            if isinstance(answer, Refuse):
                return Outcome(answer, None)
            after = edits.apply(message, answer.edits)
        except Unavailable as refusal:
            return _left_alone(message, f"left alone: {refusal}")
        except (Exception, OutOfTime) as failure:  # whatever a module does, the NAT goes on
            error = f"{type(failure).__name__}: {failure}"
            return _left_alone(message, f"left alone: {error}", error)
        if len(after) > room and len(after) > len(message):
            return _left_alone(message, "left alone: the longer message would not fit the MTU")
        return Outcome(answer, after, commits=True)

    def _dry(self, slot: Slot, leg: Leg, message: bytes, now: float) -> tuple[Edit, ...] | None:
        """What the correct module would have changed, when another one is active."""
        correct = slot.correct
        if correct is None or not slot.settings.get("observe") or slot.module.name == correct.name:
            return None
        context = DryContext(self._table, leg, slot.shadow_memory, slot.settings, now, slot.ledger)
        try:
            answer = correct.inspect(message, context)
        except Unavailable:
            return ()
        except Exception:  # nobody asked it: it may not stop what it only watches
            slot.counters["errors"] += 1
            return None
        context.commit_memory()
        return answer.edits if isinstance(answer, Edits) else ()

    def _count_error(self, slot: Slot, leg: Leg, error: str, now: float, cause: int) -> None:
        slot.counters["errors"] += 1
        disabled = False
        if leg.flow:
            errors = slot.errors_by_flow.get(leg.flow.id, 0) + 1
            slot.errors_by_flow[leg.flow.id] = errors
            if len(slot.errors_by_flow) > MOST_REMEMBERED:
                del slot.errors_by_flow[next(iter(slot.errors_by_flow))]
            disabled = errors == TOO_MANY_ERRORS
        self._log.emit(
            AlgError(alg=slot.name, module=slot.spec, error=error[:200], disabled=disabled),
            now,
            cause,
        )

    def _tell(
        self,
        slot: Slot,
        leg: Leg,
        message: bytes,
        outcome: Outcome,
        correct: tuple[Edit, ...] | None,
        now: float,
    ) -> int:
        answer, after = outcome.answer, outcome.after
        verdict = _verdict(message, after, answer)
        slot.counters["refused" if verdict == "dropped" else verdict] += 1
        made = answer.edits if isinstance(answer, Edits) else ()
        note = answer.note if isinstance(answer, Edits) else answer.rule
        module, spec, correct_module = slot.module, slot.spec, slot.correct
        flow_id = leg.flow.id if leg.flow else None
        ends = _ends(leg)

        def build() -> MessagePassed:
            what, call_id = summary(message)
            shadow = None if correct is None else correct_module
            return MessagePassed(
                alg=slot.name,
                module=spec,
                flow=flow_id,
                direction=leg.direction.value,
                transport="udp" if leg.key[0] == UDP else "tcp",
                source=ends[0],
                destination=ends[1],
                new_source=ends[2],
                new_destination=ends[3],
                verdict=verdict,
                before=message.decode("latin-1"),
                after=(after or b"").decode("latin-1"),
                changes=[
                    Change(
                        field=each.field,
                        span=each.span,
                        before=each.before,
                        after=each.after,
                        expected=each.expected,
                        verdict=each.verdict,
                        rule=each.rule,
                        reason=each.reason,
                        rfc=each.rfc,
                    )
                    for each in compare.changes(message, module, made, shadow, correct)
                ],
                summary=what,
                call_id=call_id,
                note=note,
            )

        return self._log.emit_later(build, now)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one message: the module's answer, the message after it (None: refused), and
    what went wrong if anything did. `commits`: what the module asked for becomes permanent."""

    answer: Edits | Refuse
    after: bytes | None
    commits: bool = False
    error: str | None = None


def _check_answer(answer: object) -> None:
    """What a module answers is kept and shown later, where nobody expects it to fail. (Positions
    and bytes are checked by `edits.apply`.) Raises TypeError."""
    if isinstance(answer, Refuse):
        sound = isinstance(answer.rule, str)
    elif isinstance(answer, Edits):
        sound = isinstance(answer.reading, Reading) and isinstance(answer.note, str)
        sound = sound and all(
            isinstance(each, Edit) and isinstance(each.field, str) and isinstance(each.rule, str)
            for each in answer.edits
        )
    else:
        raise TypeError(f"the module answered {type(answer).__name__}, not Edits or Refuse")
    if not sound:
        raise TypeError("the module's answer has fields of the wrong type")


def _left_alone(message: bytes, note: str, error: str | None = None) -> Outcome:
    return Outcome(Edits(note=note), message, error=error)


def _verdict(message: bytes, after: bytes | None, answer: Edits | Refuse) -> str:
    if after is None or isinstance(answer, Refuse):
        return "dropped"
    if after != message:
        return "rewritten"
    return {Reading.OPAQUE: "opaque", Reading.MALFORMED: "malformed"}.get(
        answer.reading, "unchanged"
    )


def _ends(leg: Leg) -> tuple[str, str, str, str]:
    """Source and destination as the packet arrived, and as it leaves."""
    _, source, destination, source_port, destination_port = leg.key
    mapping = leg.mapping
    assert mapping is not None
    arrived = Endpoint(source, source_port), Endpoint(destination, destination_port)
    if leg.direction is Direction.OUT:
        return str(arrived[0]), str(arrived[1]), str(mapping.external), str(arrived[1])
    return str(arrived[0]), str(arrived[1]), str(arrived[0]), str(mapping.internal)
