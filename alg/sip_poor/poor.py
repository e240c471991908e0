"""The SIP ALG that is wrong on purpose.

It does not inherit from the correct one. It takes the correct one's steps and edits, and each fault
that is switched on may spoil them. Nothing else is wrong with it: what goes wrong in a lesson is
what a fault with a name does. Faults look like mistakes, and must not be corrected.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from alg.base import AlgContext, Edit, Edits, Reading, Reason, Refuse
from alg.edits import BadEdit, ordered
from alg.fault import Fault, decisions_of, find, manners_of
from alg.sip import correct, parts
from alg.sip.correct import Sip
from alg.sip.message import Malformed, NotSip, parse
from alg.sip_poor import aim
from alg.sip_poor.aim import Aim, AimError
from alg.sip_poor.case import Case, place_of
from alg.sip_poor.faults import FAULTS

COUNTED_FOR = 86_400.0
"""Seconds that the messages are counted for an aim's `nth`."""


class SipPoor:
    """The correct ALG with faults, each written as `NAME` or aimed (`alg/sip_poor/aim.py`).

    `seed` decides what a fault leaves to chance; the same message always gets the same bytes.
    Raises UnknownFault and AimError.
    """

    name = "sip-poor"
    application = "sip"

    def __init__(self, faults: Sequence[str] = (), seed: int = 0) -> None:
        self.seed = seed
        self.faults: list[tuple[Fault[Case], Aim]] = []
        for text in faults:
            name, aimed = aim.parse(text)
            fault = find(name, FAULTS)
            if aimed != Aim() and not fault.can_be_aimed:
                raise AimError(f"{name} is in no message, and cannot be aimed at one")
            self.faults.append((fault, aimed))
        switched_on = [fault for fault, _ in self.faults]
        self.decisions = decisions_of(switched_on)
        self.manners = manners_of(switched_on)

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        case = self._case(message, context)
        at_work = [fault for fault, aimed in self.faults if self._happens(case, fault, aimed)]
        for fault in at_work:
            if fault.prepare:
                case.fault = fault.name
                fault.prepare(case)
        if case.refused:
            return Refuse(case.refused, (case.refused,))
        answer = Sip(tuple(case.steps)).inspect(message, case.context)
        if not isinstance(answer, Edits) or answer.reading is not Reading.MESSAGE:
            return answer
        case.edits = sorted(answer.edits, key=place_of)
        names = [fault.name for fault in at_work if fault.prepare]
        names += self._spoil(case, at_work)
        made = tuple(_in_order(case.data, case.edits))
        return Edits(made, note=answer.note, faults=tuple(dict.fromkeys(names)))

    def explain(self, rule: str) -> Reason:
        if rule in FAULTS:
            return Reason(FAULTS[rule].does, FAULTS[rule].rfc)
        return correct.reasons()[rule]

    def _case(self, data: bytes, context: AlgContext) -> Case:
        case = Case(data, context, None, None, random.Random(f"{self.seed} {data[:200]!r}"))
        try:
            case.message = parse(data)
            case.parts = parts.read(case.message)
        except NotSip:
            case.is_sip = False
        except Malformed:
            case.message = None
        return case

    def _happens(self, case: Case, fault: Fault[Case], aimed: Aim) -> bool:
        message = case.message
        if aimed == Aim():
            return True
        if message is None or not aimed.fits(
            message.method, case.context.direction, message.status
        ):
            return False
        if aimed.nth is None:
            return True
        key = ("aim", fault.name, aimed)
        count = (case.context.recall(key) or 0) + 1
        case.context.remember(key, count, COUNTED_FOR)
        return bool(count == aimed.nth)

    def _spoil(self, case: Case, at_work: Sequence[Fault[Case]]) -> list[str]:
        """Answers the names of those that have found something to spoil."""
        spoilers = [fault for fault in at_work if fault.spoil]
        found = []
        for fault in spoilers:
            assert fault.spoil is not None
            case.fault = fault.name
            before = list(case.edits), case.counts_lengths
            fault.spoil(case)
            if before != (case.edits, case.counts_lengths):
                found.append(fault.name)
        if spoilers:
            case.count_lengths()
        return found


def _in_order(data: bytes, edits: Sequence[Edit]) -> list[Edit]:
    """Edits that can be applied, or none: a bad ALG must not stop the NAT either (promise 4)."""
    try:
        return ordered(data, edits)
    except BadEdit:
        return []
