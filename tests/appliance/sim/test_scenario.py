"""Reading scenarios."""

from __future__ import annotations

import pytest

from appliance.settings.files import for_scenario
from appliance.sim.outcome import WORDS
from appliance.sim.scenario import (
    PbxTable,
    PhoneTable,
    ScenarioError,
    list_scenarios,
    load_scenario,
    read_scenario,
)

GOOD = """
title = "t"
lesson = "l"
duration = 10
[settings]
outside.external = ["203.0.113.1"]
[parties.alice]
kind = "phone"
side = "inside"
address = "192.168.20.100"
registrar = "203.0.113.9:5060"
[parties.pbx]
kind = "pbx"
side = "outside"
address = "203.0.113.9"
users = ["bob"]
[[script]]
at = 1.0
party = "alice"
do = "register"
[expect.off]
outcome = "one-way-audio"
"""


def test_a_scenario_is_read_into_typed_tables() -> None:
    scenario = read_scenario(GOOD, "good")
    assert scenario.name == "good"
    assert isinstance(scenario.parties["alice"], PhoneTable)
    assert isinstance(scenario.parties["pbx"], PbxTable)
    assert scenario.expect["off"].outcome == "one-way-audio"
    assert scenario.settings == {"outside": {"external": ["203.0.113.1"]}}


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('kind = "phone"', 'kind = "fax"', "fax"),
        ('title = "t"', "", "title"),
        ('title = "t"', 'title = "t"\ntitel = "u"', "titel"),
        ("duration = 10", 'duration = "ten"', "duration"),
        ("duration = 10", "duration = ", "line 4"),
        ("192.168.20.100", "192.168.20.1000", "is not an IP address"),
        ("203.0.113.9:5060", "203.0.113.9", "is not an endpoint"),
        ('users = ["bob"]', "users = []", "'pbx' has no users"),
        ('party = "alice"', 'party = "alicia"', "'alicia' is no party; did you mean 'alice'?"),
        ("at = 1.0", "at = 11.0", "not within the 10.0 s"),
        ("at = 1.0", "at = -1.0", "not within the 10.0 s"),
        ('side = "inside"', 'side = "left"', "left"),
        ('side = "inside"', 'side = "inside"\ntransport = "sctp"', "sctp"),
        ('side = "inside"', 'side = "inside"\nsegment = -1', "'alice': no segment has -1 bytes"),
    ],
)
def test_a_mistake_is_named_with_its_scenario(before: str, after: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as error:
        read_scenario(GOOD.replace(before, after), "good")
    assert str(error.value).startswith("scenario 'good': ")
    assert complaint in str(error.value)


def test_a_party_speaks_udp_unless_its_table_says_otherwise() -> None:
    alice = read_scenario(GOOD, "good").parties["alice"]
    assert (alice.transport, alice.segment, alice.port_unreachable) == ("udp", 0, False)


def test_the_name_of_no_scenario_is_answered_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'one-way-audio'"):
        load_scenario("oneway-audio")


def test_a_name_like_nothing_is_answered_with_all_of_them() -> None:
    with pytest.raises(ScenarioError, match=r"there are .*one-way-audio"):
        load_scenario("xyzzy")


@pytest.mark.parametrize("scenario", list_scenarios(), ids=lambda scenario: scenario.name)
def test_every_scenario_is_complete(scenario: object) -> None:
    """A title and a lesson, a guide, settings that hold, expectations in outcome words."""
    loaded = load_scenario(scenario.name)  # type: ignore[attr-defined]
    assert loaded.title
    assert loaded.lesson
    assert loaded.guide.startswith("# ")
    assert loaded.guide.split("\n\n")[1].startswith("**Look at first:** ")
    assert loaded.expect
    for_scenario(loaded.name, loaded.settings)
    assert {expectation.outcome for expectation in loaded.expect.values()} <= set(WORDS)
