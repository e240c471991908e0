"""What stands on the screen before a story begins."""

from __future__ import annotations

import pytest

from appliance.sim.stories import load_scenario
from tui.draw import opening
from tui.draw.lines import plain


def test_a_story_says_who_is_there_and_what_people_say_and_not_how_it_ends() -> None:
    story = load_scenario("one-way-audio")
    said = plain(opening.premise(story, 70))
    assert said[:2] == ["One-way audio", "“I hear nothing, but they hear me.”"]
    assert any("[ NAT ]" in row for row in said)
    assert said[-1] == "g leads through 6 steps: predict first, then look."
    assert story.lesson not in " ".join(said)
    assert opening.ends(story) == ("alice", "pbx")


@pytest.mark.parametrize(
    ("most", "rows"),
    [
        (9, ["0.500 ┊ alice: register", "2.000 ┊ alice: call bob", "55.000 ┊ alice: hang up"]),
        (2, ["0.500 ┊ alice: register", "┊ … and 2 more"]),
    ],
)
def test_what_people_will_do_is_told_as_far_as_there_is_room(most: int, rows: list[str]) -> None:
    story = load_scenario("one-way-audio")
    assert [row.strip() for row in plain(opening.plan(story, 60, most))] == rows


def test_what_will_be_done_to_the_nat_is_left_to_the_story() -> None:
    story = load_scenario("works-then-stops")
    assert any(act.set for act in story.script)
    assert all("NAT" not in row for row in plain(opening.plan(story, 60, 99)))
