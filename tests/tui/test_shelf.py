"""What the first screen offers, and what is told of it."""

from __future__ import annotations

from msgspec.structs import replace

from appliance.sim.scenario import Scenario
from appliance.sim.stories import load_scenario
from appliance.sim.titles import Titled
from tests.tui.views.test_guide import STORY
from tui.draw.lines import plain
from tui.shelf import Picked, Shelf, shelf_of


def titled(story: Scenario) -> Titled:
    return Titled(story.name, story.title, story.lesson, story.symptom)


def shelf() -> Shelf:
    mine = replace(STORY, name="mine", symptom="I hear nothing at all")
    stories = {each.name: each for each in (load_scenario("one-way-audio"), mine)}
    return shelf_of([titled(each) for each in stories.values()], ["classroom"], stories.__getitem__)


def test_running_appliances_stand_above_the_stories() -> None:
    assert [row.split()[0] for row in plain(shelf().rows(80))] == [
        "▸classroom",
        "one-way-audio",
        "mine",
    ]
    assert shelf().chosen is not None
    assert shelf().chosen.picked == Picked("appliance", "classroom")  # type: ignore[union-attr]


def test_a_story_is_told_with_its_symptom_a_sketch_and_how_it_ends() -> None:
    some = shelf()
    some.move(1)
    said = plain(some.about(70))
    assert said[0] == "One-way audio"
    assert any("[ NAT ]" in row for row in said)
    assert any(row.split() == ["ONE-WAY", "off"] for row in said)
    assert any(row.split() == ["BOTH", "sip"] for row in said)
    some.move(9)
    assert "“I hear nothing at all”" in plain(some.about(70))
    assert "2 steps with predictions: g" in plain(some.about(70))


def test_what_a_story_says_of_itself_is_told_without_reading_it() -> None:
    def nobody(name: str) -> Scenario:
        raise AssertionError(f"{name} was read")

    some = shelf_of([titled(STORY)], [], nobody)
    said = plain(some.about(70, whole=False))
    assert said == ["One-way audio", "“I hear nothing”", "", "It is lost."]


def test_typing_finds_by_what_people_would_say_of_it() -> None:
    some = shelf()
    some.look_for("NOTHING AT ALL")
    assert some.chosen is not None
    assert some.chosen.picked == Picked("story", "mine")
    some.look_for("zzz")
    assert (some.chosen, some.about(70)) == (None, [])
    assert plain(some.rows(70)) == ["Nothing is like that."]
    some.move(1)


def test_the_cursor_stops_at_both_ends() -> None:
    some = shelf()
    some.move(-1)
    assert some.at == 0
    some.move(9)
    assert some.at == 2
