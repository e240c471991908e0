"""`glassnat run` and `attach`: what is handed to the loop, and who draws."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alg.registry import SpecError
from appliance.cli import running
from appliance.loop import RecordingError
from tests.appliance.cli.served import Appliance

Run = Callable[..., Any]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    opened: list[tuple[str, bool]] = []

    def run_attached(path: str, read_only: bool = False) -> int:
        opened.append((path, read_only))
        return 0

    module = types.ModuleType("tui.ways_in")
    module.run_attached = run_attached  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tui.ways_in", module)
    monkeypatch.setattr(running, "on_terminal", lambda: True)
    return opened


@pytest.mark.usefixtures("appliance")
def test_attach_draws_what_runs(
    glassnat: Run, folder: Path, screen: list[tuple[str, bool]]
) -> None:
    assert glassnat("attach", "lab", "--read-only").code == 0
    assert glassnat("attach", "--control", str(folder / "lab.sock")).code == 0
    assert screen == [(str(folder / "lab.ro.sock"), True), (str(folder / "lab.sock"), False)]


@pytest.mark.usefixtures("appliance")
def test_who_is_at_the_read_only_socket_is_told_so(
    glassnat: Run, folder: Path, screen: list[tuple[str, bool]]
) -> None:
    """Also when that socket was named, and nothing more."""
    second = str(folder / "lab.ro.sock")
    assert glassnat("attach", "--control", second).code == 0
    assert screen == [(second, True)]


def test_of_an_appliance_without_a_read_only_socket_the_other_is_looked_at(
    glassnat: Run, appliance: Appliance, folder: Path, screen: list[tuple[str, bool]]
) -> None:
    (folder / "lab.ro.sock").unlink()
    assert glassnat("attach", "--read-only").code == 0
    assert screen == [(str(folder / "lab.sock"), True)]


@pytest.mark.usefixtures("appliance")
def test_attach_without_a_terminal_points_to_watch(glassnat: Run) -> None:
    answer = glassnat("attach")
    assert answer.code == 2
    assert "glassnat watch" in answer.err


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch, folder: Path) -> types.SimpleNamespace:
    """What stands for the loop: remembers what it was to run, and fails if it is told to."""
    made = types.SimpleNamespace(ran=[], error=None)

    def run(
        settings: Any, path: Path, control_mode: str, when_ready: Callable[[], None], speed: float
    ) -> int:
        if made.error is not None:
            raise made.error
        made.ran.append((settings, path, control_mode, speed))
        return 130

    monkeypatch.setattr("appliance.loop.run", run)
    monkeypatch.setattr(running, "default_path", lambda name: folder / f"{name}.sock")
    return made


def test_run_hands_the_settings_to_the_loop_and_its_answer_on(
    glassnat: Run, loop: types.SimpleNamespace, file: str, folder: Path
) -> None:
    answer = glassnat("run", "--config", file, "--alg", "sip", "--set", "nat.timeouts.udp=30s")
    assert answer.code == 130
    ((settings, path, control_mode, speed),) = loop.ran
    assert control_mode == "owner", "unless somebody asks for more"
    assert speed == 1.0
    assert settings["alg.sip.module"] == "sip"
    assert path == folder / "glassnat.sock"
    assert "note: nat.timeouts.udp is below" in answer.err


def test_who_may_use_the_control_socket_is_owner_or_group(
    glassnat: Run, loop: types.SimpleNamespace, file: str
) -> None:
    assert glassnat("run", "--config", file, "--control-mode", "group").code == 130
    assert loop.ran[0][2] == "group"
    answer = glassnat("run", "--config", file, "--control-mode", "grop")
    assert answer.code == 2
    assert 'owner, group; did you mean "group"?' in answer.err


def test_time_may_pass_faster_for_it(glassnat: Run, loop: types.SimpleNamespace, file: str) -> None:
    assert glassnat("run", "--config", file, "--speed", "5").code == 130
    assert loop.ran[0][3] == 5.0
    assert glassnat("run", "--config", file, "--speed", "0").code == 2


@pytest.mark.usefixtures("loop")
def test_a_wrong_configuration_starts_nothing(
    glassnat: Run, loop: types.SimpleNamespace, file: str
) -> None:
    answer = glassnat("run", "--config", file, "--set", "nat.timeouts.udp=soon")
    assert answer.code == 2
    assert loop.ran == []


@pytest.mark.usefixtures("appliance")
def test_a_second_one_of_the_same_name_is_exit_4(
    glassnat: Run, loop: types.SimpleNamespace, file: str, folder: Path
) -> None:
    answer = glassnat("run", "--config", file, "--control", str(folder / "lab.sock"))
    assert answer.code == 4
    assert "already running" in answer.err
    assert loop.ran == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SpecError("alg.sip.module: there is no file 'x.py'"), "alg.sip.module: there is no file"),
        (RecordingError("record.file: x: No space left"), "record.file: x: No space left"),
    ],
)
def test_what_only_shows_at_the_start_is_exit_2_too(
    glassnat: Run, loop: types.SimpleNamespace, file: str, error: Exception, said: str
) -> None:
    loop.error = error
    answer = glassnat("run", "--config", file)
    assert answer.code == 2
    assert said in answer.err


def test_what_fails_in_the_loop_is_not_taken_for_the_recording(
    glassnat: Run, loop: types.SimpleNamespace, file: str
) -> None:
    loop.error = OSError(24, "Too many open files")
    answer = glassnat("run", "--config", file)
    assert answer.code == 1
    assert "Too many open files" in answer.err
    assert "record.file" not in answer.err


@pytest.mark.parametrize("code", [0, 130])
def test_with_a_screen_the_appliance_is_a_process_of_its_own(
    glassnat: Run,
    file: str,
    folder: Path,
    screen: list[tuple[str, bool]],
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    """Drawing never delays a packet; what the appliance says, and the screen's Ctrl-C, are not
    lost."""
    draw = sys.modules["tui.ways_in"].run_attached
    monkeypatch.setattr(
        sys.modules["tui.ways_in"], "run_attached", lambda path, read_only: draw(path) or code
    )
    path = folder / "lab.sock"
    program = (
        "import pathlib, socket, sys, time\n"
        f"path = pathlib.Path({str(path)!r})\n"
        "path.parent.mkdir(parents=True, exist_ok=True)\n"
        "listener = socket.socket(socket.AF_UNIX)\n"
        "print('ready', file=sys.stderr, flush=True)\n"
        "listener.bind(str(path))\n"
        "time.sleep(30)\n"
    )
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, **rest: popen([sys.executable, "-c", program], **rest)
    )
    answer = glassnat("run", "--config", file, "--control", str(path), "--tui")
    assert screen == [(str(path), False)]
    assert answer == (code, "", "ready\n")


def test_an_appliance_that_does_not_start_draws_nothing(
    glassnat: Run,
    file: str,
    folder: Path,
    screen: list[tuple[str, bool]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    popen = subprocess.Popen
    program = "import sys; print('glassnat: no TUN', file=sys.stderr); sys.exit(3)"
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, **rest: popen([sys.executable, "-c", program], **rest)
    )
    answer = glassnat("run", "--config", file, "--control", str(folder / "x.sock"), "--tui")
    assert answer == (3, "", "glassnat: no TUN\n")
    assert screen == []


def test_an_appliance_with_a_screen_ends_with_the_screen(tmp_path: Path) -> None:
    """A closed terminal, or `kill -9`, leaves nothing behind that nobody sees."""
    program = (
        "import subprocess, sys\n"
        "from appliance.cli.running import _end_with_the_screen\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],\n"
        "                         start_new_session=True, preexec_fn=_end_with_the_screen)\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    screen = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert screen.stdout is not None
    child = int(screen.stdout.readline())
    with contextlib.closing(os.fdopen(os.pidfd_open(child))) as alive:
        screen.kill()
        screen.communicate()
        assert select.select([alive], [], [], 5.0)[0], "it lives on"
