"""What the kernel's bytes mean. A datagram socket pair stands in for the TUN device: it keeps the
boundaries of packets, too."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from appliance.wires.wire import BUFFER_SIZE, VIRTIO_HEADER, DescriptorWire, WireGone, virtio_header
from nat.endpoint import Side
from nat.packet import Packet
from tests.fuzz.datapath import promise
from tests.support.packets import (
    ACK,
    EXTERNAL,
    SYN,
    A,
    R,
    assert_sound,
    cut,
    slow_checksum,
    tcp,
    udp,
)
from tests.support.wired import HEADER_SIZE, VIRTIO, WiredWorld

UDP_PACKET = (
    bytes.fromhex("4500 0020 0001 0000 4011 0000 c0a8 1464 cb00 7109 13c4 13c4 000c 0000") + b"ping"
)
TCP_PACKET = bytes.fromhex("4500 002c 0001 0000 4006 0000 c0a8 1464 cb00 7109") + bytes.fromhex(
    "1388 0050 0000 0001 0000 0000 6010 ffff 0000 0000 0204 05b4"
)
ORDINARY = bytes(10)


class Far:
    """The kernel's end."""

    def __init__(self, far: socket.socket) -> None:
        self.far = far

    def sends(self, data: bytes) -> None:
        self.far.send(data)

    def got(self) -> bytes:
        return self.far.recv(70000)


@pytest.fixture(params=[True, False], ids=["framed", "plain"])
def framed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Far]]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    near.setblocking(False)
    far.setblocking(False)
    yield near, Far(far)
    near.close()
    far.close()


def wire_to(near: socket.socket, framed: bool = True) -> DescriptorWire:
    return DescriptorWire(near.fileno(), "gn-in", framed)


def test_a_packet_begins_at_0_with_or_without_a_header(
    ends: tuple[socket.socket, Far], framed: bool
) -> None:
    near, far = ends
    wire = wire_to(near, framed)
    far.sends((ORDINARY if framed else b"") + UDP_PACKET)
    packet = wire.receive()
    assert packet is not None
    assert packet.to_bytes() == UDP_PACKET
    assert (packet.partial, packet.segment_size) == (False, 0)


def test_what_is_sent_is_what_arrives(ends: tuple[socket.socket, Far], framed: bool) -> None:
    near, far = ends
    assert wire_to(near, framed).send(Packet.of(UDP_PACKET))
    assert far.got() == (ORDINARY if framed else b"") + UDP_PACKET


def test_nothing_waits(ends: tuple[socket.socket, Far]) -> None:
    assert wire_to(ends[0]).receive() is None


def test_the_header_says_that_the_checksum_is_partial_and_how_large_segments_are(
    ends: tuple[socket.socket, Far],
) -> None:
    near, far = ends
    wire = wire_to(near)
    far.sends(VIRTIO_HEADER.pack(1, 1, 999, 1448, 20, 16) + TCP_PACKET)
    packet = wire.receive()
    assert packet is not None
    assert (packet.partial, packet.segment_size) == (True, 1448)


def test_facts_of_one_packet_do_not_stick_to_the_next(ends: tuple[socket.socket, Far]) -> None:
    near, far = ends
    wire = wire_to(near)
    far.sends(VIRTIO_HEADER.pack(1, 1, 44, 1448, 20, 16) + TCP_PACKET)
    far.sends(ORDINARY + UDP_PACKET)
    wire.receive()
    packet = wire.receive()
    assert packet is not None
    assert (packet.partial, packet.segment_size) == (False, 0)
    assert packet.to_bytes() == UDP_PACKET


def test_already_verified_is_not_partial(ends: tuple[socket.socket, Far]) -> None:
    """VIRTIO_NET_HDR_F_DATA_VALID (2): the checksum in the packet is complete."""
    near, far = ends
    wire = wire_to(near)
    far.sends(VIRTIO_HEADER.pack(2, 0, 0, 0, 0, 0) + UDP_PACKET)
    packet = wire.receive()
    assert packet is not None
    assert not packet.partial


ICMP_PACKET = UDP_PACKET[:9] + b"\x01" + UDP_PACKET[10:20] + bytes.fromhex("0800 0000 0001 0001")


