"""RFC 5382: what a NAT must do for TCP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nat.drop import Drop
from nat.endpoint import Endpoint
from tests.support.packets import ACK, FIN, RST, SYN, UNREACHABLE, Seen, icmp, tcp
from tests.support.world import EXTERNAL, GATEWAY, INSIDE, OUTSIDE, ROUTER, X1, X2, A, B, World, Y

Make = Callable[..., World]
FULL_CONE = {"nat.filtering": "endpoint-independent"}
HOURS = 3600.0


def test_req1_one_external_endpoint_for_every_remote(world: World) -> None:
    """Mapping must be endpoint-independent for TCP."""
    assert len({world.connect(A, remote) for remote in (X1, X2, Y)}) == 1


def test_req2_a_connection_from_open_to_close(world: World) -> None:
    """All valid sequences of TCP packets must pass: here the usual one, half-closed for hours."""
    external = world.connect(A, X1)
    world.out(A, X1, ACK, sequence=1001, acknowledgement=5001, payload=b"GET")
    world.out(A, X1, FIN | ACK, sequence=1004, acknowledgement=5001)
    world.wait(2 * HOURS)
    world.into(X1, external, ACK, sequence=5001, acknowledgement=1005, payload=b"data")
    world.out(A, X1, ACK, sequence=1005, acknowledgement=5005)
    world.wait(2 * HOURS)
    world.into(X1, external, FIN | ACK, sequence=5005, acknowledgement=1005)
    assert world.out(A, X1, ACK, sequence=1005, acknowledgement=5006) == external


OWN = Endpoint.parse("203.0.113.10:80")
BASIC_NAT = {"nat.static": [{"internal": "192.168.20.10", "external": "203.0.113.10"}]}


@pytest.mark.parametrize("filtering", ["endpoint-independent", "address-and-port-dependent"])
def test_req2_a_host_with_an_address_of_its_own_is_connected_to(nat: Make, filtering: str) -> None:
    """… to a server that has an external address to itself (1:1) and has never sent anything."""
    world = nat({**BASIC_NAT, "nat.filtering": filtering})
    server = Endpoint(A.address, 80)
    assert world.into(Y, OWN, SYN, sequence=5000) == server
    assert world.out(server, Y, SYN | ACK, sequence=1000, acknowledgement=5001) == OWN
    assert world.into(Y, OWN, ACK, sequence=5001, acknowledgement=1001) == server
    seen = world.hairpin(B, OWN, SYN, sequence=7000)
    assert seen.destination == server
    answer = world.hairpin(server, seen.source, SYN | ACK, acknowledgement=7001)
    assert (answer.source, answer.destination) == (OWN, B)


def test_req2a_simultaneous_open(world: World) -> None:
    """Both ends send a SYN, the SYNs cross, both answer: this must work."""
    external = world.out(A, X1, SYN)
    assert world.into(X1, external, SYN) == A
    assert world.out(A, X1, SYN | ACK) == external
    assert world.into(X1, external, SYN | ACK) == A
    assert world.out(A, X1, ACK) == external
    world.wait(1 * HOURS)
    assert world.into(X1, external, ACK) == A


def test_req2a_simultaneous_open_when_the_outside_is_first(world: World) -> None:
    """… also when the SYN from outside comes too early and must be sent again."""
    external = Endpoint(EXTERNAL, A.port)
    world.refuses(OUTSIDE, tcp(X1, external, SYN))
    world.wait(2.0)
    assert world.out(A, X1, SYN) == external
    world.wait(1.0)
    assert world.into(X1, external, SYN) == A
    assert world.out(A, X1, SYN | ACK) == external
    world.wait(10.0)  # and nothing is said about the first SYN


@pytest.mark.parametrize(
    ("filtering", "x2", "y"),
    [
        ("endpoint-independent", True, True),
        ("address-dependent", True, False),
        ("address-and-port-dependent", False, False),
    ],
)
def test_req3_who_may_connect_to_a_mapping(nat: Make, filtering: str, x2: bool, y: bool) -> None:
    """Filtering should be endpoint-independent, or address-dependent."""
    world = nat({"nat.filtering": filtering})
    external = world.connect(A, X1)
    assert world.lets_in(X2, external, SYN) is x2
    assert world.lets_in(Y, external, SYN) is y
    world.wait(5.9)


def test_req3_a_connection_from_outside(nat: Make) -> None:
    """Where the filter lets a SYN in, the whole connection passes."""
    world = nat(FULL_CONE)
    external = world.connect(A, X1)
    assert world.into(Y, external, SYN) == A
    assert world.out(A, Y, SYN | ACK) == external
    assert world.into(Y, external, ACK) == A
    world.wait(1 * HOURS)
    assert world.into(Y, external, ACK, payload=b"data") == A


def test_req3a_filtering_can_be_chosen(nat: Make) -> None:
    """Filtering may be an option of the administrator."""
    world = nat({"nat.filtering": "address-and-port-dependent"})
    external = world.connect(A, X1)
    assert not world.lets_in(X2, external, SYN)
    world.engine.set("nat.filtering", "address-dependent", "test", world.now)
    assert world.lets_in(X2, external, SYN)
    world.wait(5.9)


def test_req3b_filtering_of_tcp_may_differ(nat: Make) -> None:
    """Filtering of TCP may be independent of that of UDP."""
    settings = {
        "nat.filtering": "endpoint-independent",
        "nat.tcp_filtering": "address-and-port-dependent",
    }
    world = nat(settings)
    external = world.connect(A, X1)
    assert world.out(A, X1) == external
    assert world.lets_in(Y, external)
    assert not world.lets_in(X2, external, SYN)
    world.engine.set("nat.tcp_filtering", "as-udp", "test", world.now)
    assert world.lets_in(X2, external, SYN)
    world.wait(5.0)


@pytest.mark.parametrize("is_mapped", [True, False])
def test_req4_an_unsolicited_syn_is_not_answered_for_six_seconds(
    world: World, is_mapped: bool
) -> None:
    """A NAT must not answer an unsolicited SYN before six seconds have passed."""
    external = world.connect(A, X1) if is_mapped else Endpoint(EXTERNAL, 80)
    world.refuses(OUTSIDE, tcp(Y, external, SYN))
    world.wait(5.9)
    assert world.is_quiet()
    world.wait(0.2)
    assert len(world.take_all(OUTSIDE)) == 1


def test_req4_then_icmp_answers(world: World) -> None:
    """Then it should send ICMP port unreachable."""
    external = Endpoint(EXTERNAL, 80)
    world.refuses(OUTSIDE, tcp(Y, external, SYN))
    world.wait(6.1)
    seen = world.take(OUTSIDE)
    assert (seen.icmp, seen.quoted) == ((UNREACHABLE, 3), (Y, external))
    assert (seen.source_address, seen.destination_address) == (EXTERNAL, Y.address)


def test_req4_an_inside_host_that_calls_nobody_hears_of_it(world: World) -> None:
    """… also by an inside host that called an external endpoint (hairpin): it is told in its own
    words, and nothing of it is seen outside."""
    nobody = Endpoint(EXTERNAL, 80)
    world.refuses(INSIDE, tcp(A, nobody, SYN))
    world.wait(5.9)
    assert world.is_quiet()
    world.wait(0.2)
    seen = world.take(INSIDE)
    assert (seen.icmp, seen.quoted) == ((UNREACHABLE, 3), (A, nobody))
    assert (seen.source_address, seen.destination_address) == (GATEWAY, A.address)
    assert Seen(seen.payload).ttl == 64


def test_req4_silent_when_inside_hosts_open_to_each_other(world: World) -> None:
    """… and not when two inside hosts open to each other's external endpoints at once."""
    of_a, of_b = world.connect(A, X1), world.connect(B, X1)
    assert world.refuses(INSIDE, tcp(A, of_b, SYN)) is Drop.FILTERED
    assert world.hairpin(B, of_a, SYN).destination == A
    assert world.hairpin(A, of_b, SYN).destination == B
    world.wait(10.0)
    assert world.is_quiet()


