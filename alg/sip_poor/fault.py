"""What a fault is: a small named function, and the four things a class wants to know about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from alg.sip_poor.case import Case
from nat.policy import Decide


@dataclass(frozen=True, slots=True)
class Fault:
    """A misbehaviour that was seen in a product, to be switched on alone.

    `prepare` acts before the correct steps run (and may refuse the message), `spoil` on their
    edits. `decisions` are taken in the place of the NAT as long as the fault is switched on
    (`nat/policy.py`), `manners` change how TCP streams are read (`alg.stream.Manners`). `kind`
    is `edit`, `refuse`, or the name of the decision that goes wrong.
    """

    name: str
    number: str
    does: str
    seen_in: str
    breaks: str
    rfc: str
    kind: str = "edit"
    prepare: Callable[[Case], None] | None = None
    spoil: Callable[[Case], None] | None = None
    decisions: Mapping[str, Decide] = field(default_factory=dict)
    manners: Mapping[str, bool] = field(default_factory=dict)

    @property
    def can_be_aimed(self) -> bool:
        """Does it act on messages alone?"""
        return not self.decisions and not self.manners
