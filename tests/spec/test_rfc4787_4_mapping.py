"""RFC 4787 4: address and port mapping of UDP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.settings.files import ConfigError
from nat.endpoint import Endpoint
from tests.support.world import EXTERNAL, OUTSIDE, X1, X2, A, B, World, Y

Make = Callable[..., World]
TWO_ADDRESSES = {"outside.external": ["203.0.113.1", "203.0.113.2"]}


def ports_of_one_socket(world: World) -> list[Endpoint]:
    return [world.out(A, remote) for remote in (X1, X2, Y)]


def test_req1_one_external_endpoint_for_every_remote(world: World) -> None:
    """A NAT must reuse the mapping of an internal endpoint for packets to any remote."""
    assert len(set(ports_of_one_socket(world))) == 1


@pytest.mark.parametrize(
    ("mapping", "different"), [("address-dependent", 2), ("address-and-port-dependent", 3)]
)
def test_req1_the_other_behaviours_can_be_shown(nat: Make, mapping: str, different: int) -> None:
    """Mapping that depends on the remote's address, or its address and port, breaks the rule."""
    assert len(set(ports_of_one_socket(nat({"nat.mapping": mapping})))) == different


def test_req2_all_mappings_of_a_host_are_on_one_address(nat: Make) -> None:
    """With several external addresses, a host should appear under the same one always."""
    world = nat(TWO_ADDRESSES)
    for host in (A, B):
        ports = [Endpoint(host.address, port) for port in range(4000, 4010)]
        assert len({world.out(port, X1).address for port in ports}) == 1


def test_req2_both_addresses_are_used(nat: Make) -> None:
    """… and different hosts share the addresses out."""
    world = nat(TWO_ADDRESSES)
    assert world.out(A, X1).address != world.out(B, X1).address


def test_req2_a_host_stays_on_its_address_when_others_are_added(nat: Make) -> None:
    """… also when the pool grows while it has mappings."""
    world = nat({"outside.external": ["203.0.113.1"]})
    hosts = [Endpoint(A.address + number, 4000) for number in range(6)]
    before = {host: world.out(host, X1).address for host in hosts}
    pool = ["203.0.113.3", "203.0.113.1", "203.0.113.2"]
    world.engine.set("outside.external", pool, "test", world.now)
    after = {host: world.out(Endpoint(host.address, 5000), X1).address for host in hosts}
    assert after == before


def test_req2_arbitrary_pooling_can_be_shown(nat: Make) -> None:
    """Arbitrary pooling spreads one host's endpoints over the addresses."""
    world = nat({**TWO_ADDRESSES, "nat.pooling": "arbitrary"})
    ports = [Endpoint(A.address, port) for port in range(4000, 4010)]
    assert len({world.out(port, X1).address for port in ports}) == 2


@pytest.mark.parametrize("remotes", [(X1, X1), (X1, Y)])
def test_req3_two_hosts_never_share_an_external_port(
    world: World, remotes: tuple[Endpoint, Endpoint]
) -> None:
    """A NAT must not use one external port for two internal endpoints at once, whether they talk
    to one remote or to different ones."""
    hosts = [Endpoint(A.address + host, 4000) for host in range(50)]
    externals = {world.out(host, remotes[host.address % 2]) for host in hosts}
    assert len(externals) == 50


def test_req3_overloading_can_be_shown(nat: Make) -> None:
    """… which Linux does as long as the remotes differ."""
    world = nat({"nat.overloading": True})
    assert world.out(A, X1) == world.out(B, Y)


@pytest.mark.parametrize("policy", ["preserve", "sequential", "random"])
@pytest.mark.parametrize("port", [1, 500, 1023, 1024, 40000])
def test_req3a_the_class_of_a_port_is_kept(nat: Make, policy: str, port: int) -> None:
    """Ports 0 to 1023 should be mapped to ports of that range, all others to the rest."""
    world = nat({"nat.ports": policy, "nat.port_range": [1, 65535]})
    for host in (A, B):
        external = world.out(Endpoint(host.address, port), X1)
        assert (external.port < 1024) is (port < 1024)


@pytest.mark.parametrize("port", [1022, 1023, 65534, 65535])
def test_req3a_the_class_is_kept_when_a_port_is_poisoned(nat: Make, port: int) -> None:
    """… and parity too, when an unsolicited packet has taken the wanted port away (as Linux)."""
    world = nat({"nat.poisoning": True, "nat.port_range": [1, 65535]})
    world.refuses(OUTSIDE, world.made(X1, Endpoint(EXTERNAL, port), None))
    chosen = world.out(Endpoint(A.address, port), X1).port
    assert chosen != port
    assert (chosen < 1024, chosen % 2) == (port < 1024, port % 2)


