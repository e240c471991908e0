"""Every setting of the NAT arrives in its behaviour; what no RFC asks for is shown here."""

from __future__ import annotations

import random

import pytest

from appliance.settings import files as config
from appliance.settings.behavior import behavior_of
from appliance.settings.table import SETTINGS
from nat.behavior import Behavior, Dependence, PortPolicy, Refusal
from nat.drop import Drop
from nat.endpoint import Endpoint, Network, parse_address
from tests.support.packets import ACK, SYN, Seen
from tests.support.world import OUTSIDE, X1, A, B, World, Y

WIRES = {"inside.networks": ["192.168.20.0/24"], "outside.external": ["203.0.113.1"]}


def behavior(**sets: object) -> Behavior:
    table = {**WIRES, **{key.replace("__", "."): value for key, value in sets.items()}}
    return behavior_of(config.for_scenario("test", table), random.Random(0))


def test_words_become_members_and_text_becomes_numbers() -> None:
    found = behavior(
        nat__mapping="address-dependent",
        nat__filtering="address-and-port-dependent",
        nat__ports="random",
        nat__refusal="host-unreachable",
        nat__no_translate=["198.51.100.0/24"],
        nat__forward=[
            {"protocol": "tcp", "external": "203.0.113.1:80", "internal": "192.168.20.10:8080"}
        ],
    )
    assert found.mapping is Dependence.ADDRESS_DEPENDENT
    assert found.filtering is Dependence.ADDRESS_AND_PORT_DEPENDENT
    assert found.ports is PortPolicy.RANDOM
    assert found.refusal is Refusal.HOST_UNREACHABLE
    assert found.untranslated == [Network.parse("198.51.100.0/24")]
    assert found.forwards[0].internal == Endpoint.parse("192.168.20.10:8080")
    assert found.external == [parse_address("203.0.113.1")]
    assert found.gateway == parse_address("192.168.20.1")


@pytest.mark.parametrize(("setting", "closing"), [("auto", None), ("30s", 30.0)])
def test_the_closing_timer_may_follow_the_transitory_one(
    setting: str, closing: float | None
) -> None:
    assert behavior(nat__timeouts__tcp_closing=setting).timeouts.tcp_closing == closing


CHANGED = {
    "nat.mapping": "address-dependent",
    "nat.filtering": "endpoint-independent",
    "nat.tcp_filtering": "endpoint-independent",
    "nat.ports": "random",
    "nat.port_range": [2000, 3000],
    "nat.refusal": "silent",
    "nat.eviction": "unanswered-first",
    "nat.renumbering": "keep",
    "nat.pooling": "arbitrary",
    "nat.no_translate": ["198.51.100.0/24"],
    "nat.static": [{"internal": "192.168.20.9", "external": "203.0.113.9"}],
    "nat.forward": [
        {"protocol": "udp", "external": "203.0.113.1:99", "internal": "192.168.20.9:99"}
    ],
    "nat.timeouts.udp_by_port": {"99": "9s"},
    "nat.limits.fragment_bytes": 77_777,
}


def test_no_setting_of_the_nat_is_without_effect() -> None:
    for key in (key for key in SETTINGS if key.startswith("nat.")):
        default = SETTINGS[key].default
        value: object = CHANGED.get(key, not default if isinstance(default, bool) else 7)
        usual, changed = behavior(), behavior(**{key.replace(".", "__"): value})
        usual.rng = changed.rng
        assert usual != changed, key


def answered(world: World) -> Endpoint:
    external = world.out(A, X1)
    world.into(X1, external)
    return external


def test_renumbering_forgets_the_flows_of_the_old_address() -> None:
    """A host whose external address went away starts anew under the new one."""
    world = World()
    old = answered(world)
    world.engine.set("outside.external", ["203.0.113.2"], "test", world.now)
    assert world.refuses(OUTSIDE, world.made(X1, old, None)) is Drop.NOT_OURS
    new = world.out(A, X1)
    assert new.address == parse_address("203.0.113.2")
    assert world.into(X1, new) == A


def test_renumbering_may_keep_flows_that_nobody_answers() -> None:
    """Kept flows go on sending from the old address, alive by the host's own retries."""
    world = World({"nat.renumbering": "keep"})
    old = answered(world)
    world.engine.set("outside.external", ["203.0.113.2"], "test", world.now)
    assert world.out(A, X1) == old
    assert world.refuses(OUTSIDE, world.made(X1, old, None)) is Drop.NOT_OURS
    world.engine.set("outside.external", ["203.0.113.1"], "test", world.now)
    assert world.into(X1, old) == A


@pytest.mark.parametrize("poisoning", [True, False])
def test_port_poisoning_can_be_shown(poisoning: bool) -> None:
    """On Linux an unsolicited packet takes a port away from flows to its own sender."""
    world = World({"nat.poisoning": poisoning})
    too_early = Endpoint(world.out(B, Y).address, A.port + 10)
    world.refuses(OUTSIDE, world.made(X1, too_early, None))
    external = world.out(Endpoint(A.address, too_early.port), X1)
    assert (external.port == too_early.port) is not poisoning
    assert world.out(Endpoint(B.address, too_early.port + 2), Y).port == too_early.port + 2 + 2 * (
        poisoning
    )


@pytest.mark.parametrize("clamps", [True, False])
def test_mss_clamping_can_be_shown(clamps: bool) -> None:
    """Both SYNs of a connection announce what fits the narrower wire."""
    world = World({"nat.mss_clamp": clamps, "outside.mtu": 1400})
    option = bytes((2, 4)) + (1460).to_bytes(2, "big")
    expected = bytes((2, 4)) + (1360 if clamps else 1460).to_bytes(2, "big")
    out = Seen(world.leaving(A, X1, SYN, options=option))
    back = Seen(world.entering(X1, out.source, SYN | ACK, options=option))
    assert out.body[20:] == back.body[20:] == expected
