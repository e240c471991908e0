"""What hosts write and read, byte by byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.parties.party import Obstacle, Ping, Pong, Send, Undelivered
from appliance.sim.packets import (
    ErrorAbout,
    PingRequest,
    ends,
    is_sound,
    pack,
    pack_ping,
    pack_segment,
    port_unreachable,
    unpack,
    unpack_icmp,
    unpack_segment,
)
from appliance.sim.segment import Segment
from nat import icmp
from nat.checksum import pseudo_header, sums_up
from nat.endpoint import ICMP, TCP, UDP, Endpoint
from nat.fragments import fragment
from nat.packet import Packet
from nat.tcp import ACK, PSH, SYN
from tests.support.parties import as_received

PHONE, PBX = Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("203.0.113.9:10000")
ROUTER = Endpoint.parse("203.0.113.254:0").address

endpoints = st.builds(Endpoint, st.integers(0, 2**32 - 1), st.integers(0, 65535))
sends = st.builds(Send, endpoints, endpoints, st.binary(max_size=300))
numbers = st.integers(0, 2**32 - 1)
segments = st.builds(
    Segment,
    endpoints,
    endpoints,
    numbers,
    numbers,
    st.integers(0, 63).map(lambda flags: flags & ~SYN),
    st.integers(0, 65535),
    st.binary(max_size=300),
    st.just(0),
)
pings = st.builds(
    Ping, endpoints, numbers, st.integers(0, 65535), st.binary(max_size=100), st.integers(1, 255)
)

# --- UDP -----------------------------------------------------------------------------------------


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
    assert unpack(pack(send, 1)) == as_received(send)


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


def test_a_packet_cut_short_is_no_datagram() -> None:
    packet = pack(Send(PHONE, PBX, b""), 1)
    for length in range(28):
        assert unpack(Packet(packet.buffer, length)) is None


# --- TCP -----------------------------------------------------------------------------------------


@given(segments, st.integers(0, 65535))
def test_a_segment_has_right_checksums(segment: Segment, identification: int) -> None:
    """RFC 9293 3.1, by the NAT's own way of adding up."""
    data = pack_segment(segment, identification).to_bytes()
    assert sums_up(data[:20])
    source, destination = segment.source.address, segment.destination.address
    assert sums_up(pseudo_header(source, destination, TCP, len(data) - 20) + data[20:])


@given(segments)
def test_a_packed_segment_is_unpacked_again(segment: Segment) -> None:
    packet = pack_segment(segment, 1)
    assert is_sound(packet)
    assert unpack_segment(packet) == segment


def test_a_syn_names_its_largest_segment() -> None:
    """RFC 9293 3.2: kind 2, length 4."""
    syn = Segment(PHONE, PBX, 1, 0, SYN, largest=1460)
    packet = pack_segment(syn, 1)
    assert packet.to_bytes()[40:] == bytes((2, 4)) + (1460).to_bytes(2, "big")
    assert unpack_segment(packet) == syn


