"""`glassnat export`: a recording in a form for others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.forensics.messages.capture import frames

Run = Callable[..., Any]


@pytest.fixture
def recording(glassnat: Run, tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    glassnat("sim", "one-way-audio", "--until", "3s", "--record", str(path))
    return path


@pytest.mark.slow
def test_each_form_can_be_had(glassnat: Run, recording: Path, tmp_path: Path) -> None:
    output = tmp_path / "run.pcapng"
    assert glassnat("export", str(recording), "--to", "pcapng", "-o", str(output)).code == 0
    assert len([*frames(output.read_bytes())]) > 4
    lines = recording.read_text().splitlines()
    assert json.loads(glassnat("export", str(recording), "--to", "json", "-o", str(output)).out
                      or output.read_text()) == [json.loads(line) for line in lines]  # fmt: skip
    glassnat("export", str(recording), "--to", "md", "-o", str(output))
    page = output.read_text()
    assert page.startswith("# One-way audio")
    assert "│──REGISTER──" in page
    glassnat("export", str(recording), "--to", "svg", "-o", str(output))
    assert "MISSED" in output.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.jsonl", "--to", "md"], "none.jsonl: No such file"),
        (["{}", "--to", "mp"], "one of: pcapng, json, md, svg"),
        (["{}", "--to", "md", "-o", "/nowhere/x"], "/nowhere/x: No such file"),
        ([__file__, "--to", "md"], "line 1: no event"),
    ],
)
def test_what_is_wrong_is_exit_2(
    glassnat: Run, recording: Path, arguments: list[str], said: str
) -> None:
    answer = glassnat("export", *(each.format(recording) for each in arguments))
    assert answer.code == 2
    assert said in answer.err
