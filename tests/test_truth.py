"""Promise 7: no sentence contradicts the outcome.

Every story, under every module and every fault, with shorter calls than the scenarios have: what
failed is never called right, and what works is never blamed; not in the sentences of the events,
not in the causes, not on the screen.
"""

from __future__ import annotations

import pytest

from alg.registry import poor
from appliance.journal.sentences import Teller
from appliance.sim import outcome
from appliance.sim.causes import NAT
from appliance.sim.scenario import Scenario
from appliance.sim.simulation import Simulation
from appliance.sim.stories import list_scenarios
from tests.appliance.sim.test_simulation import staged
from tui.draw import outcome as outcome_pane
from tui.draw import why
from tui.model import Model

POOR = poor("sip")
assert POOR is not None
SPECS = ["off", "sip", *(f"{POOR.name}:{fault}" for fault in POOR.faults)]
TALK = 1.2
"""Seconds of a call: enough to judge its audio."""


def shortened(story: Scenario) -> Scenario:
    """The same story, whose people hang up early."""
    called = next(act.at for act in story.script if act.do == "call")
    for act in story.script:
        if act.do == "hang-up":
            act.at = called + TALK + 2.0
    return story


def model_of(run: Simulation) -> Model:
    model = Model()
    for event in run.log.since(0):
        model.fold(event)
    model.settings = run.engine.settings.values
    model.now = run.now
    return model


@pytest.mark.parametrize("spec", SPECS)
def test_no_sentence_contradicts_the_outcome(spec: str) -> None:
    for story in list_scenarios():
        run = staged(shortened(story), spec)
        teller = Teller()
        word = run.run().outcome
        said = [line for event in run.log.since(0) for line in teller.tell(event)]
        sentences = [cause.sentence for cause in run.causes()]
        model = model_of(run)
        shown = [why.because(model, message) for message in (None, *model.messages)]
        advice = why.advice(model, live=False).plain
        title, _ = outcome_pane.headline(model)
        if word == outcome.BOTH_WAYS:
            assert sentences == [], story.name
            assert "correct ALG" not in advice, story.name
            continue
        assert_followed_back(sentences)
        assert not any("each as it must be" in each for each in shown), story.name
        assert title.lower().replace(" ", "-") == word
        if word == outcome.REGISTRATION_FAILED:
            assert not any(": registered" in line for line in said), story.name
        if spec == "sip":
            assert not any(cause.party == NAT for cause in run.causes()), story.name


def assert_followed_back(sentences: list[str]) -> None:
    """To something that was seen, or to a fault that is switched on."""
    assert sentences
    assert all(each.endswith(".") for each in sentences)
    for hole in ("Nothing that was seen", "was not seen"):
        assert not any(hole in each for each in sentences), sentences
