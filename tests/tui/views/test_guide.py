"""The guide's current step: its prediction before what there is to see."""

from __future__ import annotations

from appliance.sim.scenario import Scenario, Step
from tui.draw.lines import plain
from tui.look import Look
from tui.views.guide import GuideView

STEPS = [
    Step(title="Look", predict="What happens?", see="This happens.", shows=[], key="view 3"),
    Step(title="Again", predict="And now?", see="That.", shows=[]),
]
STORY = Scenario(
    title="One-way audio",
    lesson="It is lost.",
    duration=1.0,
    parties={},
    script=[],
    guide="# Guide\n\nRead **this**.\n",
    symptom="I hear nothing",
    steps=STEPS,
)


def text(look: Look) -> str:
    return "\n".join(plain(GuideView(look).page(60, 20).body))


def test_before_the_first_step_the_whole_guide_stands_there() -> None:
    said = text(Look(story=STORY))
    assert said.startswith("Symptom: I hear nothing\n\nGuide\n\nRead this.")
    assert said.endswith("g begins with the first of 2 steps.")


def test_what_there_is_to_see_comes_after_the_prediction() -> None:
    look = Look(story=STORY, step_at=0)
    assert "Predict: What happens?" in text(look)
    assert "This happens." not in text(look)
    look.is_revealed = True
    assert "See: This happens." in text(look)
    assert "g goes to the next step." in text(look)


def test_the_title_says_which_step_and_the_last_one_leads_nowhere() -> None:
    look = Look(story=STORY, step_at=1, is_revealed=True)
    assert GuideView(look).page(60, 20).title.plain == "Guide · One-way audio · step 2 of 2"
    assert "next step" not in text(look)


def test_a_live_nat_and_a_recording_have_no_guide() -> None:
    assert "a story that is played" in text(Look())
