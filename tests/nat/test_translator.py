"""The fast road and the slow road lead to the same place."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nat.behavior import Dependence
from nat.drop import Drop
from tests.support.packets import (
    EXTERNAL,
    A,
    B,
    R,
    S,
    Seen,
    at,
    echo_with_checksum,
    ping,
    place,
    pong,
    udp,
)
from tests.support.rig import ADM, APDM, EIF, EIM, RANDOM, SEQUENTIAL, Rig, left


def test_an_echo_reply_whose_checksum_is_somebodys_identifier_is_not_taken_for_theirs() -> None:
    """RFC 5508 3.1: the identifier decides. The words behind an IPv4 header are ports only for
    UDP and TCP; for ICMP they are type, code and checksum."""
    rig = Rig()
    for identifier in (2000, 3000):
        left(rig.out(ping(at(A, identifier), R)))
    reply = echo_with_checksum(pong, R, f"{EXTERNAL}:2000", wanted=3000)
    assert left(rig.into(reply)).destination == at(A, 2000)


def test_an_echo_request_whose_checksum_is_zero_is_not_taken_for_anothers() -> None:
    rig = Rig()
    left(rig.out(ping(at(A, 0x0800), R)))
    assert left(rig.out(echo_with_checksum(ping, f"{A}:5000", R, wanted=0))).source.port == 5000


def test_a_forged_icmp_checksum_finds_no_flow() -> None:
    rig = Rig()
    left(rig.out(ping(f"{A}:3000", R)))
    assert rig.into(echo_with_checksum(pong, R, f"{EXTERNAL}:4000", 3000)) is Drop.NO_MAPPING


@pytest.mark.slow
def test_twelve_hundred_flows_in_any_order_each_find_their_way_back() -> None:
    """Invariant I-X1."""
    rig, rng = Rig(), random.Random(3)
    sent = [
        (f"192.168.20.{10 + number % 40}:{4000 + number}", f"198.51.100.{number % 250 + 1}:53")
        for number in range(1200)
    ]
    rng.shuffle(sent)
    externals = {}
    for internal, remote in sent:
        externals[internal] = left(rig.out(udp(internal, remote, internal.encode()))).source
    assert len(set(externals.values())) == 1200
    rng.shuffle(sent)
    for internal, remote in sent:
        payload = internal.encode()
        back = left(rig.into(udp(remote, externals[internal], payload)))
        assert back.payload == payload
        assert (back.source, back.destination) == (place(remote), place(internal))


ROADS = [
    ("options", {"options": b"\1\1\1\0"}),
    ("padding", {}),
    ("the evil bit", {"fragment": 0x8000}),
]


@pytest.mark.parametrize("ip", [row[1] for row in ROADS], ids=[row[0] for row in ROADS])
def test_the_slow_road_refreshes_and_answers_as_the_fast_one_does(ip: dict[str, Any]) -> None:
    rig = Rig()
    tail = b"" if ip else b"padding"
    left(rig.out(udp(f"{A}:4000", f"{R}:5000", **ip) + tail))
    left(rig.into(udp(f"{R}:5000", f"{EXTERNAL}:4000", **ip) + tail))
    (flow,) = rig.nat.table.flows.values()
    assert flow.state == "answered"
    rig.wait(299.9)
    left(rig.out(udp(f"{A}:4000", f"{R}:5000", **ip) + tail))
    rig.wait(299.9)
    assert rig.nat.table.flows
    rig.wait(0.1)
    assert not rig.nat.table.flows


def test_what_is_over_and_not_tidied_up_yet_cannot_be_seen() -> None:
    """Invariant I-T1: the second host gets the port, and the first another, tidied up or not."""
    seen = []
    for tidily in (True, False):
        rig = Rig(ports=SEQUENTIAL, port_rest=0.0)
        left(rig.out(udp(f"{A}:4000", f"{R}:5000")))
        rig.now += 120.0
        if tidily:
            rig.tidy()
        assert rig.into(udp(f"{R}:5000", f"{EXTERNAL}:1024")) in (Drop.NO_MAPPING, Drop.FILTERED)
        seen.append(left(rig.out(udp(f"{A}:4000", f"{R}:5001"))).source)
    assert seen[0] == seen[1] == at(EXTERNAL, 1026)


def test_one_step_of_time_is_as_good_as_many() -> None:
    """Invariant I-T3."""
    for steps in ([119.9], [50.0, 69.9], [0.0, 0.1, 119.8]):
        rig = Rig()
        left(rig.out(udp(f"{A}:4000", f"{R}:5000")))
        for step in steps:
            rig.wait(step)
        assert isinstance(rig.into(udp(f"{R}:5000", f"{EXTERNAL}:4000")), Seen)


def test_time_that_goes_back_ends_nothing_early() -> None:
    rig = Rig()
    left(rig.out(udp(f"{A}:4000", f"{R}:5000")))
    rig.now -= 50.0
    left(rig.out(udp(f"{A}:4000", f"{R}:5000")))
    left(rig.into(udp(f"{R}:5000", f"{EXTERNAL}:4000")))
    rig.tidy()
    assert len(rig.nat.table.flows) == 1


def test_a_stranger_keeps_nothing_alive_without_the_inside() -> None:
    """Invariant I-T5: five minutes of packets from outside and it is over."""
    rig = Rig(filtering=EIF)
    left(rig.out(udp(f"{A}:4000", f"{R}:5000")))
    for _ in range(10):
        left(rig.into(udp(f"{R}:5000", f"{EXTERNAL}:4000")))
        rig.wait(29.9)
    rig.wait(2.0)
    assert rig.into(udp(f"{R}:5000", f"{EXTERNAL}:4000")) is Drop.NO_MAPPING


@pytest.mark.parametrize("mapping", [EIM, ADM, APDM])
def test_overloading_never_gives_two_hosts_one_conversation(mapping: Dependence) -> None:
    """Invariant I-M1: host B may share A's port, but not towards A's remote."""
    rig = Rig(overloading=True, mapping=mapping)
    assert left(rig.out(udp(f"{A}:4000", f"{R}:5000"))).source == at(EXTERNAL, 4000)
    assert left(rig.out(udp(f"{B}:4000", f"{S}:5000"))).source == at(EXTERNAL, 4000)
    second = rig.out(udp(f"{B}:4000", f"{R}:5000"))
    assert second is Drop.NO_PORT or left(second).source != at(EXTERNAL, 4000)
    assert left(rig.into(udp(f"{R}:5000", f"{EXTERNAL}:4000"))).destination == at(A, 4000)
    assert left(rig.into(udp(f"{S}:5000", f"{EXTERNAL}:4000"))).destination == at(B, 4000)


def test_the_same_packets_at_the_same_times_make_the_same_bytes() -> None:
    """Invariant I-T4, with ports drawn at random."""

    def story() -> list[bytes]:
        rig = Rig(ports=RANDOM)
        return [left(rig.out(udp(f"{A}:{4000 + n}", f"{R}:5000"))).data for n in range(50)]

    assert story() == story()


@pytest.mark.parametrize("data", [b"", b"on the fast road"])
def test_a_hop_to_oneself_ends(data: bytes) -> None:
    """Invariant I-X5: hairpin terminates, also when a host calls its own external endpoint."""
    rig = Rig(filtering=EIF)
    left(rig.out(udp(f"{A}:4000", f"{R}:5000", data)))
    own = left(rig.out(udp(f"{A}:4000", f"{EXTERNAL}:4000", data)))
    assert (own.source, own.destination) == (at(EXTERNAL, 4000), at(A, 4000))
    assert left(rig.out(udp(f"{A}:4001", f"{EXTERNAL}:4000"))).source == at(EXTERNAL, 4001)
