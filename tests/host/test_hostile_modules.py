"""A student's module is a student's problem: each of `tests/support/hostile.py` in a real
appliance, while a second host pings through it and somebody watches.

Forwarding never pauses more than 60 ms; SIGTERM ends the program within a second; no process is
left.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Barrier, Lock
from typing import Any

import pytest

from appliance.control.client import Client, ClientError
from tests.support.hostile import HOSTILE, Hostile
from tests.support.lab import GLASSNAT, PHONE, SERVER, Appliance, Lab
from tests.support.processes import children, is_alive
from tests.support.programs import PATIENCE, run_in, running, until

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "ping")]

LONGEST_PAUSE = 60.0
"""Milliseconds."""
LOOKS = 5
BUSY = 3
"""Times as long as to start may it take to end, on a machine that is too busy for a second."""
PINGS, MESSAGES = 25, 12
"""For one look at what a module does: a third of a second of both."""
MOST_MESSAGES = 500
"""Until a failure is told, on a machine that has much else to do."""
AT_ONCE = 7
"""Appliances that are started together."""
SECOND_HOST = "192.168.20.101"
TALKING = """
import itertools, socket, sys, time
to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
to.bind((sys.argv[1], 5060))
for number in itertools.count():
    text = "OPTIONS sip:bob@example.org SIP/2.0\\r\\nCall-ID: %d\\r\\n\\r\\n" % number
    to.sendto(text.encode(), (sys.argv[2], 5060))
    time.sleep(0.02)
