"""`python -m appliance.cli`."""

from __future__ import annotations

import runpy
import sys

import pytest

from appliance.version import VERSION


def test_the_package_runs_as_the_command_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["glassnat", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("appliance.cli", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"glassnat, version {VERSION}\n"
