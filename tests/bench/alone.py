"""Figures of the appliance itself, with nobody beside it: state, and what much of it costs.

In memory: how fast flows begin and how much they weigh. Through the wires: what a packet costs when
there are 100,000 flows in the place of 100, and how long anybody has to wait meanwhile.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from appliance.engine import Engine
from appliance.journal.log import EventLog
from appliance.loop import tame_collector
from appliance.settings import files as config
from nat.endpoint import Side
from nat.packet import Packet
from tests.bench.contestants import CONFIGURATION, SERVER, Appliance, appliance
from tests.bench.figure import Figure
from tests.bench.raw import packets
from tests.support.packets import A, R, udp
from tests.support.programs import run_in, running
from tests.support.world import World, make_engine

MANY, FEW = 100_000, 100
RUNS = 5
NO_LIMITS = tuple(
    f"nat.limits.{name}={value}"
    for name, value in (
        ("flows", 1_000_000),
        ("flows_per_host", 1_000_000),
        ("unanswered_per_host", 1_000_000),
        ("new_flows_per_second_per_host", 0),
    )
)


def figures() -> list[Figure]:
    """All of them; takes about a minute."""
    few, many, pause = _through_the_wires()
    return [
        Figure("new flows, in memory, one subscriber", "per second",
               _in_a_process(_new_flows_per_second), 60_000, 120_000, True),
        Figure(f"memory per flow with a mapping, {MANY:,} of them", "KB",
               _in_a_process(_kilobytes_per_flow), 2.2, 1.5, False),
        Figure(f"a packet's cost over {MANY:,} flows, in memory", f"× over {FEW}",
               _in_a_process(_cost_ratio_in_memory), 4.0, 3.5, False),
        Figure(f"a packet's cost over {MANY:,} flows, through the wires", f"× over {FEW}",
               many / few, 1.3, 1.15, False),
        Figure("a message through a trivial module of somebody's own, in memory", "µs",
               _in_a_process(_microseconds_in_a_worker), 300, 150, False),
        Figure("longest wait during show flows, with a watcher", "ms", pause, 20, 5, False),
        Figure(f"longest wait for any set, {MANY // 2:,} flows", "ms",
               _in_a_process(_longest_wait_for_a_set), 5, 2, False),
    ]  # fmt: skip


# --- in memory ---------------------------------------------------------------------------------


def _engine() -> Engine:
    """As `glassnat run` makes it: the collector of rubbish leaves what lives alone."""
    tame_collector()
    with contextlib.ExitStack() as undo:
        file = Path(f"/tmp/bench-{os.getpid()}.toml")
        undo.callback(file.unlink)
        file.write_text(CONFIGURATION.format(pid=os.getpid(), client="", server=""))
        return make_engine(
            config.load(file, sets=NO_LIMITS),
            log=EventLog(time.monotonic()),
            rng=random.SystemRandom(),
        )


def _datagrams(flows: int) -> list[bytes]:
    made = []
    for raw, _ in packets(flows):
        words = struct.unpack("!10H", raw[:20])
        total = sum(words) % 0xFFFF
        made.append(raw[:10] + struct.pack("!H", -total % 0xFFFF) + raw[12:])
    return made


def _carry(engine: Engine, datagrams: list[bytes], packet: Packet, now: float) -> float:
    """Seconds of processor time that it takes to handle all of these, one after the other."""
    handle, buffer = engine.handle, packet.buffer
    begin = time.process_time()
    for raw in datagrams:
        buffer[: len(raw)] = raw
        packet.length = len(raw)
        handle(packet, Side.INSIDE, now)
    return time.process_time() - begin


def _new_flows_per_second() -> float:
    engine, datagrams = _engine(), _datagrams(MANY // 2)
    engine.log.subscribe(lambda event: None)
    seconds = _carry(engine, datagrams, Packet(bytearray(2048), 0), time.monotonic())
    return len(datagrams) / seconds


def _kilobytes_per_flow() -> float:
    engine, datagrams = _engine(), _datagrams(MANY)
    before = _resident()
    _carry(engine, datagrams, Packet(bytearray(2048), 0), time.monotonic())
    return (_resident() - before) / MANY / 1024


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _cost_ratio_in_memory() -> float:
    costs = []
    for flows in (FEW, MANY):
        engine, datagrams, packet = _engine(), _datagrams(flows), Packet(bytearray(2048), 0)
        now = time.monotonic()
        _carry(engine, datagrams, packet, now)
        order = datagrams * (MANY // flows)
        random.Random(1).shuffle(order)
        costs.append(min(_carry(engine, order, packet, now + 0.1) for _ in range(3)))
    return costs[1] / costs[0]


TRIVIAL = """
from alg.base import Edits
class Trivial:
    def inspect(self, message, context): return Edits()
    def explain(self, rule): raise KeyError(rule)
