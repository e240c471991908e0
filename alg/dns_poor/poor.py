"""The DNS ALG that is wrong on purpose.

It does not inherit from the correct one: it lets each switched-on fault change one habit of it.
Nothing else is wrong with it, so whatever a class sees going wrong has the name of a fault. Nobody
should mend it by accident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alg.base import AlgContext, Edits, Reason, Refuse
from alg.dns import correct
from alg.dns.correct import Dns
from alg.dns_poor.faults import FAULTS, Case
from alg.fault import decisions_of, find, manners_of


class DnsPoor:
    """The correct ALG with faults. Raises UnknownFault."""

    name = "dns-poor"
    application = "dns"

    def __init__(self, faults: Sequence[str] = ()) -> None:
        self.faults = [find(name, FAULTS) for name in faults]
        self.decisions = decisions_of(self.faults)
        self.manners = manners_of(self.faults)
        case = Case()
        for fault in self.faults:
            if fault.prepare:
                fault.prepare(case)
        self._module = Dns(case.ready())
        self._at_work = tuple(each.name for each in self.faults if each.kind != "refuse")

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        answer = self._module.inspect(message, context)
        if isinstance(answer, Refuse):
            return replace(answer, faults=(answer.rule,))
        return replace(answer, faults=self._at_work)

    def explain(self, rule: str) -> Reason:
        if rule in FAULTS:
            return Reason(FAULTS[rule].does, FAULTS[rule].rfc)
        return correct.reasons()[rule]
