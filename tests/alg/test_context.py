"""The small NAT behind `alg diff`: ports preserved, pairs together, all or nothing."""

from __future__ import annotations

import pytest

from alg.base import Unavailable
from alg.context import EXPECTATIONS_PER_PARENT, MemoryContext
from nat.endpoint import Direction, Endpoint
from tests.support.conversation import PHONE, SERVER, small_nat

SEEN = Endpoint.parse("203.0.113.1:5060")


def at(port: int, host: str = "192.168.20.100") -> Endpoint:
    return Endpoint.parse(f"{host}:{port}")


def outside(port: int) -> Endpoint:
    return at(port, "203.0.113.1")


@pytest.fixture
def context() -> MemoryContext:
    return small_nat(external=SEEN)


def test_the_carrying_flow_is_known(context: MemoryContext) -> None:
    assert context.external_of(PHONE) == SEEN
    assert context.internal_of(SEEN) == PHONE
    assert context.is_external_address(SEEN.address)
    assert not context.is_external_address(SERVER.address)


def test_ports_are_preserved_where_they_are_free(context: MemoryContext) -> None:
    assert context.map(at(5070)) == outside(5070)
    assert context.map(at(5070, "192.168.20.101")) == outside(5071)
    assert context.map(at(5070)) == outside(5070)
    assert context.map(at(22)) == outside(1024)


def test_a_pair_is_adjacent_and_keeps_its_parity(context: MemoryContext) -> None:
    """RFC 4787 REQ-4 and 4.2.2: parity and contiguity of RTP and RTCP ports."""
    context.map(at(4001, "192.168.20.101"))
    assert context.map_pair(at(4000)) == outside(4002)
    assert context.external_of(at(4001)) == outside(4003)
    assert context.map_pair(at(4000)) == outside(4002)
    assert context.map_pair(at(5061)) == outside(5061)


def test_a_pair_is_both_or_none(context: MemoryContext) -> None:
    """I-E5: RTP/RTCP pair: both or none."""
    context.map(at(4000))
    context.map(at(4001, "192.168.20.101"))
    with pytest.raises(Unavailable):
        context.map_pair(at(4000))
    assert context.external_of(at(4001)) is None
    with pytest.raises(Unavailable):
        context.map_pair(at(65535))


def test_a_single_port_becomes_a_pair_where_the_port_above_is_free(
    context: MemoryContext,
) -> None:
    """From T.38 (one port) back to audio (two)."""
    assert context.map(at(4000)) == context.map_pair(at(4000)) == outside(4000)
    assert context.external_of(at(4001)) == outside(4001)


def test_a_full_pool_is_an_answer_not_an_accident(
    context: MemoryContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alg.context.PORTS", range(5060, 5062))
    assert context.map(at(5070)) == outside(5061)
    with pytest.raises(Unavailable):
        context.map(at(5071))
    with pytest.raises(Unavailable):
        context.map_pair(at(2000))


def test_an_expectation_is_for_the_host_that_asks(context: MemoryContext) -> None:
    """I-E2: inside target = the inside address of the flow that carried the message."""
    other = at(4000, "192.168.20.101")
    context.map(other)
    with pytest.raises(Unavailable):
        context.expect(other, None, parent="p", reason="r", lifetime=1)
    with pytest.raises(Unavailable, match="no mapping"):
        context.expect(at(4000), None, parent="p", reason="r", lifetime=1)


def test_expectations_are_renewed_limited_and_closed(context: MemoryContext) -> None:
    ports = [at(4000 + n) for n in range(EXPECTATIONS_PER_PARENT + 1)]
    for port in ports:
        context.map(port)
    for lifetime in (1.0, 2.0):
        for port in ports[:-1]:
            context.expect(port, SERVER, parent="p", reason="r", lifetime=lifetime)
    assert [known.lifetime for known in context.expectations] == [2.0] * EXPECTATIONS_PER_PARENT
    with pytest.raises(Unavailable, match="8"):
        context.expect(ports[-1], SERVER, parent="p", reason="r", lifetime=1)
    context.close("p", ports[0])
    context.expect(ports[-1], SERVER, parent="p", reason="r", lifetime=1)
    context.close("p")
    assert context.expectations == []


def test_rolling_back_undoes_everything_since_the_last_commit(context: MemoryContext) -> None:
    context.remember("key", "old", 10)
    context.commit()
    later = context.facing(Direction.IN, at(9, "203.0.113.7"))
    later.map(at(4000))
    later.expect(at(4000), None, parent="p", reason="r", lifetime=1)
    later.remember("key", "new", 10)
    later.keep(99)
    later.rollback()
    assert context.external_of(at(4000)) is None
    assert context.expectations == []
    assert context.recall("key") == "old"
    assert context.kept is None
    context.forget("key")
    assert context.recall("key") is None


def test_presets_stand_for_mappings_made_before() -> None:
    preset = {at(4000): outside(19032)}
    context = small_nat(external=SEEN, presets=preset)
    assert context.map(at(4000)) == outside(19032)
    assert context.map(at(4000), "tcp") == outside(19032)