def test_req4a_a_policy_may_forbid_the_answer(nat: Make) -> None:
    """The SYN must be dropped silently if an answer would be against the NAT's policy."""
    world = nat({"nat.answer_syns": False})
    world.refuses(OUTSIDE, tcp(Y, Endpoint(EXTERNAL, 80), SYN))
    world.wait(60.0)
    assert world.is_quiet()


@pytest.mark.parametrize("is_over_at_once", [False, True])
def test_req4_silent_when_the_inside_opens_meanwhile(world: World, is_over_at_once: bool) -> None:
    """The unsolicited SYN is dropped silently if a SYN goes out for the same connection, whatever
    becomes of that."""
    external = Endpoint(EXTERNAL, A.port)
    world.refuses(OUTSIDE, tcp(Y, external, SYN))
    world.wait(3.0)
    assert world.out(A, Y, SYN) == external
    if is_over_at_once:
        world.engine.flush(world.now)
    world.wait(60.0)
    assert world.is_quiet()


def test_req5_an_established_connection_lives_two_hours_and_four_minutes(world: World) -> None:
    """The idle timeout of an established connection must not be less than 2 h 4 min."""
    external = world.connect(A, X1)
    world.at(7439.0)
    assert world.into(X1, external, ACK) == A
    world.at(7441.0)
    assert world.refuses(OUTSIDE, tcp(X1, external, ACK)) is Drop.NO_MAPPING


