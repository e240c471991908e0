"""Who has to do something when external addresses change, and who may."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.cli import renumber
from appliance.cli.base import Failure
from appliance.control import paths
from appliance.namespaces.between import renumber as steps
from appliance.namespaces.between.record import Facts, Record, Trace
from appliance.settings.network_kinds import InterfaceAddress
from appliance.wires import netns


@pytest.fixture(autouse=True)
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One between bridges, and one of the lab's."""
    monkeypatch.setattr(paths, "ROOT_FOLDER", tmp_path)
    for name, kind in (("lab", "port"), ("lab-story", "namespace")):
        record = Record.begin(Facts(name, "in", "out", f"/run/{name}.sock"))
        record.expect(Trace(kind, name))
        record.close()


def test_only_what_stands_between_bridges_has_to_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert renumber.made_by_up(Path("/run/lab.sock")) == "lab"
    assert renumber.made_by_up(Path("/run/lab-story.sock")) == ""
    assert renumber.made_by_up(Path("/run/another.sock")) == ""


def test_only_root_can_have_it_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is said before anything is changed."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Failure, match=r"only root .* sudo .* set outside\.external") as refused:
        renumber.made_by_up(Path("/run/lab.sock"))
    assert refused.value.exit_code == 3
    assert renumber.made_by_up(Path("/run/another.sock")) == ""


def test_each_step_is_said_and_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    has = InterfaceAddress().parse("203.0.113.1/24")
    monkeypatch.setattr(steps, "present", lambda name: [has])
    monkeypatch.setattr(netns, "run", lambda command: ran.append(" ".join(command)))
    renumber.follow("lab", ["203.0.113.2"])
    said = capsys.readouterr().err.splitlines()
    assert said == [f"[#] {each}" for each in ran]
    assert len(ran) == 6
