"""The process that stays: ready, or what it said before it ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from appliance.namespaces.between.record import Trace
from appliance.namespaces.between.undo import is_alive
from tests.support.programs import ROOT

PROGRAM = """
import os, sys, time
from pathlib import Path
from appliance.namespaces.between import background
from appliance.namespaces.between.record import Facts, Record
from appliance.control import paths

paths.ROOT_FOLDER = Path({folder!r})
background.PATIENCE = {patience}
record = Record.begin(Facts("lab", "", "", ""))
copy = background.Background(record, paths.ROOT_FOLDER / "lab.log")
if copy.is_copy:
    assert copy.goes()
    print("the copy speaks", flush=True)
    {deed}
else:
    try:
        copy.go()
        copy.wait()
        print("ready")
    except background.NotStarted as reason:
        print(f"{{reason}} ({{reason.exit_code}})")
    process = record.traces()[0]
    print(process.name, process.detail)
"""


def run(folder: Path, deed: str, patience: float = 10.0) -> tuple[str, Trace]:
    """What the original says, and who the copy was."""
    program = PROGRAM.format(folder=str(folder), deed=deed, patience=patience)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    said, process = done.stdout.splitlines()
    return said, Trace("process", *process.split())


def test_it_goes_on_when_the_command_has_ended(folder: Path) -> None:
    """Its first deed is to say who it is; what it says goes to its log."""
    said, process = run(folder, "copy.is_ready(); time.sleep(30)")
    assert said == "ready"
    assert is_alive(process)
    assert (folder / "lab.log").read_text() == "the copy speaks\n"
    session = Path(f"/proc/{process.name}/stat").read_text().rpartition(")")[2].split()[3]
    assert session == process.name, "the terminal's Ctrl-C is not for it"
    subprocess.run(["kill", process.name], check=True)


def test_one_that_ends_at_once_is_told_with_what_it_said(folder: Path) -> None:
    said, process = run(folder, "os._exit(3)")
    assert said == "the copy speaks (3)"
    assert not is_alive(process)


def test_one_that_does_not_begin_is_told(folder: Path) -> None:
    said, process = run(folder, "time.sleep(30)", patience=0.1)
    assert said == "the appliance has not begun within 0 s (3)"
    subprocess.run(["kill", process.name], check=True)


DISMISSED = """
import os
from pathlib import Path
from appliance.namespaces.between.background import Background
from appliance.namespaces.between.record import Facts, Record
from appliance.control import paths

paths.ROOT_FOLDER = Path({folder!r})
record = Record.begin(Facts("lab", "", "", ""))
copy = Background(record, paths.ROOT_FOLDER / "lab.log")
if copy.is_copy:
    print("goes" if copy.goes() else "does not go", flush=True)
    os._exit(0)
{deed}
os.wait()
print(record.traces())
"""


@pytest.mark.parametrize("deed", ["copy.dismiss()", "os.close(copy._tells)"])
def test_one_that_is_not_told_to_go_ends(folder: Path, deed: str) -> None:
    """Whether somebody says so, or is killed: then the kernel closes the line. It was never
    anything that would have to be ended."""
    program = DISMISSED.format(folder=str(folder), deed=deed)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert (folder / "lab.log").read_text() == "does not go\n"
