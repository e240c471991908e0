"""The steps of a guide, as a person reads and types them."""

from __future__ import annotations

from appliance.sim.guide import command, guide_lines
from appliance.sim.reading import read
from tests.appliance.sim.test_reading import GOOD

STORY = read(GOOD, "good")


def test_a_step_names_the_command_to_type() -> None:
    assert command(STORY, STORY.steps[0]) == "glassnat sim good --alg sip-poor:no-sdp"
    own = command(STORY, STORY.steps[0], "./my/story")
    assert own == "glassnat sim ./my/story --alg sip-poor:no-sdp"


def test_the_prediction_stands_before_what_is_seen() -> None:
    lines = list(guide_lines(STORY))
    assert lines.index("   Predict: what?") < lines.index("   See: that")