"""
TALK = (sys.executable, "-c", TALKING, PHONE, SERVER)
PING = ("ping", "-n", "-i", "0.01", "-I", SECOND_HOST, SERVER)
PONG = re.compile(r"icmp_seq=(\d+) .*time=([\d.]+)")

HARMFUL = {name: each for name, each in HOSTILE.items() if each.loads}
UNUSABLE = {name: each for name, each in HOSTILE.items() if not each.loads}


class Watcher:
    """Somebody who watches from now on, and reads what comes."""

    def __init__(self, control: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(control))
        self._socket.sendall(b'{"id": 1, "do": "watch"}\n')
        self._lines = self._socket.makefile("rb")
        assert json.loads(self._lines.readline())["ok"]

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def hears(self, sign: str) -> bool:
        """Until enough messages have passed, and a failure is told that looks like this (any, if it
        is empty): false when that does not come."""
        passed, told = 0, ""
        while passed < MESSAGES or not re.search(sign, told):
            event: dict[str, Any] = json.loads(self._lines.readline())
            passed += event["type"] == "message-passed"
            told += event.get("error", "") + "\n"
            if passed > MOST_MESSAGES:
                return False
        return True


class Traffic:
    """A phone that sends messages through an appliance, and a second host that pings through it;
    somebody watches and sets."""

    def __init__(self, lab: Lab, undo: ExitStack) -> None:
        self._lab, self._undo = lab, undo
        self._control = lab.control
        self._pinging = undo.enter_context(running(lab.phones, *PING, ready="time="))

    def talk(self) -> None:
        """Let the phone begin."""
        self._undo.enter_context(running(self._lab.phones, *TALK))

    def set(self, spec: str) -> None:
        """Set a module, if it is not refused."""
        with Client(self._control) as client, suppress(ClientError):
            client.ask("set", key="alg.sip.module", value=spec, who="test")

    def look(self, do: Callable[[], object], sign: str = "") -> float:
        """How long the second host waited at most (milliseconds) while and after something was
        done, until a failure was told that looks like `sign`. None of its packets is lost."""
        newest = int(self._pongs()[-1][0])
        self._pinging.wait_for(f"icmp_seq={newest + 1} ")
        with Watcher(self._control) as watcher:
            do()
            assert watcher.hears(sign), f"nothing was told of {sign!r}"
        self._pinging.wait_for(f"icmp_seq={newest + PINGS} ")
        since = [(int(number), float(wait)) for number, wait in self._pongs()]
        since = [each for each in since if each[0] > newest]
        assert since[-1][0] - newest == len(since)
        return max(wait for _, wait in since)

    def _pongs(self) -> list[tuple[str, str]]:
        return PONG.findall(self._pinging.text)

    def pause_by(self, hostile: Hostile, spec: str, first: Callable[[], object]) -> float:
        """The longest wait that a module makes (milliseconds): the best of a few looks, and no more
        than what is worse than with `off`. `first` begins the first one. The machine has other
        things to do as well; what a module does it does each time."""
        is_told = hostile.loads and hostile.error  # that it cannot be loaded, `set` says
        pause = self.look(first, f"{hostile.error}|longer than 50 ms" if is_told else "")
        for _ in range(LOOKS):
            if pause < LONGEST_PAUSE:
                break
            quiet = self.look(lambda: self.set("off"))
            pause = min(pause, self.look(lambda: self.set(spec)) - quiet)
        return pause


@contextmanager
def traffic(lab: Lab) -> Iterator[Traffic]:
    run_in("", "ip", "-n", lab.phones, "address", "add", f"{SECOND_HOST}/24", "dev", "gn-in")
    with ExitStack() as undo:
        yield Traffic(lab, undo)


def processes_of(appliance: Appliance) -> set[int]:
    """The nursery and its workers."""
    nurseries = children(appliance.program.process.pid)
    return nurseries.union(*(children(each) for each in nurseries))


def seconds_to_start() -> float:
    """How long this machine takes now for what takes a fifth of a second when it is idle."""
    begun = time.monotonic()
    run_in("", *GLASSNAT, "--version")
    return time.monotonic() - begun


def ends_within_a_second(appliance: Appliance) -> None:
    left = processes_of(appliance)
    assert left
    begun = time.monotonic()
    appliance.program.process.terminate()
    assert appliance.program.finish(timeout=5) == 0
    took = time.monotonic() - begun
    assert took < 1.0 or took < BUSY * seconds_to_start()
    until(lambda: not [each for each in left if is_alive(each)])


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


# --- by start ----------------------------------------------------------------------------


def batches(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[begin : begin + AT_ONCE] for begin in range(0, len(names), AT_ONCE)]


@pytest.mark.parametrize("names", batches([*HARMFUL]), ids=", ".join)
def test_modules_that_appliances_start_with(
    namespace: Callable[[str], str], tmp_path: Path, names: Sequence[str]
) -> None:
    """Several at once, each in namespaces of its own: that takes a third of the time."""
    labs = [Lab(namespace, made(tmp_path / name)) for name in names]
    together, one_by_one = Barrier(len(names), timeout=PATIENCE), Lock()

    def lives_and_ends(name: str, lab: Lab) -> None:
        hostile = HOSTILE[name]
        spec = hostile.write(lab.folder)
        with lab.appliance("--set", f"alg.sip.module={spec}") as appliance:
            together.wait()
            with traffic(lab) as passing:
                pause = passing.pause_by(hostile, spec, passing.talk)
            together.wait()
            assert pause < LONGEST_PAUSE, f"{name}: {pause} ms"
            with one_by_one:
                ends_within_a_second(appliance)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lives_and_ends, names, labs))


def test_no_appliance_starts_with_a_module_that_cannot_be_loaded(
    namespace: Callable[[str], str], tmp_path: Path
) -> None:
    with ExitStack() as undo:
        started = {}
        for name, hostile in UNUSABLE.items():
            lab = Lab(namespace, made(tmp_path / name))
            command = (*GLASSNAT, "run", "--config", str(lab.write_configuration()))
            options = ("--set", f"alg.sip.module={hostile.write(lab.folder)}")
            run = running("", *command, "--control", str(lab.control), *options)
            started[name] = undo.enter_context(run)
        for name, program in started.items():
            assert program.finish() == 2, f"{name}: {program.text}"
            assert re.search(UNUSABLE[name].error, program.text), program.text
            assert "Traceback" not in program.text


# --- by a live `set` ---------------------------------------------------------------------


def test_every_module_set_while_packets_flow(lab: Lab, tmp_path: Path) -> None:
    with lab.appliance() as appliance, traffic(lab) as passing:
        passing.talk()
        for number, (name, hostile) in enumerate(HOSTILE.items()):
            spec = hostile.write(made(tmp_path / str(number)))
            pause = passing.pause_by(hostile, spec, lambda spec=spec: passing.set(spec))
            assert pause < LONGEST_PAUSE, f"{name}: {pause} ms"
        ends_within_a_second(appliance)