@pytest.mark.parametrize("policy", ["preserve", "sequential", "random"])
def test_req4_even_ports_stay_even_and_odd_ports_odd(nat: Make, policy: str) -> None:
    """Port parity should be preserved: RTP takes even ports, RTCP odd ones."""
    world = nat({"nat.ports": policy})
    for port in range(4000, 4020):
        for host in (A, B):
            assert world.out(Endpoint(host.address, port), X1).port % 2 == port % 2


def answered(world: World) -> Endpoint:
    external = world.out(A, X1)
    world.into(X1, external)
    return external


@pytest.mark.parametrize("is_answered", [True, False])
def test_req5_a_mapping_lives_two_minutes(world: World, is_answered: bool) -> None:
    """A UDP mapping must not expire in less than two minutes of silence."""
    external = answered(world) if is_answered else world.out(A, X1)
    world.at(119.9)
    assert world.lets_in(X1, external)


def test_req5a_well_known_ports_may_have_a_shorter_timer(nat: Make) -> None:
    """A mapping to a well-known port (DNS) may expire earlier."""
    nameserver = Endpoint(Y.address, 53)
    world = nat({"nat.timeouts.udp_by_port": {"53": "30s"}})
    external = world.out(A, nameserver)
    world.at(29.9)
    assert world.lets_in(nameserver, external)
    world.at(30.1)
    assert not world.lets_in(nameserver, external)


def test_req5b_the_timer_can_be_set(nat: Make) -> None:
    """The value of the timer may be configurable."""
    world = nat({"nat.timeouts.udp": "30s"})
    external = answered(world)
    world.at(30.1)
    assert not world.lets_in(X1, external)


def test_req5b_a_changed_timer_acts_on_living_mappings(world: World) -> None:
    """… and a change is felt by mappings that exist."""
    external = answered(world)
    world.engine.set("nat.timeouts.udp", "30s", "test", world.now)
    world.at(30.1)
    assert not world.lets_in(X1, external)


@pytest.mark.parametrize("is_answered", [True, False])
def test_req5c_five_minutes_for_every_mapping(nat: Make, is_answered: bool) -> None:
    """Five minutes or more are recommended: the profile `rfc4787` has them for all mappings."""
    world = nat(profile="rfc4787")
    external = answered(world) if is_answered else world.out(A, X1)
    world.at(299.9)
    assert world.lets_in(X1, external)


def test_req5c_five_minutes_by_default_once_answered(world: World) -> None:
    """… and without a profile those have them that were answered."""
    external = answered(world)
    world.at(299.9)
    assert world.lets_in(X1, external)
    world.at(300.1)
    assert not world.lets_in(X1, external)


PACKETS: list[dict[str, bytes]] = [
    {"payload": b"an ordinary one"},
    {"payload": b"\r\n"},  # a keep-alive; so short that it takes the slow road
    {"options": b"\x01" * 4},
]


@pytest.mark.parametrize("how", PACKETS)
def test_req6_what_the_inside_sends_keeps_a_mapping(world: World, how: dict[str, bytes]) -> None:
    """Outbound packets must refresh a mapping, of whatever kind they are."""
    external = world.out(A, X1)
    world.at(100.0)
    world.out(A, X1, **how)
    world.at(219.0)
    assert world.lets_in(X1, external)


@pytest.mark.parametrize("how", PACKETS)
@pytest.mark.parametrize("inbound_refreshes", [True, False])
def test_req6a_inbound_refresh_is_a_choice(
    nat: Make, inbound_refreshes: bool, how: dict[str, bytes]
) -> None:
    """Inbound packets may refresh a mapping; a server's pings keep it alive only then."""
    world = nat({"nat.refresh_inbound": inbound_refreshes, "nat.timeouts.udp": "120s"})
    external = answered(world)
    for moment in (60.0, 110.0, 170.0):
        world.at(moment)
        reached = world.lets_in(X1, external, **how)
    assert reached is inbound_refreshes


@pytest.mark.parametrize(
    "outside",
    [
        {"outside.address": "192.168.20.254/24"},
        {"outside.address": "192.168.0.1/16"},
        {"outside.external": ["192.168.20.77"]},
    ],
)
def test_req7_the_same_network_on_both_sides_is_refused(
    nat: Make, outside: dict[str, object]
) -> None:
    """Inside and outside networks that overlap must be handled: here, by refusing to start."""
    with pytest.raises(ConfigError, match="REQ-7"):
        nat(outside)
