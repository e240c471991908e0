"""What is measured: with iperf3 and ping, from the client's namespace to the server's."""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.contestants import SERVER, Road
from tests.support.programs import run_in, running

RTP_PAYLOAD = 172
"""Bytes of a G.711 packet of 20 ms behind its UDP header."""
PINGS = 100


@dataclass(frozen=True, slots=True)
class Measure:
    """`take` answers one number, or None where this contestant cannot do it; `more` says whether
    more of it is better."""

    name: str
    title: str
    unit: str
    more: bool
    take: Callable[[Road, float], float | None]


def _iperf3(road: Road, seconds: float, *options: str) -> dict[str, dict[str, float]]:
    with running(road.server, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
        said = run_in(
            road.client, "iperf3", "-c", SERVER, "-J", "-t", str(round(seconds)), *options
        )
    end: dict[str, dict[str, float]] = json.loads(said)["end"]
    return end


def tcp_out(road: Road, seconds: float) -> float:
    """Gbit/s that arrived."""
    return _iperf3(road, seconds)["sum_received"]["bits_per_second"] / 1e9


def tcp_in(road: Road, seconds: float) -> float:
    """Gbit/s that arrived, the server sending."""
    return _iperf3(road, seconds, "-R")["sum_received"]["bits_per_second"] / 1e9


def small_udp(road: Road, seconds: float) -> float:
    """Thousand packets a second that arrived under a flood."""
    end = _iperf3(road, seconds, "-u", "-b", "0", "-l", str(RTP_PAYLOAD))["sum"]
    return (end["packets"] - end["lost_packets"]) / end["seconds"] / 1e3


def _bulk_udp(road: Road, seconds: float, at_once: int) -> float | None:
    program = (sys.executable, "-m", "tests.bench.bulk")
    with running(road.server, *program, "sink", SERVER, ready="ready") as listener:
        run_in(road.client, *program, "flood", SERVER, str(seconds), str(at_once))
        listener.finish()
    found = re.search(r"Gbit/s: ([\d.e-]+)\.", listener.text)
    return float(found[1]) if found else None


def plain_udp(road: Road, seconds: float) -> float | None:
    """Gbit/s that arrived, a system call a datagram."""
    return _bulk_udp(road, seconds, 1)


def segmented_udp(road: Road, seconds: float) -> float | None:
    """The same, 40 datagrams a system call."""
    return _bulk_udp(road, seconds, 40)


def round_trip(road: Road, seconds: float) -> float | None:
    """Median round trip in microseconds, idle."""
    try:
        said = run_in(road.client, "ping", "-i", "0.01", "-c", str(PINGS), SERVER)
    except AssertionError:
        return None
    return statistics.median(float(time) for time in re.findall(r"time=([\d.]+)", said)) * 1000


MEASURES = (
    Measure("tcp_out", "TCP out", "Gbit/s", True, tcp_out),
    Measure("tcp_in", "TCP in", "Gbit/s", True, tcp_in),
    Measure("small_udp", "172-byte UDP", "kpps", True, small_udp),
    Measure("plain_udp", "1400-byte UDP", "Gbit/s", True, plain_udp),
    Measure("segmented_udp", "with UDP_SEGMENT", "Gbit/s", True, segmented_udp),
    Measure("round_trip", "round trip", "µs", False, round_trip),
)
