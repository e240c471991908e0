"""RFC 7857: what the years have taught about RFC 4787, 5382 and 5508."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nat.drop import Drop
from nat.endpoint import Endpoint
from tests.support.packets import ACK, FIN, MORE_FRAGMENTS, RST, SYN, UNREACHABLE, icmp, tcp, udp
from tests.support.world import INSIDE, OUTSIDE, X1, A, B, World, Y

Make = Callable[..., World]
LONG = 3600.0
DIFFERENT_TIMERS = {
    "nat.timeouts.tcp_transitory": "4m",
    "nat.timeouts.tcp_closing": "30s",
    "nat.timeouts.tcp_established": "2h4m",
}

OUT, IN = "out", "in"
STORIES = {
    "a SYN": ([(OUT, SYN)], 240),
    "a SYN and its answer": ([(OUT, SYN), (IN, SYN | ACK)], 240),
    "established": ([(OUT, SYN), (IN, SYN | ACK), (OUT, ACK)], 7440),
    "both SYNs crossed": ([(OUT, SYN), (IN, SYN), (OUT, SYN | ACK), (IN, ACK)], 7440),
    "half closed": ([(OUT, SYN), (IN, SYN | ACK), (OUT, ACK), (OUT, FIN | ACK)], 7440),
    "closed": (
        [(OUT, SYN), (IN, SYN | ACK), (OUT, ACK), (IN, FIN | ACK), (OUT, FIN | ACK)],
        30,
    ),
    "opened again": (
        [(OUT, SYN), (IN, SYN | ACK), (OUT, ACK), (IN, FIN | ACK), (OUT, FIN | ACK), (OUT, SYN)],
        240,
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_2_a_connection_is_followed_from_state_to_state(nat: Make, name: str) -> None:
    """A NAT should follow the state of TCP connections, to know which timer counts."""
    story, seconds = STORIES[name]
    world = nat(DIFFERENT_TIMERS)
    external = Endpoint(0, 0)
    following = {OUT: 1000, IN: 5000}  # the number that comes next
    for direction, flags in story:
        world.wait(5.0)
        other = IN if direction == OUT else OUT
        numbers = {"sequence": following[direction], "acknowledgement": following[other]}
        following[direction] += bool(flags & (SYN | FIN))
        if direction == OUT:
            external = world.out(A, X1, flags, **numbers)
        else:
            world.into(X1, external, flags, **numbers)
    (flow,) = world.show("flows")
    assert flow["expires_in"] == pytest.approx(seconds)


def test_2_1_opening_and_closing_have_timers_of_their_own(nat: Make) -> None:
    """The idle timeouts of opening and of closing connections should be separate settings."""
    world = nat(DIFFERENT_TIMERS)
    half = world.out(B, X1, SYN)
    external = world.connect(A, X1)
    world.out(A, X1, FIN | ACK, sequence=1001, acknowledgement=5001)
    world.into(X1, external, FIN | ACK, sequence=5001, acknowledgement=1002)
    world.wait(31.0)
    assert not world.lets_in(X1, external, ACK)
    assert world.lets_in(X1, half, SYN | ACK)


def test_2_1_four_minutes_are_the_default(world: World) -> None:
    """Four minutes are recommended as the least default; less may be configured."""
    external = world.connect(A, X1)
    world.out(A, X1, FIN | ACK, sequence=1001, acknowledgement=5001)
    world.wait(LONG)
    world.into(X1, external, FIN | ACK, sequence=5001, acknowledgement=1002)
    world.wait(239.0)
    assert world.lets_in(X1, external, ACK)


def reset(world: World, external: Endpoint, sequence: int = 5001) -> None:
    assert world.into(X1, external, RST, sequence=sequence) == A


@pytest.mark.parametrize("sequence", [0, 5001, 77_777_777])
def test_2_2_a_reset_passes_whatever_its_number(world: World, sequence: int) -> None:
    """A RST that matches a mapping must be translated."""
    external = world.connect(A, X1)
    reset(world, external, sequence)


def test_2_2_after_a_reset_the_state_is_kept_four_minutes(world: World) -> None:
    """The state of a connection should be kept for four more minutes after a RST."""
    external = world.connect(A, X1)
    world.wait(LONG)
    reset(world, external)
    world.wait(239.0)
    assert world.lets_in(X1, external, ACK)


def test_2_2_after_a_reset_and_silence_the_state_is_gone(world: World) -> None:
    """… and no longer."""
    external = world.connect(A, X1)
    reset(world, external)
    world.wait(241.0)
    assert world.refuses(OUTSIDE, tcp(X1, external, ACK)) is Drop.NO_MAPPING


def test_2_2_a_forged_reset_does_not_cut_a_connection(world: World) -> None:
    """A RST that somebody forged must not end it: data that follows brings it back."""
    external = world.connect(A, X1)
    reset(world, external)
    world.out(A, X1, ACK, sequence=1001, acknowledgement=5001, payload=b"still here")
    world.wait(LONG)
    assert world.into(X1, external, ACK, payload=b"so am I") == A


@pytest.mark.parametrize("sequence", [0, 5000, 5002, 6000, 0xFFFFFFFF])
def test_2_2_a_reset_with_a_guessed_number_changes_nothing(world: World, sequence: int) -> None:
    """… and one that its receiver would not accept does not even start the short timer."""
    external = world.connect(A, X1)
    reset(world, external, sequence)
    world.wait(LONG)
    assert world.into(X1, external, ACK) == A


def test_3_ports_may_overlap_when_destinations_differ(nat: Make) -> None:
    """One external port may serve connections to different destinations, told apart by them."""
    world = nat({"nat.mapping": "address-and-port-dependent", "nat.overloading": True})
    one, other = world.out(A, X1, SYN), world.out(B, Y, SYN)
    assert one == other
    assert world.into(X1, one, SYN | ACK) == A
    assert world.into(Y, other, SYN | ACK) == B
    assert world.out(B, X1, SYN) != one


def test_5_mappings_of_protocols_are_independent(world: World) -> None:
    """A mapping should belong to one protocol: UDP says nothing about TCP."""
    external = world.out(A, X1)
    assert world.refuses(OUTSIDE, tcp(X1, external, SYN)) is Drop.NO_MAPPING
    assert world.out(B, Y, SYN).port == B.port
    world.wait(7.0)
    assert world.take(OUTSIDE).icmp == (UNREACHABLE, 3)


def test_6_filters_of_protocols_are_independent(nat: Make) -> None:
    """… nor does whom the inside has sent UDP open the filter of TCP."""
    world = nat({"nat.filtering": "address-dependent"})
    world.out(A, Y)
    external = world.connect(A, X1)
    assert world.refuses(OUTSIDE, tcp(Y, external, SYN)) is Drop.FILTERED
    world.wait(7.0)
    assert world.take(OUTSIDE).icmp == (UNREACHABLE, 3)


def test_7_blocked_packets_refresh_nothing(nat: Make) -> None:
    """An inbound packet that is filtered should not keep a mapping alive."""
    world = nat({"nat.refresh_inbound": True})
    external = world.out(A, X1)
    world.wait(119.0)
    assert world.refuses(OUTSIDE, udp(Y, external)) is Drop.FILTERED
    world.wait(2.0)
    assert not world.lets_in(X1, external)


def test_7_strangers_refresh_nothing(nat: Make) -> None:
    """… nor one that endpoint-independent filtering lets in, from whom nobody has sent to."""
    world = nat({"nat.refresh_inbound": True, "nat.filtering": "endpoint-independent"})
    external = world.out(A, X1)
    world.wait(119.0)
    assert world.lets_in(Y, external)
    world.wait(2.0)
    assert not world.lets_in(X1, external)


def test_7_1_provoked_answers_refresh_nothing(world: World) -> None:
    """An ICMP error or a RST by which the inside answers a packet from outside should not keep a
    mapping alive: a stranger could provoke them for ever."""
    external = world.out(A, X1)
    tcp_external = world.connect(A, X1)
    world.wait(100.0)
    quote = world.entering(X1, external)
    world.put(INSIDE, icmp(A.address, X1.address, UNREACHABLE, 3, 0, quote))
    world.take(OUTSIDE)
    world.out(A, X1, RST, sequence=99)
    by_protocol = {flow["protocol"]: flow for flow in world.show("flows")}
    assert by_protocol["udp"]["expires_in"] == pytest.approx(200.0)  # answered: 300 s in all
    assert by_protocol["tcp"]["expires_in"] == pytest.approx(7340.0)
    assert world.into(X1, tcp_external, ACK) == A


@pytest.mark.parametrize("refresh_inbound", [False, True])
def test_7_1_resets_that_data_provoke_keep_nothing_alive(nat: Make, refresh_inbound: bool) -> None:
    """… and not a RST with the right number either, by which a host answers late data: after a
    connection's end, strangers who send data again and again must not keep its mapping."""
    world = nat({"nat.refresh_inbound": refresh_inbound})
    external = world.connect(A, X1)
    world.out(A, X1, RST, sequence=1001)
    for _ in range(2):
        world.wait(100.0)
        world.into(X1, external, ACK, sequence=5001, acknowledgement=1001)
        world.out(A, X1, RST, sequence=1001)
    if not refresh_inbound:
        world.wait(41.0)
        assert not world.lets_in(X1, external, ACK)
    else:
        world.wait(239.0)
        assert world.lets_in(X1, external, ACK)  # a choice: what comes in refreshes


