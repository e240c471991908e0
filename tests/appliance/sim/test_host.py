"""What a kernel does for its program."""

from __future__ import annotations

from random import Random

import pytest

from appliance.parties.party import (
    Abort,
    Close,
    Closed,
    Connect,
    Connected,
    Ending,
    Ping,
    Received,
    Write,
)
from appliance.sim import host as host_module
from appliance.sim.host import Host
from appliance.sim.packets import pack_ping, pack_segment, unpack_icmp, unpack_segment
from appliance.sim.segment import Segment, advanced
from appliance.sim.tcp import TIME_WAIT
from nat.endpoint import Endpoint, Side
from nat.packet import Packet
from nat.tcp import ACK, FIN, RST, SYN
from tests.appliance.sim.speaker import Speaker

HERE, THERE = Endpoint.parse("203.0.113.9:80"), Endpoint.parse("192.168.20.100:50000")


class Desk:
    """A host at HERE that listens on port 80."""

    def __init__(self) -> None:
        self.host = Host(Speaker(HERE), Side.OUTSIDE, Random(1))

    def gets(
        self,
        flags: int,
        sequence: int,
        acknowledgement: int = 0,
        payload: bytes = b"",
        source: Endpoint = THERE,
        destination: Endpoint = HERE,
    ) -> list[Segment]:
        segment = Segment(source, destination, sequence, acknowledgement, flags, payload=payload)
        self.host.receive(pack_segment(segment, 1), 0.0)
        self.host.acknowledge()
        return self.sent()

    def sent(self) -> list[Segment]:
        segments = [unpack_segment(packet) for packet in self.host.outbox]
        self.host.outbox.clear()
        return [segment for segment in segments if segment is not None]

    def accepts(self, source: Endpoint = THERE, sequence: int = 500) -> int:
        """A connection from `source`; answers the next number that it expects from us."""
        (answer,) = self.gets(SYN, sequence, source=source)
        assert answer.flags == SYN | ACK
        next_ = advanced(answer.sequence, 1)
        assert self.gets(ACK, sequence + 1, next_, source=source) == []
        return next_


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_port_that_is_listened_on_is_connected_to(desk: Desk) -> None:
    expects = desk.accepts()
    desk.gets(ACK, 501, expects, b"hello")
    assert desk.host.news == [Connected(HERE, THERE), Received(HERE, THERE, b"hello")]


def test_a_port_that_is_not_is_refused(desk: Desk) -> None:
    """RFC 9293 3.10.7.1."""
    (answer,) = desk.gets(SYN, 500, destination=HERE._replace(port=81))
    assert (answer.flags, answer.acknowledgement) == (RST | ACK, 501)
    assert desk.host.connections == 0


@pytest.mark.parametrize("flags", [ACK, SYN | ACK, FIN | ACK])
def test_a_segment_of_no_connection_is_refused_where_somebody_listens_too(
    desk: Desk, flags: int
) -> None:
    """RFC 9293 3.10.7.2, second."""
    (answer,) = desk.gets(flags, 500, 77)
    assert (answer.flags, answer.sequence) == (RST, 77)


@pytest.mark.parametrize("flags", [RST, RST | ACK])
def test_a_rst_of_no_connection_is_nothing(desk: Desk, flags: int) -> None:
    """RFC 9293 3.10.7.2, first."""
    assert desk.gets(flags, 500, 77) == []


def test_a_segment_that_cannot_be_read_is_nothing(desk: Desk) -> None:
    packet = pack_segment(Segment(THERE, HERE, 1, 0, SYN), 1)
    packet.buffer[32] = 0xF0
    desk.host.receive(packet, 0.0)
    assert (desk.host.outbox, desk.host.connections) == ([], 0)


def test_orders_about_a_connection_that_is_no_more_are_too_late(desk: Desk) -> None:
    for order in (Write(HERE, THERE, b"x"), Close(HERE, THERE), Abort(HERE, THERE)):
        desk.host.do(order, 0.0)
    assert (desk.host.outbox, desk.host.news) == ([], [])


