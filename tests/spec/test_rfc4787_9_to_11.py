"""RFC 4787 sections 9 to 11: ICMP, packets that are too big, fragments."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from nat.drop import Drop
from nat.endpoint import Endpoint
from tests.support.packets import (
    DONT_FRAGMENT,
    MORE_FRAGMENTS,
    TIME_EXCEEDED,
    UDP,
    UNREACHABLE,
    Seen,
    fragments,
    icmp,
    ipv4,
    udp,
)
from tests.support.sweep import sampled
from tests.support.world import EXTERNAL, GATEWAY, INSIDE, OUTSIDE, ROUTER, X1, A, B, World, Y

Make = Callable[..., World]
EVERY_TYPE = range(256)


def test_req12_no_icmp_message_ends_a_mapping(world: World) -> None:
    """No ICMP message of any kind may terminate a mapping."""
    quote = world.leaving(A, Y)
    external = Seen(quote).source
    for kind in EVERY_TYPE:
        for code in (0, 1, 3, 4, 13):
            world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, kind, code, 1400, quote))
            world.put(INSIDE, icmp(A.address, Y.address, kind, code, 1400, quote))
    world.take_all(INSIDE)
    world.take_all(OUTSIDE)
    assert world.lets_in(Y, external)
    assert world.out(A, Y) == external


def test_req12a_icmp_is_not_filtered_by_its_source(world: World) -> None:
    """An error may come from any router on the path, not only from the remote."""
    quote = world.leaving(A, Y)
    for sender in (ROUTER, Y.address, X1.address):
        world.put(OUTSIDE, icmp(sender, EXTERNAL, TIME_EXCEEDED, 0, 0, quote))
        assert world.take(INSIDE).source_address == sender


@pytest.mark.parametrize("code", range(16))
def test_req12b_destination_unreachable_reaches_the_inside_host(world: World, code: int) -> None:
    """Destination Unreachable should be supported: its quote is the packet as the host sent it."""
    quote = world.leaving(A, Y)
    rest = 1280 if code == 4 else 0
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, UNREACHABLE, code, rest, quote))
    seen = world.take(INSIDE)
    assert seen.icmp == (UNREACHABLE, code)
    assert seen.quoted == (A, Y)
    assert seen.destination_address == A.address


def test_req13_who_forbids_fragments_hears_the_next_mtu(nat: Make) -> None:
    """A packet with DF that is too big for the outside must be answered by ICMP 3/4."""
    world = nat({"outside.mtu": 1280})
    world.put(INSIDE, udp(A, Y, bytes(1400), fragment=DONT_FRAGMENT))
    seen = world.take(INSIDE)
    assert (seen.icmp, seen.next_mtu, seen.quoted) == ((UNREACHABLE, 4), 1280, (A, Y))
    assert seen.source_address == GATEWAY
    assert world.dropped is Drop.TOO_BIG


def test_req13_the_same_from_outside_to_a_narrow_inside(nat: Make) -> None:
    """… from either side, for either wire has its own MTU."""
    world = nat({"inside.mtu": 1280})
    external = world.out(A, Y)
    world.put(OUTSIDE, udp(Y, external, bytes(1400), fragment=DONT_FRAGMENT))
    seen = world.take(OUTSIDE)
    assert (seen.icmp, seen.next_mtu, seen.quoted) == ((UNREACHABLE, 4), 1280, (Y, external))
    assert seen.source_address == EXTERNAL


def test_req13_a_routers_next_mtu_reaches_the_inside_host(world: World) -> None:
    """… and what a router further on says about its MTU is passed on."""
    quote = world.leaving(A, Y, payload=bytes(1400), fragment=DONT_FRAGMENT)
    world.put(OUTSIDE, icmp(ROUTER, EXTERNAL, UNREACHABLE, 4, 1300, quote[:576]))
    seen = world.take(INSIDE)
    assert (seen.icmp, seen.next_mtu, seen.quoted) == ((UNREACHABLE, 4), 1300, (A, Y))


def test_req13_a_router_inside_is_heard_outside(world: World) -> None:
    """… in both directions: a router inside may stand before a narrow link too."""
    external = world.out(A, Y)
    quote = world.entering(Y, external, payload=bytes(1400), fragment=DONT_FRAGMENT)
    world.put(INSIDE, icmp(B.address, Y.address, UNREACHABLE, 4, 1300, quote))
    seen = world.take(OUTSIDE)
    assert (seen.icmp, seen.next_mtu, seen.quoted) == ((UNREACHABLE, 4), 1300, (Y, external))
    assert seen.source_address == EXTERNAL


@pytest.mark.parametrize("flags", [0, DONT_FRAGMENT])
@pytest.mark.parametrize(("inside", "outside"), [(1280, 1500), (1500, 1280)])
def test_req13_what_fits_the_wire_it_leaves_by_passes_whole(
    nat: Make, inside: int, outside: int, flags: int
) -> None:
    """… and the MTU of the wire that a packet came by has nothing to say about it."""
    world = nat({"inside.mtu": inside, "outside.mtu": outside})
    external = world.out(A, Y)
    if outside > inside:
        world.put(INSIDE, udp(A, Y, bytes(1400), fragment=flags))
        assert world.take(OUTSIDE).payload == bytes(1400)
    else:
        world.put(OUTSIDE, udp(Y, external, bytes(1400), fragment=flags))
        assert world.take(INSIDE).payload == bytes(1400)


def test_req13a_others_are_fragmented_in_order(nat: Make) -> None:
    """Without DF the NAT must fragment, and should send the fragments in order."""
    world = nat({"outside.mtu": 1280})
    payload = random.Random(1).randbytes(3000)
    world.put(INSIDE, udp(A, Y, payload))
    pieces = world.take_all(OUTSIDE)
    assert all(len(piece.data) <= 1280 for piece in pieces)
    offsets = [piece.offset for piece in pieces]
    assert offsets == sorted(offsets)
    assert joined(pieces)[8:] == payload


def joined(pieces: list[Seen]) -> bytes:
    """What the fragments of one datagram carry."""
    assert len({piece.identification for piece in pieces}) == 1
    body = b""
    for piece in sorted(pieces, key=lambda each: each.offset):
        assert piece.offset == len(body)
        assert bool(piece.word(6) & MORE_FRAGMENTS) is (piece is not pieces[-1])
        body += piece.body
    return body


@pytest.mark.parametrize("order", ["in order", "reversed", "shuffled", "last one first"])
def test_req14_fragments_are_taken_in_any_order(world: World, order: str) -> None:
    """A NAT must receive fragments in and out of order, and translate the datagram they make."""
    payload = random.Random(2).randbytes(3000)
    pieces = fragments(udp(A, Y, payload), 800)
    if order == "reversed":
        pieces.reverse()
    elif order == "shuffled":
        random.Random(3).shuffle(pieces)
    elif order == "last one first":
        pieces.insert(0, pieces.pop())
    for piece in pieces:
        assert world.is_quiet()
        world.put(INSIDE, piece)
    out = world.take_all(OUTSIDE)
    body = joined(out)
    assert body[8:] == payload
    assert {piece.source_address for piece in out} == {EXTERNAL}


def test_req14_a_fragmented_answer_passes_too(world: World) -> None:
    """… also from the outside, and only if a whole datagram would pass."""
    external = world.out(A, Y)
    for piece in fragments(udp(Y, external, bytes(2000)), 1000):
        world.put(OUTSIDE, piece)
    assert joined(world.take_all(INSIDE))[8:] == bytes(2000)
    for piece in fragments(udp(X1, external, bytes(2000)), 1000):
        world.put(OUTSIDE, piece)
    assert world.is_quiet()
    assert world.dropped is Drop.FILTERED


def test_req14_the_header_is_that_of_the_first_fragment(world: World) -> None:
    """… with the IP options that the first fragment alone has (RFC 791 3.2)."""
    whole = udp(A, Y, bytes(1000))
    record_route = b"\x07\x07\x04\0\0\0\0\0"
    head = ipv4(
        A.address, Y.address, UDP, whole[20:420], fragment=MORE_FRAGMENTS, options=record_route
    )
    world.put(INSIDE, ipv4(A.address, Y.address, UDP, whole[420:], fragment=50))
    world.put(INSIDE, head)
    seen = world.take(OUTSIDE)
    assert seen.data[20:28] == record_route
    assert seen.payload == bytes(1000)


def test_req14a_one_source_cannot_take_all_the_room(world: World) -> None:
    """One source's fragments must leave room for those of others."""
    for number in range(1000):
        head = ipv4(
            B.address, Y.address, UDP, bytes(16), fragment=MORE_FRAGMENTS, identification=number
        )
        world.put(INSIDE, head)
    assert world.dropped is Drop.FRAGMENT_LIMIT
    for piece in fragments(udp(A, Y, bytes(2000)), 1000):
        world.put(INSIDE, piece)
    assert joined(world.take_all(OUTSIDE))[8:] == bytes(2000)


