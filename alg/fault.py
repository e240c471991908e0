"""What a fault is, whatever protocol it misreads, and how the files of faults are written.

A fault is one or two small functions, and directly under them its row: what it is called, what it
does, what breaks, where to look first, and which of the functions act when. `Case` is whatever a
module hands to its faults: one message with its surroundings, or how the correct module works.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from nat.policy import Decide

Case = TypeVar("Case")


@dataclass(frozen=True, slots=True)
class Fault(Generic[Case]):
    """A misbehaviour that was seen in a product, to be switched on alone.

    For the reader: `does` says what it gets wrong, `breaks` what somebody notices, `look_at` where
    to look first (a field of a message, a counter, a view of the screen), `seen_in` who was seen
    doing it ("Constructed" if nobody was), `rfc` the rule that it breaks. `kind` is `edit`,
    `refuse`, or the name of the decision or context verb that goes wrong.

    For the module: `prepare` acts before the correct steps run, `spoil` on their edits. `decisions`
    are taken in the place of the NAT as long as the fault is switched on (`nat/policy.py`),
    `manners` change how TCP streams are read (`alg.stream.Manners`).
    """

    name: str
    does: str
    seen_in: str
    breaks: str
    look_at: str
    rfc: str
    kind: str = "edit"
    prepare: Callable[[Case], None] | None = None
    spoil: Callable[[Case], None] | None = None
    decisions: Mapping[str, Decide] = field(default_factory=dict)
    manners: Mapping[str, bool] = field(default_factory=dict)
