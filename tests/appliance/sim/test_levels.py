"""The seven kinds of brokenness that AAISP counts, each in a story that ends in exactly that one.

What became of each call, in its order, is the difference between them: a word for the whole run
would be the same for some.
"""

from __future__ import annotations

import pytest

from appliance.sim.conversation import Conversation
from appliance.sim.outcome import BOTH_WAYS, NO_AUDIO, NOT_REACHED, ONE_WAY_AUDIO
from appliance.sim.scenario import Turns
from appliance.sim.staging import simulation
from appliance.sim.stories import load_scenario
from tests.support.sweep import sampled

LEVELS = {
    "not working at all": (
        "technicolor-full-alg",
        Turns(alg="sip-poor:no-from-to"),
        [("bob", NOT_REACHED)],
    ),
    "setting up calls, but one-way audio": (
        "nat-yes",
        Turns(set={"parties.pbx.nat": "force_rport"}),
        [("alice", ONE_WAY_AUDIO), ("bob", ONE_WAY_AUDIO)],
    ),
    "making calls, but not receiving them": (
        "alg-hides-nat",
        Turns(alg="sip-poor:hide-then-forget"),
        [("bob", NOT_REACHED), ("alice", BOTH_WAYS)],
    ),
    "able to receive calls only some of the time": (
        "alg-timeout-short",
        Turns(alg="sip-poor:sip-timer-short"),
        [("bob", BOTH_WAYS), ("bob", NOT_REACHED)] * 2,
    ),
    "working perfectly some of the time": (
        "busy-neighbour",
        Turns(alg="sip-poor:table-full-evict"),
        [("bob", BOTH_WAYS), ("bob", NOT_REACHED), ("bob", BOTH_WAYS)],
    ),
    "stopping one day with no apparent reason": (
        "pinholes-leak",
        Turns(alg="sip-poor:pinhole-leak"),
        [*[("alice", BOTH_WAYS)] * 4, *[("alice", NO_AUDIO)] * 2],
    ),
    "working with one phone, but not with more": (
        "two-phones-one-port",
        Turns(alg="sip-poor:second-phone-steals"),
        [("bob", BOTH_WAYS), ("bob", BOTH_WAYS), ("bob", NOT_REACHED)],
    ),
}


@pytest.mark.parametrize("level", sampled(LEVELS, 4))
def test_each_level_of_brokenness_is_what_a_story_ends_in(level: str) -> None:
    name, turned, calls = LEVELS[level]
    run = simulation(load_scenario(name), turned)
    run.run()
    fates = [(each.caller, fate(each)) for each in run.judge.conversations]
    assert fates == calls
    accepted = run.outcome().evidence["registrations_accepted"]
    assert bool(accepted) is (level != "not working at all")


def test_a_second_way_to_stop_one_day_is_another_address() -> None:
    run = simulation(load_scenario("works-then-stops"), Turns(alg="sip-poor:stale-after-renumber"))
    run.run()
    first, *others = [fate(each) for each in run.judge.conversations]
    assert first == BOTH_WAYS
    assert set(others) == {NOT_REACHED}


def fate(call: Conversation) -> str:
    """What became of a call, for those who wanted to talk."""
    failed = call.failed()
    if failed is not None:
        return (ONE_WAY_AUDIO, NO_AUDIO)[len(failed[1]) - 1]
    return BOTH_WAYS if call.was_heard() else NOT_REACHED
