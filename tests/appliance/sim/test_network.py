"""Hosts and links in memory, around a NAT that does what each test tells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.journal.counters import WireCounters
from appliance.parties.party import Action, Datagram, Report, Send, Wake, What
from appliance.sim.clock import Clock
from appliance.sim.network import World, no_way, pack, unpack
from nat.checksum import pseudo_header, sums_up
from nat.drop import Drop
from nat.endpoint import UDP, Endpoint, Side, parse_address
from nat.packet import Packet

PHONE, DESK = Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("192.168.20.101:4000")
NAT, PBX = Endpoint.parse("203.0.113.1:4000"), Endpoint.parse("203.0.113.9:10000")
OTHER = Endpoint.parse("203.0.113.10:10000")

endpoints = st.builds(Endpoint, st.integers(0, 2**32 - 1), st.integers(0, 65535))
sends = st.builds(Send, endpoints, endpoints, st.binary(max_size=300))

# --- packets -------------------------------------------------------------------------------------


@given(sends, st.integers(0, 65535))
def test_what_is_packed_has_right_checksums(send: Send, identification: int) -> None:
    """RFC 1071; RFC 768: a checksum of 0 is sent as 0xFFFF."""
    packet = pack(send, identification)
    data = packet.to_bytes()
    assert packet.length == len(data) == 28 + len(send.payload)
    assert sums_up(data[:20])
    pseudo = pseudo_header(send.source.address, send.destination.address, UDP, len(data) - 20)
    assert sums_up(pseudo + data[20:])
    assert data[26:28] != b"\0\0"


@given(sends)
def test_what_is_packed_is_unpacked_again(send: Send) -> None:
    assert unpack(pack(send, 1)) == Datagram(*send)


@given(sends, st.data())
def test_a_changed_byte_is_noticed(send: Send, data: st.DataObject) -> None:
    """All but the checksum's blind spot, 0x00 against 0xFF in a whole word, which one changed byte
    cannot make, and the UDP checksum's own 0."""
    packet = pack(send, 1)
    place = data.draw(st.integers(0, packet.length - 1))
    packet.buffer[place] ^= data.draw(st.integers(1, 255))
    if packet.buffer[26:28] != b"\0\0":
        assert unpack(packet) is None


def test_a_datagram_without_checksum_is_taken_as_it_is() -> None:
    """RFC 768: 0 means that the sender made none."""
    packet = pack(Send(PHONE, PBX, b"hello"), 1)
    packet.buffer[26:28] = b"\0\0"
    packet.buffer[30] ^= 1
    assert unpack(packet) is not None


@pytest.mark.parametrize("length", range(28))
def test_a_packet_cut_short_is_no_datagram(length: int) -> None:
    packet = pack(Send(PHONE, PBX, b""), 1)
    assert unpack(Packet(packet.buffer, length)) is None


# --- the world -----------------------------------------------------------------------------------


class Speaker:
    """A party that repeats what a test tells it and writes down what it hears."""

    def __init__(self, endpoint: Endpoint, ports: Set[int] | None = None) -> None:
        self.name = str(endpoint)
        self.address = endpoint.address
        self.ports: Set[int] = {endpoint.port} if ports is None else ports
        self.heard: list[tuple[float, Datagram]] = []
        self.woken: list[float] = []
        self.at_start: Sequence[Action] = ()

    def start(self, now: float) -> Sequence[Action]:
        return self.at_start

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        self.heard.append((now, datagram))
        return ()

    def wake(self, now: float) -> Sequence[Action]:
        self.woken.append(now)
        return ()

    def tell(self, order: str, whom: str, now: float) -> Sequence[Action]:
        return ()


class Glass:
    """A NAT of one line: what a test wants to happen to each packet."""

    def __init__(self) -> None:
        self.outbox: list[tuple[Side, Packet]] = []
        self.seen: list[tuple[float, Side]] = []
        self.does: Callable[[Packet, Side], Any] = lambda packet, side: Drop.FILTERED
        self.datapath = SimpleNamespace(counters=(WireCounters(), WireCounters()))

    def handle(self, packet: Packet, side: Side, now: float) -> Any:
        self.seen.append((now, side))
        verdict = self.does(packet, side)
        if not isinstance(verdict, Drop):
            return verdict
        self.datapath.counters[side].drop(verdict, 1, packet.length)
        return None


class Stage:
    def __init__(self) -> None:
        self.clock = Clock()
        self.nat = Glass()
        self.reports: list[Report] = []
        self.world = World(
            self.clock,
            self.nat,  # type: ignore[arg-type]
            [NAT.address],
            (0.001, 0.010),
            lambda report, now: self.reports.append(report),
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
        while self.clock.next is not None:
            self.clock.step()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def becomes(source: Endpoint, destination: Endpoint) -> Callable[[Packet, Side], Any]:
    def translate(packet: Packet, side: Side) -> Any:
        datagram = unpack(packet)
        assert datagram is not None
        packet.replace(pack(Send(source, destination, datagram.payload), 1).to_bytes())
        return SimpleNamespace(exit=side.other)

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


def test_icmp_is_nothing_to_a_party(stage: Stage) -> None:
    def refuses(packet: Packet, side: Side) -> Any:
        icmp = pack(Send(PBX, PHONE, b""), 1)
        icmp.buffer[9] = 1
        stage.nat.outbox.append((side, icmp))
        return Drop.FILTERED

    stage.nat.does = refuses
    stage.does(stage.phone, Send(PHONE, PBX, b""))
    stage.run()
    assert stage.phone.heard == []
    assert stage.world.lost == {"dropped by the NAT: filtered": 1}


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
        return SimpleNamespace(exit=side.other)

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
