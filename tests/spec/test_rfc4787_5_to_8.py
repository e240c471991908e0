"""RFC 4787 sections 5 to 8: filtering, hairpinning, application-layer gateways, determinism."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from nat.drop import Drop
from nat.endpoint import Endpoint
from tests.support.sweep import sampled
from tests.support.world import EXTERNAL, INSIDE, OUTSIDE, X1, X2, A, B, World, Y

Make = Callable[..., World]


@pytest.mark.parametrize(
    ("filtering", "x1", "x2", "y"),
    [
        ("endpoint-independent", True, True, True),
        ("address-dependent", True, True, False),
        ("address-and-port-dependent", True, False, False),
    ],
)
@pytest.mark.parametrize(
    "mapping", ["endpoint-independent", "address-dependent", "address-and-port-dependent"]
)
def test_req8_who_may_answer(
    nat: Make, mapping: str, filtering: str, x1: bool, x2: bool, y: bool
) -> None:
    """Filtering should be endpoint-independent, or address-dependent where that is too open."""
    world = nat({"nat.filtering": filtering, "nat.mapping": mapping})
    external = world.out(A, X1)
    found = tuple(world.lets_in(remote, external) for remote in (X1, X2, Y))
    assert found == (x1, x2, y)


def test_req8_a_filter_closes_on_time(world: World) -> None:
    """… and who was sent to is let in as long as that flow lives, though the mapping lives longer
    and what is over may not have been tidied up yet."""
    external = world.out(A, X1)
    world.at(100.0)
    world.out(A, Y)
    world.at(119.0)
    assert world.lets_in(X2, external)
    world.now = 120.1  # and nothing has been done since
    assert not world.lets_in(X2, external)
    assert world.lets_in(Endpoint(Y.address, 9), external)


def test_req8a_filtering_can_be_chosen_while_packets_flow(world: World) -> None:
    """Filtering may be an option of the administrator."""
    external = world.out(A, X1)
    assert not world.lets_in(Y, external)
    world.engine.set("nat.filtering", "endpoint-independent", "test", world.now)
    assert world.lets_in(Y, external)
    world.engine.set("nat.filtering", "address-and-port-dependent", "test", world.now)
    assert not world.lets_in(X2, external)


def test_req9_inside_hosts_reach_each_other_by_external_endpoints(nat: Make) -> None:
    """A NAT must support hairpinning."""
    world = nat({"nat.filtering": "endpoint-independent"})
    of_b = world.out(B, X1)
    seen = world.hairpin(A, of_b)
    assert seen.destination == B
    assert seen.ttl == 63  # one hop, though it passed the NAT twice


def test_req9a_a_hairpinned_packet_comes_from_the_external_endpoint(nat: Make) -> None:
    """The receiver must see the sender's external address and port, and so may answer."""
    world = nat({"nat.filtering": "endpoint-independent"})
    of_b = world.out(B, X1)
    seen = world.hairpin(A, of_b)
    assert seen.source.address == EXTERNAL
    answer = world.hairpin(B, seen.source)
    assert (answer.source, answer.destination) == (of_b, A)


def test_req9_hairpinning_works_with_overloading_too(nat: Make) -> None:
    """… also where external ports are shared: nobody shares the one that it wants to talk to."""
    world = nat({"nat.filtering": "endpoint-independent", "nat.overloading": True})
    of_b = world.out(B, X1)
    seen = world.hairpin(A, of_b)
    assert seen.destination == B
    assert seen.source != of_b
    assert world.hairpin(B, seen.source).destination == A


def test_req9_hairpinning_obeys_the_filter(world: World) -> None:
    """… as anybody else does who comes by the external endpoint."""
    of_b = world.out(B, X1)
    assert world.refuses(INSIDE, world.made(A, of_b, None)) is Drop.FILTERED


def test_req9_hairpinning_can_be_switched_off(nat: Make) -> None:
    """Without it inside hosts that know only external endpoints cannot talk."""
    world = nat({"nat.filtering": "endpoint-independent", "nat.hairpin": False})
    of_b = world.out(B, X1)
    assert world.refuses(INSIDE, world.made(A, of_b, None)) is Drop.NO_HAIRPIN


REGISTRAR = Endpoint(X1.address, 5060)
REGISTER = (
    b"REGISTER sip:203.0.113.9 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.20.10:4000;branch=z9hG4bK1;rport\r\n"
    b"From: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@203.0.113.9>\r\n"
    b"Call-ID: 1@192.168.20.10\r\nCSeq: 1 REGISTER\r\n"
    b"Contact: <sip:a@192.168.20.10:4000>\r\nContent-Length: 0\r\n\r\n"
)


def test_req10_no_alg_is_on_by_default(world: World) -> None:
    """ALGs for UDP should be off by default: a SIP message passes byte for byte."""
    world.put(INSIDE, world.made(A, REGISTRAR, None, payload=REGISTER))
    assert world.take(OUTSIDE).payload == REGISTER


def test_req10a_each_alg_is_switched_alone_and_at_run_time(world: World) -> None:
    """An administrator should be able to switch each ALG separately."""
    world.engine.set("alg.sip.module", "sip", "test", world.now)
    world.put(INSIDE, world.made(A, REGISTRAR, None, payload=REGISTER))
    assert b"<sip:a@203.0.113.1:4000>" in world.take(OUTSIDE).payload
    assert world.engine.settings["alg.dns.module"] == "off"
    world.engine.set("alg.sip.module", "off", "test", world.now)
    world.put(INSIDE, world.made(A, REGISTRAR, None, payload=REGISTER))
    assert world.take(OUTSIDE).payload == REGISTER


def a_story(world: World, seed: int) -> list[object]:
    """Hosts talk at random; what came of each packet."""
    rng = random.Random(seed)
    story: list[object] = []
    externals = [Endpoint(EXTERNAL, 4000)]
    for _ in range(400):
        world.wait(rng.choice((0.0, 1.0, 130.0)))
        remote = rng.choice((X1, X2, Y))
        if rng.random() < 0.6:
            internal = Endpoint(rng.choice((A, B)).address, rng.randrange(4000, 4004))
            externals.append(world.out(internal, remote))
            story.append(externals[-1])
        else:
            story.append(world.lets_in(remote, rng.choice(externals)))
    return story


@pytest.mark.slow
@pytest.mark.parametrize("policy", sampled(["preserve", "sequential", "random"], 3))
def test_req11_the_same_packets_get_the_same_treatment(nat: Make, policy: str) -> None:
    """A NAT must be deterministic: nothing but its settings decides what it does."""
    for seed in range(2):
        stories = [a_story(nat({"nat.ports": policy}), seed) for _ in range(2)]
        assert stories[0] == stories[1]


def test_req11_behaviour_does_not_change_when_ports_collide(world: World) -> None:
    """When the wanted port is taken, mapping and filtering must stay what they were."""
    world.out(A, X1)
    loser = world.out(B, X1)
    assert loser.port != B.port
    assert {world.out(B, remote) for remote in (X1, X2, Y)} == {loser}
    assert world.lets_in(Endpoint(X1.address, 9), loser)
    assert not world.lets_in(Endpoint(X1.address + 1, 9), loser)