@pytest.mark.parametrize("phase", ["opening", "closing"])
def test_req5_a_transitory_connection_lives_four_minutes(world: World, phase: str) -> None:
    """The idle timeout of a connection that opens or closes must not be less than 4 min."""
    if phase == "opening":
        external = world.out(A, X1, SYN)
    else:
        external = world.connect(A, X1)
        world.out(A, X1, FIN | ACK, sequence=1001, acknowledgement=5001)
        world.wait(1 * HOURS)
        world.into(X1, external, FIN | ACK, sequence=5001, acknowledgement=1002)
    world.wait(239.0)
    assert world.lets_in(X1, external, ACK)
    world.wait(2.0)
    assert world.refuses(OUTSIDE, tcp(X1, external, ACK)) is Drop.NO_MAPPING


def test_req5a_the_timers_can_be_set(nat: Make) -> None:
    """The idle timeouts may be configurable."""
    world = nat({"nat.timeouts.tcp_established": "5m", "nat.timeouts.tcp_transitory": "20s"})
    external, half = world.connect(A, X1), world.out(A, Y, SYN)
    world.at(21.0)
    assert world.refuses(OUTSIDE, tcp(Y, half, SYN | ACK)) in (Drop.FILTERED, Drop.NO_MAPPING)
    world.at(26.9)
    assert world.into(X1, external, ACK) == A
    world.at(301.0)
    assert world.take(OUTSIDE).icmp == (UNREACHABLE, 3)  # the late SYN of Y
    assert world.refuses(OUTSIDE, tcp(X1, external, ACK)) is Drop.NO_MAPPING


REGISTER = (
    b"REGISTER sip:203.0.113.9 SIP/2.0\r\n"
    b"Via: SIP/2.0/TCP 192.168.20.10:4000;branch=z9hG4bK1;rport\r\n"
    b"From: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@203.0.113.9>\r\n"
    b"Call-ID: 1@192.168.20.10\r\nCSeq: 1 REGISTER\r\n"
    b"Contact: <sip:a@192.168.20.10:4000;transport=tcp>\r\nContent-Length: 0\r\n\r\n"
)


