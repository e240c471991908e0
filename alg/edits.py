"""Applying a module's edits to its message, and refusing wrong ones, in one place.

An ALG answers edits, never bytes (`alg/base.py`). Whatever module made them, they come through
here: an edit outside the message, on top of another, or one that changes nothing is refused with
all its companions, and then the message leaves as it came (invariant I-A1, promise 2).

    Via: SIP/2.0/UDP 192.168.20.100:5060;rport      the message before; this line is at 40
                     └─ 57 ────── 76 ─┘             Edit(57, 76, b"203.0.113.1:1024", …)
    Via: SIP/2.0/UDP 203.0.113.1:1024;rport         and after

All offsets are of the message *before*, so a module needs no arithmetic: that the line got shorter
moves nothing that another edit names.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from alg.base import Edit

LARGEST_MESSAGE = 65_507
"""Bytes: the largest UDP payload over IPv4 (65,535 less 20 of IP and 8 of UDP). Invariant I-A10."""


class BadEdit(ValueError):
    """An edit that cannot be applied. The text says which and why."""


def ordered(message: bytes, edits: Sequence[Edit]) -> list[Edit]:
    """The edits in the order of the message, each known to be sound. Raises BadEdit.

    Two edits may touch (one ends where the other begins), but not overlap. An insertion, whose
    start is its end, may stand at the edge of another edit; two at one point would have no order.
    """
    for edit in edits:
        _check(message, edit)
    in_order = sorted(edits, key=lambda edit: (edit.start, edit.end))
    for first, second in pairwise(in_order):
        if second.start < first.end or (first.start, first.end) == (second.start, second.end):
            raise BadEdit(f"{_name(second)} overlaps {_name(first)}")
    return in_order


def apply(message: bytes, edits: Sequence[Edit]) -> bytes:
    """The message with all edits made, all other bytes as they were (rule byte-exact); the very
    same object when there are none. Raises BadEdit."""
    if not edits:
        return message
    pieces: list[bytes] = []
    position = 0
    for edit in ordered(message, edits):
        pieces += (message[position : edit.start], edit.replacement)
        position = edit.end
    pieces.append(message[position:])
    edited = b"".join(pieces)
    if len(edited) > LARGEST_MESSAGE:
        raise BadEdit(f"the message would be {len(edited)} bytes, more than {LARGEST_MESSAGE}")
    return edited


def _check(message: bytes, edit: Edit) -> None:
    """A foreign module may answer anything, so types are looked at before values. An edit that
    changes nothing is refused because the screen would show a change that nobody can see."""
    if type(edit.start) is not int or type(edit.end) is not int:
        raise BadEdit(f"{_name(edit)} has a position that is not a number")
    if type(edit.replacement) is not bytes:
        raise BadEdit(f"{_name(edit)} replaces by {type(edit.replacement).__name__}, not by bytes")
    if not 0 <= edit.start <= edit.end <= len(message):
        raise BadEdit(f"{_name(edit)} lies outside a message of {len(message)} bytes")
    if message[edit.start : edit.end] == edit.replacement:
        raise BadEdit(f"{_name(edit)} changes nothing")


def _name(edit: Edit) -> str:
    return f"the edit of {edit.field} at {edit.start}..{edit.end}"
