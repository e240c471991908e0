"""A folder in the place of /run/glassnat, and commands that are only remembered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.control import paths
from appliance.wires import netns
from appliance.wires.netns import CommandError


class Commands(list[tuple[str, ...]]):
    """What would have been run. `failing`: a word that makes a command fail; `answers`: what is
    printed by those that begin so."""

    failing = ""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[tuple[str, ...], str] = {}

    def run(self, command: Sequence[str], keep: Sequence[int] = ()) -> str:
        self.append(tuple(command))
        if self.failing and self.failing in command:
            raise CommandError(f"`{' '.join(command)}`: no")
        for beginning, answer in self.answers.items():
            if self[-1][: len(beginning)] == beginning:
                return answer
        return ""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "ROOT_FOLDER", tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    remembered = Commands()
    monkeypatch.setattr(netns, "run", remembered.run)
    return remembered
