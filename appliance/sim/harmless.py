"""What a run that ended well had in it that a correct ALG would have done otherwise.

A verdict on a change is about the message alone. When everybody is heard, nothing that was missed
or wrong has harmed anybody, and nobody is to be sent looking for a fault: that is said here.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.journal.rows import FAULTS
from appliance.sim.deeds import HARMLESS, deed, no_alg
from appliance.sim.witness import Evidence

MOST_TOLD = 5
"""Sentences: one for each field, and of most modules it is one."""


def harmless(evidence: Evidence, leaks: Sequence[str]) -> list[str]:
    """Of a run in which everybody is heard: a sentence for each field that a module has missed or
    spoilt, with the first message that shows it; one for all that was left by no ALG. Where
    somebody is heard who is not to be (`leaks`), no module is called harmless."""
    verdict = f"everybody is heard, but also this: {leaks[0]}" if leaks else HARMLESS
    told: dict[tuple[str, str], str] = {}
    for message in evidence.messages.values():
        for row in message.changes:
            if row.verdict not in FAULTS or len(told) == MOST_TOLD:
                continue
            if message.module == "off":
                said = no_alg(message.alg, evidence.messages.values())
                told.setdefault(("off", message.alg), said)
            else:
                sentence = f"{deed(message, row)}; {verdict}."
                told.setdefault((message.module, row.field), sentence)
    return list(dict.fromkeys(told.values()))