def sip_over_tcp(world: World) -> bytes:
    """What leaves of a registration over TCP."""
    registrar = Endpoint(X1.address, 5060)
    world.connect(A, registrar)
    segment = tcp(A, registrar, ACK, sequence=1001, acknowledgement=5001, payload=REGISTER)
    world.put(INSIDE, segment)
    return b"".join(seen.payload for seen in world.take_all(OUTSIDE))


def test_req6_no_alg_is_on_by_default(world: World) -> None:
    """ALGs that affect TCP should be off by default: what SIP over TCP says is not touched."""
    assert sip_over_tcp(world) == REGISTER


def test_req6_an_alg_can_be_switched_on(nat: Make) -> None:
    """… until somebody switches one on."""
    assert b"<sip:a@203.0.113.1:4000" in sip_over_tcp(nat({"alg.sip.module": "sip"}))


@pytest.mark.parametrize("remotes", [(X1, X1), (X1, Y)])
def test_req7_two_hosts_never_share_an_external_port(
    world: World, remotes: tuple[Endpoint, Endpoint]
) -> None:
    """Port overloading must not be used for TCP, not even towards different remotes."""
    hosts = [Endpoint(A.address + number, 4000) for number in range(50)]
    assert len({world.out(host, remotes[host.address % 2], SYN) for host in hosts}) == 50


def test_req8_hairpinning(nat: Make) -> None:
    """Hairpinning must be supported for TCP, with the external source address and port."""
    world = nat(FULL_CONE)
    of_b = world.connect(B, X1)
    seen = world.hairpin(A, of_b, SYN, sequence=1000)
    assert (seen.source.address, seen.destination) == (EXTERNAL, B)
    answer = world.hairpin(B, seen.source, SYN | ACK, sequence=5000, acknowledgement=1001)
    assert (answer.source, answer.destination) == (of_b, A)
    last = world.hairpin(A, of_b, ACK, sequence=1001, acknowledgement=5001)
    assert (last.source, last.destination) == (seen.source, B)


def test_req9_destination_unreachable_is_translated(world: World) -> None:
    """ICMP Destination Unreachable about a TCP packet should reach the host that sent it."""
    world.connect(A, Y)
    quote = world.leaving(A, Y, ACK, payload=b"data")
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, UNREACHABLE, 4, 1300, quote))
    seen = world.take(INSIDE)
    assert (seen.icmp, seen.quoted, seen.next_mtu) == ((UNREACHABLE, 4), (A, Y), 1300)


def test_req10_no_icmp_message_ends_a_connection(world: World) -> None:
    """No ICMP message may terminate the mapping or the connection."""
    external = world.connect(A, Y)
    quote = world.leaving(A, Y, ACK)
    for kind in range(20):
        for code in range(16):
            world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, kind, code, 1300, quote))
            world.put(INSIDE, icmp(A.address, Y.address, kind, code, 1300, quote))
    world.take_all(INSIDE)
    world.take_all(OUTSIDE)
    world.wait(1 * HOURS)
    assert world.into(Y, external, ACK) == A


def test_req2_a_closed_connection_is_opened_again_by_the_other_side(nat: Make) -> None:
    """… and the next connection between the same endpoints, begun by the outside."""
    world = nat(FULL_CONE)
    external = world.connect(A, X1)
    world.out(A, X1, FIN | ACK, sequence=1001, acknowledgement=5001)
    world.into(X1, external, FIN | ACK, sequence=5001, acknowledgement=1002)
    world.wait(10.0)
    world.into(X1, external, SYN)
    world.out(A, X1, SYN | ACK)
    world.into(X1, external, ACK)
    world.wait(1 * HOURS)
    assert world.into(X1, external, ACK) == A


def test_req2_a_reset_passes(world: World) -> None:
    """… and the two ends hear each other's RST."""
    external = world.connect(A, X1)
    assert world.into(X1, external, RST, sequence=5001) == A
