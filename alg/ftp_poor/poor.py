"""The FTP ALG that is wrong on purpose.

It does not inherit from the correct one: it lets each switched-on fault change one thing about it.
Nothing else is wrong with it, so whatever a class sees going wrong has the name of a fault. Nobody
should mend it by accident.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alg.base import AlgContext, Edits, Reason, Refuse
from alg.ftp import correct
from alg.ftp.correct import Ftp
from alg.ftp_poor.faults import FAULTS, Case
from alg.stream import Manners
from nat.policy import Decide


class UnknownFault(ValueError):
    """There is no fault of that name; the first argument is the name."""


class FtpPoor:
    """The correct ALG with faults. Raises UnknownFault."""

    name = "ftp-poor"
    application = "ftp"
    decisions: Mapping[str, Decide] = {}

    def __init__(self, faults: Sequence[str] = ()) -> None:
        for name in faults:
            if name not in FAULTS:
                raise UnknownFault(name)
        self.faults = [FAULTS[name] for name in faults]
        manners: dict[str, bool] = {}
        for fault in self.faults:
            manners.update(fault.manners)
        self.manners = Manners(**manners)

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        case = Case()
        for fault in self.faults:
            if fault.prepare:
                fault.prepare(case)
        return Ftp(case.peer).inspect(message, context)

    def explain(self, rule: str) -> Reason:
        return correct.reasons()[rule]
