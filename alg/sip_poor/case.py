"""One message in a bad ALG: what a fault may do to it.

Before the correct steps run, a fault may leave one out, put one in, wrap the context that the steps
will ask, or refuse the message. Afterwards it may change, add or drop edits. Where a fault and a
correct step edit the same place, the fault's edit is taken. Lengths are counted again at the end,
unless a fault forbids it. So faults can be combined, and each one breaks only what it says.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from alg.base import AlgContext, Edit
from alg.sip import bodies, fields
from alg.sip.correct import STEPS, Step
from alg.sip.fields import Span
from alg.sip.message import Message
from alg.sip.parts import Parts
from nat.endpoint import Direction, address_text


@dataclass(slots=True)
class Case:
    """`message` and `parts` are None when the bytes are not SIP that can be read."""

    data: bytes
    context: AlgContext
    message: Message | None
    parts: Parts | None
    random: random.Random
    steps: list[Step] = field(default_factory=lambda: list(STEPS))
    edits: list[Edit] = field(default_factory=list)
    """In the order of the message. None lies on another, so their ends are in order as well, and
    those at a place are found without a look at all."""
    is_sip: bool = True
    refused: str = ""
    counts_lengths: bool = True
    fault: str = ""
    """The name of the fault that is at work: the rule of its edits."""

    @property
    def outward(self) -> bool:
        return self.context.direction is Direction.OUT

    @property
    def internal_text(self) -> bytes:
        """The inside host's address as it stands in messages."""
        return address_text(self.context.internal.address).encode()

    @property
    def external_text(self) -> bytes:
        return address_text(self.context.external.address).encode()

    def refuse(self) -> None:
        self.refused = self.refused or self.fault

    def leave_out(self, step: Step) -> None:
        self.steps = [known for known in self.steps if known is not step]

    def instead(self, step: Step, other: Step) -> None:
        self.steps = [other if known is step else known for known in self.steps]

    def drop(self, unwanted: Callable[[Edit], bool]) -> None:
        """Take back edits of the correct ALG."""
        self.edits = [edit for edit in self.edits if not unwanted(edit)]

    def replace(self, span: Span, replacement: bytes, what: str) -> None:
        """Edit these bytes, whatever the correct ALG wanted there."""
        start, end = span
        del self.edits[self._overlapping(span)]
        if start == end:  # there can be but one insertion at a point
            del self.edits[self._at(span)]
        if self.data[start:end] != replacement:
            insort(self.edits, Edit(start, end, replacement, what, self.fault), key=place_of)

    def after(self, span: Span) -> bytes:
        """What stands at `span` with the edits so far."""
        for edit in self.edits[self._at(span)]:
            return edit.replacement
        return fields.text(self.data, span)

    def is_edited(self, span: Span) -> bool:
        return bool(self.edits[self._overlapping(span)])

    def _overlapping(self, span: Span) -> slice:
        """Which edits share bytes with `span`; of an insertion, which have it inside."""
        first = bisect_right(self.edits, span[0], key=lambda edit: edit.end)
        return slice(first, bisect_left(self.edits, span[1], key=lambda edit: edit.start))

    def _at(self, span: Span) -> slice:
        """Which edits are of exactly these bytes."""
        first = bisect_left(self.edits, span, key=place_of)
        return slice(first, bisect_right(self.edits, span, key=place_of))

    def value(self, name: bytes) -> Span | None:
        """Where the value of the first header of this name stands."""
        headers = self.message.headers.get(name) if self.message else None
        return (headers[0].start, headers[0].end) if headers else None

    def occurrences(self, address: bytes, start: int, end: int) -> Iterator[Span]:
        """Where an address stands as a whole token."""
        pattern = rb"(?<![0-9.])" + re.escape(address) + rb"(?![0-9]|\.[0-9])"
        for found in re.compile(pattern).finditer(self.data, start, end):
            yield found.span()

    def count_lengths(self) -> None:
        """Make every Content-Length right again, unless a fault has written one itself."""
        if self.parts is None or not self.counts_lengths:
            return
        self.drop(lambda edit: edit.rule == "content-length")
        for edit in bodies.recount(self.parts.body.lengths, self.edits):
            if not self.is_edited((edit.start, edit.end)):
                insort(self.edits, edit, key=place_of)


def place_of(edit: Edit) -> Span:
    """Where it stands, and so which comes first."""
    return edit.start, edit.end
