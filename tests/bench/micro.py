"""What one step on the packet's road costs, alone and in memory (pytest-benchmark).

python -m pytest tests/bench/micro.py --benchmark-columns=min,median,iqr
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nat.behavior import Limits
from nat.endpoint import UDP, Endpoint, Network
from nat.mapping import Arrival, Leg, Why
from nat.packet import IPV4, Packet
from nat.translator import Nat
from tests.support.rig import Rig

Bench = Callable[..., Any]

REMOTE = "203.0.113.9:5000"
FLOWS = 5_000


def datagram(source: str, destination: str, payload: bytes = b"x" * 172) -> Packet:
    start, end = Endpoint.parse(source), Endpoint.parse(destination)
    body = struct.pack("!HHHH", start.port, end.port, 8 + len(payload), 1) + payload
    header = IPV4.pack(0x4500, 20 + len(body), 0, 0, 64 << 8 | UDP, 0, start.address, end.address)
    packet = Packet.of(header + body)
    packet.finish_header()
    packet.finish_transport()
    return packet


@pytest.fixture
def nat() -> Nat:
    limits = Limits(
        flows=0, flows_per_host=0, unanswered_per_host=0, new_flows_per_second_per_host=0
    )
    return Rig(networks=[Network.parse("192.168.0.0/16")], limits=limits).nat


def first_packets() -> Iterator[Packet]:
    for number in range(FLOWS):
        host, port = divmod(number, 1000)
        yield datagram(f"192.168.1.{2 + host}:{2000 + port}", REMOTE, b"")


def test_translate_a_packet_of_a_known_flow(nat: Nat, benchmark: Bench) -> None:
    packet = datagram("192.168.1.2:4000", REMOTE)
    nat.translate(packet, Arrival.INSIDE, 0.0)
    assert isinstance(benchmark(nat.translate, packet, Arrival.INSIDE, 1.0), Leg)


def test_apply_a_patch(nat: Nat, benchmark: Bench) -> None:
    packet = datagram("192.168.1.2:4000", REMOTE)
    leg = nat.translate(packet, Arrival.INSIDE, 0.0)
    assert isinstance(leg, Leg)

    def apply() -> None:
        packet.buffer[8] = 64  # or the time to live runs out
        leg.patch.apply(packet)

    benchmark(apply)


def test_admit_new_flows(nat: Nat, benchmark: Bench) -> None:
    """5,000 of them a round, each in a table that has none."""

    def flush() -> tuple[tuple[list[Packet]], dict[str, object]]:
        for flow in list(nat.table.flows.values()):
            nat.table.close_flow(flow, Why.FLUSHED, 0.0)
        return (list(first_packets()),), {}

    def admit(packets: list[Packet]) -> None:
        for packet in packets:
            nat.translate(packet, Arrival.INSIDE, 0.0)

    benchmark.pedantic(admit, setup=flush, rounds=5)  # type: ignore[attr-defined]
    assert len(nat.table.flows) == FLOWS


def test_expire_flows(nat: Nat, benchmark: Bench) -> None:
    """The same 5,000, all silent for too long."""
    now = [0.0]

    def fill() -> None:
        for packet in first_packets():
            nat.translate(packet, Arrival.INSIDE, now[0])
        now[0] += 10_000.0

    def expire() -> None:
        while nat.table.flows:
            nat.expire(now[0])

    benchmark.pedantic(expire, setup=fill, rounds=5)  # type: ignore[attr-defined]
    assert not nat.table.flows