def test_an_abort_ends_the_connection_on_both_sides(desk: Desk) -> None:
    desk.accepts()
    desk.host.do(Abort(HERE, THERE), 0.0)
    assert [segment.flags for segment in desk.sent()] == [RST | ACK]
    assert desk.host.connections == 0


def test_what_is_not_acknowledged_is_repeated_at_the_deadline(desk: Desk) -> None:
    desk.host.do(Connect(HERE, THERE), 5.0)
    assert desk.host.deadline == 6.0
    desk.sent()
    desk.host.expire(6.0)
    assert [segment.flags for segment in desk.sent()] == [SYN]
    assert desk.host.deadline == 8.0


def closed_by_both(desk: Desk, source: Endpoint = THERE) -> int:
    """A connection in TIME-WAIT; answers the last number that its other side has used."""
    expects = desk.accepts(source)
    desk.host.do(Close(HERE, source), 0.0)
    desk.sent()
    desk.gets(FIN | ACK, 501, advanced(expects, 1), source=source)
    desk.host.news.clear()
    return 502


def test_a_connection_is_forgotten_a_little_after_its_end(desk: Desk) -> None:
    closed_by_both(desk)
    assert desk.host.connections == 1
    desk.host.expire(TIME_WAIT)
    assert (desk.host.connections, desk.host.deadline) == (0, None)


def test_the_same_two_ends_may_begin_anew_at_once(desk: Desk) -> None:
    """RFC 9293 3.10.7.4, fourth."""
    last = closed_by_both(desk)
    desk.accepts(sequence=last + 1)
    assert desk.host.news == [Connected(HERE, THERE)]


def test_two_ends_have_one_connection(desk: Desk) -> None:
    desk.accepts()
    desk.host.news.clear()
    desk.host.do(Connect(HERE, THERE), 0.0)
    assert desk.host.news == [Closed(HERE, THERE, Ending.IMPOSSIBLE)]


def test_connections_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that only wait for stray segments give way; without one, a SYN may come again later."""
    monkeypatch.setattr(host_module, "MOST_CONNECTIONS", 2)
    one, two, three, four = (THERE._replace(port=port) for port in (1, 2, 3, 4))
    desk.accepts(one)
    closed_by_both(desk, two)
    desk.accepts(three)
    assert desk.host.connections == 2
    assert desk.gets(SYN, 500, source=four) == []
    desk.host.do(Connect(HERE, four), 0.0)
    assert desk.host.news[-1] == Closed(HERE, four, Ending.IMPOSSIBLE)


def test_first_sequence_numbers_are_the_hosts_own_choice() -> None:
    """RFC 9293 3.4.1; here from a seed, so that a run can be repeated."""
    first, again = (Desk().accepts() for _ in range(2))
    other = Desk()
    other.host = Host(Speaker(HERE), Side.OUTSIDE, Random(2))
    assert first == again != other.accepts()


def test_every_packet_has_another_identification(desk: Desk) -> None:
    desk.host.do(Ping(HERE, THERE.address), 0.0)
    desk.host.do(Connect(HERE, THERE), 0.0)
    assert [packet.identification for packet in desk.host.outbox] == [1, 2]
    desk.host.identification = 0xFFFF
    assert desk.host.next_identification() == 0


def test_a_ping_is_answered_by_the_host_alone(desk: Desk) -> None:
    desk.host.receive(pack_ping(Ping(THERE, HERE.address, 1, b"x"), 1), 0.0)
    assert len(desk.host.outbox) == 1
    assert desk.host.news == []


def test_an_icmp_message_that_hosts_do_not_know_is_nothing(desk: Desk) -> None:
    """RFC 1122 3.2.2: discarded in silence."""
    packet = pack_ping(Ping(THERE, HERE.address), 1)
    packet.buffer[20] = 13  # a timestamp request
    assert unpack_icmp(packet) is None
    desk.host.receive(Packet.of(packet.to_bytes()), 0.0)
    assert (desk.host.outbox, desk.host.news) == ([], [])
