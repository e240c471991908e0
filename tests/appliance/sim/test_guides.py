"""What a guide says to see is there: each step's command, and the texts in what it prints."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from appliance.cli import main, simulate
from appliance.sim.scenario import Step
from tests.support.stories import shelf
from tests.support.sweep import sampled

STEPS: list[Any] = [
    pytest.param(story.name, step, id=f"{story.name}-{number}")
    for story in shelf()
    for number, step in enumerate(story.steps, 1)
]


@pytest.mark.parametrize(("name", "step"), sampled(STEPS, 40))
def test_what_a_step_shows_is_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, step: Step
) -> None:
    """Remedies are tried, which takes many runs more, where a step shows one."""
    with monkeypatch.context() as patched:
        patched.setattr(simulate, "remedies", lambda _: [])
        printed = typed(capsys, name, step)
    if not all(text in printed for text in step.shows):
        printed = typed(capsys, name, step)
    for text in step.shows:
        assert text in printed


def typed(capsys: pytest.CaptureFixture[str], name: str, step: Step) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["sim", name, "--plain", *shlex.split(step.options())])
    printed, complaints = capsys.readouterr()
    assert ended.value.code == 0, complaints
    return printed
