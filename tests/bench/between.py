"""Figures of `glassnat up`: how fast between two bridges, how soon, and how soon gone.

Beside it stands the kernel: a router with masquerade, with a port on each of the same two bridges
and the same machines on both.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator

from appliance.wires import netns
from tests.bench.contestants import SERVER, Road
from tests.bench.figure import Figure
from tests.bench.measures import tcp_in, tcp_out
from tests.support.lab import namespaces
from tests.support.laptop import INSIDE, OUTSIDE, Laptop
from tests.support.programs import run_in

ROUNDS = 5
SECONDS = 2.0
KERNELS_PHONE, KERNELS_GATEWAY, KERNELS_EXTERNAL = "192.168.20.101", "192.168.20.2", "203.0.113.2"


def figures() -> list[Figure]:
    """All of them; takes about a minute."""
    with namespaces() as make:
        laptop = Laptop(make)
        out, back = _bulk(laptop)
        ups, downs = zip(*(_up_and_down(laptop) for _ in range(ROUNDS)), strict=True)
    return [
        Figure("TCP out between bridges, against the kernel", "", out, 0.6, 0.75, True),
        Figure("TCP in between bridges, against the kernel", "", back, 0.6, 0.75, True),
        Figure("up to first packet", "s", statistics.median(ups), 1.5, 0.5, False),
        Figure("down", "s", statistics.median(downs), 1.0, 0.3, False),
    ]


def _bulk(laptop: Laptop) -> tuple[float, float]:
    """Ratios of throughput, in interleaved rounds: whatever else the machine does hits both."""
    phone = laptop.machine(INSIDE, f"{KERNELS_PHONE}/24", KERNELS_GATEWAY)
    ours = Road("up", "glassnat up", laptop.phone, laptop.server)
    kernels = Road("kernel", "kernel masquerade", phone, laptop.server)
    ratios: tuple[list[float], list[float]] = ([], [])
    with _up(laptop):
        _kernel_router(laptop)
        for _ in range(ROUNDS):
            for measure, found in zip((tcp_out, tcp_in), ratios, strict=True):
                found.append(measure(ours, SECONDS) / measure(kernels, SECONDS))
    return statistics.median(ratios[0]), statistics.median(ratios[1])


def _kernel_router(laptop: Laptop) -> None:
    """A machine on both bridges: nothing but routing, and masquerade on its way out."""
    router = laptop.machine(INSIDE, f"{KERNELS_GATEWAY}/24")
    laptop.plug(router, OUTSIDE, f"{KERNELS_EXTERNAL}/24", "eth1")
    for rule in (
        "add table ip nat",
        "add chain ip nat out { type nat hook postrouting priority srcnat; }",
        'add rule ip nat out oifname "eth1" masquerade',
    ):
        netns.run(netns.within(router, ["nft", rule]))
    netns.run(netns.within(router, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]))


@contextlib.contextmanager
def _up(laptop: Laptop) -> Iterator[None]:
    laptop.up()
    try:
        yield
    finally:
        laptop.down()


def _up_and_down(laptop: Laptop) -> tuple[float, float]:
    """Seconds from the command to the first answer to a ping, and those that `down` takes."""
    begin = time.perf_counter()
    laptop.up()
    try:
        run_in(laptop.phone, "ping", "-c", "1", "-W", "5", SERVER)
        first_packet = time.perf_counter() - begin
    finally:
        begin = time.perf_counter()
        laptop.down()
    return first_packet, time.perf_counter() - begin


if __name__ == "__main__":
    for figure in figures():
        print(figure.line())
