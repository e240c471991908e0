"""How many bytes the program takes to keep an event.

Everything kept is bounded in bytes, so somebody has to count them. What an event holds is counted
once, however often it is referred to: the sentences behind rules are the same objects in all
changes, and the strings of a message are most of what it takes.
"""

from __future__ import annotations

import sys

import msgspec

from appliance.journal.events import Event

SEQUENCES = (list, tuple)
RECORD = 64
"""Bytes that a record takes itself, beside 8 for each of its fields."""


def weight_of(event: Event) -> int:
    """Bytes of the event and of all that it holds."""
    weight = 0
    counted = {id(None), id(True), id(False)}  # these are there anyway
    waiting: list[object] = [event]
    while waiting:
        value = waiting.pop()
        if id(value) in counted:
            continue
        counted.add(id(value))
        if isinstance(value, msgspec.Struct):
            fields = msgspec.structs.astuple(value)
            weight += RECORD + 8 * len(fields)
            waiting += fields
            continue
        weight += sys.getsizeof(value)
        if isinstance(value, SEQUENCES):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.keys()
            waiting += value.values()
    return weight
