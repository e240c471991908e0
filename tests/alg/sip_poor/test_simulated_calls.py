"""How a simulated call ends with a fault that is in no message: what a class would see."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.control import documents
from appliance.settings import files as config
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario

TWO_LINES = 'outside.external=["203.0.113.1", "203.0.113.2"]'


def ended(module: str, *sets: str) -> Simulation:
    """Alice registers and calls Bob; both talk for ten seconds."""
    story = load_scenario("one-way-audio")
    assert story.script[-1].do == "hang-up"
    story.script[-1].at = 15.0
    wanted = (f"alg.sip.module={module}", *sets)
    simulation = Simulation(story, config.for_scenario(story.name, story.settings, None, wanted))
    simulation.run()
    return simulation


@pytest.mark.parametrize(
    ("module", "sets", "end"),
    [
        ("sip", (), "both-ways"),
        ("sip", (TWO_LINES,), "both-ways"),
        ("sip-poor:tls-blind", (), "one-way-audio"),
        ("sip-poor:wrong-port-forward", (), "one-way-audio"),
        ("sip-poor:split-wan", (TWO_LINES,), "one-way-audio"),
        ("sip-poor:reply-port-lost", (), "registration-failed"),
        ("sip-poor:born-unnatted", (), "registration-failed"),
        ("sip-poor:bad-checksum", (), "registration-failed"),
    ],
)
def test_how_the_call_ends(module: str, sets: tuple[str, ...], end: str) -> None:
    """And whatever is wrong: each packet is accounted for, and no module has failed."""
    simulation = ended(module, *sets)
    assert simulation.outcome().outcome == end
    counters: Any = documents.show(simulation.engine, "counters", simulation.now)
    assert counters["alg"]["sip"]["errors"] == 0
    for wire in counters["wires"].values():
        parts = [wire[name] for name in ("forwarded", "consumed", "dropped", "held")]
        assert wire["received"] == sum(parts)


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Promise 6, also where a fault leaves something to chance."""
    module = "sip-poor:symmetric-random,rtcp-not-adjacent,remap-on-new-flow"
    first, second = (list(ended(module).log.since(0)) for _ in range(2))
    assert len(first) > 20
    assert first == second
