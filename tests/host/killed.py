"""Starts `glassnat up` again and again, kills it at some moment, and takes it down by its name:
`python -m tests.host.killed NAME MOMENTS SEED BRIDGE BRIDGE`, on the laptop.

The commands are functions of this program, each in a process of its own: so a moment is one of
`up` itself, and not of an interpreter that loads its files. Prints after how many seconds each was
killed and what is different afterwards, as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NoReturn

from appliance.cli import main
from appliance.loop import run as _loaded_before  # noqa: F401 (not in each copy)
from appliance.wires import netns
from tests.support.laptop import COUNTERS, LOOKS


def glassnat(*words: str) -> int:
    """A copy of this process that runs a command; its number."""
    process = os.fork()
    if not process:
        _become(words)
    return process


def _become(words: tuple[str, ...]) -> NoReturn:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (1, 2):
        os.dup2(nothing, number)
    code = 1
    try:
        main(words)
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os._exit(code)


def finish(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def state(name: str) -> dict[str, list[str]]:
    """All that must be as before, line by line."""
    found = {what: list(_lines(command)) for what, command in LOOKS.items()}
    found["namespaces"] = [each.name for each in netns.NAMED.iterdir() if name in each.name]
    return found


def _lines(command: tuple[str, ...]) -> Iterator[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (line for line in done.stdout.splitlines() if not line.startswith(COUNTERS))


def killed(name: str, up: tuple[str, ...], after: float) -> str:
    """How it ended."""
    process = glassnat(*up)
    time.sleep(after)
    os.kill(process, signal.SIGKILL)
    code = finish(process)
    if down := finish(glassnat("down", name)):
        return f"down ended with {down}"
    return "killed" if code == -signal.SIGKILL else f"was up already ({code})"


def everything(name: str, moments: int, seed: int, inside: str, outside: str) -> None:
    up = ("up", name, "--inside", inside, "--outside", outside)
    before = state(name)
    began = time.monotonic()
    assert finish(glassnat(*up)) == 0
    takes = time.monotonic() - began
    assert finish(glassnat("down", name)) == 0
    die = random.Random(seed)
    for _ in range(moments):
        after = die.uniform(0, takes)
        ended = killed(name, up, after)
        now = state(name)
        different = {
            what: sorted({*lines} ^ {*before[what]})
            for what, lines in now.items()
            if lines != before[what]
        }
        print(json.dumps({"after": after, "ended": ended, "different": different}), flush=True)


if __name__ == "__main__":
    NAME, MOMENTS, SEED, *BRIDGES = sys.argv[1:]
    everything(NAME, int(MOMENTS), int(SEED), *BRIDGES)
