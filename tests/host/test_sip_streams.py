"""SIP over TCP by ordinary sockets through the real appliance: head and body in two writes, which
is how Nagle's algorithm comes to wait for the acknowledgement of bytes that an ALG holds."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from appliance.wires import netns
from tests.support.lab import SERVER, Lab, capture, tshark
from tests.support.programs import Program, run_in, running

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "ethtool", "tcpdump", "tshark", "ping")]

LATEST = 0.5
"""Seconds after the last byte of a message has arrived."""
CONNECTIONS, EXCHANGES = 10, 20
DELAY, LOSS = "0.02", "0.01"
ROUND_TRIPS = 3 * 2 * 2 * 0.02
"""Seconds: three of them, over two links, each way."""
IN_TIME = 0.8
"""Of all answers. What is lost on the links twice is late by itself, and on a slow machine more of
it; whether the appliance is to blame is told by its wires, of every message."""


LONGEST_PING = 30.0
"""Milliseconds, of nine pings in ten; the machine may be busy with something else."""
SCRIPT = (sys.executable, "-m", "tests.host.exchanges")
HANDSET, FAR = "192.168.20.101", "198.51.100.77"


def exchange(
    server: tuple[str, str], client: str, connections: int, exchanges: int
) -> list[tuple[str, float]]:
    """For each request: was it edited, and how many seconds did its answer take? `server` is a
    namespace and an address, `client` a namespace."""
    namespace, address = server
    with running(namespace, *SCRIPT, "serve", address, ready="ready"):
        program = Program(client, [*SCRIPT, "call", address, str(connections), str(exchanges)])
        try:
            assert program.finish(120) == 0, program.text
        finally:
            program.stop()
    rows = [line.split() for line in program.text.splitlines()]
    assert len(rows) == connections * exchanges, program.text
    return [(what, float(seconds)) for what, seconds in rows]


@contextlib.contextmanager
def bad_link(near: str, far: str, far_address: str) -> Iterator[None]:
    """A host in the namespace `far`, which `near` routes for."""
    with running("", sys.executable, "-m", "tests.host.badlink", DELAY, LOSS, near, far,
                 ready="ready"):  # fmt: skip
        netns.run(["ip", "-n", near, "route", "add", far_address, "dev", "bad"])
        netns.run(["ip", "-n", far, "address", "add", far_address, "dev", "bad"])
        netns.run(["ip", "-n", far, "route", "add", "default", "dev", "bad"])
        run_in(near, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        yield


def test_on_a_quiet_link_an_answer_comes_at_once(lab: Lab) -> None:
    with lab.appliance("--alg", "sip"):
        answers = exchange((lab.server, SERVER), lab.phones, 1, 20)
    assert {what for what, _ in answers} == {"edited"}
    assert max(seconds for _, seconds in answers) < 0.2


def test_on_bad_links_every_message_is_edited_and_none_is_late(
    lab: Lab, namespace: Callable[[str], str], tmp_path: Path
) -> None:
    """Late is told from the wires of the appliance: what is lost on the way to it, it cannot make
    up for."""
    handset, far = namespace("handset"), namespace("far")
    inside, outside = tmp_path / "inside.pcap", tmp_path / "outside.pcap"
    with (
        lab.appliance("--alg", "sip") as appliance,
        bad_link(lab.phones, handset, HANDSET),
        bad_link(lab.server, far, FAR),
    ):
        netns.run(["ip", "-n", lab.world, "route", "add", FAR, "via", SERVER])
        with capture(lab.phones, "gn-in", inside), capture(lab.world, "gn-out", outside):
            answers = exchange((far, FAR), handset, CONNECTIONS, EXCHANGES)
        counters = appliance.show("counters")["alg"]["sip"]
    assert {what for what, _ in answers} == {"edited"}
    assert counters["errors"] == counters["malformed"] == 0
    came, left = whole_at(inside, f"ip.src == {HANDSET}"), whole_at(outside, f"ip.dst == {FAR}")
    assert came.keys() == left.keys() == set(range(1, CONNECTIONS * EXCHANGES + 1))
    assert max(left[number] - came[number] for number in came) < LATEST
    in_time = [seconds for _, seconds in answers if seconds < LATEST + ROUND_TRIPS]
    assert len(in_time) >= IN_TIME * len(answers), sorted(seconds for _, seconds in answers)[-20:]


def test_a_flood_of_messages_does_not_keep_a_second_host_waiting(lab: Lab) -> None:
    """Three connections full of 18-byte messages, and the ping of another inside host."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(lab.appliance("--alg", "sip"))
        netns.run(["ip", "-n", lab.phones, "address", "add", f"{HANDSET}/24", "dev", "gn-in"])
        stack.enter_context(running(lab.server, *SCRIPT, "sink", SERVER, ready="ready"))
        for _ in range(3):
            stack.enter_context(running(lab.phones, *SCRIPT, "flood", SERVER, "60"))
        command = ("ping", "-I", HANDSET, "-i", "0.05", "-c", "60", SERVER)
        said = run_in(lab.phones, *command)
    times = [float(each) for each in re.findall(r"time=([0-9.]+) ms", said)]
    assert len(times) == 60, said
    assert sorted(times)[len(times) * 9 // 10] <= LONGEST_PING, said


def whole_at(file: Path, route: str) -> dict[int, float]:
    """When both parts of each request had been seen (seconds)."""
    seen: dict[tuple[str, int], float] = {}
    for time, payload in tshark(
        file, f"{route} and tcp.len > 0", "frame.time_epoch", "tcp.payload"
    ):
        text = bytes.fromhex(payload).decode()
        for part, pattern in (("head", r"CSeq: (\d+) "), ("body", r"body of (\d+)\.")):
            for number in re.findall(pattern, text):
                seen.setdefault((part, int(number)), float(time))
    return latest_of_both(seen)


def latest_of_both(seen: dict[tuple[str, int], float]) -> dict[int, float]:
    parts: Sequence[str] = ("head", "body")
    numbers = {number for _, number in seen}
    return {
        number: max(seen[part, number] for part in parts)
        for number in numbers
        if all((part, number) in seen for part in parts)
    }
