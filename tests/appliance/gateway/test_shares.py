"""Whoever takes too much loses the reading of its own streams, and nobody else's."""

from __future__ import annotations

import pytest

from appliance.gateway import shares
from appliance.journal.events import StreamLetGo
from tests.appliance.gateway.test_streams import FIRST, PHONE, SERVER, outside
from tests.support.ends import Line
from tests.support.world import B, World

NEIGHBOUR = B._replace(port=50000)
OF_NEIGHBOUR = FIRST.replace(b"192.168.20.10:", b"192.168.20.11:")


@pytest.fixture
def nat() -> World:
    return World({"alg.sip.module": "sip"})


def test_a_host_full_of_half_messages_takes_nothing_from_its_neighbour(nat: World) -> None:
    for port in range(51_000, 51_000 + 2 * shares.MOST_HOLDING):
        Line(nat, PHONE._replace(port=port), SERVER).inner.said = b""
        line = Line(nat, PHONE._replace(port=port + 1000), SERVER)
        line.say(line.inner, FIRST[:100])
    let_go = {event.source.split(":")[0] for event in nat.told(StreamLetGo)}
    assert let_go == {"192.168.20.10"}
    edited_in_two_parts(nat)


def test_a_host_that_fills_its_memory_takes_nothing_from_its_neighbour(
    nat: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "MOST_OF_A_HOST", 20_000)
    kept = []
    for port in range(51_000, 51_100):
        line = Line(nat, PHONE._replace(port=port), SERVER)
        line.say(line.inner, FIRST * 4)
        kept.append(nat.engine.datapath.streams.shares.kept)
    assert max(kept) < 25_000
    assert {event.reason for event in nat.told(StreamLetGo)} == {
        "too much of its host is being kept"
    }
    edited_in_two_parts(nat)


def test_of_all_hosts_together_no_more_is_kept_than_memory_allows(
    nat: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "MOST_BYTES", 10_000)
    monkeypatch.setattr(shares, "CEILING", 20_000)
    for port in range(51_000, 51_050):
        for host in (PHONE, NEIGHBOUR):
            line = Line(nat, host._replace(port=port), SERVER)
            line.say(line.inner, FIRST * 4)
    assert nat.engine.datapath.streams.shares.kept < 15_000


def test_many_hosts_together_take_nothing_from_one_that_has_little(
    nat: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "MOST_BYTES", 10_000)
    for host in range(30):
        for port in (51_000, 51_001):
            end = PHONE._replace(address=PHONE.address + 20 + host, port=port)
            line = Line(nat, end, SERVER)
            line.say(line.inner, FIRST * 4)
    assert nat.engine.datapath.streams.shares.kept > shares.MOST_BYTES
    assert nat.told(StreamLetGo)
    edited_in_two_parts(nat)


def test_what_is_acknowledged_is_given_back(nat: World) -> None:
    line = Line(nat, PHONE, SERVER)
    line.say(line.inner, FIRST + FIRST[:50])
    taken = nat.engine.datapath.streams.shares
    assert (taken.kept > len(FIRST), taken.holding) == (True, 1)
    line.say(line.inner, FIRST[50:])
    line.acknowledge(line.outer)
    assert (taken.kept, taken.holding) == (0, 0)


def edited_in_two_parts(nat: World) -> None:
    line = Line(nat, NEIGHBOUR, SERVER)
    line.say(line.inner, OF_NEIGHBOUR, 100)
    external = str(line.outer.remote).encode()
    assert line.outer.heard == OF_NEIGHBOUR.replace(b"192.168.20.11:50000", external)
    assert outside(FIRST) != FIRST
