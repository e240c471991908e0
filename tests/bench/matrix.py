"""A figure of the simulation: how long a matrix of a thousand cells takes on two processors.

python -m tests.bench.matrix [HOW MANY CELLS]

Every cell is a minute of one-way-audio with a seed of its own, half of them with a correct ALG:
5,100 packets of audio, each of which goes through the datapath.
"""

from __future__ import annotations

import os
import sys
import time

from appliance.sim.matrix import cells, plan
from appliance.sim.stories import load_scenario
from tests.bench.figure import Figure

CELLS = 1000
PROCESSORS = 2


def figures(count: int = CELLS) -> list[Figure]:
    """Wall time for all of them, with the time that the other processes need to begin; counted on
    for a thousand when there are fewer. Takes a minute or two."""
    took = _seconds(count) * CELLS / count
    title = f"{CELLS} runs of a one-minute story on {PROCESSORS} processors"
    return [Figure(title, "s", took, 100, 60, False)]


def _seconds(count: int) -> float:
    seeds = [str(seed) for seed in range(count // 2)]
    plans = plan([load_scenario("one-way-audio")], {"alg": ["off", "sip"], "seed": seeds})
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(here)[:PROCESSORS])  # joblib counts those it may use
    try:
        began = time.monotonic()
        found = list(cells(plans))
        took = time.monotonic() - began
    finally:
        os.sched_setaffinity(0, here)
    if {cell.outcome for cell in found} != {"one-way-audio", "both-ways"}:
        raise AssertionError("a story did not end as it should")
    return took


if __name__ == "__main__":
    for figure in figures(*map(int, sys.argv[1:2])):
        print(figure.line())