@pytest.mark.parametrize(
    ("name", "data", "header"),
    [
        # flags, GSO type, header length, segment size, sum start, sum offset
        ("the sum into the source address", UDP_PACKET, (1, 0, 0, 0, 12, 0)),
        ("the sum into the source port", UDP_PACKET, (1, 0, 0, 0, 20, 0)),
        ("the sum where TCP has it, in UDP", UDP_PACKET, (1, 0, 0, 0, 20, 16)),
        ("the sum where UDP has it, in TCP", TCP_PACKET, (1, 0, 0, 0, 20, 6)),
        ("the sum of what is behind options that are not there", UDP_PACKET, (1, 0, 0, 0, 24, 6)),
        ("a sum that ICMP completes by itself", ICMP_PACKET, (1, 0, 0, 0, 20, 2)),
        ("a super-packet without a sum to complete", TCP_PACKET, (0, 1, 44, 1448, 0, 0)),
        ("beyond the packet", UDP_PACKET, (1, 0, 0, 0, 65535, 65535)),
    ],
)
def test_a_sum_that_is_not_this_packets_is_not_believed(
    ends: tuple[socket.socket, Far], name: str, data: bytes, header: tuple[int, ...]
) -> None:
    """It is taken as whole, and leaves behind a header of ours."""
    near, far = ends
    wire = wire_to(near)
    far.sends(VIRTIO_HEADER.pack(*header) + data)
    packet = wire.receive()
    assert packet is not None
    assert (packet.partial, packet.segment_size, packet.to_bytes()) == (False, 0, data)
    wire.send(packet)
    assert far.got() == ORDINARY + data


@pytest.mark.parametrize(
    ("name", "data", "header", "made_anew"),
    [
        ("UDP's segments, in TCP", TCP_PACKET, (1, 5, 44, 1448, 20, 16), (1, 0, 0, 0, 20, 16)),
        ("TCP's segments, in UDP", UDP_PACKET, (1, 1, 28, 172, 20, 6), (1, 0, 0, 0, 20, 6)),
        ("segments of IPv6", TCP_PACKET, (1, 4, 44, 1448, 20, 16), (1, 0, 0, 0, 20, 16)),
        ("segments with ECN", TCP_PACKET, (1, 0x81, 44, 1448, 20, 16), (1, 0, 0, 0, 20, 16)),
        ("segments of one byte", TCP_PACKET, (1, 1, 44, 1, 20, 16), (1, 0, 0, 0, 20, 16)),
        ("segments of nothing", UDP_PACKET, (1, 5, 28, 0, 20, 6), (1, 0, 0, 0, 20, 6)),
        ("a size without a kind", UDP_PACKET, (1, 0, 0, 172, 20, 6), (1, 0, 0, 172, 20, 6)),
        ("longer than the packet", UDP_PACKET, (1, 0, 33, 0, 20, 6), (1, 0, 0, 0, 20, 6)),
    ],
)
def test_of_a_header_that_is_partly_true_that_part_is_believed(
    ends: tuple[socket.socket, Far],
    name: str,
    data: bytes,
    header: tuple[int, ...],
    made_anew: tuple[int, ...],
) -> None:
    near, far = ends
    wire = wire_to(near)
    far.sends(VIRTIO_HEADER.pack(*header) + data)
    packet = wire.receive()
    assert packet is not None
    assert (packet.partial, packet.segment_size) == (True, 0)
    wire.send(packet)
    assert far.got() == VIRTIO_HEADER.pack(*made_anew) + data


