"""What a guide says to see is there: each step's command, and the texts in what it prints."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from appliance.cli import main, simulate
from appliance.sim.scenario import Step
from appliance.sim.titles import STORY, own_shelf
from tests.source import read
from tests.support.stories import shelf
from tests.support.sweep import sampled

STEPS: list[Any] = [
    pytest.param(story.name, step, id=f"{story.name}-{number}")
    for story in shelf()
    for number, step in enumerate(story.steps, 1)
]
FACT = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|(?<![\d.,])\d{3,5}(?![\d.,]?\d)")
"""An address, or a number that nobody would count by hand."""
RFC = re.compile(r"RFC \d+(?: \d+(?:\.\d+)*)?")
PROSE = re.compile(r"^(?:see|predict|title) = .*$", re.M)
OF_NO_RUN = {"1994", "1500", "5060"}
"""The year of an RFC, the half of a time that is shown, and a port where there is none."""


@pytest.mark.parametrize(("name", "step"), sampled(STEPS, 40))
def test_what_a_step_shows_is_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, step: Step
) -> None:
    """Also every address and number that the guide says is to be seen, unless it stands in the
    story. Remedies are tried, which takes many runs more, where a step shows one.
    """
    assert step.shows
    with monkeypatch.context() as patched:
        patched.setattr(simulate, "remedies", lambda _: [])
        printed = typed(capsys, name, step)
    if not all(text in printed for text in step.shows):
        printed = typed(capsys, name, step)
    for text in step.shows:
        assert text in printed
    facts = {*FACT.findall(RFC.sub("", step.see))} - OF_NO_RUN
    known = printed + PROSE.sub("", read(own_shelf() / name / STORY))
    assert {fact for fact in facts if fact not in known} == set()


def typed(capsys: pytest.CaptureFixture[str], name: str, step: Step) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["sim", name, "--plain", *shlex.split(step.options())])
    printed, complaints = capsys.readouterr()
    assert ended.value.code == 0, complaints
    return printed
