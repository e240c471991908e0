"""Traits of parties, turned from the command line."""

from __future__ import annotations

import pytest

from appliance.parties.pbx import PbxTraits
from appliance.parties.phone import PhoneTraits
from appliance.sim import knobs
from appliance.sim.scenario import ScenarioError
from appliance.sim.stories import load_scenario

STORY = load_scenario("one-way-audio")


def test_settings_and_traits_are_told_apart() -> None:
    sets = ["nat.timeouts.udp=30s", "parties.pbx.comedia=true"]
    assert knobs.split(sets) == (["nat.timeouts.udp=30s"], {"parties.pbx.comedia": "true"})


@pytest.mark.parametrize(("written", "value"), [("true", True), ("false", False), (True, True)])
def test_a_trait_may_be_text_or_a_value(written: object, value: bool) -> None:
    pbx = knobs.turned(STORY, {"parties.pbx.comedia": written}).parties["pbx"]
    assert pbx.comedia is value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("bob,carol", ["bob", "carol"]),
        ("bob, carol", ["bob", "carol"]),
        ('["bob"]', ["bob"]),
        (["bob"], ["bob"]),
    ],
)
def test_a_list_is_written_with_commas_or_as_in_a_file(written: object, value: list[str]) -> None:
    assert knobs.turned(STORY, {"parties.pbx.users": written}).parties["pbx"].users == value


@pytest.mark.parametrize("written", ["", "none", "[]"])
def test_a_list_may_be_empty(written: str) -> None:
    alice = knobs.turned(STORY, {"parties.alice.other_registrars": written}).parties["alice"]
    assert isinstance(alice, PhoneTraits)
    assert alice.other_registrars == []


@pytest.mark.parametrize(
    ("written", "value"),
    [("none", None), ("null", None), (None, None), ("1m30s", 90.0), ("3", 3.0), (3, 3.0)],
)
def test_seconds_are_written_as_they_are_shown(written: object, value: float | None) -> None:
    """The screen and the table of traits say `none` and `1m30s`, and that is what people type."""
    alice = knobs.turned(STORY, {"parties.alice.answer_after": written}).parties["alice"]
    assert isinstance(alice, PhoneTraits)
    assert alice.answer_after == value


@pytest.mark.parametrize(("written", "value"), [("1m", 60), ("90", 90), ("1m30s", 90), (90, 90)])
def test_whole_seconds_are_written_so_too(written: object, value: int) -> None:
    """A registration's lifetime goes into messages as a whole number (RFC 3261 20.19)."""
    keys = ["parties.alice.expires", "parties.pbx.min_expires", "parties.pbx.max_expires"]
    for key in keys:
        _, name, trait = key.split(".")
        turned = getattr(knobs.turned(STORY, {key: written}).parties[name], trait)
        assert (turned, type(turned)) == (value, int)


def test_the_story_itself_stays_as_it_was() -> None:
    other = knobs.turned(STORY, {"parties.pbx.qualify": "30", "parties.alice.expires": "60"})
    pbx, before = other.parties["pbx"], STORY.parties["pbx"]
    assert isinstance(pbx, PbxTraits)
    assert isinstance(before, PbxTraits)
    assert (pbx.qualify, before.qualify) == (30.0, 0.0)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("parties.pbx.comdia", "true", "pbx has no trait 'comdia'; did you mean \"comedia\"?"),
        ("parties.alise.expires", "60", "'alise' is no party; did you mean \"alice\"?"),
        (
            "parties.alice.comedia",
            "perhaps",
            "comedia=perhaps: must be true or false, not",
        ),
        ("parties.pbx.nat", "ye", 'one of: comedia, force_rport, no, yes; did you mean "yes"?'),
        ("parties.alice.registrar", "nowhere", "registrar=nowhere: 'nowhere' is not an endpoint"),
        ("parties.alice.answer_after", "soon", '"soon" is not a duration; write e.g. 30'),
        ("parties.alice.expires", "1m500ms", "must be a whole number, not "),
        ("parties.alice.expires", "soon", '"soon" is not a duration; write e.g. 30'),
        ("parties.pbx.min_expires", "7200", "min_expires=7200: 7200 s is more than max_expires"),
        ("parties.alice.address", "192.0.2.1", "alice has no trait 'address'"),
        ("parties.alice", "x", "alice has no trait ''"),
    ],
)
def test_a_mistake_gets_a_sentence(key: str, value: str, said: str) -> None:
    with pytest.raises(ScenarioError) as error:
        knobs.turned(STORY, {key: value})
    assert said in str(error.value)
