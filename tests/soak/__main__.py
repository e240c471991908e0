"""`make soak`: ten minutes of everything at once, and then nothing may be left.

python -m tests.soak [--seconds 600]

One host telephones over UDP and TCP, one loads pages and asks questions, one misbehaves in each way
that `tests/host/misbehaviour.py` knows; settings are changed, and watchers come and go. Afterwards
the timers are let run out. The exit code is 1 when an exchange of one of the first two fails, when
something is left in a table, when the program ever takes more than 150 MB, or when its memory at
the end differs by more than a tenth from that of the second tenth of the time.

That last says something only when by then all is full that is bounded and is not emptied by time:
the history of events, above all (16 MiB, and most of an event's memory is taken only when somebody
reads it). An ordinary run fills it in some minutes, and would be compared with a time in which it
was growing as it should. So in the first tenth all watchers are there at once, with every attack.
And it is asked only of a run of ten minutes or more.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from appliance.wires import netns
from tests.host.misbehaviour import MISBEHAVIOURS
from tests.soak.traffic import FAILED
from tests.support.lab import SERVER, Appliance, Lab, namespaces
from tests.support.programs import Program, running

BOB, WEB_USER, FAR = "192.168.20.101", "192.168.20.102", "198.51.100.66"
MISBEHAVING = (sys.executable, "-m", "tests.host.misbehaviour")
TURN = 3  # seconds of each attack
FIRST_PART = 0.1
"""Of the time: until then what is bounded is filled."""
FULL = 0.9
"""Of what the history may take: so much it must have taken by then."""
MOST_GROWTH = 0.10
MOST_MEMORY = 150 << 20
LONG_ENOUGH = 600.0
"""Seconds of a run whose growth says something."""
TIMERS = """
[nat.timeouts]
tcp_established = "1m"
tcp_transitory = "30s"
tcp_closing = "30s"
udp = "1m"
[alg.sip]
timeout = "1m"
"""
"""Shorter than they should be, or nobody would wait for the end of it."""
EMPTY_WITHIN = 300.0
"""Seconds: what a message has announced is expected for 180 s, and a mapping that was used lives
for another minute."""
TABLES = ("flows", "mappings", "expectations")
CHANGES = (
    ("nat.ports", "random"), ("alg.sip.observe", "false"), ("nat.timeouts.udp", "40s"),
    ("alg.ftp.module", "off"), ("nat.limits.flows_per_host", "2000"), ("nat.ports", "preserve"),
    ("alg.sip.observe", "true"), ("nat.timeouts.udp", "1m"), ("alg.ftp.module", "ftp"),
)  # fmt: skip
WATCHERS = (("watch", "--json"), ("watch", "--points"), ("watch", "--json", "--since", "0"))


class Sample(NamedTuple):
    """The memory of the program: seconds from the beginning, bytes."""

    at: float
    resident: int


class Days(NamedTuple):
    """What came of a run: memory, what failed (a sentence each), whether the history was full in
    time, and how long it took until all tables were empty (seconds; None: too long)."""

    samples: list[Sample]
    failures: list[str]
    was_full: bool
    emptied: float | None


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--seconds", type=float, default=600.0)
    seconds = parser.parse_args(words).seconds
    if os.geteuid() != 0:
        print("needs root: network namespaces and TUN devices", file=sys.stderr)
        return 3
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lab = Lab(stack.enter_context(namespaces()), folder)
        appliance = stack.enter_context(lab.appliance("--alg", "sip", more=TIMERS))
        return _report(seconds, _soak(lab, appliance, seconds))


def _soak(lab: Lab, appliance: Appliance, seconds: float) -> Days:
    for address in (BOB, WEB_USER):
        netns.run(["ip", "-n", lab.phones, "address", "add", f"{address}/24", "dev", "gn-in"])
    netns.run(["ip", "-n", lab.world, "route", "add", FAR, "via", SERVER])
    with contextlib.ExitStack() as stack:
        for who in ("tests.host.neighbour", "tests.soak.traffic"):
            command = (sys.executable, "-m", who, "serve", SERVER)
            stack.enter_context(running(lab.server, *command, ready="ready"))
        far = (*MISBEHAVING, "far", FAR, "acknowledges")
        stack.enter_context(running(lab.server, *far, ready="ready"))
        days = _days(lab, appliance, seconds)
        emptied = _seconds_until_empty(appliance)
    days.samples.append(_sample(appliance, 0.0))
    return days._replace(emptied=emptied)


def _days(lab: Lab, appliance: Appliance, seconds: float) -> Days:
    """Everything at once, for so long. Tells what the hosts say that they did."""
    python = sys.executable
    bob = (python, "-m", "tests.host.neighbour", "live", BOB, SERVER, str(seconds))
    user = (python, "-m", "tests.soak.traffic", "use", WEB_USER, SERVER, str(seconds))
    hosts = [Program(lab.phones, command) for command in (bob, user)]
    began = time.monotonic()
    samples: list[Sample] = []
    was_full = False
    try:
        attacks, changes, watchers = cycle(MISBEHAVIOURS), cycle(CHANGES), cycle(WATCHERS)
        while (passed := time.monotonic() - began) < seconds:
            _change(appliance, [next(changes), next(changes)])
            is_filling = passed < seconds * FIRST_PART
            watching = WATCHERS if is_filling else (next(watchers),)
            with _attacked_and_watched(lab, appliance, next(attacks), watching):
                for _ in range(TURN):
                    time.sleep(1.0)
                    samples.append(_sample(appliance, began))
            for host in hosts:
                host.listen()
            was_full = was_full or (is_filling and _history_is_full(appliance))
        for host in hosts:
            host.finish()
    finally:
        for host in hosts:
            host.stop()
    return Days(samples, _told(*hosts), was_full, None)


def _told(bob: Program, user: Program) -> list[str]:
    """Tells how much was done; answers what failed."""
    assert "Traceback" not in bob.text + user.text, bob.text + user.text
    deeds = [line.split() for line in bob.text.splitlines()]
    others = [line.partition(FAILED) for line in user.text.splitlines()]
    failed = [deed for deed in deeds if deed[1] != "fine"]
    failed += [words.split() for _, is_failed, words in others if is_failed]
    done = Counter(what for what, went, *_ in deeds if went == "fine")
    print("bob:", ", ".join(f"{number} {what}" for what, number in sorted(done.items())))
    print("user:", ", ".join(line for line, is_failed, _ in others if not is_failed))
    return [f"{what}: {why} after {took} s, in second {at}" for what, why, took, at in failed]


def _history_is_full(appliance: Appliance) -> bool:
    events = appliance.show("counters")["memory"]["events"]
    return bool(events["high_water"] >= FULL * events["limit"])


def _change(appliance: Appliance, changes: Sequence[tuple[str, str]]) -> None:
    for key, value in changes:
        appliance.ask("set", key, value)


@contextlib.contextmanager
def _attacked_and_watched(
    lab: Lab, appliance: Appliance, attack: str, watchers: Iterable[Sequence[str]]
) -> Iterator[None]:
    """All come and go with the `with`."""
    attacking = (*MISBEHAVING, attack, SERVER, FAR, str(TURN))
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(lab.phones, *attacking, ready="ready"))
        for watcher in watchers:
            watch = shlex.join(appliance.command(*watcher)) + " > /dev/null"
            stack.enter_context(running("", "sh", "-c", f"exec {watch}"))
        yield


def _sample(appliance: Appliance, began: float) -> Sample:
    status = Path(f"/proc/{appliance.program.process.pid}/statm").read_text()
    pages = int(status.split()[1])
    return Sample(time.monotonic() - began, pages * os.sysconf("SC_PAGE_SIZE"))


def _seconds_until_empty(appliance: Appliance) -> float | None:
    """None: not in the time that it should take."""
    began = time.monotonic()
    while time.monotonic() - began < EMPTY_WITHIN:
        left = {what: len(appliance.show(what)) for what in TABLES}
        held = sum(wire["held"] for wire in appliance.show("counters")["wires"].values())
        if not any(left.values()) and not held:
            break
        time.sleep(2.0)
    else:
        print(f"left: {left}, held: {held}; the first: {appliance.show('flows')[:1]}")
        return None
    return time.monotonic() - began


def _report(seconds: float, days: Days) -> int:
    *during, last = days.samples
    end = during[-1].at
    second = [each.resident for each in during if 0.1 * end <= each.at <= 0.2 * end]
    early, late = mean(second), last.resident
    growth = late / early - 1
    mib = 1 << 20
    tenths = [during[len(during) * tenth // 10].resident / mib for tenth in range(10)]
    print("memory at each tenth:", ", ".join(f"{each:.1f}" for each in tenths), "MiB")
    most = max(each.resident for each in days.samples)
    print(
        f"memory: {early / mib:.1f} MiB in the second tenth, {most / mib:.1f} MiB at most, "
        f"{late / mib:.1f} MiB at the end: {growth:+.1%}"
    )
    for failure in days.failures:
        print("failed:", failure)
    if not days.was_full:
        print("the history of events was not full in time")
    if days.emptied is None:
        print("the tables were not empty")
    else:
        print(f"all tables empty after {days.emptied:.0f} s")
    is_steady = (abs(growth) <= MOST_GROWTH and days.was_full) or seconds < LONG_ENOUGH
    is_well = days.emptied is not None and not days.failures
    return 0 if is_well and most <= MOST_MEMORY and is_steady else 1


if __name__ == "__main__":
    sys.exit(main())
