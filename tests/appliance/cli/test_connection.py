"""A command finds the appliance that it is for, or says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.usefixtures("appliance")
def test_the_socket_may_be_named_before_or_after_the_command(glassnat: Run, folder: Path) -> None:
    path = str(folder / "lab.sock")
    assert glassnat("--control", path, "show", "flows").code == 0
    assert glassnat("show", "flows", "--control", path).code == 0
    assert glassnat("--control", f"{path}.other", "show", "flows").code == 4
    assert glassnat("--control", f"{path}.other", "show", "flows", "--control", path).code == 0


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", [["show", "flows"], ["flush"], ["watch"], ["attach"]])
def test_nothing_runs_is_exit_4(glassnat: Run, command: list[str]) -> None:
    answer = glassnat(*command)
    assert answer.code == 4
    assert "no appliance is running" in answer.err
