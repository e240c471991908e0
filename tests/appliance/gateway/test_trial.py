"""One message through a module, in a real NAT with nothing else in it."""

from __future__ import annotations

import pytest

from alg.off import Off
from alg.sip.correct import Sip
from appliance.gateway.trial import Situation, Trial
from appliance.settings import files as config
from nat.endpoint import Direction, Endpoint

PHONE = Endpoint.parse("192.168.20.100:5060")
MEDIA = Endpoint.parse("192.168.20.100:4000")
OUTSIDE = Endpoint.parse("203.0.113.1:5060")
REMOTE = Endpoint.parse("203.0.113.9:5060")


def trial(*sets: str, direction: str = "out", presets: dict[str, str] | None = None) -> Trial:
    pairs = {Endpoint.parse(a): Endpoint.parse(b) for a, b in (presets or {}).items()}
    situation = Situation(Direction(direction), PHONE, OUTSIDE, REMOTE, "udp", pairs)
    return Trial(situation, config.defaults(None, sets), "sip", Sip())


def test_the_message_has_the_ends_it_was_given() -> None:
    for direction in ("out", "in"):
        context = trial(direction=direction)
        assert (context.internal, context.external, context.remote) == (PHONE, OUTSIDE, REMOTE)
        assert context.direction is Direction(direction)
        assert context.internal_of(OUTSIDE) == PHONE


@pytest.mark.parametrize(
    ("sets", "ports"),
    [
        (["nat.ports=preserve"], {4000}),
        (["nat.ports=sequential"], {1024}),
        (["nat.port_range=[30000, 30101]"], set(range(30000, 30102))),
        (["nat.ports=random", "nat.port_range=[30000, 30101]"], set(range(30000, 30102))),
    ],
)
def test_ports_follow_the_settings(sets: list[str], ports: set[int]) -> None:
    """The module answers as in an empty NAT with the configured port policy."""
    external = trial(*sets).map_pair(MEDIA)
    assert external.address == OUTSIDE.address
    assert external.port in ports
    assert external.port % 2 == 0
    assert trial(*sets).map_pair(MEDIA) == external, "the same in every run"


def test_what_is_preset_is_answered() -> None:
    context = trial(presets={"192.168.20.100:4000": "203.0.113.1:6000"})
    assert str(context.map(MEDIA)) == "203.0.113.1:6000"
    assert str(context.map_pair(MEDIA)) == "203.0.113.1:6000"
    assert str(context.external_of(MEDIA._replace(port=4001))) == "203.0.113.1:6001"


def test_a_preset_address_is_one_of_the_nat_s() -> None:
    context = trial(presets={"192.168.20.100:4000": "203.0.113.2:6000"})
    assert context.is_external_address(Endpoint.parse("203.0.113.2:1").address)
    assert not context.is_external_address(REMOTE.address)


def test_expectations_can_be_looked_at_and_undone() -> None:
    context = trial()
    context.map_pair(MEDIA)
    context.expect(MEDIA, REMOTE, parent=("call", "x"), reason="media", lifetime=60.0)
    (opened,) = context.expectations
    assert (opened.mapping.internal, opened.remote, opened.deadline) == (MEDIA, REMOTE, 60.0)
    context.rollback()
    assert context.expectations == []


def test_a_module_may_decide_in_the_place_of_the_nat() -> None:
    """A fault of the choice of ports is seen in the message that announces them."""
    module = Off()
    module.decisions = {"port": lambda port, wish: 7777}  # type: ignore[attr-defined]
    situation = Situation(Direction.OUT, PHONE, OUTSIDE, REMOTE)
    context = Trial(situation, config.defaults(), "sip", module)
    assert context.map(MEDIA).port == 7777
    assert context.external == OUTSIDE


def test_a_preset_of_two_addresses_is_a_rule_for_all_ports() -> None:
    """Asked for with port 0: an address that several hosts share is nobody's."""
    context = trial(presets={"192.168.20.10:0": "203.0.113.10:0"})
    host, shown = Endpoint.parse("192.168.20.10:0"), Endpoint.parse("203.0.113.10:0")
    assert context.external_of(host) == shown
    assert context.internal_of(shown) == host
    assert context.external_of(PHONE._replace(port=0)) is None
    assert context.internal_of(OUTSIDE._replace(port=0)) is None
