"""Who may change settings is asked in the same words wherever an appliance is started."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from appliance.cli.running import run
from appliance.cli.up import up
from appliance.control.listener import CONTROL_MODES


@pytest.mark.parametrize("command", [run, up], ids=["run", "up"])
def test_a_mode_that_there_is_not_is_told_beside_those_that_there_are(
    command: click.Command,
) -> None:
    answer = CliRunner().invoke(command, ["--control-mode", "everybody"])
    assert answer.exit_code == 2
    assert "everybody" in answer.output
    assert all(mode in answer.output for mode in CONTROL_MODES)