@pytest.mark.parametrize(
    ("name", "data", "segment", "header"),
    [
        # flags, GSO type, header length, segment size, sum start, sum offset
        ("UDP, one packet", UDP_PACKET, 0, (1, 0, 0, 0, 20, 6)),
        ("TCP, one packet", TCP_PACKET, 0, (1, 0, 0, 0, 20, 16)),
        ("TCP, 24 bytes of header", TCP_PACKET, 1448, (1, 1, 44, 1448, 20, 16)),
        ("UDP, many datagrams", UDP_PACKET, 172, (1, 5, 28, 172, 20, 6)),
        ("behind IP options", b"\x46" + UDP_PACKET[1:20] + bytes(4) + UDP_PACKET[20:], 172,
         (1, 5, 32, 172, 24, 6)),
    ],
)  # fmt: skip
def test_the_header_sent_follows_from_the_packet_alone(
    name: str, data: bytes, segment: int, header: tuple[int, ...]
) -> None:
    packet = Packet(bytearray(data), len(data), partial=True, segment_size=segment)
    assert VIRTIO_HEADER.unpack(virtio_header(packet)) == header


def test_a_packet_that_changed_its_length_does_not_spoil_the_buffer(
    ends: tuple[socket.socket, Far],
) -> None:
    near, far = ends
    wire = wire_to(near)
    for payload in (b"a longer payload than before", b""):
        far.sends(ORDINARY + UDP_PACKET)
        packet = wire.receive()
        assert packet is not None
        packet.replace_payload(payload)
    largest = UDP_PACKET[:2] + b"\xff\xff" + UDP_PACKET[4:] + bytes(65535 - len(UDP_PACKET))
    far.sends(ORDINARY + largest)
    packet = wire.receive()
    assert packet is not None
    assert packet.to_bytes() == largest
    assert len(packet.buffer) == BUFFER_SIZE


def test_only_the_packet_is_sent_and_not_the_rest_of_the_buffer(
    ends: tuple[socket.socket, Far],
) -> None:
    near, far = ends
    wire = wire_to(near)
    far.sends(ORDINARY + UDP_PACKET)
    packet = wire.receive()
    assert packet is not None
    wire.send(packet)
    assert far.got() == ORDINARY + UDP_PACKET


def test_a_device_that_does_not_take_packets_is_no_error(ends: tuple[socket.socket, Far]) -> None:
    """A device that is down answers EIO; a full socket EAGAIN. The packet is lost, no more."""
    near, _ = ends
    wire = wire_to(near)
    while wire.send(Packet.of(UDP_PACKET)):
        pass
    assert not wire.send(Packet.of(UDP_PACKET))


def test_a_wire_that_is_gone_says_so(ends: tuple[socket.socket, Far]) -> None:
    near, _ = ends
    wire = wire_to(near)
    near.close()
    with pytest.raises(WireGone, match="gn-in has gone away"):
        wire.receive()
    with pytest.raises(WireGone, match="gn-in has gone away"):
        wire.send(Packet.of(UDP_PACKET))


# --- what leaves behind a header, after all that can happen to a packet --------------------------

OPTIONS = (
    b"OPTIONS sip:198.51.100.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.20.10:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:a@x>;tag=1\r\nTo: <sip:a@x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
    b"Contact: <sip:a@192.168.20.10:5060>\r\nContent-Length: 0\r\n\r\n"
)
EDITED = OPTIONS.replace(b"192.168.20.10", b"203.0.113.1")
NOTHING = bytes(HEADER_SIZE)
PARTIAL_UDP = VIRTIO.pack(1, 0, 0, 0, 20, 6)


@pytest.fixture
def world() -> Iterator[WiredWorld]:
    world = WiredWorld({"alg.sip.module": "sip", "alg.sip.transports": ["udp", "tcp"]})
    yield world
    world.close()


def completed(world: WiredWorld, data: bytes) -> bytes:
    """What the kernel makes of a packet by the header that left with it: RFC 1071 over all from the
    start of the sum on, put where the header says."""
    flags, _, _, _, start, offset = VIRTIO.unpack(world.headers[-1])
    if not flags:
        return data
    at = start + offset
    return data[:at] + (slow_checksum(data[start:]) or 0xFFFF).to_bytes(2, "big") + data[at + 2 :]


def test_a_translated_packet_keeps_the_header_it_came_with(world: WiredWorld) -> None:
    ((_, left),) = world.send(Side.INSIDE, promise(udp(f"{A}:4000", f"{R}:5000")), partial=True)
    assert world.headers == [PARTIAL_UDP]
    assert completed(world, left) == udp(f"{EXTERNAL}:4000", f"{R}:5000", ttl=63)


