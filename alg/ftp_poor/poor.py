"""The FTP ALG that is wrong on purpose.

It does not inherit from the correct one: it lets each switched-on fault change one thing about it.
Nothing else is wrong with it, so whatever a class sees going wrong has the name of a fault. Nobody
should mend it by accident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alg.base import AlgContext, Edits, Reason, Refuse
from alg.fault import decisions_of, find, manners_of
from alg.ftp import correct
from alg.ftp.correct import Ftp
from alg.ftp_poor.faults import FAULTS, Case


class FtpPoor:
    """The correct ALG with faults. Raises UnknownFault."""

    name = "ftp-poor"
    application = "ftp"

    def __init__(self, faults: Sequence[str] = ()) -> None:
        self.faults = [find(name, FAULTS) for name in faults]
        self.decisions = decisions_of(self.faults)
        self.manners = manners_of(self.faults)

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        case = Case()
        at_work = [fault for fault in self.faults if fault.prepare]
        for fault in at_work:
            assert fault.prepare is not None
            fault.prepare(case)
        answer = Ftp(case.peer).inspect(message, context)
        return replace(answer, faults=tuple(fault.name for fault in at_work))

    def explain(self, rule: str) -> Reason:
        return correct.reasons()[rule]
