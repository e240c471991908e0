"""RFC 5508: what a NAT must do for ICMP."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from nat.drop import Drop
from nat.endpoint import Endpoint
from tests.support.packets import (
    ACK,
    ECHO_REPLY,
    ECHO_REQUEST,
    PARAMETER_PROBLEM,
    SYN,
    TIME_EXCEEDED,
    UNREACHABLE,
    Seen,
    icmp,
    ipv4,
    ping,
    pong,
    sum_of_words,
    udp,
)
from tests.support.world import EXTERNAL, GATEWAY, INSIDE, OUTSIDE, ROUTER, X1, A, B, World, Y

Make = Callable[..., World]
PINGER = Endpoint(A.address, 77)
OTHER_PINGER = Endpoint(B.address, 77)
FULL_CONE = {"nat.filtering": "endpoint-independent"}
NO_OPERATIONS = b"\x01" * 8


@pytest.mark.parametrize("payload", [b"", b"long enough for the fast road", bytes(1400)])
def test_req1_queries_go_out_and_answers_come_back(world: World, payload: bytes) -> None:
    """ICMP queries from the inside, and the answers to them, must be permitted."""
    for _ in range(2):
        external = world.ping(PINGER, Y.address, payload=payload)
        assert world.pong(Y.address, external, payload=payload) == PINGER


def test_req1_two_hosts_may_use_the_same_identifier(world: World) -> None:
    """… of every host, though identifiers collide."""
    one, other = world.ping(PINGER, Y.address), world.ping(OTHER_PINGER, Y.address)
    assert one != other
    assert world.pong(Y.address, one) == PINGER
    assert world.pong(Y.address, other) == OTHER_PINGER


def test_req1a_one_identifier_for_every_remote(world: World) -> None:
    """The mapping of a query identifier should not depend on the remote."""
    assert world.ping(PINGER, X1.address) == world.ping(PINGER, Y.address)


def test_req2_a_query_may_be_answered_for_sixty_seconds(world: World) -> None:
    """The timer of a query session must not be less than 60 seconds."""
    external = world.ping(PINGER, Y.address)
    world.at(59.9)
    assert world.pong(Y.address, external) == PINGER


def test_req2a_the_timer_can_be_set(nat: Make) -> None:
    """The timer should be configurable."""
    world = nat({"nat.timeouts.icmp": "10s"})
    external = world.ping(PINGER, Y.address)
    world.at(10.1)
    answer = icmp(Y.address, EXTERNAL, ECHO_REPLY, 0, external.port << 16 | 1, b"ping")
    assert world.refuses(OUTSIDE, answer) is Drop.NO_MAPPING


def broken(packet: bytes, at: int) -> bytes:
    """One bit of a packet turned over."""
    return packet[:at] + bytes((packet[at] ^ 1,)) + packet[at + 1 :]


def test_req3_an_error_with_a_wrong_checksum_is_dropped(world: World) -> None:
    """When the ICMP checksum of an error is wrong it should be dropped silently."""
    error = icmp(ROUTER, EXTERNAL, UNREACHABLE, 1, 0, world.leaving(A, Y))
    assert world.refuses(OUTSIDE, broken(error, 22)) is Drop.BAD_TRANSPORT_CHECKSUM


def test_req3a_a_quote_with_a_wrong_header_checksum_is_dropped(world: World) -> None:
    """… also when the IP checksum of the quoted packet is wrong."""
    quote = broken(world.leaving(A, Y), 10)
    error = icmp(ROUTER, EXTERNAL, UNREACHABLE, 1, 0, quote)
    assert world.refuses(OUTSIDE, error) is Drop.ICMP_BAD_QUOTE


def test_req3b_options_in_the_quoted_header_are_skipped(world: World) -> None:
    """IP options of the quoted packet must be passed over to find its ports."""
    quote = world.leaving(A, Y, options=NO_OPERATIONS)
    assert Seen(quote).header_length == 28
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, UNREACHABLE, 1, 0, quote))
    assert world.take(INSIDE).quoted == (A, Y)


def test_req3c_the_quoted_transport_checksum_is_not_looked_at(world: World) -> None:
    """The transport checksum of the quoted packet should not be validated."""
    quote = broken(world.leaving(A, Y, payload=b"hello"), 27)
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, UNREACHABLE, 1, 0, quote))
    assert world.take(INSIDE).quoted == (A, Y)


def test_req3d_extensions_stay_behind_the_quote(world: World) -> None:
    """ICMP extensions (RFC 4884) are no part of the quoted packet, and pass as they are."""
    quote = world.leaving(A, Y, payload=bytes(100))  # 128 bytes, as RFC 4884 pads them
    extension = b"\x20\x00\x00\x00\x00\x08\x01\x01\x00\x00\x10\xff"
    rest = len(quote) // 4 << 16
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, TIME_EXCEEDED, 0, rest, quote + extension))
    seen = world.take(INSIDE)
    assert seen.quoted == (A, Y)
    assert seen.payload[len(quote) :] == extension
    assert struct.unpack("!I", seen.body[4:8]) == (rest,)
    assert sum_of_words(seen.payload[:20]) == 0xFFFF


ERRORS = [(UNREACHABLE, 1), (UNREACHABLE, 3), (TIME_EXCEEDED, 0), (PARAMETER_PROBLEM, 0)]


@pytest.mark.parametrize(("kind", "code"), ERRORS)
def test_req4_an_error_from_outside_is_turned_back_into_the_hosts_words(
    world: World, kind: int, code: int
) -> None:
    """In an error from outside the quoted packet must be restored, type and code unchanged, and
    the error be sent to the host that the quoted packet came from."""
    quote = world.leaving(A, Y)
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, kind, code, 0, quote))
    seen = world.take(INSIDE)
    assert seen.icmp == (kind, code)
    assert seen.quoted == (A, Y)
    assert (seen.source_address, seen.destination_address) == (ROUTER, A.address)


@pytest.mark.parametrize("kind", [SYN, None])
def test_req4_of_tcp_and_udp(world: World, kind: int | None) -> None:
    """… for every transport that is translated."""
    quote = world.leaving(A, Y, kind)
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, TIME_EXCEEDED, 0, 0, quote[:28]))
    assert world.take(INSIDE).quoted == (A, Y)


def test_req4_of_queries(world: World) -> None:
    """… and for ICMP queries: so traceroute with ping works through the NAT."""
    world.put(INSIDE, ping(PINGER, Y.address, ttl=2))
    quote = world.take(OUTSIDE).data
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, TIME_EXCEEDED, 0, 0, quote))
    seen = world.take(INSIDE)
    assert (seen.icmp, seen.source_address) == ((TIME_EXCEEDED, 0), ROUTER)
    assert Seen(seen.payload).source == PINGER


BASIC_NAT = {"nat.static": [{"internal": "192.168.20.10", "external": "203.0.113.10"}]}
OWN = Endpoint.parse("203.0.113.10:77")


def test_req4_of_answers_to_queries(nat: Make) -> None:
    """… and for the answer by which a host that has an external address to itself (1:1) answers
    a query from outside."""
    world = nat(BASIC_NAT)
    world.put(OUTSIDE, ping(Endpoint(Y.address, 77), OWN.address))
    world.take(INSIDE)
    world.put(INSIDE, pong(A.address, Endpoint(Y.address, 77)))
    world.put(OUTSIDE, icmp(ROUTER, OWN.address, UNREACHABLE, 1, 0, world.take(OUTSIDE).data))
    seen = world.take(INSIDE)
    assert (seen.icmp, seen.destination_address) == ((UNREACHABLE, 1), A.address)
    quoted = Seen(seen.payload)
    assert (quoted.source_address, quoted.destination_address) == (A.address, Y.address)
    assert quoted.source.port == 77  # the identifier


def test_req4_an_error_about_nothing_known_is_dropped(world: World) -> None:
    """An error from outside about no active mapping should be dropped silently."""
    stranger = udp(Endpoint(EXTERNAL, 9), Y)
    error = icmp(ROUTER, EXTERNAL, UNREACHABLE, 1, 0, stranger)
    assert world.refuses(OUTSIDE, error) is Drop.ICMP_UNKNOWN_FLOW


def test_req5_an_error_from_inside_shows_the_external_endpoint(world: World) -> None:
    """In an error from the inside the quoted packet must be restored, type and code unchanged,
    and the error must come from the external address."""
    external = world.out(A, Y)
    quote = world.entering(Y, external)
    world.put(INSIDE, icmp(A.address, Y.address, UNREACHABLE, 3, 0, quote))
    seen = world.take(OUTSIDE)
    assert seen.icmp == (UNREACHABLE, 3)
    assert seen.quoted == (Y, external)
    assert (seen.source_address, seen.destination_address) == (EXTERNAL, Y.address)


def test_req5_a_router_on_the_inside_is_hidden(world: World) -> None:
    """… whoever on the inside has sent it."""
    external = world.out(A, Y)
    quote = world.entering(Y, external)
    world.put(INSIDE, icmp(B.address, Y.address, UNREACHABLE, 1, 0, quote))
    assert world.take(OUTSIDE).source_address == EXTERNAL


def test_req5_an_error_about_nothing_known_is_dropped(world: World) -> None:
    """An error from the inside about no active mapping should be dropped silently."""
    error = icmp(A.address, Y.address, UNREACHABLE, 3, 0, udp(Y, A))
    assert world.refuses(INSIDE, error) is Drop.ICMP_UNKNOWN_FLOW


def test_req5_an_error_about_what_nobody_has_asked_for(nat: Make) -> None:
    """… also about a packet that the mapping let in before the host ever sent to its sender."""
    world = nat(FULL_CONE)
    external = world.out(A, X1)
    quote = world.entering(Y, external)
    world.put(INSIDE, icmp(A.address, Y.address, UNREACHABLE, 3, 0, quote))
    assert world.take(OUTSIDE).quoted == (Y, external)


def test_req5_an_error_about_a_query_from_outside(nat: Make) -> None:
    """… also about a query to a host that has an external address to itself (1:1)."""
    world = nat(BASIC_NAT)
    world.put(OUTSIDE, ping(Endpoint(Y.address, 77), OWN.address))
    quote = world.take(INSIDE).data
    world.put(INSIDE, icmp(B.address, Y.address, UNREACHABLE, 1, 0, quote))
    seen = world.take(OUTSIDE)
    assert (seen.icmp, seen.source_address) == ((UNREACHABLE, 1), OWN.address)
    quoted = Seen(seen.payload)
    assert (quoted.source_address, quoted.destination_address) == (Y.address, OWN.address)
    stranger = ping(Endpoint(Y.address, 77), B.address)
    error = icmp(B.address, Y.address, UNREACHABLE, 1, 0, stranger)
    assert world.refuses(INSIDE, error) is Drop.ICMP_UNKNOWN_FLOW


def test_req6_an_error_refreshes_nothing(world: World) -> None:
    """An error about a query must neither refresh nor delete its session."""
    external = world.ping(PINGER, Y.address)
    quote = ping(external, Y.address)
    for moment in (20.0, 40.0, 59.0):
        world.at(moment)
        world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, TIME_EXCEEDED, 0, 0, quote))
        assert Seen(world.take(INSIDE).payload).source == PINGER
    world.at(60.1)
    error = icmp(ROUTER, EXTERNAL, TIME_EXCEEDED, 0, 0, quote)
    assert world.refuses(OUTSIDE, error) is Drop.ICMP_UNKNOWN_FLOW


def test_req7_a_hairpinned_query_finds_its_host(nat: Make) -> None:
    """An inside host that has an external address to itself must be pinged by it from inside."""
    world = nat({"nat.static": [{"internal": "192.168.20.11", "external": "203.0.113.10"}]})
    own = Endpoint.parse("203.0.113.10:0").address
    world.put(INSIDE, ping(PINGER, own))
    asked = world.take(INSIDE)
    assert (asked.icmp, asked.destination_address) == ((ECHO_REQUEST, 0), B.address)
    world.put(INSIDE, pong(B.address, asked.source))
    answer = world.take(INSIDE)
    assert (answer.icmp, answer.source_address) == ((ECHO_REPLY, 0), own)
    assert answer.destination == PINGER


def test_req7a_a_hairpinned_error_finds_its_host(nat: Make) -> None:
    """Errors about hairpinned packets must find back, with both quotes and addresses right."""
    world = nat(FULL_CONE)
    of_b = world.out(B, X1)
    arrived = world.hairpin(A, of_b)  # as B got it: from A's external endpoint
    world.put(INSIDE, icmp(B.address, EXTERNAL, UNREACHABLE, 3, 0, arrived.data))
    seen = world.take(INSIDE)
    assert seen.icmp == (UNREACHABLE, 3)
    assert seen.quoted == (A, of_b)
    assert seen.ttl == 63  # one hop, though it passed the NAT twice
    assert (seen.source_address, seen.destination_address) == (EXTERNAL, A.address)


def test_req7a_a_hairpinned_error_about_a_query_finds_its_host(nat: Make) -> None:
    """… and about hairpinned queries."""
    world = nat(BASIC_NAT)
    world.put(INSIDE, ping(OTHER_PINGER, OWN.address))
    arrived = world.take(INSIDE)
    error = icmp(A.address, arrived.source_address, UNREACHABLE, 1, 0, arrived.data)
    world.put(INSIDE, error)
    seen = world.take(INSIDE)
    assert (seen.icmp, seen.source_address) == ((UNREACHABLE, 1), OWN.address)
    assert seen.destination_address == B.address
    assert Seen(seen.payload).source == OTHER_PINGER
    assert Seen(seen.payload).destination_address == OWN.address


def test_req8_a_host_without_resources_hears_of_it(nat: Make) -> None:
    """When no session can be made the packet is dropped, and ICMP 3/13 should say so."""
    world = nat({"nat.port_range": [5000, 5000], "nat.parity": False})
    world.out(A, X1)
    world.put(INSIDE, udp(B, X1))
    seen = world.take(INSIDE)
    assert (seen.icmp, seen.source_address) == ((UNREACHABLE, 13), GATEWAY)
    assert seen.quoted == (B, X1)
    assert world.dropped is Drop.NO_PORT


def test_req9_own_icmp_can_be_silenced(nat: Make) -> None:
    """A policy may keep the NAT from sending such ICMP messages."""
    world = nat({"nat.port_range": [5000, 5000], "nat.parity": False, "nat.refusal": "silent"})
    world.out(A, X1)
    assert world.refuses(INSIDE, udp(B, X1)) is Drop.NO_PORT


def test_req10a_unreachable_time_exceeded_and_echo_are_supported(world: World) -> None:
    """Destination Unreachable, Time Exceeded, and echo request and reply must be supported."""
    quote = world.leaving(A, Y)
    for kind in (UNREACHABLE, TIME_EXCEEDED):
        world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, kind, 0, 0, quote))
        assert world.take(INSIDE).icmp == (kind, 0)
    assert world.pong(Y.address, world.ping(PINGER, Y.address)) == PINGER


def test_req10a_the_nat_answers_ping_on_its_own_addresses(world: World) -> None:
    """… the NAT being a router with addresses of its own (RFC 1812 4.3.3.6)."""
    for own in (GATEWAY, EXTERNAL):
        world.put(INSIDE, ping(PINGER, own))
        seen = world.take(INSIDE)
        assert (seen.icmp, seen.source_address) == ((ECHO_REPLY, 0), own)
    world.put(OUTSIDE, ping(Y, EXTERNAL))
    assert world.take(OUTSIDE).icmp == (ECHO_REPLY, 0)


def test_req10b_parameter_problem_reaches_the_inside_host(world: World) -> None:
    """Parameter Problem may be supported."""
    quote = world.leaving(A, Y)
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, PARAMETER_PROBLEM, 0, 0, quote))
    assert world.take(INSIDE).quoted == (A, Y)


SOURCE_QUENCH, REDIRECT, INFORMATION_REQUEST = 4, 5, 15


@pytest.mark.parametrize("kind", [SOURCE_QUENCH, REDIRECT, INFORMATION_REQUEST])
def test_req10c_what_should_not_be_supported_is_dropped(world: World, kind: int) -> None:
    """Source Quench and Information Request should not be supported (nor is Redirect)."""
    quote = world.leaving(A, Y)
    assert world.refuses(OUTSIDE, icmp(ROUTER, EXTERNAL, kind, 0, 0, quote)) in (
        Drop.UNSUPPORTED_ICMP,
    )


def test_req10d_errors_are_not_answered_by_errors(world: World) -> None:
    """RFC 1812 4.3.2.7: no ICMP error about an ICMP error."""
    quote = world.leaving(A, Y)
    error = icmp(ROUTER, EXTERNAL, UNREACHABLE, 1, 0, quote, ttl=1)
    assert world.refuses(OUTSIDE, error) is Drop.TTL_EXCEEDED


def test_req10d_own_errors_are_rate_limited(world: World) -> None:
    """RFC 1812 4.3.2.8: the NAT limits how many errors it sends."""
    for _ in range(1000):
        world.put(INSIDE, udp(A, Y, ttl=1))
    assert 1 <= len(world.take_all(INSIDE)) <= 20


@pytest.mark.parametrize("kind", [9, 10, 13, 14, 17, 18, 30, 40, 253])
def test_req11_other_messages_are_dropped(world: World, kind: int) -> None:
    """Messages that are neither queries nor errors known here may be dropped."""
    assert world.refuses(INSIDE, icmp(A.address, Y.address, kind, 0, 0, b"data")) in (
        Drop.UNSUPPORTED_ICMP,
    )


def test_basic_nat_pings_in_both_directions(nat: Make) -> None:
    """A host with an external address of its own can be pinged from outside (RFC 3022 2.1)."""
    world = nat({"nat.static": [{"internal": "192.168.20.10", "external": "203.0.113.10"}]})
    own = Endpoint.parse("203.0.113.10:77")
    world.put(OUTSIDE, ping(Endpoint(Y.address, 77), own.address))
    seen = world.take(INSIDE)
    assert (seen.icmp, seen.destination_address) == ((ECHO_REQUEST, 0), A.address)
    world.put(INSIDE, icmp(A.address, Y.address, ECHO_REPLY, 0, 77 << 16 | 1, b"ping"))
    assert world.take(OUTSIDE).source == own


def test_req4_a_quote_cut_to_28_bytes_is_enough(world: World) -> None:
    """RFC 792: a router need not quote more than eight bytes behind the header."""
    world.connect(A, Y)
    quote = world.leaving(A, Y, ACK)[:28]
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, UNREACHABLE, 1, 0, quote))
    assert world.take(INSIDE).quoted == (A, Y)
    short = ipv4(ROUTER, EXTERNAL, 1, icmp(ROUTER, EXTERNAL, UNREACHABLE, 1, 0, quote[:24])[20:])
    assert world.refuses(OUTSIDE, short) is Drop.ICMP_BAD_QUOTE
