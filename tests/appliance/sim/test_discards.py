"""Messages that came, and of which their receiver made nothing."""

from __future__ import annotations

from appliance.sim import knobs
from appliance.sim.stories import load_scenario
from tests.appliance.sim.test_simulation import simulation, staged


def test_an_answer_that_came_to_somebody_else_leads_back_to_whose_via_named_him() -> None:
    """RFC 3261 18.2.2: it goes to the port in Via, which is another phone's. That it shows where
    the request came from (received) harms nobody."""
    turned = {"parties.server.force_rport": False}
    run = staged(knobs.turned(load_scenario("hairpin-desks"), turned), "off")
    run.run_until(34.0)
    assert [cause.sentence for cause in run.causes()] == [
        "The ALG is off: 192.168.20.101:5060 stays in the Via of the REGISTER, where a correct "
        "ALG writes 203.0.113.1:5062.",
        "server sends the answers to that REGISTER to 203.0.113.1:5060, because the Via of the "
        "REGISTER says so (RFC 3261 18.2.2).",
        "203.0.113.1:5060 stands for 192.168.20.100:5060.",
        "alice discards the 200 OK (REGISTER), 11 times: the top Via is not the one that was sent "
        "(RFC 3261 18.1.2).",
    ]


def test_of_an_answer_that_nobody_acknowledges_it_is_told_who_makes_nothing_of_it() -> None:
    """RFC 3261 9.1: who does not know that the call was cancelled picks up."""
    run = simulation("hung-up-too-early", "sip-poor:branch-rewrite")
    run.run_until(43.0)
    field, refused, discarded = [cause.sentence for cause in run.causes()]
    assert " into the Via branch of the CANCEL, where " in field
    assert refused.startswith("pbx refuses the CANCEL: 481: ")
    assert discarded.startswith("alice discards the 200 OK (INVITE), ")
