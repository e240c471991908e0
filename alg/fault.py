"""What a fault is, whatever protocol it misreads, and how the files of faults are written.

A fault is one or two small functions, and directly under them its row: what it is called, what it
does, what breaks, where to look first, and which of the functions act when. `Case` is whatever a
module hands to its faults: one message with its surroundings, or how the correct module works.

    FAULTS = Faults[Case]()

    def no_sdp(case: Case) -> None:
        case.leave_out(offers.translate)

    FAULTS.add("no-sdp", does="Translates the headers and leaves …", …, prepare=no_sdp)

So a new fault is written in one place, and nothing else has to be told of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from alg.stream import Manners
from nat.policy import Decide

Case = TypeVar("Case")


class UnknownFault(ValueError):
    """There is no fault of that name; the first argument is the name."""


@dataclass(frozen=True, slots=True)
class Fault(Generic[Case]):
    """A misbehaviour that was seen in a product, to be switched on alone.

    For the reader: `does` says what it gets wrong, `breaks` what somebody notices, `look_at` where
    to look first (a field of a message, a counter, a view of the screen), `seen_in` who was seen
    doing it ("Constructed" if nobody was), `rfc` the rule that it breaks. `kind` is `edit`,
    `refuse`, or the name of the decision or context verb that goes wrong.

    For the module: `prepare` acts before the correct steps run (and may refuse the message),
    `spoil` on their edits. `decisions` are taken in the place of the NAT as long as the fault is
    switched on (`nat/policy.py`), `manners` change how TCP streams are read (`alg.stream.Manners`).
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

    @property
    def acts_on_messages(self) -> bool:
        """Does the module do anything else than the correct one when it reads a message?"""
        return self.prepare is not None or self.spoil is not None

    @property
    def can_be_aimed(self) -> bool:
        """Does it act on messages alone?"""
        return not self.decisions and not self.manners


class Faults(list[Fault[Case]]):
    """The faults of one file, in the order in which they stand there."""

    def add(  # noqa: PLR0913 - an argument for each column of the row
        self,
        name: str,
        *,
        does: str,
        seen_in: str,
        breaks: str,
        look_at: str,
        rfc: str,
        kind: str = "edit",
        prepare: Callable[[Case], None] | None = None,
        spoil: Callable[[Case], None] | None = None,
        decisions: Mapping[str, Decide] | None = None,
        manners: Mapping[str, bool] | None = None,
    ) -> None:
        """Write the row of the fault whose functions stand above. Columns are those of `Fault`."""
        self.append(
            Fault(
                name,
                does,
                seen_in,
                breaks,
                look_at,
                rfc,
                kind,
                prepare,
                spoil,
                decisions or {},
                manners or {},
            )
        )


def find(name: str, faults: Mapping[str, Fault[Case]]) -> Fault[Case]:
    """The fault of that name. Raises UnknownFault."""
    if name not in faults:
        raise UnknownFault(name)
    return faults[name]


@dataclass(frozen=True, slots=True)
class Decider:
    """What a fault decides, with its name: whoever counts what faults have done needs it."""

    fault: str
    decide: Decide

    def __call__(self, normal: Any, *facts: object) -> Any:
        return self.decide(normal, *facts)


def decisions_of(faults: Iterable[Fault[Any]]) -> dict[str, Decide]:
    """What they decide together; of two at one decision point, the later one decides."""
    return {
        point: Decider(fault.name, decide)
        for fault in faults
        for point, decide in fault.decisions.items()
    }


def manners_of(faults: Iterable[Fault[Any]]) -> Manners:
    """How streams are read when all of them are switched on."""
    return Manners(**{key: value for fault in faults for key, value in fault.manners.items()})