def test_7_1_a_reset_again_is_no_news(world: World) -> None:
    """… nor a RST after a RST."""
    external = world.connect(A, X1)
    for _ in range(3):
        world.out(A, X1, RST, sequence=1001)
        world.wait(100.0)
    assert not world.lets_in(X1, external, ACK)


def test_8_parity_can_be_switched_off(nat: Make) -> None:
    """Preserving port parity may be switched off."""
    world = nat({"nat.parity": False, "nat.ports": "sequential"})
    ports = [world.out(Endpoint(A.address, port), X1).port for port in range(4000, 4040, 2)]
    assert {port % 2 for port in ports} == {0, 1}


def test_9_ports_can_be_chosen_at_random(nat: Make) -> None:
    """Port assignment should be unpredictable (RFC 6056) where an administrator wants that."""
    world = nat({"nat.ports": "random"})
    ports = [world.out(Endpoint(A.address, port), X1).port for port in range(4000, 4020)]
    assert ports != sorted(ports)
    assert all(abs(port - 4000) > 20 for port in ports[:5])


def test_10_fragments_of_two_hosts_are_not_mixed_up(nat: Make) -> None:
    """Datagrams that the NAT cuts must carry identifications that differ (RFC 6864 5.3.1)."""
    world = nat({"outside.mtu": 1280})
    identifications = set()
    for host in (A, B):
        world.put(INSIDE, udp(host, X1, bytes(1400), identification=7))
        pieces = world.take_all(OUTSIDE)
        assert pieces[0].word(6) & MORE_FRAGMENTS
        identifications |= {piece.identification for piece in pieces}
    assert len(identifications) == 2


def test_11_an_icmp_mapping_ends_with_its_last_session(nat: Make) -> None:
    """The mapping of a query identifier goes with the last session that uses it, and another host
    may have the identifier."""
    world = nat({"nat.port_rest": 0})
    pinger = Endpoint(A.address, 7777)
    external = world.ping(pinger, X1.address)
    world.wait(30.0)
    world.ping(pinger, Y.address)
    world.wait(40.0)
    (mapping,) = world.show("mappings")
    assert mapping["flows"] == 1
    world.wait(21.0)
    assert world.show("mappings") == []
    assert world.ping(Endpoint(B.address, 7777), Y.address) == external
