"""Hosts and links in memory, around a NAT that does what each test tells it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from appliance.parties.party import (
    Action,
    Close,
    Closed,
    Connect,
    Connected,
    Datagram,
    Ending,
    News,
    Obstacle,
    Ping,
    Pong,
    Received,
    Report,
    Send,
    Undelivered,
    Wake,
    What,
    Write,
)
from appliance.sim.clock import Clock
from appliance.sim.network import World, no_way
from appliance.sim.packets import pack, unpack
from nat import icmp
from nat.drop import Drop
from nat.endpoint import TCP, UDP, Endpoint, Side, parse_address
from nat.mapping import Arrival
from nat.packet import Packet
from tests.appliance.sim.speaker import Speaker
from tests.support.rig import Through

PHONE, DESK = Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("192.168.20.101:4000")
NAT, PBX = Endpoint.parse("203.0.113.1:4000"), Endpoint.parse("203.0.113.9:10000")
OTHER = Endpoint.parse("203.0.113.10:10000")


class Glass:
    """A NAT of one line: what a test wants to happen to each packet."""

    def __init__(self) -> None:
        self.outbox: list[tuple[Side, Packet]] = []
        self.seen: list[tuple[float, Side]] = []
        self.does: Callable[[Packet, Side], Any] = lambda packet, side: Drop.FILTERED

    def handle(self, packet: Packet, side: Side, now: float) -> Any:
        self.seen.append((now, side))
        return self.does(packet, side)


class Stage:
    def __init__(self, seed: int = 0) -> None:
        self.clock = Clock()
        self.nat = Glass()
        self.reports: list[Report] = []
        self.losses: list[tuple[str, str]] = []
        self.world = World(
            self.clock,
            self.nat,  # type: ignore[arg-type]
            [NAT.address],
            (0.001, 0.010),
            lambda party, report, now: self.reports.append(report),
            lambda packet, between, where, why, now: self.losses.append((where, why)),
            seed,
        )
        self.phone, self.desk = Speaker(PHONE), Speaker(DESK)
        self.pbx, self.other = Speaker(PBX), Speaker(OTHER)
        self.hosts = {
            speaker: self.world.add(speaker, side, 0.0)
            for speaker, side in (
                (self.phone, Side.INSIDE),
                (self.desk, Side.INSIDE),
                (self.pbx, Side.OUTSIDE),
                (self.other, Side.OUTSIDE),
            )
        }

    def does(self, speaker: Speaker, *actions: Action) -> None:
        self.world.perform(self.hosts[speaker], actions, self.clock.now)

    def run(self) -> None:
        while self.clock.next < inf:
            self.clock.step()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def becomes(source: Endpoint, destination: Endpoint) -> Callable[[Packet, Side], Any]:
    def translate(packet: Packet, side: Side) -> Any:
        datagram = unpack(packet)
        assert datagram is not None
        packet.replace(pack(Send(source, destination, datagram.payload), 1).to_bytes())
        return Through(Arrival(side.other))

    return translate


def test_a_packet_takes_both_links_and_goes_through_the_nat(stage: Stage) -> None:
    stage.nat.does = becomes(NAT, PBX)
    stage.does(stage.phone, Send(PHONE, PBX, b"hello"))
    stage.run()
    assert stage.nat.seen == [(0.001, Side.INSIDE)]
    assert stage.pbx.heard == [(0.011, Datagram(NAT, PBX, b"hello"))]


def test_and_back(stage: Stage) -> None:
    stage.nat.does = becomes(PBX, PHONE)
    stage.does(stage.pbx, Send(PBX, NAT, b"hello"))
    stage.run()
    assert stage.nat.seen == [(0.010, Side.OUTSIDE)]
    assert stage.phone.heard == [(0.011, Datagram(PBX, PHONE, b"hello"))]


def test_hosts_on_one_side_reach_each_other_without_the_nat(stage: Stage) -> None:
    stage.does(stage.phone, Send(PHONE, DESK, b"in"))
    stage.does(stage.pbx, Send(PBX, OTHER, b"out"))
    stage.run()
    assert stage.nat.seen == []
    assert stage.desk.heard == [(0.001, Datagram(PHONE, DESK, b"in"))]
    assert stage.other.heard == [(0.010, Datagram(PBX, OTHER, b"out"))]


def test_outside_nobody_knows_the_way_to_a_private_address(stage: Stage) -> None:
    """RFC 1918 3: private addresses have no meaning outside their network. The host exists, on
    the other side."""
    stage.does(stage.pbx, Send(PBX, PHONE, b"hello"))
    stage.run()
    assert stage.nat.seen == []
    assert stage.phone.heard == []
    assert stage.world.lost == {"no route to 192.168.20.100": 1}


def test_inside_everything_else_goes_to_the_nat(stage: Stage) -> None:
    stage.does(stage.phone, Send(PHONE, Endpoint.parse("10.0.0.1:1"), b""))
    stage.run()
    assert len(stage.nat.seen) == 1


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("10.255.255.255", "no route to 10.255.255.255"),
        ("172.16.0.1", "no route to 172.16.0.1"),
        ("172.32.0.1", "no host at 172.32.0.1"),
        ("192.168.0.1", "no route to 192.168.0.1"),
        ("203.0.113.77", "no host at 203.0.113.77"),
    ],
)
def test_where_a_packet_ends(address: str, sentence: str) -> None:
    assert no_way(parse_address(address)) == sentence


def test_what_the_nat_drops_is_lost_there_with_its_reason(stage: Stage) -> None:
    stage.does(stage.pbx, Send(PBX, NAT, b""))
    stage.run()
    assert stage.world.lost == {"dropped by the NAT: filtered": 1}
    assert stage.world.place_of_loss(PBX, None) == "dropped by the NAT: filtered"


def test_a_packet_that_the_nat_keeps_is_not_lost(stage: Stage) -> None:
    stage.nat.does = lambda packet, side: None
    stage.does(stage.phone, Send(PHONE, PBX, b""))
    stage.run()
    assert stage.world.lost == {}


def test_what_the_nat_sends_of_its_own_is_delivered(stage: Stage) -> None:
    def answers(packet: Packet, side: Side) -> Any:
        stage.nat.outbox.append((side, pack(Send(PBX, PHONE, b"own"), 1)))
        return Drop.FILTERED

    stage.nat.does = answers
    stage.does(stage.phone, Send(PHONE, PBX, b""))
    stage.run()
    assert stage.phone.heard == [(0.002, Datagram(PBX, PHONE, b"own"))]
    assert stage.nat.outbox == []


def test_a_translated_packet_for_nobody_is_lost(stage: Stage) -> None:
    stage.nat.does = becomes(NAT, Endpoint.parse("203.0.113.77:1"))
    stage.does(stage.phone, Send(PHONE, PBX, b""))
    stage.run()
    assert stage.world.lost == {"no host at 203.0.113.77": 1}


def test_a_closed_port_hears_nothing(stage: Stage) -> None:
    stage.does(stage.pbx, Send(PBX, OTHER._replace(port=5), b""))
    stage.run()
    assert stage.world.lost == {"nobody listens at 203.0.113.10:5": 1}


def test_a_wrong_checksum_is_found_out_by_the_host(stage: Stage) -> None:
    def spoils(packet: Packet, side: Side) -> Any:
        packet.buffer[27] ^= 1
        return Through(Arrival(side.other))

    stage.nat.does = spoils
    stage.does(stage.phone, Send(PHONE, PBX, b"hello"))
    stage.run()
    assert stage.pbx.heard == []
    assert stage.world.lost == {"wrong checksum at 203.0.113.9:10000": 1}


def test_the_latest_place_of_loss_is_the_one_that_is_told(stage: Stage) -> None:
    stage.does(stage.pbx, Send(PBX, PHONE, b""))
    stage.does(stage.pbx, Send(PBX, Endpoint.parse("203.0.113.77:1"), b""))
    assert stage.world.place_of_loss(PBX, None) == "no host at 203.0.113.77"
    assert stage.world.place_of_loss(OTHER, PHONE) == "no route to 192.168.20.100"
    assert stage.world.place_of_loss(OTHER, None) == ""


def test_losses_are_remembered_for_a_thousand_pairs_at_most(stage: Stage) -> None:
    first = Endpoint(PHONE.address, 1)
    for port in range(1, 1002):
        stage.does(stage.pbx, Send(PBX, Endpoint(PHONE.address, port), b""))
    assert stage.world.place_of_loss(OTHER, first) == ""
    assert stage.world.lost == {"no route to 192.168.20.100": 1001}


def test_only_the_newest_wake_counts(stage: Stage) -> None:
    stage.does(stage.phone, Wake(5.0), Wake(3.0), Wake(4.0))
    stage.run()
    assert stage.phone.woken == [4.0]


def test_reports_are_passed_on(stage: Stage) -> None:
    report = Report(What.CALL_TRIED, "alice", "bob")
    stage.does(stage.phone, report)
    assert stage.reports == [report]


def test_a_party_acts_when_it_is_switched_on(stage: Stage) -> None:
    late = Speaker(Endpoint.parse("203.0.113.20:1"))
    late.at_start = [Wake(1.0)]
    stage.world.add(late, Side.OUTSIDE, 0.0)
    stage.run()
    assert late.woken == [1.0]


# --- TCP and ICMP --------------------------------------------------------------------------------


def hello_to_the_first(news: News) -> list[Action]:
    """What a server does that has one sentence to say."""
    if isinstance(news, Connected):
        return [Write(news.local, news.remote, b"hello"), Close(news.local, news.remote)]
    return []


def test_two_hosts_on_one_side_speak_tcp_without_the_nat(stage: Stage) -> None:
    stage.desk.on_news = hello_to_the_first
    stage.does(stage.phone, Connect(PHONE, DESK))
    stage.run()
    assert stage.nat.seen == []
    assert stage.phone.news[:2] == [
        (0.002, Connected(PHONE, DESK)),
        (0.004, Received(PHONE, DESK, b"hello")),
    ]


def test_a_lost_segment_is_written_down_and_comes_again(stage: Stage) -> None:
    carried: list[Packet] = []

    def loses_the_first_from_the_desk(packet: Packet, side: Side) -> bool:
        carried.append(packet)
        return len(carried) == 2

    stage.world.loses = loses_the_first_from_the_desk
    stage.does(stage.phone, Connect(PHONE, DESK))
    stage.run()
    assert stage.phone.news == [(pytest.approx(1.002), Connected(PHONE, DESK))]
    assert stage.world.lost == {"lost on the inside link": 1}
    assert stage.world.place_of_loss(DESK, None) == "lost on the inside link"


def test_a_port_that_nobody_listens_on_refuses(stage: Stage) -> None:
    stage.does(stage.phone, Connect(PHONE, DESK._replace(port=1)))
    stage.run()
    assert stage.phone.said() == [Closed(PHONE, DESK._replace(port=1), Ending.REFUSED)]
    assert stage.world.lost == {"nobody listens at 192.168.20.101:1 over TCP": 1}


def test_a_connection_to_nobody_is_lost_segment_by_segment(stage: Stage) -> None:
    nobody = Endpoint.parse("203.0.113.77:80")
    stage.does(stage.pbx, Connect(PBX, nobody))
    stage.run()
    assert stage.world.lost == {"no host at 203.0.113.77": 8}
    assert stage.world.place_of_loss(PBX, None) == "no host at 203.0.113.77"
    assert stage.pbx.said() == [Closed(PBX, nobody, Ending.TIMED_OUT)]


def test_news_of_an_action_is_heard_after_the_step(stage: Stage) -> None:
    stage.does(stage.phone, Connect(PHONE, DESK), Connect(PHONE, DESK))
    assert stage.phone.news == []
    stage.run()
    assert stage.phone.said()[0] == Closed(PHONE, DESK, Ending.IMPOSSIBLE)


@pytest.mark.parametrize("kind", [Connect, Ping])
def test_what_is_dropped_is_lost_with_its_reason_whatever_it_is(stage: Stage, kind: type) -> None:
    target = PBX if kind is Connect else PBX.address
    stage.does(stage.phone, kind(PHONE, target))
    stage.clock.step()
    assert stage.world.lost == {"dropped by the NAT: filtered": 1}
    assert stage.world.place_of_loss(PHONE, None) == "dropped by the NAT: filtered"


@pytest.mark.parametrize("kind", [Connect, Ping])
def test_a_wrong_checksum_is_found_out_whatever_it_is(stage: Stage, kind: type) -> None:
    def spoils(packet: Packet, side: Side) -> Any:
        packet.buffer[packet.length - 1] ^= 1
        return Through(Arrival(side.other))

    stage.nat.does = spoils
    stage.does(stage.phone, kind(PHONE, PBX if kind is Connect else PBX.address))
    while stage.clock.now < 0.5 and stage.clock.next < inf:
        stage.clock.step()
    assert stage.world.lost["wrong checksum at 203.0.113.9:10000"] == 1
    assert stage.world.place_of_loss(PHONE, None) == "wrong checksum at 203.0.113.9:10000"


def test_a_ping_is_answered(stage: Stage) -> None:
    """RFC 1122 3.2.2.6."""
    stage.does(stage.phone, Ping(PHONE, DESK.address, 3, b"are you there"))
    stage.run()
    assert stage.phone.news == [(0.002, Pong(PHONE, DESK.address, 3, b"are you there"))]


def test_an_icmp_error_about_a_datagram_is_heard(stage: Stage) -> None:
    """RFC 1122 4.1.3.3."""

    def refuses(packet: Packet, side: Side) -> Any:
        about = icmp.error(packet, NAT.address, icmp.TIME_EXCEEDED, 0)
        stage.nat.outbox.append((side, Packet.of(about)))
        return Drop.TTL_EXCEEDED

    stage.nat.does = refuses
    stage.does(stage.phone, Send(PHONE, PBX, b"hello"))
    stage.run()
    error = Undelivered(UDP, PHONE, PBX, Obstacle.TIME_EXCEEDED, NAT.address)
    assert stage.phone.news == [(0.002, error)]


def test_a_closed_port_answers_only_where_hosts_do(stage: Stage) -> None:
    """RFC 1122 4.1.3.1: a host should; it is asked for, since not all do."""
    talkative = Speaker(Endpoint.parse("203.0.113.20:7"))
    stage.world.add(talkative, Side.OUTSIDE, 0.0, tells_closed_ports=True)
    closed = [OTHER._replace(port=5), Endpoint(talkative.address, 5)]
    stage.does(stage.pbx, *(Send(PBX, each, b"hello") for each in closed))
    stage.run()
    error = Undelivered(UDP, PBX, closed[1], Obstacle.PORT_UNREACHABLE, talkative.address)
    assert stage.pbx.said() == [error]
    assert stage.world.lost == {f"nobody listens at {each}": 1 for each in closed}


def test_an_icmp_error_about_no_connection_of_this_host_is_not_heard(stage: Stage) -> None:
    def forges(packet: Packet, side: Side) -> Any:
        quoted = packet.copy()
        quoted.buffer[20:22] = b"\x12\x34"  # another port
        about = icmp.error(quoted, NAT.address, icmp.UNREACHABLE, icmp.PORT_UNREACHABLE)
        stage.nat.outbox.append((side, Packet.of(about)))
        return Drop.FILTERED

    stage.nat.does = forges
    stage.does(stage.phone, Connect(PHONE, PBX))
    stage.clock.step()
    stage.clock.step()
    assert stage.phone.said() == []


def test_an_icmp_error_about_a_connection_is_heard_before_anything_else(stage: Stage) -> None:
    def refuses(packet: Packet, side: Side) -> Any:
        about = icmp.error(packet, NAT.address, icmp.UNREACHABLE, icmp.PORT_UNREACHABLE)
        stage.nat.outbox.append((side, Packet.of(about)))
        return Drop.FILTERED

    stage.nat.does = refuses
    stage.does(stage.phone, Connect(PHONE, PBX))
    stage.run()
    assert stage.phone.said() == [
        Undelivered(TCP, PHONE, PBX, Obstacle.PORT_UNREACHABLE, NAT.address),
        Closed(PHONE, PBX, Ending.UNREACHABLE),
    ]


def test_the_same_seed_gives_the_same_sequence_numbers() -> None:
    """And another seed others (RFC 9293 3.4.1: they should not be guessed)."""
    assert first_segment(1) == first_segment(1)
    assert first_segment(1) != first_segment(2)


def first_segment(seed: int) -> bytes:
    stage = Stage(seed)
    seen: list[bytes] = []
    stage.nat.does = lambda packet, side: seen.append(packet.to_bytes())
    stage.does(stage.phone, Connect(PHONE, PBX))
    stage.clock.step()
    return seen[0]
