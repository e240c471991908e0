"""A party's datagrams on real sockets."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Iterator

import pytest

from appliance.namespaces.lab.sockets import Sockets
from appliance.parties.party import Datagram, Forge, Report, Send, Wake, What
from appliance.sim.packets import pack
from nat.endpoint import Endpoint, parse_address
from tests.appliance.sim.speaker import Speaker

NETWORK = f"127.{150 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
OWN, OTHER = (Endpoint.parse(f"{NETWORK}.{host}:5060") for host in (9, 10))


class Room:
    """A party that does what a test tells it, and somebody to talk to."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.reports: list[Report] = []
        self.party = Speaker(OWN)
        self.sockets = Sockets(
            self.party,
            "",
            self.selector,
            lambda: 1.0,
            lambda _, report: self.reports.append(report),
            [parse_address(f"{NETWORK}.11")],
        )
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.other.bind((f"{NETWORK}.10", 5060))
        self.other.settimeout(5.0)
        self.sockets.start()
        self.sockets.perform(())

    def _hear(self, _: str, report: Report) -> None:
        self.reports.append(report)

    def serve(self) -> None:
        for key, _ in self.selector.select(5.0):
            key.data(key.fileobj)


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.sockets.close()
    made.other.close()
    made.selector.close()


def test_a_datagram_leaves_from_the_port_that_the_party_names(room: Room) -> None:
    room.sockets.perform([Send(OWN._replace(port=4000), OTHER, b"hello")])
    assert room.other.recvfrom(100) == (b"hello", (f"{NETWORK}.9", 4000))


def test_a_datagram_is_heard_with_both_its_ends(room: Room) -> None:
    room.other.sendto(b"hello", (f"{NETWORK}.9", OWN.port))
    room.serve()
    ((_, datagram),) = room.party.heard
    assert datagram == Datagram(OTHER, OWN, b"hello")


def test_a_party_is_reached_at_all_its_addresses(room: Room) -> None:
    """Phones that are not at their server (`phones_at`), a STUN server's second address."""
    room.other.sendto(b"hello", (f"{NETWORK}.11", OWN.port))
    room.serve()
    second = room.party.heard[0][1].destination
    assert str(second) == f"{NETWORK}.11:5060"
    room.sockets.perform([Send(second, OTHER, b"hello")])
    assert room.other.recvfrom(100) == (b"hello", (f"{NETWORK}.11", OWN.port))


@pytest.mark.host
def test_a_forged_packet_leaves_as_it_is(room: Room) -> None:
    """From somebody who is not here (raw(7), IP_HDRINCL)."""
    source = Endpoint.parse("198.51.100.1:53")
    packet = pack(Send(source, OTHER, b"forged"), 1)
    room.sockets.perform([Forge(packet.to_bytes())])
    assert sum(room.sockets.lost.values()) == 0
    assert room.other.recvfrom(100) == (b"forged", ("198.51.100.1", 53))


def test_ports_follow_the_party(room: Room) -> None:
    """RTP's are open as long as there is a call."""
    room.party.ports = {4000}
    room.sockets.perform(())
    room.other.sendto(b"hello", (f"{NETWORK}.9", 4000))
    room.serve()
    assert room.party.heard[0][1].destination.port == 4000
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((f"{NETWORK}.9", OWN.port))


def test_an_alarm_is_the_newest_one(room: Room) -> None:
    room.sockets.perform([Wake(5.0), Wake(3.0)])
    assert room.sockets.wake_at == 3.0
    room.sockets.wake()
    assert room.party.woken == [1.0]


def test_reports_are_handed_on(room: Room) -> None:
    room.sockets.perform([Report(What.CALL_TRIED, "alice", "bob")])
    assert [report.what for report in room.reports] == [What.CALL_TRIED]


def test_what_the_kernel_does_not_send_is_counted(room: Room) -> None:
    """RFC 919 7: to everybody only with permission."""
    room.sockets.perform([Send(OWN, Endpoint.parse("255.255.255.255:9"), b"hello")])
    assert sum(room.sockets.lost.values()) == 1
