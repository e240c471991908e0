"""The table of commands, and what becomes of whatever goes wrong below it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from appliance import cli
from appliance.cli import COMMANDS
from appliance.cli.base import NEED_LINUX
from appliance.version import VERSION
from tests.support.sweep import sampled

Run = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[3]


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
        **options,
    )


@pytest.mark.parametrize("words", [("--version",), ("down", "--help")])
def test_what_is_to_be_over_at_once_loads_nothing_that_takes_long(words: Sequence[str]) -> None:
    """None of the large libraries, and none of the modules that know protocols."""
    script = (
        "import sys, json\n"
        "from appliance.cli import main\n"
        f"try:\n main({list(words)!r})\n"
        "except SystemExit as end:\n"
        " assert not end.code\n"
        "large = ('pytun', 'dnslib', 'textual', 'msgspec', 'alg.registry', 'nat.behavior')\n"
        "print(json.dumps([name for name in large if name in sys.modules]))"
    )
    done = python("-c", script)
    assert done.returncode == 0, done.stderr
    *_, loaded = done.stdout.splitlines()
    assert json.loads(loaded) == []


def test_the_version_is_told() -> None:
    assert VERSION in python("-m", "appliance.cli", "--version").stdout


@pytest.mark.slow
def test_without_a_terminal_it_says_how_it_is_used() -> None:
    done = python("-m", "appliance.cli", stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage: glassnat" in done.stderr
    assert "glassnat sim one-way-audio" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(glassnat: Run, command: str) -> None:
    answer = glassnat(command, "--help")
    assert answer.code == 0
    assert f"Usage: glassnat {command}" in answer.out
    assert "--color" in answer.out


def test_without_linux_what_is_about_real_wires_says_so(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is given, and before any of its files is loaded."""
    monkeypatch.setattr(sys, "platform", "darwin")
    for command in NEED_LINUX:
        answer = glassnat(command, "--config", "lab.toml", "flows")
        assert answer.code == 3
        assert answer.err.startswith(f"glassnat: {command} needs Linux; these work here: sim, ")
    assert all(command in COMMANDS for command in NEED_LINUX)


ELSEWHERE = """
import contextlib, importlib.abc, io, os, select, socket, subprocess, sys
import asyncio, click, pathlib, signal, tempfile  # others' code, made for a real one
sys.platform = "win32"
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in ("pytun", "fcntl", "pwd", "grp", "resource", "termios"):
            raise ModuleNotFoundError(name)
for name in ("pytun", "fcntl", "pwd", "grp", "resource", "termios"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
del select.epoll, os.geteuid, os.getuid, os.fork, socket.AF_UNIX
from appliance.cli import main
for words in {commands!r}:
    said, out = io.StringIO(), io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
        try:
            main(words.split())
        except SystemExit as ended:
            code = ended.code
    print(code, words, said.getvalue() if "internal error" in said.getvalue() else "")
"""


@pytest.mark.slow
def test_without_linux_everything_else_works() -> None:
    """Where there is neither `fcntl` nor `pwd`, no epoll and no Unix sockets."""
    commands = {
        "--version": 0,
        "keys": 0,
        "completion bash": 0,
        "doctor": 3,
        "alg list": 0,
        "alg diff docs/examples/invite.txt": 0,
        "alg lint docs/examples/asterisk.log": 1,
        "config init": 0,
        "config validate docs/examples/lab.toml": 0,
        "profile list": 0,
        "scenario list": 0,
        "sim one-way-audio --plain": 0,
    }
    done = python("-c", ELSEWHERE.format(commands=[*commands]))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{code} {words} " for words, code in commands.items()]


