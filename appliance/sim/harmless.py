"""What a run that ended well had in it that a correct ALG would have done otherwise.

A verdict on a change is about the message alone. When everybody is heard, nothing that was missed
or wrong has harmed anybody, and nobody is to be sent looking for a fault: that is said here.
"""

from __future__ import annotations

from appliance.journal.rows import FAULTS
from appliance.sim.deeds import deed, no_alg
from appliance.sim.witness import Evidence

MOST_TOLD = 5
"""Sentences: one for each field, and of most modules it is one."""


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
    return list(dict.fromkeys(told.values()))
