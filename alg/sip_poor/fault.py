"""What a fault is: a small named function, and the four things a class wants to know about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alg.sip_poor.case import Case


@dataclass(frozen=True, slots=True)
class Fault:
    """A misbehaviour that was seen in a product, to be switched on alone.

    `prepare` acts before the correct steps run (and may refuse the message), `spoil` on their
    edits. `kind` is `edit`, `refuse`, or the name of the decision that the fault takes instead of
    the NAT.
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
