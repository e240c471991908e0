"""Pressing Tab: a real bash runs the lines that `glassnat completion bash` prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cli import root
from appliance.cli.completion import source

pytestmark = pytest.mark.needs("bash")

BREAKS = ":=@"
"""Of `COMP_WORDBREAKS`, what our words are written with."""
PRESS_TAB = """
compopt() { echo "option $2"; }
source completion.bash
COMP_LINE=$1 COMP_WORDS=("${@:3}") COMP_CWORD=$(($# - 3))
_glassnat_completion glassnat "$2"
[[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\\n' "${COMPREPLY[@]}"
"""


def cut(line: str) -> list[str]:
    """A line as bash cuts it: at white space, and each of the breaks is a word of its own."""
    words = [word for part in line.split() for word in re.split(f"([{BREAKS}])", part) if word]
    return [*words, ""] if line.endswith(" ") else words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "completion.bash").write_text(source("bash", root))
    return tmp_path


def program(folder: Path, script: str) -> None:
    """What stands for `glassnat`."""
    path = folder / "glassnat"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def press_tab(folder: Path, line: str) -> list[str]:
    words = cut(line)
    last = "" if words[-1] in BREAKS else words[-1]
    done = subprocess.run(
        ["bash", "--norc", "-c", PRESS_TAB, "bash", line, last, *words],
        cwd=folder,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "asked", "answer", "offered"),
    [
        ("glassnat show fl", "show fl", "flows", ["flows"]),
        ("glassnat show ", "show ", "flows", ["flows"]),
        ("glassnat set alg.sip.module sip-poor:", "set alg.sip.module sip-poor:",
         "sip-poor:no-sdp", ["no-sdp"]),
        ("glassnat set alg.sip.module sip-poor:no-s", "set alg.sip.module sip-poor:no-s",
         "sip-poor:no-sdp", ["no-sdp"]),
        ("glassnat sim x --alg=sip-poor:no-s", "sim x --alg=sip-poor:no-s",
         "sip-poor:no-sdp", ["no-sdp"]),
        ("glassnat sim x --set nat.ma", "sim x --set nat.ma", "nat.mapping=",
         ["option nospace", "nat.mapping="]),
        ("glassnat sim x --set nat.mapping=", "sim x --set nat.mapping=",
         "nat.mapping=address-dependent", ["address-dependent"]),
        ("glassnat sim x --set=nat.mapping=address-d", "sim x --set=nat.mapping=address-d",
         "nat.mapping=address-dependent", ["address-dependent"]),
        ("glassnat sim x --set alg.sip.module=sip-poor:no-s",
         "sim x --set alg.sip.module=sip-poor:no-s",
         "alg.sip.module=sip-poor:no-sdp", ["no-sdp"]),
    ],
)  # fmt: skip
def test_a_word_that_bash_cuts_in_pieces_is_asked_for_whole_and_answered_in_part(
    folder: Path, line: str, asked: str, answer: str, offered: list[str]
) -> None:
    program(folder, f"printf '%s' \"$COMP_WORDS\" > asked; echo 'plain,{answer}'")
    assert press_tab(folder, line) == offered
    assert (folder / "asked").read_text().split("\n") == ["glassnat", *asked.split(" ")]


@pytest.mark.parametrize(("kind", "option"), [("dir", "dirnames"), ("file", "default")])
def test_names_of_files_are_left_to_bash(folder: Path, kind: str, option: str) -> None:
    program(folder, f"echo {kind},")
    assert press_tab(folder, "glassnat alg diff x") == [f"option {option}"]


@pytest.mark.slow
def test_bash_and_the_program_understand_each_other(folder: Path) -> None:
    program(folder, f'cd {Path.cwd()}; exec "{sys.executable}" -m appliance.cli "$@"')
    assert press_tab(folder, "glassnat set alg.sip.module sip-poor:no-sd") == ["no-sdp"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_the_lines_of_click(shell: str) -> None:
    assert "_GLASSNAT_COMPLETE" in source(shell, root)
