"""The same packets through a NAT of ours: what it lets out, and how that is held against others."""

from __future__ import annotations

from itertools import pairwise

from appliance.forensics.replaying import Sighting, Tape, networks_of
from appliance.forensics.retracing import (
    NOW_AND_THEN,
    OF_A_STREAM,
    differences,
    let_out,
    retrace,
    sampled,
    settings_of,
)
from appliance.forensics.sides import Sides, joined, mappings
from nat.endpoint import Network
from nat.packet import Packet
from tests.appliance.forensics.situations import captured
from tests.appliance.forensics.test_sides import out


def sides_of(name: str, spec: str) -> tuple[Sides, tuple[str, ...]]:
    tapes, sets = captured(name, spec)
    return joined(*tapes, [Network.parse(text) for text in networks_of(tapes[0])]), sets


def left(name: str, spec: str, other: str, *more: str) -> int:
    """Differences between a router with one module and a NAT of ours with another."""
    sides, sets = sides_of(name, spec)
    came = sampled(sides, [5060])
    trace = retrace(came, settings_of(sides, (*sets, f"alg.sip.module={other}", *more)))
    return differences(trace.out, let_out(sides, came))


def test_the_same_module_lets_the_same_out_and_another_does_not() -> None:
    assert left("registers", "sip", "sip") == 0
    assert left("registers", "sip", "off") > 0
    assert left("registers", "off", "sip-poor:stray-char") > 0


def test_ports_that_are_chosen_freely_are_compared_by_whose_they_are() -> None:
    """Ours throws other dice than the router did."""
    sides, sets = sides_of("many sockets", "sip-poor:symmetric-random")
    came = sampled(sides, [5060])
    settings = settings_of(sides, (*sets, "alg.sip.module=sip-poor:symmetric-random"))
    routers = let_out(sides, came)
    assert differences(retrace(came, settings).out, routers) > 0
    assert differences(retrace(came, settings, mappings(sides)).out, routers) == 0


def test_of_what_is_only_translated_some_packets_are_enough() -> None:
    """But every message, and enough of the others to keep alive what was alive."""
    whole = [(number * 0.02, number) for number in range(2000)]
    inside, outside = (
        Tape(0.0, [Sighting(t, Packet.of(out(number)[side])) for t, number in whole])
        for side in (0, 1)
    )
    sides = joined(inside, outside, [Network.parse("192.168.20.0/24")])
    media = sampled(sides, [5060])
    assert OF_A_STREAM < len(media) < OF_A_STREAM + 40 / NOW_AND_THEN + 2
    assert max(b.t - a.t for a, b in pairwise(media)) < NOW_AND_THEN + 0.1
    assert len(sampled(sides, [4000])) == len(whole)


def test_a_router_without_a_name_outside_gets_one_of_the_documentation() -> None:
    sides, _ = sides_of("registers", "sip")
    sides.externals = set()
    assert settings_of(sides, ()).written("outside.external") == ["203.0.113.1"]
