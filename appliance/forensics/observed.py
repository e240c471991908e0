"""What a router made of each message, field by field, with the correct module's opinion.

The router says nothing of what it edits. So its edits are made of what differs between a message as
it came and as it was let out; where the correct module edits the same place they have its field and
its rule, elsewhere the header's name.

    came       c=IN IP4 192.168.20.100         the router       203.0.113.1    the same: ok
    let out    c=IN IP4 203.0.113.1            the correct one  203.0.113.1
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from alg import compare
from alg.base import Alg, Application, Edit, Reason
from alg.off import Off
from appliance.forensics.retracing import Trace
from appliance.forensics.sides import Sides
from appliance.journal.events import MessagePassed
from nat.endpoint import Direction, Side

_TOKENS = re.compile(rb"[\w.\-]+|.", re.DOTALL)
_HEADER = re.compile(rb"[ \t]*([\w-]+)[ \t]*[:=]")
_MOST_TOKENS = 2000
"""Of a part that differs; of a longer one no more is said than that it does."""
OBSERVED = "observed"


class Observed(NamedTuple):
    """A message at `t` (seconds); `left` is None when it was not let out."""

    t: float
    direction: Direction
    came: bytes
    left: bytes | None
    changes: Sequence[compare.Comparison]


class _Router(Off):
    """Stands for the module in the router, which explains nothing itself."""

    name = OBSERVED

    def __init__(self, correct: Alg) -> None:
        self._correct = correct

    def explain(self, rule: str) -> Reason:
        if rule == OBSERVED:
            return Reason("The router changes this.", "")
        return self._correct.explain(rule)


def messages(sides: Sides, correct: Trace, application: Application) -> Iterator[Observed]:
    """All messages that came to the router, in their order; `correct` is what a NAT with the
    correct module made of the same packets."""
    made: dict[tuple[str, str], deque[MessagePassed]] = defaultdict(deque)
    for event in correct.messages:
        made[event.direction, event.before].append(event)
    module = application.correct()
    router = _Router(module)
    for each in sides.seen:
        direction = Direction.OUT if each.side is Side.INSIDE else Direction.IN
        came = each.looks.carries
        waiting = made.get((direction.value, came.decode("latin-1")))
        if not each.came or not waiting:
            continue
        right = waiting.popleft()
        left = each.partner.looks.carries if each.partner else None
        changes: Sequence[compare.Comparison] = ()
        if left is not None:
            own = edits_of(right)
            active = _edits(came, left, own)
            changes = compare.changes(came, router, active, module, own, application)
        yield Observed(each.t, direction, came, left, changes)


def edits_of(event: MessagePassed) -> list[Edit]:
    """What the correct module edited, from what was told of it."""
    return [
        Edit(*change.span, change.after.encode("latin-1"), change.field, change.rule)
        for change in event.changes
        if change.before != change.after
    ]


def _edits(came: bytes, left: bytes, own: Sequence[Edit]) -> list[Edit]:
    """What makes `left` of a message, word by word, in places as the correct module has them."""
    found = list(_differing(came, left))
    spans = [(start, end) for start, end, _ in found]
    spans += [(edit.start, edit.end) for edit in own if any(_meet(edit, each) for each in spans)]
    made = []
    for low, high in _merged(spans):
        text, at = b"", low
        for start, end, other in found:
            if low <= start and end <= high:
                text += came[at:start] + other
                at = end
        text += came[at:high]
        made.append(Edit(low, high, text, *_what(came, low, own)))
    return [edit for edit in made if came[edit.start : edit.end] != edit.replacement]


def _meet(edit: Edit, span: tuple[int, int]) -> bool:
    return edit.start <= span[1] and span[0] <= edit.end


def _merged(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Those that overlap as one."""
    low = high = -1
    for start, end in sorted(spans):
        if low >= 0 and start < high:
            high = max(high, end)
            continue
        if low >= 0:
            yield low, high
        low, high = start, end
    if low >= 0:
        yield low, high


def _what(came: bytes, start: int, own: Sequence[Edit]) -> tuple[str, str]:
    for edit in own:
        if edit.start <= start < max(edit.end, edit.start + 1):
            return edit.field, edit.rule
    line = came[came.rfind(b"\n", 0, start) + 1 :]
    header = _HEADER.match(line)
    return (header[1].decode("latin-1").lower() if header else "message"), OBSERVED


def _differing(came: bytes, left: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Places in `came`, and what stands there in `left`: first whole lines, then words of these."""
    old, new = came.splitlines(keepends=True), left.splitlines(keepends=True)
    at = 0
    for kind, start, end, low, high in SequenceMatcher(None, old, new, False).get_opcodes():
        before, after = b"".join(old[start:end]), b"".join(new[low:high])
        if kind != "equal":
            yield from _words(before, after, at)
        at += len(before)


def _words(before: bytes, after: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
    old, new = _TOKENS.findall(before), _TOKENS.findall(after)
    if len(old) + len(new) > _MOST_TOKENS:
        yield at, at + len(before), after
        return
    for kind, start, end, low, high in SequenceMatcher(None, old, new, False).get_opcodes():
        size = len(b"".join(old[start:end]))
        if kind != "equal":
            yield at, at + size, b"".join(new[low:high])
        at += size
