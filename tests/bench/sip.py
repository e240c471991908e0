"""Figures of the SIP ALG: calls a second, what a message costs, and that what it does not touch
costs nothing.

The calls are SIPp's, played by the scenarios of the host tests: seven messages each, two of them
with a description. The kernel's own helper plays them too.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from alg.compare import changes
from alg.edits import apply
from alg.sip.application import SIP
from alg.sip.correct import Sip
from appliance.control import documents
from appliance.engine import Engine
from appliance.settings import files as config
from appliance.wires.netns import CommandError
from nat.endpoint import Endpoint, Side
from nat.packet import Packet
from tests.bench.contestants import CLIENT, CONFIGURATION, SERVER, Road, appliance
from tests.bench.figure import Figure
from tests.golden.pairs import pairs
from tests.host.kernel import kernel_router
from tests.support import packets
from tests.support.programs import PHONES, Program, run_in, running, until
from tests.support.world import make_engine

SCENARIOS = PHONES / "sipp"
RATES = (400, 500, 600, 700, 800, 1000, 1250, 1500, 2000, 3000)
SECONDS = 4
ROUNDS = 5
MESSAGES = 2000
RTP_PACKETS = 20_000
RTP_PAYLOAD = bytes(172)
ALLOW = b"Allow: ACK, BYE, CANCEL, INFO, INVITE, NOTIFY, OPTIONS, REFER, UPDATE\r\n"
PHONE, OUTSIDE = Endpoint.parse(f"{CLIENT}:5060"), Endpoint.parse(f"{SERVER}:5060")


def figures() -> list[Figure]:
    """All of them; takes about a minute."""
    ours, kernels = calls_per_second()
    beside = f"{kernels:.0f}" if kernels else "not there"
    return [
        Figure(f"SIPp calls through the ALG, UDP (kernel's helper: {beside})", "per second",
               ours, 500, 1500, True),
        Figure("a rewritten INVITE with description, reasons included", "µs",
               microseconds_per_message(), 150, 60, False),
        Figure("RTP through a flow that the ALG opened", "× plain UDP", media_ratio(), 0.98, 1.0,
               True),
        Figure("TCP bulk on a watched port that is not SIP", "× another port", bulk_ratio(), 0.95,
               1.0, True),
    ]  # fmt: skip


# --- calls -------------------------------------------------------------------------------------


def calls_per_second() -> tuple[float, float | None]:
    """Through the appliance and through the kernel's helper, where there is one: the highest rate
    at which no call fails and none has to be repeated."""
    with appliance("calls") as here:
        ours = _highest(here.road.client, here.road.server)
    with ExitStack() as stack:
        try:
            phone, _, server = stack.enter_context(kernel_router())
        except (AssertionError, CommandError):
            return ours, None
        return ours, _highest(phone, server)


def _highest(client: str, server: str) -> float:
    """Calls a second, measured from the first INVITE to the last answer."""
    best = 0.0
    for rate in RATES:
        reached = _play(client, server, rate)
        if reached < 0.9 * rate:
            return max(best, reached)
        best = reached
    return best


def _play(client: str, server: str, rate: int) -> float:
    """What was reached of a rate; 0 when a call failed."""
    many = ("-m", str(rate * SECONDS), "-s", "bob", "-p", "5060", "-nostdin", "-timeout", "30s",
            "-timeout_error")  # fmt: skip
    with TemporaryDirectory() as folder:
        answering = _sipp(server, SERVER, "load-answer", folder, *many)
        try:
            until(lambda: ":5060" in run_in(server, "ss", "-unlH"))
            began = time.monotonic()
            calling = _sipp(client, CLIENT, "load-call", folder, f"{SERVER}:5060",
                            "-r", str(rate), "-l", str(rate * SECONDS), *many)  # fmt: skip
            try:
                succeeded = calling.finish(40) == 0
                return rate * SECONDS / (time.monotonic() - began) if succeeded else 0.0
            finally:
                calling.stop()
        finally:
            answering.stop()


def _sipp(namespace: str, address: str, scenario: str, folder: str, *options: str) -> Program:
    file = str(SCENARIOS / f"{scenario}.xml")
    command = ["sipp", *options, "-sf", file, "-i", address, "-mi", address]
    return Program(namespace, command, folder=Path(folder))


# --- in memory ---------------------------------------------------------------------------------


def microseconds_per_message() -> float:
    """Median processor time for the lecture's INVITE, 700 bytes of it: edits, the new message, and
    each change with its sentence."""
    pair, module = pairs()["lecture-invite"], Sip()
    whole, took = pair.before.replace(ALLOW, b""), []
    assert 690 < len(whole) < 710
    for number in range(MESSAGES):
        message = whole.replace(b"-419d32d1@", b"-%08d@" % number)  # each is new to everybody
        context = pair.context()
        began = time.process_time_ns()
        answer = module.inspect(message, context)
        apply(message, answer.edits)  # type: ignore[union-attr]
        changes(message, module, answer.edits, module, None, SIP)  # type: ignore[union-attr]
        took.append(time.process_time_ns() - began)
    return statistics.median(took) / 1000


def media_ratio() -> float:
    """Packets a second from outside through a flow that an INVITE announced, against one that the
    inside host opened by sending: medians of interleaved rounds."""
    engine = _engine()
    invite = pairs()["lecture-invite"].before.replace(b"203.0.113.9", SERVER.encode())
    _handle(engine, Side.INSIDE, packets.udp(PHONE, OUTSIDE, invite))
    plain, remote = PHONE._replace(port=20_000), OUTSIDE._replace(port=20_000)
    _handle(engine, Side.INSIDE, packets.udp(plain, remote, RTP_PAYLOAD))
    opened = _external(engine, PHONE._replace(port=14254))
    roads = {
        "opened": packets.udp(OUTSIDE._replace(port=30_000), opened, RTP_PAYLOAD),
        "plain": packets.udp(remote, _external(engine, plain), RTP_PAYLOAD),
    }
    took: dict[str, list[float]] = {name: [] for name in roads}
    for _ in range(2 * ROUNDS):
        for name, raw in roads.items():
            took[name].append(_seconds(engine, raw))
    return min(took["plain"]) / min(took["opened"])


def _engine() -> Engine:
    with TemporaryDirectory() as folder:
        file = Path(folder, "bench.toml")
        file.write_text(CONFIGURATION.format(pid=0, client="", server=""))
        return make_engine(config.load(file), rng=random.SystemRandom())


def _external(engine: Engine, internal: Endpoint) -> Endpoint:
    shown = documents.mappings(engine, 0.0)
    (found,) = [one["external"] for one in shown if one["internal"] == str(internal)]
    return Endpoint.parse(str(found))


def _handle(engine: Engine, side: Side, raw: bytes) -> None:
    assert engine.handle(Packet.of(raw), side, 0.0) is not None


def _seconds(engine: Engine, raw: bytes) -> float:
    """Processor time for many of the same packet from outside; all of them get through."""
    packet, handle = Packet.of(raw), engine.handle
    buffer, size = packet.buffer, len(raw)
    began = time.process_time()
    for _ in range(RTP_PACKETS):
        buffer[:size] = raw
        packet.length = size
        if handle(packet, Side.OUTSIDE, 0.0) is None:
            raise AssertionError("a packet did not get through")
    return time.process_time() - began


# --- through the wires -------------------------------------------------------------------------


def bulk_ratio() -> float:
    """iperf3 on SIP's port, which the ALG lets go at the first bytes, against another port."""
    with appliance("bulk") as here:
        rates: dict[str, list[float]] = {"5060": [], "5201": []}
        for _ in range(ROUNDS):
            for port, reached in rates.items():
                reached.append(_bulk(here.road, port))
    return statistics.median(rates["5060"]) / statistics.median(rates["5201"])


def _bulk(road: Road, port: str) -> float:
    """Bits a second that arrived."""
    with running(road.server, "iperf3", "-s", "-1", "-p", port, "--forceflush", ready="listening"):
        said = run_in(road.client, "iperf3", "-c", SERVER, "-p", port, "-J", "-t", "2")
    return float(json.loads(said)["end"]["sum_received"]["bits_per_second"])


if __name__ == "__main__":
    for figure in figures():
        print(figure.line())
