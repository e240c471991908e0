"""What can be turned in a story, in one list."""

from __future__ import annotations

from appliance.sim.stories import load_scenario
from tests.tui.stories import SETTINGS
from tui.draw.lines import plain
from tui.turning import KnobList, knobs_of

STORY = load_scenario("alg-timeout-short")


def test_what_the_story_is_about_comes_first_then_traits_then_the_nat() -> None:
    knobs = knobs_of(STORY, SETTINGS, {})
    keys = [knob.key for knob in knobs]
    assert [knob.key for knob in knobs if knob.own] == STORY.knobs == keys[: len(STORY.knobs)]
    assert "parties.pbx.comedia" in keys
    assert keys[-2:] == ["nat.mapping", "nat.filtering"]
    assert len(set(keys)) == len(keys)


def test_a_trait_that_waits_for_the_next_run_is_shown_as_it_will_be() -> None:
    def comedia(turned: dict[str, bool]) -> object:
        knobs = knobs_of(STORY, SETTINGS, turned)
        return next(knob.value for knob in knobs if knob.key == "parties.pbx.comedia")

    assert comedia({}) is False
    assert comedia({"parties.pbx.comedia": True}) is True


def test_the_product_that_the_nat_is_is_a_knob_of_a_story() -> None:
    for turned, shown in (({}, "none"), ({"profile": "cgn"}, "cgn")):
        knobs = {knob.key: knob.value for knob in knobs_of(STORY, SETTINGS, turned)}
        assert knobs["profile"] == shown


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
