"""Doors hand everything on but the one request that a fault gets wrong."""

from __future__ import annotations

import pytest

from alg.base import AlgContext
from alg.sip_poor.doors import (
    Doors,
    NeverCloses,
    OneRegistration,
    ShortLived,
    SignallingPeerOnly,
)
from appliance.gateway.trial import Trial
from nat.endpoint import Direction, Endpoint
from tests.support.conversation import small_nat

PHONE, SEEN, SERVER, MEDIA = map(
    Endpoint.parse,
    ("192.168.20.100:5060", "203.0.113.1:1024", "203.0.113.9:5060", "198.51.100.7:0"),
)
RTP = PHONE._replace(port=4000)


@pytest.fixture
def nat() -> Trial:
    return small_nat(Direction.OUT, PHONE, SEEN, SERVER)


def expect(doors: AlgContext, parent: object, remote: Endpoint | None = SERVER) -> None:
    doors.expect(RTP, remote, parent=(parent, "x"), reason="r", lifetime=100, used_lifetime=1000)


def test_plain_doors_change_nothing(nat: Trial) -> None:
    doors: AlgContext = Doors(nat)
    assert (doors.direction, doors.internal, doors.external) == (Direction.OUT, PHONE, SEEN)
    assert (doors.remote, doors.transport, doors.settings) == (SERVER, "udp", nat.settings)
    assert doors.map(RTP) == doors.external_of(RTP) == SEEN._replace(port=4000)
    assert doors.map_pair(RTP) == SEEN._replace(port=4000)
    assert doors.internal_of(SEEN) == PHONE
    assert doors.is_external_address(SEEN.address)
    expect(doors, "call")
    assert len(nat.expectations) == 1
    doors.close(("call", "x"))
    assert nat.expectations == []
    doors.keep(7)
    assert nat.ground.kept == 7
    doors.remember("key", 1, 1)
    assert doors.recall("key") == 1
    doors.forget("key")
    assert doors.recall("key") is None


def test_one_kind_is_never_closed(nat: Trial) -> None:
    doors = NeverCloses(nat, "call")
    doors.map(RTP)
    for kind in ("call", "registration"):
        expect(doors, kind)
        doors.close((kind, "x"))
    assert [known.parent for known in nat.expectations] == [("call", "x")]


def test_nobody_but_the_signalling_peer_is_let_in(nat: Trial) -> None:
    doors = SignallingPeerOnly(nat)
    doors.map(RTP)
    for remote in (SERVER, MEDIA, None):
        expect(doors, "call", remote)
    assert [known.remote for known in nat.expectations] == [SERVER, None]


def test_lifetimes_of_one_kind_are_cut(nat: Trial) -> None:
    for kind, other in (("call", "registration"), ("registration", "call")):
        doors = ShortLived(nat, 60, kind)
        doors.map(RTP)
        expect(doors, kind)
        expect(doors, other, MEDIA)
        lives = {known.parent: known.deadline for known in nat.expectations}
        assert lives == {(kind, "x"): 60, (other, "x"): 100}
        nat.rollback()


@pytest.mark.parametrize(("kind", "kept"), [("call", 3600), ("registration", 60)])
def test_the_signalling_is_cut_with_the_registration(nat: Trial, kind: str, kept: float) -> None:
    ShortLived(nat, 60, kind).keep(3600)
    assert nat.ground.kept == kept


def test_the_next_registration_pushes_the_last_one_out(nat: Trial) -> None:
    doors = OneRegistration(nat)
    doors.map(RTP)
    for name in ("a", "b", "b"):
        parent = ("registration", name)
        doors.expect(RTP, SERVER, parent=parent, reason="r", lifetime=1)
    expect(doors, "call")
    assert [known.parent[1] for known in nat.expectations] == ["b", "x"]  # type: ignore[index]
