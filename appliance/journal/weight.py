"""How many bytes the program takes to keep an event.

Everything kept is bounded in bytes, so somebody has to count them. What an event holds is counted
once, however often it is referred to: the sentences behind rules are the same objects in all
changes, and the strings of a message are most of what it takes.
"""

from __future__ import annotations

import sys

import msgspec

from appliance.journal.events import Event

RECORD = 64
"""Bytes that a record takes itself, beside 8 for each of its fields."""


def weight_of(event: Event) -> int:
    """Bytes of the event and of all that it holds."""
    return _weight(event, set())


def _weight(value: object, counted: set[int]) -> int:
    if value is None or value is True or value is False or id(value) in counted:
        return 0
    counted.add(id(value))
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.astuple(value)
        return RECORD + sum(8 + _weight(each, counted) for each in fields)
    size = sys.getsizeof(value)
    if isinstance(value, list | tuple):
        size += sum(_weight(each, counted) for each in value)
    elif isinstance(value, dict):
        size += sum(_weight(each, counted) for pair in value.items() for each in pair)
    return size
