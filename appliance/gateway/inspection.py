"""Where the datapath and the ALG modules meet: one message through the module in its slot.

A module that raises, answers nonsense or has an edit refused never stops the NAT: its message
passes unchanged, nothing is opened for it, the failure is counted and told, and after ten of them
the module is off for that flow.

    the module      the message leaves      what it asked for    the log says
    edits           edited                  committed            message-passed, rewritten
    changes none    as it came              committed            message-passed, unchanged
    refuses         not at all              only its memory      message-passed, dropped
    is refused a    edited, and that is     the rest committed   message-passed, and not-opened
    port            not announced
    has no room     as it came              rolled back          message-passed, and why
    raises, lies    as it came              rolled back          the same, and alg-error
    is not asked    as it came              nothing              message-passed, and why
    (`turns.py`)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alg import compare, edits
from alg.base import Edit, Edits, Passage, Reading, Refuse, Unavailable
from appliance.gateway.bites import bitten
from appliance.gateway.context import Asked, Context, Tables, remote_of
from appliance.gateway.conversations import tell_progress
from appliance.gateway.lookout import Hints
from appliance.gateway.rehearsal import Rehearsal
from appliance.gateway.slot import Slot
from appliance.gateway.turns import Turns, work_of
from appliance.gateway.workers.module import ModuleFailed
from appliance.journal.events import (
    AlgError,
    Change,
    MessagePassed,
    NotOpened,
    StreamLetGo,
)
from appliance.journal.log import SMALL, EventLog
from nat.conntrack import Conntrack
from nat.endpoint import UDP, Endpoint
from nat.mapping import FlowLeg, Leg
from nat.patch import Patch

TOO_MANY_ERRORS = 10
"""After so many, the module is off for the flow (until another module is put into the slot)."""
BYTES_OF_AN_EDIT = 180
LONGEST_REASON = 1024
"""Characters that tell what could not be opened for one message."""
WORK_TO_TELL = 3
"""So many times the work of reading a message is to read it and show somebody what was done."""
MOST_REMEMBERED = 10_000  # flows whose errors are counted
UNREAD = "left alone: its host sends more messages than are read"


class Inspector:
    """Runs messages through slots and tells the log what became of them."""

    def __init__(self, table: Conntrack, log: EventLog, turns: Turns, hints: Hints) -> None:
        self._table = table
        self._log = log
        self._turns = turns
        self._hints = hints

    def inspect(self, slot: Slot, leg: Leg, message: bytes, room: int, now: float) -> bytes | None:
        """The message to send instead, the same object when nothing is to be changed, or None
        when the module refuses it. `room` is how long it may become, in bytes."""
        slot.counters["seen"] += 1
        tables = Tables(self._table, leg, now, slot.module)
        context = Context(tables, self._table, leg, slot.memory, slot.settings, now)
        self._log.hold()
        outcome = self._run(slot, leg, message, context, room)
        if isinstance(outcome.answer, Refuse):
            context.refuse()
        elif not outcome.commits:
            context.rollback()
        # After the active module, because it must find the mappings of that one; before the commit,
        # because it must still find what the message is about to close.
        correct, would_ask = self._rehearse(slot, leg, message, outcome.after, now)
        bites = bitten(outcome.answer, context.asked, correct, would_ask)
        slot.bitten.update(bites)
        if outcome.commits:
            tables.says_nothing = _reading(outcome.answer) is not Reading.MESSAGE
            context.commit()
        opened = self._log.take_held()
        # The chain of causes begins with the message: it is numbered before what it opened.
        cause = self._tell(slot, leg, message, outcome, correct, now, bites)
        if outcome.commits:
            self._log.release(opened, cause)
        self._tell_not_opened(slot, leg, outcome, now, cause)
        self._follow(slot, leg, message, outcome.after, now, cause)
        if message and slot.is_off and isinstance(leg, FlowLeg):
            self._hints.glance(leg, message, 0, len(message), now)
        if outcome.error:
            self._count_error(slot, leg, outcome.error, now, cause)
        work = work_of(len(message), outcome.edits + len(correct.edits if correct else ()))
        self._turns.charge(work * WORK_TO_TELL if self._log.is_read else work)
        return outcome.after

    def pass_unread(self, slot: Slot, leg: Leg, message: bytes, now: float) -> None:
        """Tell of a message that passes as it came, because its host has sent too many."""
        slot.counters["seen"] += 1
        self._tell(slot, leg, message, _left_alone(message, UNREAD), None, now)

    def let_go(self, slot: Slot, leg: FlowLeg, reason: str, now: float) -> None:
        """Tell that the messages of a connection are not read any more."""
        slot.counters["let_go"] += 1
        source, destination, *_ = _ends(leg)
        event = StreamLetGo(
            alg=slot.name, flow=leg.flow.id, source=source, destination=destination, reason=reason
        )
        self._log.emit(event, now)

    def _run(self, slot: Slot, leg: Leg, message: bytes, context: Context, room: int) -> Outcome:
        """Ask the module and apply its edits; nothing is committed or rolled back yet."""
        flow_id = _flow_id(leg) or 0
        if slot.errors_by_flow.get(flow_id, 0) >= TOO_MANY_ERRORS:
            return _left_alone(message, "the module failed too often on this flow and is off")
        try:
            answer = slot.module.inspect(message, context)
            _check_answer(answer)
            if isinstance(answer, Refuse):
                return Outcome(answer, None)
            after = edits.apply(message, answer.edits)
        except Unavailable as refusal:
            return _left_alone(message, f"left alone: {refusal}", not_opened=str(refusal))
        except ModuleFailed as failure:
            return _left_alone(message, f"left alone: {failure}", str(failure))
        except Exception as failure:  # whatever a module does, the NAT goes on
            error = f"{type(failure).__name__}: {failure}"
            return _left_alone(message, f"left alone: {error}", error)
        if len(after) > room and len(after) > len(message):
            return _left_alone(message, "left alone: the longer message would not fit the MTU")
        return Outcome(answer, after, commits=True)

    def _rehearse(
        self, slot: Slot, leg: Leg, message: bytes, left: bytes | None, now: float
    ) -> tuple[Edits | None, Sequence[Asked]]:
        """What the correct module would have answered, and asked of the NAT, when another one is
        active, which lets the message leave as `left` (None: not at all)."""
        if not (slot.observes or self._may_be_left_open(slot, leg)):
            return None, ()
        ground = Rehearsal(self._table, leg, now, slot.ledger, slot.module)
        context = Context(ground, self._table, leg, slot.shadow_memory, slot.settings, now)
        try:
            answer = slot.correct.inspect(message, context)
            if left is not None and isinstance(answer, Edits):
                right = slot.application.watch(message, left, context, answer.edits)
                answer = answer if right is answer.edits else replace(answer, edits=tuple(right))
        except Unavailable:
            context.rollback()
            return Edits(), context.asked
        except Exception:  # what only watches may not stop anything
            context.rollback()
            slot.counters["errors"] += 1
            return None, ()
        context.commit()
        if not slot.observes:
            return None, ()
        return (answer if isinstance(answer, Edits) else Edits()), context.asked

    def _may_be_left_open(self, slot: Slot, leg: Leg) -> bool:
        """Does the host have expectations that the active module does not know how to close?"""
        host = self._table.hosts.get(leg.mapping.internal.address)
        is_correct = slot.module.name == slot.correct.name
        return host is not None and host.expectations > 0 and not is_correct

    def _tell_not_opened(
        self, slot: Slot, leg: Leg, outcome: Outcome, now: float, cause: int
    ) -> None:
        """The message goes on; if somebody is not heard for that, it should not be a riddle."""
        reasons = outcome.answer.not_opened if isinstance(outcome.answer, Edits) else ()
        if not reasons:
            return
        slot.counters["not_opened"] += len(reasons)
        source, destination, *_ = _ends(leg)
        event = NotOpened(
            alg=slot.name,
            flow=_flow_id(leg),
            source=source,
            destination=destination,
            reason="; ".join(reasons)[:LONGEST_REASON],
        )
        self._log.emit(event, now, cause)

    def _follow(
        self, slot: Slot, leg: Leg, message: bytes, after: bytes | None, now: float, cause: int
    ) -> None:
        """Tell what the message did to its conversation (a call), where somebody follows them."""
        if slot.follower is None:
            return
        internal, remote = leg.mapping.internal, remote_of(leg)
        passage = Passage(message, after or b"", leg.direction, _transport(leg), internal, remote)
        progress = slot.follower.follow(passage, now)
        if progress is not None:
            slot.moved.append(progress.name)
            tell_progress(self._log, progress, now, cause)

    def _count_error(self, slot: Slot, leg: Leg, error: str, now: float, cause: int) -> None:
        """Count a failure to the slot and to the flow, and tell of it."""
        slot.counters["errors"] += 1
        disabled = False
        flow_id = _flow_id(leg)
        if flow_id is not None:
            errors = slot.errors_by_flow.get(flow_id, 0) + 1
            slot.errors_by_flow[flow_id] = errors
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
        correct: Edits | None,
        now: float,
        bites: Sequence[str] = (),
    ) -> int:
        """Emit `message-passed`; answers its id. The event is built when somebody reads it, since
        comparing two answers and finding their reasons takes longer than inspecting."""
        answer, after = outcome.answer, outcome.after
        verdict = _verdict(message, after, answer)
        slot.counters["refused" if verdict == "dropped" else verdict] += 1
        made = answer.edits if isinstance(answer, Edits) else ()
        expected = None if correct is None else correct.edits
        note = compare.note(answer, correct) if isinstance(answer, Edits) else answer.rule
        module, spec = slot.module, slot.spec
        flow_id = _flow_id(leg)
        ends, direction, transport = _ends(leg), leg.direction.value, _transport(leg)

        def build() -> MessagePassed:
            what, call_id = slot.application.summary(message)
            return MessagePassed(
                alg=slot.name,
                module=spec,
                flow=flow_id,
                direction=direction,
                transport=transport,
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
                    for each in compare.changes(
                        message, module, made, slot.correct, expected, slot.application
                    )
                ],
                summary=what,
                call_id=call_id,
                note=note,
                bitten=list(bites),
            )

        return self._log.emit_later(build, now, size=_size_of(message, after, made, expected))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one message: the module's answer, the message after it (None: refused), and
    what went wrong if anything did. `commits`: what the module asked for becomes permanent."""

    answer: Edits | Refuse
    after: bytes | None
    commits: bool = False
    error: str | None = None

    @property
    def edits(self) -> int:
        """How many edits the module answered."""
        return len(self.answer.edits) if isinstance(self.answer, Edits) else 0