"""
OPTIONS = b"OPTIONS sip:bob@example.org SIP/2.0\r\nCall-ID: 1\r\n\r\n"


def _microseconds_in_a_worker() -> float:
    """What a message takes by the clock on the wall, beyond what it takes with `off`: the worker is
    another process, and is waited for."""
    sent = udp(f"{A}:5060", f"{R}:5060", OPTIONS)
    took = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trivial.py"
        file.write_text(TRIVIAL)
        for module in ("off", f"{file}:Trivial"):
            engine, packet = World({"alg.sip.module": module}).engine, Packet(bytearray(2048), 0)
            took.append(min(_microseconds_of_wall(engine, sent, packet) for _ in range(10)))
    return took[1] - took[0]


def _microseconds_of_wall(engine: Engine, sent: bytes, packet: Packet) -> float:
    begin = time.perf_counter()
    _carry(engine, [sent] * 500, packet, 1.0)
    return (time.perf_counter() - begin) / 500 * 1e6


CHANGES = (
    ("alg.sip.received", "learn"),
    ("alg.sip.ports", [5060, 5080]),
    ("alg.sip.module", "sip"),
    ("nat.timeouts.udp", "400s"),
    ("nat.timeouts.udp_by_port", {"53": "20s"}),
    ("nat.mapping", "address-dependent"),
    ("nat.filtering", "endpoint-independent"),
    ("nat.port_range", [2000, 60000]),
    ("nat.hairpin", False),
    ("nat.static", [{"internal": "192.168.20.100", "external": "203.0.113.77"}]),
)
"""One of each kind of setting that flows follow."""


SETS = 3
"""Times that all settings are changed. The same steps come each time, and of each the shortest
counts: what takes longer then is the machine, which was busy with something else."""


def _longest_wait_for_a_set() -> float:
    """Milliseconds, by the clock on the wall, of the longest step that packets may have to wait
    for, of all steps in which flows follow changed settings. Says on stderr how long they are."""
    runs = [_steps_of_sets() for _ in range(SETS)]
    longest = 0.0
    for key in runs[0]:
        least = sorted(min(times) for times in zip(*(run[key] for run in runs), strict=True))
        longest = max(longest, least[-1])
        most = f"{statistics.median(least):.2f} half, {least[len(least) * 99 // 100]:.2f} of 100 99"
        said = f"{key}: {len(least)} steps, ms at most: {most}, {least[-1]:.2f} all"
        print(said, file=sys.stderr)
    return longest


def _steps_of_sets() -> dict[str, list[float]]:
    """By setting: milliseconds of each step, beginning with that of the command."""
    engine, datagrams = _engine(), _datagrams(MANY // 2)
    _carry(engine, datagrams, Packet(bytearray(2048), 0), now := time.monotonic())
    tame_collector()
    steps: dict[str, list[float]] = {key: [] for key, _ in CHANGES}
    for key, value in CHANGES:
        step: Callable[[], None] = functools.partial(engine.set, key, value, "bench", now)
        while True:
            begin = time.perf_counter()
            step()
            steps[key].append((time.perf_counter() - begin) * 1000)
            if engine.next_deadline() > now:
                break
            step = functools.partial(engine.expire, now)
    return steps


IN_MEMORY: dict[str, Callable[[], float]] = {
    function.__name__: function
    for function in (
        _new_flows_per_second,
        _kilobytes_per_flow,
        _cost_ratio_in_memory,
        _microseconds_in_a_worker,
        _longest_wait_for_a_set,
    )
}


def _in_a_process(function: Callable[[], float]) -> float:
    """The median of some runs, each in an interpreter of its own: memory that another figure left
    would count as ours."""
    command = [sys.executable, "-m", "tests.bench.alone", function.__name__]
    runs = (
        subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(RUNS)
    )
    return statistics.median(float(run.stdout) for run in runs)


# --- through the wires -------------------------------------------------------------------------


def _through_the_wires() -> tuple[float, float, float]:
    """Microseconds of processor time per packet over few and over many flows; longest wait, ms."""
    costs = []
    for flows in (FEW, MANY):
        with _with_flows(flows) as here:
            costs.append(_cost(here, flows))
            if flows == MANY:
                pause = _longest_wait(here)
    return costs[0], costs[1], pause


@contextlib.contextmanager
def _with_flows(flows: int) -> Iterator[Appliance]:
    with appliance("alone", sets=NO_LIMITS) as here:
        _send(here, flows, flows)
        yield here


def _send(here: Appliance, flows: int, count: int) -> None:
    run_in(here.road.client, sys.executable, "-m", "tests.bench.raw", str(flows), str(count), "1",
           timeout=120)  # fmt: skip


def _cost(here: Appliance, flows: int) -> float:
    before = here.processor_time(), _received(here)
    _send(here, flows, MANY)
    after = here.processor_time(), _received(here)
    return (after[0] - before[0]) / (after[1] - before[1]) * 1e6


def _received(here: Appliance) -> int:
    counters = json.loads(here.ask("show", "counters", "--json"))
    return int(counters["wires"]["inside"]["received"])


def _longest_wait(here: Appliance) -> float:
    """The worst of many pings while `show flows` answers and somebody watches."""
    ping = ("ping", "-i", "0.002", "-c", "1500", SERVER)
    with running(here.road.client, *ping) as pinging:
        here.ask("show", "flows", "--json")
        pinging.finish()
    times = [float(found) for found in re.findall(r"time=([\d.]+)", pinging.text)]
    return max(times[1:])


if __name__ == "__main__":
    tame_collector()
    print(IN_MEMORY[sys.argv[1]]())