def test_a_super_packet_keeps_it_too(world: WiredWorld) -> None:
    world.send(Side.INSIDE, tcp(f"{A}:4000", f"{R}:80"))
    data = promise(tcp(f"{A}:4000", f"{R}:80", ACK, payload=b"x" * 5000))
    ((_, left),) = world.send(Side.INSIDE, data, 1000)
    assert world.headers[-1] == VIRTIO.pack(1, 1, 40, 1000, 20, 16)
    expected = tcp(f"{EXTERNAL}:4000", f"{R}:80", ACK, payload=b"x" * 5000, ttl=63)
    assert completed(world, left) == expected


def test_an_edited_datagram_still_leaves_its_sum_to_the_kernel(world: WiredWorld) -> None:
    data = promise(udp(f"{A}:5060", f"{R}:5060", OPTIONS))
    ((_, left),) = world.send(Side.INSIDE, data, partial=True)
    assert world.headers == [PARTIAL_UDP]
    assert completed(world, left) == udp(f"{EXTERNAL}:5060", f"{R}:5060", EDITED, ttl=63)


def test_a_super_packet_that_is_edited_is_none_any_more(world: WiredWorld) -> None:
    ends = f"{A}:5060", f"{R}:5060"
    world.send(Side.INSIDE, tcp(*ends, SYN, sequence=1000))
    world.send(
        Side.OUTSIDE,
        tcp(f"{R}:5060", f"{EXTERNAL}:5060", SYN | ACK, sequence=2000, acknowledgement=1001),
    )
    said = OPTIONS.replace(b"UDP", b"TCP") * 3
    data = promise(tcp(*ends, ACK, sequence=1001, acknowledgement=2001, payload=said))
    before = len(world.headers)
    left = world.send(Side.INSIDE, data, 400)
    assert len(left) > 1
    for header, (_, packet) in zip(world.headers[before:], left, strict=True):
        world.headers.append(header)
        assert header == VIRTIO.pack(1, 0, 0, 0, 20, 16)
        assert_sound(completed(world, packet))
    heard = b"".join(assert_sound(completed(world, packet)).payload for _, packet in left)
    assert heard == EDITED.replace(b"UDP", b"TCP") * 3


def test_a_datagram_that_is_cut_is_completed_first(world: WiredWorld) -> None:
    data = promise(udp(f"{A}:4000", f"{R}:5000", b"x" * 3000))
    left = world.send(Side.INSIDE, data, partial=True)
    assert world.headers == [NOTHING] * 3
    whole = b"".join(packet[20:] for _, packet in left)
    assert whole == udp(f"{EXTERNAL}:4000", f"{R}:5000", b"x" * 3000)[20:]


def test_a_datagram_that_is_put_together_has_nothing_to_complete(world: WiredWorld) -> None:
    """Even when its fragments said that they had (a virtual machine may say anything)."""
    *early, last = cut(udp(f"{A}:4000", f"{R}:5000", b"x" * 100), 48)
    for piece in early:
        assert world.send(Side.INSIDE, piece, partial=True) == []
    ((_, left),) = world.send(Side.INSIDE, last, partial=True)
    assert world.headers == [NOTHING]
    assert left == udp(f"{EXTERNAL}:4000", f"{R}:5000", b"x" * 100, ttl=63)


def test_what_the_appliance_says_by_itself_is_complete(world: WiredWorld) -> None:
    """Also about a packet that was not, and that stands in the same buffer."""
    data = promise(udp(f"{A}:4000", f"{R}:5000", ttl=1))
    ((side, left),) = world.send(Side.INSIDE, data, partial=True)
    assert (side, world.headers) == (Side.INSIDE, [NOTHING])
    assert assert_sound(left).icmp[0] == 11


def test_padding_behind_a_packet_does_not_leave(world: WiredWorld) -> None:
    data = promise(udp(f"{A}:4000", f"{R}:5000")) + b"padding"
    ((_, left),) = world.send(Side.INSIDE, data, partial=True)
    assert completed(world, left) == udp(f"{EXTERNAL}:4000", f"{R}:5000", ttl=63)