def _check_answer(answer: object) -> None:
    """What a module answers is kept and shown later, where it could not be blamed on the module any
    more if it failed. (Positions and bytes are checked by `edits.apply`.) Raises TypeError."""
    if isinstance(answer, Refuse):
        sound = isinstance(answer.rule, str)
    elif isinstance(answer, Edits):
        sound = isinstance(answer.reading, Reading) and isinstance(answer.note, str)
        sound = sound and isinstance(answer.not_opened, tuple)
        sound = sound and all(isinstance(each, str) for each in answer.not_opened)
        sound = sound and all(
            isinstance(each, Edit) and isinstance(each.field, str) and isinstance(each.rule, str)
            for each in answer.edits
        )
    else:
        raise TypeError(f"the module answered {type(answer).__name__}, not Edits or Refuse")
    if not sound:
        raise TypeError("the module's answer has fields of the wrong type")


def _left_alone(
    message: bytes, note: str, error: str | None = None, not_opened: str = ""
) -> Outcome:
    refused = (not_opened,) if not_opened else ()
    return Outcome(Edits(note=note, not_opened=refused), message, error=error)


def _reading(answer: Edits | Refuse) -> Reading:
    return answer.reading if isinstance(answer, Edits) else Reading.MESSAGE


def _verdict(message: bytes, after: bytes | None, answer: Edits | Refuse) -> str:
    """What became of the message, in a word. `opaque` and `malformed` are the module's own."""
    if after is None or isinstance(answer, Refuse):
        return "dropped"
    if after != message:
        return "rewritten"
    return {Reading.OPAQUE: "opaque", Reading.MALFORMED: "malformed"}.get(
        answer.reading, "unchanged"
    )


