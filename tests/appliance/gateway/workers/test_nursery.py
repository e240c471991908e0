"""Workers are started by the nursery, and none of them outlives whom it works for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.gateway.workers import frames
from appliance.gateway.workers.nursery import Line, LineDead, Nursery
from tests.support.hostile import FOR_EVER, Hostile
from tests.support.processes import children, is_alive
from tests.support.programs import until
from tests.support.sweep import sampled

LONG = 10.0
STUBBORN = Hostile(
    head="import signal, ctypes\n"
    "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
    "ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\n" + FOR_EVER + "\n"
)
"""Blocks all signals, does not want to die with its parent, and never looks at its line."""


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    started = Nursery()
    started.wait_until_ready(LONG)
    yield started
    started.close()


def loading(nursery: Nursery, folder: Path, module: Hostile) -> Line:
    path = module.write(folder).partition(":")[0]
    file = os.open(path, os.O_RDONLY)
    line = nursery.start(file)
    os.close(file)
    line.send(frames.Load(path, "Mine", "sip"))
    return line


def test_a_worker_loads_its_file_and_says_who_it_is(nursery: Nursery, tmp_path: Path) -> None:
    line = loading(nursery, tmp_path, Hostile())
    assert line.waits(LONG)
    assert line.receive_first() == frames.Loaded("Mine", "sip", [], (True, True, False))
    assert {line.process} == children(nursery.process)


@pytest.mark.slow
def test_it_is_a_session_of_its_own(nursery: Nursery, tmp_path: Path) -> None:
    line = loading(nursery, tmp_path, Hostile())
    assert line.waits(LONG)
    line.receive_first()
    assert os.getsid(line.process) == os.getpgid(line.process) == line.process


@pytest.mark.parametrize("module", sampled([STUBBORN, Hostile()], 2), ids=["stubborn", "idle"])
def test_a_worker_ends_with_its_line(nursery: Nursery, tmp_path: Path, module: Hostile) -> None:
    line = loading(nursery, tmp_path, module)
    until(lambda: bool(children(nursery.process)))
    line.end()
    until(lambda: not children(nursery.process))


def test_a_line_that_nobody_keeps_ends(nursery: Nursery, tmp_path: Path) -> None:
    line = loading(nursery, tmp_path, STUBBORN)
    until(lambda: bool(children(nursery.process)))
    del line
    until(lambda: not children(nursery.process))


def test_who_ends_is_heard_of(nursery: Nursery, tmp_path: Path) -> None:
    line = loading(nursery, tmp_path, Hostile(head="import os; os._exit(0)\n"))
    assert line.waits(LONG)
    with pytest.raises(LineDead, match="its process has ended"):
        line.receive_first()
    with pytest.raises(LineDead, match="takes nothing in"):
        line.send(frames.Explain("x"))


def say_much(line: Line) -> None:
    for _ in range(1000):
        line.send(frames.Explain("x" * 10_000))


def test_who_does_not_read_is_not_waited_for(nursery: Nursery, tmp_path: Path) -> None:
    line = loading(nursery, tmp_path, STUBBORN)
    with pytest.raises(LineDead, match="takes nothing in"):
        say_much(line)


@pytest.mark.parametrize("module", sampled([STUBBORN, Hostile()], 2), ids=["stubborn", "idle"])
def test_closing_it_ends_all_its_workers(tmp_path: Path, module: Hostile) -> None:
    nursery = Nursery()
    line = loading(nursery, tmp_path, module)
    until(lambda: bool(children(nursery.process)))
    (worker,) = children(nursery.process)
    nursery.close()
    nursery.close()
    until(lambda: not is_alive(worker))
    assert not is_alive(nursery.process)
    with pytest.raises(LineDead, match="no process can be started"):
        nursery.start(0)
    line.end()


def test_where_no_process_can_be_started_that_is_said_and_nothing_else_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An appliance that runs none but our modules needs none."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    nursery = Nursery()
    nursery.wait_until_ready(LONG)
    assert nursery.process == 0
    with pytest.raises(LineDead, match="no process can be started"):
        nursery.start(0)
    nursery.close()


OWNER = """
import os, sys
from appliance.gateway.workers import frames
from appliance.gateway.workers.nursery import Nursery
nursery = Nursery()
line = nursery.start(os.open(sys.argv[1], os.O_RDONLY))
line.send(frames.Load("mine.py", "Mine", "sip"))
print(nursery.process, flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.parametrize("module", sampled([STUBBORN, Hostile()], 2), ids=["stubborn", "idle"])
def test_whoever_is_killed_leaves_no_process(tmp_path: Path, module: Hostile) -> None:
    """SIGKILL, so that nobody can tidy up."""
    path = module.write(tmp_path).partition(":")[0]
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        process = int(owner.stdout.readline())
        until(lambda: bool(children(process)))
        (worker,) = children(process)
        owner.send_signal(signal.SIGKILL)
    until(lambda: not is_alive(worker) and not is_alive(process))


def test_one_that_is_closed_before_it_has_begun_ends_by_itself() -> None:
    """Nobody waits for it: `down` right after `up` would."""
    owner = OWNER.partition("line =")[0] + "nursery.close(); print(nursery.process)"
    done = subprocess.run([sys.executable, "-c", owner], capture_output=True, text=True, check=True)
    until(lambda: not is_alive(int(done.stdout)))