def test_every_command_is_listed_with_what_it_does(glassnat: Run) -> None:
    listed = glassnat("--help").out.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.strip()] == list(COMMANDS)
    assert "..." not in listed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["simm"], 'did you mean "sim"'),
        (["zzz"], "there are: sim, "),
        (["config", "inti"], 'did you mean "init"'),
        (["show"], "Missing argument 'WHAT'"),
        (["show", "flow"], 'did you mean "flows"'),
        (["sim", "--plian"], "--plain"),
        (["run"], "--config"),
    ],
)
def test_wrong_usage_is_2_and_names_the_nearest(
    glassnat: Run, arguments: list[str], said: str
) -> None:
    answer = glassnat(*arguments)
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.startswith("glassnat: ")
    assert answer.out == ""


class Impossible(Exception):
    exit_code = 3


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Impossible("no TUN here"), 3, "glassnat: no TUN here"),
        (KeyboardInterrupt(), 130, ""),
        (RuntimeError("oops \x1b[2J"), 1, "internal error: RuntimeError: oops ␛[2J"),
    ],
)
def test_whatever_goes_wrong_is_a_sentence_and_an_exit_code(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.delenv("GLASSNAT_DEBUG", raising=False)
    monkeypatch.setattr(cli.root, "main", fail)
    answer = glassnat("sim")
    assert answer.code == code
    assert said in answer.err


def test_a_programmer_may_see_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("oops")

    monkeypatch.setenv("GLASSNAT_DEBUG", "1")
    monkeypatch.setattr(cli.root, "main", fail)
    with pytest.raises(RuntimeError):
        cli.main(["sim"])


CLOSED, FULL = "Bad file descriptor", "No space left on device"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line as somebody types it, where `glassnat` is this program."""
    line = line.replace("glassnat", f"{sys.executable} -m appliance.cli")
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("line", "why"),
    sampled(
        [
            pytest.param("glassnat config init >&-", CLOSED),
            pytest.param("glassnat config init > /dev/full", FULL),
            pytest.param("glassnat keys --json > /dev/full", FULL),
            pytest.param("glassnat --help >&-", CLOSED),
            pytest.param("echo x | glassnat alg diff - --raw > /dev/full", FULL),
        ],
        5,
    ),
)
def test_what_cannot_be_printed_is_a_sentence_and_an_exit_code(line: str, why: str) -> None:
    """Whoever prints, much or little: a command, click itself, or one that writes bytes."""
    done = shell(line)
    assert done.returncode == 3
    assert done.stderr == f"glassnat: cannot write to the standard output: {why}\n"


@pytest.mark.slow
def test_a_command_that_prints_nothing_needs_no_output() -> None:
    done = shell("glassnat config validate docs/examples/lab.toml >&- 2>&-")
    assert done.returncode == 0


@pytest.mark.slow
def test_what_cannot_be_narrated_is_lost() -> None:
    done = shell("glassnat config init 2> /dev/full | head -c 9")
    assert done.stdout == "# glassna"
    assert shell("glassnat natt 2> /dev/full").returncode == 2


LOADING = """
import sys, runpy
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
sys.argv = ["glassnat", "keys"]
runpy.run_module("appliance.cli", run_name="__main__")
"""


@pytest.mark.parametrize(
    "name",
    sampled(["click", "appliance.cli.base", "appliance.version", "appliance.cli.machine"], 4),
)
def test_ctrl_c_while_the_program_is_being_loaded_ends_it_without_a_word(name: str) -> None:
    """Wherever it comes: loading takes most of the time of a short command."""
    done = python("-c", LOADING.format(name=name))
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


def test_ctrl_c_before_the_command_begins_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.streams, "prepare", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main(["keys"])
    assert ended.value.code == 130


@pytest.mark.slow
def test_a_reader_that_has_had_enough_is_no_error() -> None:
    command = f"{sys.executable} -m appliance.cli config init | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        cwd=ROOT,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert done.stderr == b""
    assert done.returncode == 0


@pytest.mark.parametrize("group", ["alg", "scenario", "profile", "config"])
def test_a_group_alone_says_how_it_is_used(glassnat: Run, group: str) -> None:
    answer = glassnat(group)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith(f"Usage: glassnat {group} ")
    assert "--help)" not in answer.err