def with_options(options: bytes) -> Packet:
    """A SYN with these options, a multiple of four bytes."""
    packet = pack_segment(Segment(PHONE, PBX, 1, 0, SYN, payload=options), 1)
    packet.buffer[32] = (5 + len(options) // 4) << 4
    return packet


@pytest.mark.parametrize(
    ("options", "largest"),
    [
        (b"\1\1\1\1\2\4\5\xb4", 1460),
        (b"\3\3\7\1\2\4\2\0", 512),
        (b"\0\0\0\0\2\4\5\xb4", 0),
        (b"\1\1\1\2", 0),
        (b"\1\1\2\0", 0),
        (b"\1\1\2\4", 0),
        (b"\2\3\5\1", 0),
    ],
)
def test_the_options_of_a_syn(options: bytes, largest: int) -> None:
    """RFC 9293 3.2: skipped if not known, ended by 0; what is not well formed says nothing."""
    segment = unpack_segment(with_options(options))
    assert segment is not None
    assert segment.largest == largest


@pytest.mark.parametrize("words", [0, 4, 6, 15])
def test_a_header_that_does_not_fit_is_no_segment(words: int) -> None:
    packet = pack_segment(Segment(PHONE, PBX, 1, 0, ACK), 1)
    packet.buffer[32] = words << 4
    assert unpack_segment(packet) is None


# --- ICMP ----------------------------------------------------------------------------------------


@given(pings)
def test_a_ping_is_answered_with_what_it_carries(ping: Ping) -> None:
    """RFC 792: identifier, sequence number and data come back."""
    request = pack_ping(ping, 1)
    assert is_sound(request)
    assert request.ttl == ping.ttl
    message = unpack_icmp(request)
    assert isinstance(message, PingRequest)
    assert is_sound(message.answer)
    answer = unpack_icmp(message.answer)
    assert answer == Pong(ping.source, ping.destination, ping.sequence, ping.payload)


@pytest.mark.parametrize(
    ("kind", "code", "obstacle"),
    [
        (3, 0, Obstacle.NETWORK_UNREACHABLE),
        (3, 1, Obstacle.HOST_UNREACHABLE),
        (3, 2, Obstacle.PROTOCOL_UNREACHABLE),
        (3, 3, Obstacle.PORT_UNREACHABLE),
        (3, 4, Obstacle.TOO_BIG),
        (3, 5, Obstacle.UNREACHABLE),
        (3, 9, Obstacle.PROHIBITED),
        (3, 10, Obstacle.PROHIBITED),
        (3, 13, Obstacle.PROHIBITED),
        (11, 0, Obstacle.TIME_EXCEEDED),
        (11, 1, Obstacle.TIME_EXCEEDED),
        (12, 0, Obstacle.BAD_HEADER),
    ],
)
def test_what_an_icmp_error_means(kind: int, code: int, obstacle: Obstacle) -> None:
    """RFC 792, RFC 1812 5.2.7.1."""
    sent = pack(Send(PHONE, PBX, b"hello"), 1)
    message = unpack_icmp(Packet.of(icmp.error(sent, ROUTER, kind, code)))
    assert isinstance(message, ErrorAbout)
    assert message.news == Undelivered(UDP, PHONE, PBX, obstacle, ROUTER)


def test_an_error_about_a_segment_names_its_sequence_number() -> None:
    """RFC 5927 4.1: so that its receiver can tell whether it ever sent that."""
    sent = pack_segment(Segment(PHONE, PBX, 12345, 0, ACK), 1)
    message = unpack_icmp(Packet.of(icmp.error(sent, ROUTER, icmp.UNREACHABLE, 1)))
    news = Undelivered(TCP, PHONE, PBX, Obstacle.HOST_UNREACHABLE, ROUTER)
    assert message == ErrorAbout(news, 12345)


def test_an_error_about_a_ping_names_its_identifier() -> None:
    sent = pack_ping(Ping(PHONE, PBX.address, 7), 1)
    message = unpack_icmp(Packet.of(icmp.error(sent, ROUTER, icmp.TIME_EXCEEDED, 0)))
    remote = Endpoint(PBX.address, 0)
    news = Undelivered(ICMP, PHONE, remote, Obstacle.TIME_EXCEEDED, ROUTER)
    assert message == ErrorAbout(news, 0)


def test_a_host_says_which_datagram_found_no_port() -> None:
    """RFC 1122 3.2.2.1: code 3, from the host itself."""
    sent = pack(Send(PHONE, PBX, b"hello"), 1)
    error = port_unreachable(sent)
    assert is_sound(error)
    message = unpack_icmp(error)
    news = Undelivered(UDP, PHONE, PBX, Obstacle.PORT_UNREACHABLE, PBX.address)
    assert message == ErrorAbout(news, 0)


def spoil(at: int, value: int) -> Callable[[bytearray], None]:
    def change(error: bytearray) -> None:
        error[at] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        spoil(28, 0x46),  # the quoted header has options
        spoil(36, 1),  # its checksum is wrong
        spoil(20, 4),  # source quench (RFC 6633 3: ignored)
    ],
)
def test_an_error_that_cannot_be_trusted_is_discarded(change: Callable[[bytearray], None]) -> None:
    """RFC 1122 3.2.2: in silence."""
    error = bytearray(icmp.error(pack(Send(PHONE, PBX, b"hello"), 1), ROUTER, icmp.UNREACHABLE, 1))
    change(error)
    assert unpack_icmp(Packet.of(bytes(error))) is None


