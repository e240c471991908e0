"""A wrapped context passes every verb on, except the one that a fault gets wrong."""

from __future__ import annotations

import pytest

from alg.base import AlgContext
from alg.sip_poor.verbs import ShortLived, WrappedContext
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


def expect(context: AlgContext, kind: str, remote: Endpoint | None = SERVER) -> None:
    context.expect(RTP, remote, parent=(kind, "x"), reason="r", lifetime=100, used_lifetime=1000)


def test_a_wrapped_context_changes_nothing(nat: Trial) -> None:
    context: AlgContext = WrappedContext(nat)
    assert (context.direction, context.internal, context.external) == (Direction.OUT, PHONE, SEEN)
    assert (context.remote, context.transport, context.settings) == (SERVER, "udp", nat.settings)
    assert context.map(RTP) == context.external_of(RTP) == SEEN._replace(port=4000)
    assert context.map(RTP, "tcp") == context.external_of(RTP, "tcp") == SEEN._replace(port=4000)
    assert context.map_pair(RTP) == SEEN._replace(port=4000)
    assert context.internal_of(SEEN) == PHONE
    assert context.is_external_address(SEEN.address)
    expect(context, "call")
    assert [(known.deadline, known.used_lifetime) for known in nat.expectations] == [(100, 1000)]
    context.close(("call", "x"))
    nat.commit()
    assert nat.expectations == []
    context.keep(7)
    assert nat.ground.kept == 7
    context.remember("key", 1, 1)
    assert context.recall("key") == 1
    context.forget("key")
    assert context.recall("key") is None


def test_every_verb_is_passed_on() -> None:
    """So that a new verb of `AlgContext` is not forgotten."""
    verbs = {name for name in vars(AlgContext) if not name.startswith("_")}
    assert verbs <= set(vars(WrappedContext))


@pytest.mark.parametrize(("kind", "other"), [("call", "registration"), ("registration", "call")])
def test_lifetimes_of_one_kind_are_cut(nat: Trial, kind: str, other: str) -> None:
    context = ShortLived(nat, 60, kind)
    context.map(RTP)
    expect(context, kind)
    expect(context, other, MEDIA)
    lives = {known.parent: (known.deadline, known.used_lifetime) for known in nat.expectations}
    assert lives == {(kind, "x"): (60, 60), (other, "x"): (100, 1000)}


@pytest.mark.parametrize(("kind", "kept"), [("call", 3600), ("registration", 60)])
def test_the_signalling_is_cut_with_the_registration(nat: Trial, kind: str, kept: float) -> None:
    ShortLived(nat, 60, kind).keep(3600)
    assert nat.ground.kept == kept
