"""Remedies help: each was tried, and can be tried again."""

from __future__ import annotations

import pytest

from appliance.sim import knobs
from appliance.sim.outcome import BOTH_WAYS
from appliance.sim.remedies import needless, rank, remedies
from appliance.sim.stories import load_scenario
from tests.appliance.sim.test_simulation import simulation, staged
from tests.support.sweep import sampled

UNTIL = {
    ("one-way-audio", "off"): 8.0,
    ("incoming-call", "off"): 38.0,
    ("one-way-audio", "sip-poor:callid-oneway"): 33.0,
    ("no-incoming-calls", "off"): 140.0,
    ("alg-timeout-short", "sip-poor:sip-timer-short"): 435.0,
    ("alg-hides-nat", "sip-poor:hide-then-forget"): 185.0,
}
"""When each has failed (seconds)."""


@pytest.mark.parametrize(
    ("name", "alg", "first"),
    sampled(
        [
            pytest.param("one-way-audio", "off", {"parties.pbx.comedia": True}),
            pytest.param("incoming-call", "off", {"parties.pbx.force_rport": True}),
            pytest.param("one-way-audio", "sip-poor:callid-oneway", {"alg.sip.module": "off"}),
            pytest.param("no-incoming-calls", "off", {"parties.pbx.qualify": 30.0}),
            pytest.param(
                "alg-timeout-short", "sip-poor:sip-timer-short", {"parties.pbx.qualify": 30.0}
            ),
            pytest.param(
                "alg-hides-nat",
                "sip-poor:hide-then-forget",
                {"parties.pbx.only_behind_nat": False},
            ),
        ],
        4,
    ),
)
def test_what_helps_is_told_the_server_first(name: str, alg: str, first: dict[str, object]) -> None:
    run = simulation(name, alg)
    run.run_until(UNTIL[name, alg])
    before = run.outcome().outcome
    found = remedies(run)
    assert found[0].set == first
    kinds = [next(iter(each.set)).partition(".")[0] for each in found]
    assert kinds == sorted(kinds, key=["parties", "nat", "alg"].index)
    assert found[-1].set.keys() == {"alg.sip.module"} or len(found) == 1
    for each in found:
        assert rank(each.outcome) < rank(before)
        assert each.sentence.endswith(".")


@pytest.mark.slow
def test_a_remedy_comes_to_what_it_says() -> None:
    run = simulation("incoming-call", "off")
    run.run_until(UNTIL["incoming-call", "off"])
    remedy = remedies(run)[0]
    other = knobs.turned(run.scenario, remedy.set)
    again = type(run)(other, run.engine.settings.copy(), run.seed)
    again.run_until(run.now)
    assert again.outcome().outcome == remedy.outcome == "one-way-audio"


def test_where_everybody_is_heard_nothing_is_advised() -> None:
    run = simulation("one-way-audio", "sip")
    run.run_until(8.0)
    assert remedies(run) == []


@pytest.mark.parametrize("alg", ["off", "sip"])
def test_who_has_signed_off_is_to_be_reached_by_nothing(alg: str) -> None:
    """RFC 3261 10.2.2: a longer memory would let the desk ring at which she sits no more."""
    run = simulation("signed-off", alg)
    run.run_until(133.0)
    assert "as if alice had not signed off" in run.causes()[0].sentence
    assert remedies(run) == []


def test_of_two_phones_with_one_port_the_second_gets_another() -> None:
    """As AAISP advises, and before anybody touches the router."""
    run = simulation("two-phones-one-port", "sip-poor:second-phone-steals")
    run.run_until(15.0)
    assert remedies(run)[0].set == {"parties.carol.sip_port": 5062}


def test_where_one_host_fills_the_table_its_share_is_a_remedy() -> None:
    """RFC 6888 REQ-4; a keep-alive helps whoever is called after it."""
    run = simulation("busy-neighbour", "sip-poor:table-full-evict")
    run.run_until(74.0)
    found = [each.set for each in remedies(run)]
    assert {"nat.limits.flows_per_host": 25} in found


def test_a_module_that_no_message_reaches_can_be_switched_off_too() -> None:
    """With this fault the flow passes untranslated, and no ALG sees what is in it."""
    run = simulation("nat-yes", "sip-poor:born-unnatted")
    run.run_until(34.0)
    assert {"alg.sip.module": "off"} in [each.set for each in remedies(run)]


def test_an_alg_that_lets_a_stranger_in_is_not_called_harmless() -> None:
    """Everybody hears everybody, whoever they are."""
    story = knobs.turned(load_scenario("slipstream"), {"parties.alice.lines": 2})
    run = staged(story, "sip-poor:tcp-slip")
    assert run.run().outcome == BOTH_WAYS
    assert needless(run) == ""
