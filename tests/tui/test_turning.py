"""What can be turned in a story, in one list."""

from __future__ import annotations

from appliance.sim.stories import load_scenario
from tests.tui.stories import SETTINGS
from tui.draw.lines import plain
from tui.turning import KnobList, knobs_of

STORY = load_scenario("alg-timeout-short")


def test_what_the_story_is_about_comes_first_then_the_nat_then_traits() -> None:
    """The NAT has a few knobs and every story has them; of traits there may be a hundred, which
    nobody wants to pass to get there."""
    knobs = knobs_of(STORY, SETTINGS, {})
    keys = [knob.key for knob in knobs]
    assert [knob.key for knob in knobs if knob.own] == STORY.knobs == keys[: len(STORY.knobs)]
    assert "parties.pbx.comedia" in keys
    rest = keys[len(STORY.knobs) :]
    assert rest[:3] == ["profile", "nat.mapping", "nat.filtering"]
    assert all(key.startswith("parties.") for key in rest[3:])
    assert len(set(keys)) == len(keys)


def test_a_trait_that_waits_for_the_next_run_is_shown_as_it_will_be() -> None:
    def comedia(turned: dict[str, bool]) -> object:
        knobs = knobs_of(STORY, SETTINGS, turned)
        return next(knob.value for knob in knobs if knob.key == "parties.pbx.comedia")

    assert comedia({}) is False
    assert comedia({"parties.pbx.comedia": True}) is True


def test_a_trait_that_is_none_is_a_knob_all_the_same() -> None:
    """It is there to be given a value."""
    knobs = {knob.key: knob.value for knob in knobs_of(STORY, SETTINGS, {})}
    assert "parties.alice.talks_for" in knobs
    assert knobs["parties.alice.talks_for"] is None


def test_the_product_that_the_nat_is_is_a_knob_of_a_story() -> None:
    for turned, shown in (({}, "none"), ({"profile": "cgn"}, "cgn")):
        knobs = {knob.key: knob.value for knob in knobs_of(STORY, SETTINGS, turned)}
        assert knobs["profile"] == shown


def test_each_knob_says_what_it_does_and_what_it_may_be() -> None:
    knobs = {knob.key: knob for knob in knobs_of(STORY, SETTINGS, {})}
    assert all(knob.about for knob in knobs.values())
    assert "address-dependent" in knobs["nat.mapping"].choices
    assert "symmetric" in knobs["profile"].choices
    assert "RFC 4787 4.1" in knobs["nat.mapping"].about


def test_what_is_looked_for_is_found_by_its_name_and_by_what_it_does() -> None:
    some = KnobList(knobs_of(STORY, SETTINGS, {}), at=9)
    for typed, found in (("comedia", "comedia"), ("icmp error", "port_unreachable")):
        some.look_for(typed)
        assert some.chosen is not None
        assert found in some.chosen.key


def test_the_choices_of_a_knob_begin_at_its_value() -> None:
    some = KnobList(knobs_of(None, SETTINGS, {}))
    some.move(1)
    some.choose()
    assert plain(some.rows(70))[1] == "▸address-dependent"
    some.move(-9)
    assert some.option == 0


def test_a_live_nat_has_no_parties() -> None:
    assert [knob.key for knob in knobs_of(None, SETTINGS, {})] == ["nat.mapping", "nat.filtering"]


def test_the_cursor_stops_at_both_ends() -> None:
    some = KnobList(knobs_of(None, SETTINGS, {}))
    places = []
    for step in (-1, 1, 9):
        some.move(step)
        places.append(some.at)
    assert places == [0, 1, 1]
    assert plain(some.rows(70))[1].split() == ["▸nat.filtering", "address-dependent"]
    assert KnobList([]).chosen is None