def _size_of(
    message: bytes, after: bytes | None, made: Sequence[Edit], correct: Sequence[Edit] | None
) -> int:
    """About how many bytes the event of a message takes until somebody has read it: the message as
    it came and as it left, and the edits of both modules."""
    texts = len(message) + (len(after or b"") if after is not message else 0)
    return 2 * SMALL + texts + BYTES_OF_AN_EDIT * (len(made) + len(correct or ()))


def _flow_id(leg: Leg) -> int | None:
    return leg.flow.id if isinstance(leg, FlowLeg) else None


def _transport(leg: Leg) -> str:
    return "udp" if leg.key[0] == UDP else "tcp"


def _ends(leg: Leg) -> tuple[str, str, str, str]:
    """Source and destination as the packet arrived, and as it leaves: what is written into it, and
    not what the mapping says, because a NAT may be wrong on purpose (`nat/policy.py`)."""
    _, source, destination, source_port, destination_port = leg.key
    arrived = Endpoint(source, source_port), Endpoint(destination, destination_port)
    patch = leg.patch
    leaves = arrived
    if isinstance(patch, Patch):
        leaves = (
            Endpoint(patch.source, patch.source_port),
            Endpoint(patch.destination, patch.destination_port),
        )
    return str(arrived[0]), str(arrived[1]), str(leaves[0]), str(leaves[1])
