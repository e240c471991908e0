"""`glassnat down` and `status`: by the name alone, and what is told of it. (What they do to a
machine is in `tests/host/test_up.py`.)"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import down
from appliance.control import client, paths
from appliance.namespaces.between import pinning, undo
from appliance.namespaces.between.record import Facts, Record, Trace, names
from appliance.wires.netns import CommandError

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, and a folder in the place of /run/glassnat."""
    monkeypatch.setattr(paths, "ROOT_FOLDER", tmp_path / "run")
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def test_who_is_not_root_is_told_the_next_command(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its whole path: `sudo` looks for commands elsewhere."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answer = glassnat("down", "lab")
    assert answer.code == 3
    assert f"sudo {down.program()} down lab" in answer.err
    assert down.program().startswith("/")


def test_a_lab_of_ones_own_is_not_roots_to_end(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root does not look in a user's folder."""
    record("lab-nat-yes")
    monkeypatch.setattr(down.own, "is_known", lambda name: name == "lab-nat-yes")
    assert f"tidy up: {down.program()} lab down lab-nat-yes" in glassnat("status").err
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answer = glassnat("down")
    assert answer.code == 4
    assert f"a lab of your own: {down.program()} lab down lab-nat-yes" in answer.err


def record(name: str, *traces: Trace) -> None:
    made = Record.begin(Facts(name, "br-in", "br-out", f"/run/{name}.sock"))
    made.expect(*traces)
    made.close()


def test_nothing_to_take_down_is_fine(glassnat: Run) -> None:
    assert glassnat("down") == (0, "", "nothing is up\n")
    record("lab")
    answer = glassnat("down", "labb")
    assert answer == (0, "", 'labb is not up; did you mean "lab"?\n')


def test_what_up_has_not_started_is_not_ended(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "running", lambda: {"lab": Path("lab.sock")})
    answer = glassnat("down", "lab")
    assert answer.code == 4
    assert "lab was started by `glassnat run`" in answer.err


def test_the_only_one_needs_no_name(glassnat: Run) -> None:
    record("lab")
    assert glassnat("down").code == 0
    assert names() == []


def test_of_several_one_is_to_be_named_or_all(glassnat: Run) -> None:
    record("one")
    record("two")
    answer = glassnat("down")
    assert answer.code == 2
    assert "one, two; say which, or --all" in answer.err
    assert glassnat("down", "one", "--all").code == 2
    assert names() == ["one", "two"]
    assert glassnat("down", "--all").code == 0
    assert names() == []


def test_what_is_left_is_said_and_does_not_stop_the_others(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove(trace: Trace, echo: undo.Echo) -> None:
        raise CommandError(f"{trace.name} is stuck")

    monkeypatch.setattr(undo, "remove", remove)
    record("one", Trace("port", "gn-one-in"))
    record("two")
    answer = glassnat("down", "--all")
    assert answer.code == 5
    assert answer.err.startswith("glassnat: not all of one is gone; try again: sudo ")
    assert answer.err.endswith("gn-one-in is stuck\n")
    assert names() == ["one"]


# --- status --------------------------------------------------------------------------------------


def test_status_tells_who_runs_and_who_has_ended(glassnat: Run) -> None:
    alive = undo.own_process()
    record("here", alive)
    record("gone", alive._replace(detail="1"))
    record("half")
    rows = json.loads(glassnat("status", "--json").out)
    assert [(row["name"], row["state"], row["pid"]) for row in rows] == [
        ("gone", "stale", os.getpid()),
        ("half", "stale", None),
        ("here", "up", os.getpid()),
    ]
    assert set(rows[0]) == {"name", "pid", "control", "inside", "outside", "state"}
    answer = glassnat("status")
    assert "br-in" in answer.out
    assert "gone has ended; tidy up: sudo" in answer.err


def test_status_tells_of_frames_with_another_machines_address(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are dropped before the appliance, which cannot count them."""
    record("here", undo.own_process(), Trace("namespace", "glassnat-here-in"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pinning, "dropped", {"glassnat-here-in": 3}.get)
    assert json.loads(glassnat("status", "--json").out)[0]["impostors"] == 3
    assert "here: 3 frames dropped that came with another machine" in glassnat("status").err


def test_the_names_are_offered_to_the_shell(glassnat: Run) -> None:
    from appliance.cli.words import appliances_up

    record("lab")
    assert list(appliances_up(None)) == ["lab"]  # type: ignore[arg-type]
