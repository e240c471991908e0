"""A student's module is a student's problem: each of `tests/support/hostile.py` in a real
appliance, while a second host pings through it and somebody watches.

Forwarding never pauses more than 60 ms; SIGTERM ends the program within a second; no process is
left.
"""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hostile import HOSTILE, Hostile
from tests.support.lab import GLASSNAT, PHONE, SERVER, Appliance, Lab
from tests.support.processes import children, is_alive
from tests.support.programs import Program, run_in, running, try_in, until

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "ping")]

LONGEST_PAUSE = 60.0
"""Milliseconds."""
SECOND_HOST = "192.168.20.101"
MESSAGES = """
import socket, sys, time
to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
to.bind((sys.argv[1], 5060))
for number in range(20):
    text = "OPTIONS sip:bob@example.org SIP/2.0\\r\\nCall-ID: %d\\r\\n\\r\\n" % number
    to.sendto(text.encode(), (sys.argv[2], 5060))
    time.sleep(0.03)
"""
PING = ("ping", "-n", "-i", "0.01", "-I", SECOND_HOST, SERVER)


def add_second_host(lab: Lab) -> None:
    run_in("", "ip", "-n", lab.phones, "address", "add", f"{SECOND_HOST}/24", "dev", "gn-in")


class Waits:
    """What the second host saw: its longest wait in milliseconds, and what was lost before the last
    answer."""

    def __init__(self, pinging: Program) -> None:
        answers = re.findall(r"icmp_seq=(\d+) .*time=([\d.]+)", pinging.text)
        numbers = [int(number) for number, _ in answers]
        self.longest = max(float(time) for _, time in answers)
        self.lost = max(numbers) - len(numbers)


def send_messages(lab: Lab) -> None:
    run_in(lab.phones, sys.executable, "-c", MESSAGES, PHONE, SERVER)


def waits_while(lab: Lab, spec: str = "", appliance: Appliance | None = None) -> Waits:
    """Twenty messages in 0.6 s, after `set` if a module is named."""
    with running(lab.phones, *PING, ready="time=") as pinging:
        if appliance is not None:
            set_ = (*GLASSNAT, "set", "alg.sip.module", spec, "--control", str(lab.control))
            try_in("", *set_)
        send_messages(lab)
        pinging.process.send_signal(signal.SIGINT)
        pinging.finish()
    return Waits(pinging)


def processes_of(appliance: Appliance) -> set[int]:
    """The nursery and its workers."""
    nurseries = children(appliance.program.process.pid)
    return nurseries.union(*(children(each) for each in nurseries))


def ends_within_a_second(appliance: Appliance) -> None:
    left = processes_of(appliance)
    begun = time.monotonic()
    appliance.program.process.terminate()
    assert appliance.program.finish(timeout=5) == 0
    assert time.monotonic() - begun < 1.0
    until(lambda: not [each for each in left if is_alive(each)])


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_module_that_the_appliance_starts_with(
    lab: Lab, tmp_path: Path, hostile: Hostile
) -> None:
    spec = hostile.write(tmp_path)
    if not hostile.loads:
        lab.write_configuration()
        run = (*GLASSNAT, "run", "--config", str(lab.folder / "lab.toml"))
        options = ("--control", str(lab.control), "--set", f"alg.sip.module={spec}")
        with running("", *run, *options) as program:
            assert program.finish() == 2
            assert re.search(hostile.error, program.text)
        return
    with lab.appliance("--set", f"alg.sip.module={spec}") as appliance:
        add_second_host(lab)
        with running("", *GLASSNAT, "watch", "--json", "--control", str(lab.control)) as watching:
            assert shortest(lambda number: waits_while(lab)) < LONGEST_PAUSE
            watching.wait_for('"type":"message-passed"')
        assert "Traceback" not in appliance.program.text
        ends_within_a_second(appliance)


def test_every_module_set_while_packets_flow(lab: Lab, tmp_path: Path) -> None:
    with lab.appliance() as appliance:
        add_second_host(lab)
        watch = (*GLASSNAT, "watch", "--json", "--control", str(lab.control))
        with running("", *watch):
            for name, hostile in HOSTILE.items():
                waits = shortest(
                    lambda number, hostile=hostile, name=name: waits_while(
                        lab, hostile.write(made(tmp_path / f"{name} {number}")), appliance
                    )
                )
                assert (name, waits < LONGEST_PAUSE) == (name, True), waits
        ends_within_a_second(appliance)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def shortest(look: Callable[[int], Waits]) -> float:
    """The longest wait in milliseconds, of the best of three looks: the machine has other things to
    do as well, and what a module does it does each time. Nothing is lost in any of them."""
    for number in range(3):
        seen = look(number)
        assert seen.lost == 0
        if seen.longest < LONGEST_PAUSE:
            break
    return seen.longest
