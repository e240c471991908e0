"""What a matrix varies, as it is written on a command line."""

from __future__ import annotations

import pytest

from alg.registry import MODULES
from appliance.settings.files import ConfigError
from appliance.sim.axes import every_module, read, staged, traits
from appliance.sim.stories import load_scenario

STORY = load_scenario("one-way-audio")


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("nat.timeouts.udp=30s,5m", ["30s", "5m"]),
        ("nat.timeouts.udp=30s, 5m,30s", ["30s", "5m"]),
        ("alg=off,sip-poor:no-sdp,c-only,sip", ["off", "sip-poor:no-sdp,c-only", "sip"]),
        ("alg=sip-poor:no-sdp,sip-poor:c-only", ["sip-poor:no-sdp", "sip-poor:c-only"]),
        ("alg.sip.ports=[5060],[5060, 5080]", ["[5060]", "[5060, 5080]"]),
        ("parties.pbx.comedia=true,false", ["true", "false"]),
        ("seed=1,2,-3", ["1", "2", "-3"]),
    ],
)
def test_values_stand_between_commas_but_for_lists_and_faults_of_one_module(
    written: str, values: list[str]
) -> None:
    assert read([written], [STORY]) == {written.partition("=")[0]: values}


def test_an_axis_that_is_given_twice_has_the_values_of_both() -> None:
    assert read(["alg=off", "alg=sip,off"], [STORY]) == {"alg": ["off", "sip"]}


def test_all_modules_are_off_the_correct_one_and_each_fault_alone() -> None:
    faults = [f"sip-poor:{fault}" for fault in MODULES["sip-poor"].faults]
    assert every_module() == ["off", "sip", *faults]
    assert read(["alg=all"], [STORY])["alg"] == every_module()


def test_all_mistakes_are_told_at_once_each_with_the_nearest_word() -> None:
    with pytest.raises(ConfigError) as wrong:
        read(
            [
                "alg=sipp,sip-poor:no-spd,nowhere.py:Mine",
                "nat.timeout.udp=30s",
                "nat.mapping=address-dependant",
                "parties.pbx.comdia=true,false",
                "parties.pxb.comedia=true",
                "profile=symetric",
                "seed=one",
                "algs=off",
                "nothing",
            ],
            [STORY],
        )
    told = {problem.key: problem.sentence for problem in wrong.value.problems}
    hints = {
        "alg=sipp": '"sip"',
        "alg=sip-poor:no-spd": "'no-sdp'",
        "alg=nowhere.py:Mine": "there is no file",
        "nat.timeout.udp": '"nat.timeouts.udp"',
        "nat.mapping=address-dependant": '"address-dependent"',
        "parties.pbx.comdia": '"comedia"',
        "parties.pxb.comedia": '"pbx"',
        "profile=symetric": '"symmetric"',
        "seed=one": "not a whole number",
        "algs": '"alg"',
        "nothing": "KEY=VALUE",
    }
    assert told.keys() == hints.keys()
    assert [key for key, hint in hints.items() if hint not in told[key]] == []


def test_a_choice_reaches_module_profile_setting_party_and_seed() -> None:
    choice = {
        "alg": "sip",
        "profile": "symmetric",
        "nat.timeouts.udp": "30s",
        "parties.pbx.comedia": "true",
        "seed": "7",
    }
    story, settings, seed = staged(STORY, choice)
    assert settings["alg.sip.module"] == "sip"
    assert settings.written("nat.mapping") == "address-and-port-dependent"
    assert settings["nat.timeouts.udp"] == 30.0
    assert story.parties["pbx"].comedia is True  # type: ignore[union-attr]
    assert seed == 7


def test_every_trait_is_an_axis() -> None:
    known = traits(STORY)
    assert {"parties.pbx.comedia", "parties.alice.expires"} <= {*known}
    assert "parties.pbx.address" not in known
