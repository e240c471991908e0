"""What a run that ended well had in it that a correct ALG would have done otherwise.

A verdict on a change is about the message alone. When everybody is heard, nothing that was missed
or wrong has harmed anybody, and nobody is to be sent looking for a fault: that is said here.
"""

from __future__ import annotations

from collections.abc import Iterable

from appliance.journal.events import MessagePassed
from appliance.journal.rows import FAULTS
from appliance.sim.deeds import deed
from appliance.sim.witness import Evidence

MOST_TOLD = 5
"""Sentences: one for each field, and of most modules it is one."""

NO_ALG = "The ALG is off, and none is needed: everybody is heard."


def no_alg(slot: str, passed: Iterable[MessagePassed]) -> str:
    """Of a run in which everybody is heard and nobody reads a protocol: it needs no ALG. Others may
    have one that is needed."""
    if all(each.module == "off" for each in passed):
        return NO_ALG
    return f"No ALG reads {slot.upper()}, and none is needed: everybody is heard."


def harmless(evidence: Evidence) -> list[str]:
    """Of a run in which everybody is heard: a sentence for each field that a module has missed or
    spoilt, with the first message that shows it; one for all that was left by no ALG."""
    told: dict[tuple[str, str], str] = {}
    for message in evidence.messages.values():
        for row in message.changes:
            if row.verdict not in FAULTS or len(told) == MOST_TOLD:
                continue
            if message.module == "off":
                said = no_alg(message.alg, evidence.messages.values())
                told.setdefault(("off", message.alg), said)
            else:
                sentence = f"{deed(message, row)}; it is harmless here: everybody is heard."
                told.setdefault((message.module, row.field), sentence)
    return list(told.values())