def test_req14a_waiting_fragments_are_few_and_small(nat: Make) -> None:
    """… and both the pieces of one datagram and the bytes of all of them are counted."""
    world = nat({"nat.limits.fragment_bytes": 65536})
    for number in range(70):
        piece = ipv4(A.address, Y.address, UDP, bytes(8), fragment=MORE_FRAGMENTS | 2 * number)
        world.put(INSIDE, piece)
    assert world.show("counters")["drops"]["inside"] == {"fragment-limit": 6}  # 64 are taken
    world.wait(31.0)
    for number in range(100):
        identification, place = divmod(number, 20)
        piece = ipv4(
            A.address,
            Y.address,
            UDP,
            bytes(1000),
            fragment=MORE_FRAGMENTS | 125 * place,
            identification=identification,
        )
        world.put(INSIDE, piece)
    assert world.show("counters")["drops"]["inside"]["fragment-limit"] == 6 + 100 - 65


@pytest.mark.slow
@pytest.mark.parametrize("place", sampled([0, 2], 2))
def test_req14a_a_flood_of_fragments_harms_nobody_else(world: World, place: int) -> None:
    """Fragments that never become whole, without a rest or without a first one, must not keep the
    NAT from its other work."""
    external = world.out(A, Y)
    for number in range(10_000):
        attacker = Endpoint(Y.address + number % 50, 5060)
        head = ipv4(
            attacker.address,
            EXTERNAL,
            UDP,
            bytes(16),
            fragment=MORE_FRAGMENTS | place,
            identification=number,
        )
        world.put(OUTSIDE, head)
    assert world.dropped is Drop.FRAGMENT_LIMIT
    assert world.into(Y, external) == A  # whole packets do not care
    for piece in fragments(udp(B, Y, bytes(2000)), 1000):
        world.put(INSIDE, piece)  # half of the room is not for the outside
    assert joined(world.take_all(OUTSIDE))[8:] == bytes(2000)
    world.wait(31.0)
    for piece in fragments(udp(B, Y, bytes(2000)), 1000):
        world.put(INSIDE, piece)
    assert joined(world.take_all(OUTSIDE))[8:] == bytes(2000)


def test_traceroute_shows_the_nat_as_a_hop(world: World) -> None:
    """A packet at the end of its time to live is answered by the NAT, from its inside address."""
    world.put(INSIDE, udp(A, Y, ttl=1))
    seen = world.take(INSIDE)
    assert (seen.icmp, seen.source_address, seen.quoted) == ((TIME_EXCEEDED, 0), GATEWAY, (A, Y))
    assert world.dropped is Drop.TTL_EXCEEDED


def test_traceroute_from_outside_shows_the_nat_too(world: World) -> None:
    """… and to somebody outside from its external address."""
    external = world.out(A, Y)
    world.put(OUTSIDE, udp(Y, external, ttl=1))
    seen = world.take(OUTSIDE)
    assert (seen.icmp, seen.source_address) == ((TIME_EXCEEDED, 0), EXTERNAL)
    assert seen.quoted == (Y, external)
