"""Packets that a stranger forges: sound, in another's name, and to the ports that it tries."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from appliance.journal.tap import Point
from appliance.parties.party import (
    Abort,
    Connect,
    Connected,
    Datagram,
    Forge,
    Report,
    Send,
    Write,
)
from appliance.parties.sipua import parse, respond
from appliance.parties.stranger import FINDS, STRETCH, Stranger, StrangerTraits
from appliance.sim.packets import is_sound, unpack_icmp, unpack_segment
from appliance.sim.scenario import Turns
from appliance.sim.staging import simulation
from appliance.sim.stories import load_scenario
from nat.endpoint import Endpoint, Side, parse_address
from nat.packet import Packet
from nat.tcp import RST
from nat.translator import Verdict

SERVER = Endpoint.parse("203.0.113.9:5060")
MALLORY = parse_address("198.51.100.66")


def traits(*tries: int, gives: str = "") -> StrangerTraits:
    return StrangerTraits(
        address="198.51.100.66",
        side="outside",
        victim="203.0.113.1",
        pretends=str(SERVER),
        tries=list(tries),
        gives=gives,
    )


def forged(order: str) -> list[Packet]:
    stranger = Stranger("mallory", traits(1024, 5060), Random(1))
    actions = stranger.tell(order, "", 0.0)
    return [Packet.of(each.packet) for each in actions if isinstance(each, Forge)]


def test_a_reset_goes_to_each_port_in_the_servers_name() -> None:
    segments = [unpack_segment(packet) for packet in forged("send-resets") if is_sound(packet)]
    ports = [each.destination.port for each in segments if each and each.source == SERVER]
    assert ports == [*range(1024, 1024 + STRETCH), *range(5060, 5060 + STRETCH)]
    assert {each.flags for each in segments if each} == {RST}
    assert len({each.sequence for each in segments if each}) > 1


def test_an_error_quotes_what_the_victim_might_have_sent() -> None:
    """RFC 792: of both protocols, for each port."""
    packets = forged("send-errors")
    assert all(map(is_sound, packets))
    assert len(packets) == 4 * STRETCH
    quotes = {Packet.of(packet.to_bytes()[28:]).addresses for packet in packets}
    assert quotes == {(Endpoint.parse("203.0.113.1:1").address, SERVER.address)}
    assert all(unpack_icmp(packet) is not None for packet in packets)


@pytest.mark.parametrize("tries", [[0], [65500], [1024] * 21])
def test_ports_are_ports_and_not_too_many(tries: list[int]) -> None:
    with pytest.raises(ValueError, match="tries"):
        traits(*tries).check()


def test_it_does_what_it_is_told_and_hears_nothing() -> None:
    stranger = Stranger("mallory", traits(1024), Random(1))
    assert not stranger.ports | stranger.tcp_ports
    assert list(stranger.start(0.0)) == []
    with pytest.raises(ValueError, match="does not know how"):
        stranger.tell("call", "", 0.0)


def test_whoever_takes_its_connection_gets_what_it_gives() -> None:
    """RFC 2577 6: port stealing. It uses its own name, and gives up where nobody answers."""
    mallory = Stranger("mallory", traits(4000, gives="a file"), Random(1))
    tried = [each for each in mallory.tell("connect", "", 0.0) if isinstance(each, Connect)]
    assert len({each.remote.port for each in tried}) == len(tried) == 100
    said = mallory.hear(Connected(tried[7].local, tried[7].remote), 0.1)
    assert [each.payload for each in said if isinstance(each, Write)] == [b"a file"]
    given_up = [each.remote for each in mallory.wake(1.0) if isinstance(each, Abort)]
    assert given_up == [each.remote for each in tried if each is not tried[7]]


def test_a_scan_asks_each_port_in_its_own_name_and_tells_who_answers() -> None:
    """RFC 3261 11."""
    stranger = Stranger("mallory", traits(5060), Random(1))
    asked = [each for each in stranger.tell("scan", "", 0.0) if isinstance(each, Send)]
    assert [each.destination.port for each in asked] == [*range(5060, 5060 + STRETCH)]
    request = parse(asked[0].payload)
    answer = respond(request, 200, asked[0].source, "tag").write()
    victim = asked[0].destination
    learnt = stranger.receive(Datagram(victim, asked[0].source, answer), 1.0)
    assert [(each.detail, each.target) for each in learnt if isinstance(each, Report)] == [
        (FINDS, victim)
    ]
    assert stranger.receive(Datagram(victim, asked[0].source, b"\0\0\0\0"), 1.0) == []


class Inside:
    """A tap that keeps to whom a packet of mallory's was on the inside."""

    def __init__(self) -> None:
        self.got: list[str] = []

    def see(
        self, point: Point, packet: Packet, side: Side, verdict: Verdict | None, now: float
    ) -> None:
        if (point, side, packet.addresses[0]) == (Point.LEFT, Side.INSIDE, MALLORY):
            self.got.append(str(packet.destination))


SCANNED = load_scenario("stranger-cuts")
CUT_SHORT = msgspec.structs.replace(
    SCANNED, script=[SCANNED.script[0], SCANNED.script[-1]], duration=15.0
)


@pytest.mark.parametrize(
    ("filtering", "gets_in"),
    [
        ("endpoint-independent", ["192.168.20.100:5060"]),
        ("address-dependent", []),
        ("address-and-port-dependent", []),
    ],
)
@pytest.mark.parametrize("alg", ["off", "sip"])
def test_nothing_unsolicited_gets_in_but_where_a_mapping_lets_in_anybody(
    alg: str, filtering: str, gets_in: list[str]
) -> None:
    """RFC 4787 5: of two hundred ports one is mapped, and its filtering decides."""
    turned = {
        "parties.alice.transport": "udp",
        "parties.pbx.transport": "udp",
        "nat.filtering": filtering,
    }
    run = simulation(CUT_SHORT, Turns(alg=alg, set=turned))
    inside = Inside()
    run.engine.datapath.taps.add(inside)
    run.run()
    assert inside.got == gets_in