def test_an_error_about_what_somebody_else_sent_is_discarded() -> None:
    """What a NAT delivers when it forgets to translate the quote."""
    error = bytearray(icmp.error(pack(Send(PHONE, PBX, b""), 1), ROUTER, icmp.UNREACHABLE, 1))
    error[19] ^= 1  # another receiver
    assert unpack_icmp(Packet.of(bytes(error))) is None


def test_an_error_without_a_whole_quote_is_discarded() -> None:
    error = icmp.error(pack(Send(PHONE, PBX, b""), 1), ROUTER, icmp.UNREACHABLE, 1)
    cut = bytearray(error[:-1])
    cut[2:4] = len(cut).to_bytes(2, "big")
    assert unpack_icmp(Packet.of(bytes(cut))) is None


# --- all of them ---------------------------------------------------------------------------------


A_SEGMENT = pack_segment(Segment(PHONE, PBX, 1, 2, ACK | PSH, payload=b"hello"), 1)
A_PING = pack_ping(Ping(PHONE, PBX.address, 7, b"hello"), 1)
AN_ERROR = Packet.of(icmp.error(A_PING, PHONE.address, icmp.UNREACHABLE, 1))
A_DATAGRAM = pack(Send(PHONE, PBX, b"hello"), 1)


@pytest.mark.parametrize("packet", [A_SEGMENT, A_PING, AN_ERROR])
@given(st.data())
def test_a_spoilt_byte_is_noticed_whatever_it_is(packet: Packet, data: st.DataObject) -> None:
    spoilt = packet.copy()
    spoilt.buffer[data.draw(st.integers(0, packet.length - 1))] ^= data.draw(st.integers(1, 255))
    assert not is_sound(spoilt)


@pytest.mark.parametrize("packet", [A_SEGMENT, A_PING, AN_ERROR])
def test_a_packet_that_was_cut_short_is_not_sound(packet: Packet) -> None:
    assert not any(is_sound(Packet(packet.buffer, length)) for length in range(packet.length))


def test_a_fragment_is_not_a_whole_packet() -> None:
    whole = pack_ping(Ping(PHONE, PBX.address, 7, bytes(3000)), 1)
    assert not any(is_sound(Packet.of(piece)) for piece in fragment(whole, 1500, 1))


@pytest.mark.parametrize(
    ("packet", "source", "destination"),
    [
        (A_DATAGRAM, PHONE, PBX),
        (A_SEGMENT, PHONE, PBX),
        (A_PING, PHONE, PBX._replace(port=0)),
        (Packet.of(icmp.echo_reply(A_PING)), PBX._replace(port=0), PHONE),
        (AN_ERROR, PHONE._replace(port=0), PHONE._replace(port=0)),
    ],
    ids=["datagram", "segment", "ping", "answer", "error"],
)
def test_between_whom_a_packet_goes(
    packet: Packet, source: Endpoint, destination: Endpoint
) -> None:
    """RFC 5508 3.1: a ping's identifier stands where a port would."""
    assert ends(packet) == (source, destination)


def test_a_later_fragment_has_no_ports() -> None:
    first, *later = fragment(pack(Send(PHONE, PBX, bytes(1470)), 1), 1400, 1)
    assert ends(Packet.of(first)) == (PHONE, PBX)
    alone = (PHONE._replace(port=0), PBX._replace(port=0))
    assert [ends(Packet.of(each)) for each in later] == [alone]
