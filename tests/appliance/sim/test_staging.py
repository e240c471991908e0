"""Layers over a story, the last of which wins."""

from __future__ import annotations

import pytest

from appliance.parties.pbx import PbxTraits
from appliance.settings.files import ConfigError, list_profiles
from appliance.sim.scenario import Turns
from appliance.sim.staging import simulation, stage, turned_by_hand
from appliance.sim.stories import load_scenario
from tests.support.stories import shelf
from tests.support.sweep import sampled

STORY = load_scenario("one-way-audio")


def test_nothing_turned_is_the_story_as_it_is() -> None:
    story, settings = stage(STORY)
    assert story.parties == STORY.parties
    assert settings["alg.sip.module"] == "off"


def test_a_turn_changes_the_nat_and_the_parties() -> None:
    turns = Turns(alg="sip", set={"nat.timeouts.udp": "30s", "parties.pbx.comedia": True})
    story, settings = stage(STORY, turns)
    pbx = story.parties["pbx"]
    assert isinstance(pbx, PbxTraits)
    assert pbx.comedia
    assert (settings["alg.sip.module"], settings["nat.timeouts.udp"]) == ("sip", 30.0)


def test_what_the_command_line_says_wins() -> None:
    _, settings = stage(STORY, Turns(set={"nat.timeouts.udp": 30}), ["nat.timeouts.udp=50s"])
    assert settings["nat.timeouts.udp"] == 50.0


def test_what_is_turned_by_hand_wins_over_a_profile_that_is() -> None:
    turned = {"nat.ports": "preserve", "profile": "cgn", "parties.pbx.comedia": True}
    story, settings = turned_by_hand(*stage(STORY), turned)
    assert settings.written("nat.filtering") == "endpoint-independent"
    assert settings.written("nat.ports") == "preserve"
    assert story.parties["pbx"] != STORY.parties["pbx"]
    with pytest.raises(ConfigError, match="one of: cgn"):
        turned_by_hand(*stage(STORY), {"profile": "nobody"})


@pytest.mark.parametrize("wrong", ["parties.pbx.comdia=true", "nat.timeouts.upd=30s", "nonsense"])
def test_a_knob_that_is_not_there_is_a_sentence(wrong: str) -> None:
    with pytest.raises(ConfigError):
        stage(STORY, Turns(), [wrong])


def test_all_that_is_wrong_is_told_at_once() -> None:
    """In parties as in settings, and in the module."""
    wrong = ["parties.pbx.comdia=true", "parties.alice.expires=soon", "nat.mapping=foo"]
    with pytest.raises(ConfigError) as error:
        stage(STORY, Turns(alg="sip-poor:no-sdpp"), wrong)
    assert [problem.key for problem in error.value.problems] == [
        "parties.pbx.comdia",
        "parties.alice.expires=soon",
        "alg.sip.module",
        "nat.mapping",
    ]


def test_a_run_begins_at_nought() -> None:
    assert simulation(STORY, Turns(alg="sip")).now == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("profile", sampled((each["name"] for each in list_profiles()), 9))
def test_every_story_can_be_told_behind_every_product(profile: str) -> None:
    for story in shelf():
        run = simulation(story, Turns(profile=profile))
        assert run.step(), story.name
