"""What a guide says to see is there: each step's command, and the texts in what it prints."""

from __future__ import annotations

import shlex

import pytest

from appliance.cli import main, simulate
from appliance.sim.scenario import Step
from appliance.sim.stories import list_scenarios

STEPS = [
    pytest.param(story.name, step, id=f"{story.name}-{number}")
    for story in list_scenarios()
    for number, step in enumerate(story.steps, 1)
]


@pytest.mark.parametrize(("name", "step"), STEPS)
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
