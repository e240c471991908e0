"""A world behind real wires (socket pairs that speak as the kernel's TUN devices do)."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from socket import AF_UNIX, SOCK_DGRAM, socketpair
from struct import Struct, unpack_from
from typing import Any

from appliance.wires.wire import DescriptorWire
from nat.endpoint import Side
from nat.packet import MAXIMUM_LENGTH, Packet
from tests.support.packets import TCP, UDP
from tests.support.world import World

# flags, GSO type, header length, segment size, where the sum starts, where in there it stands
VIRTIO = Struct("=BBHHHH")
HEADER_SIZE = VIRTIO.size
SUM_STANDS_AT = {TCP: 16, UDP: 6}
GSO_TYPE = {TCP: 1, UDP: 5}


class WiredWorld(World):
    """The same engine behind real wires: each packet comes in the one buffer of its wire, behind a
    virtio header and before the rubbish of all packets that came earlier, and what leaves is what
    the kernel would read, whose header must be true."""

    def __init__(self, settings: Mapping[str, Any] | None = None, **how: Any) -> None:
        super().__init__(settings, **how)
        self.headers: list[bytes] = []  # of all that left
        pairs = [socketpair(AF_UNIX, SOCK_DGRAM) for _ in Side]
        near, self._far = ([end.detach() for end in ends] for ends in zip(*pairs, strict=True))
        for descriptor in (*near, *self._far):
            os.set_blocking(descriptor, False)
        self._closers = [
            weakref.finalize(self, os.close, descriptor) for descriptor in (*near, *self._far)
        ]
        self._wires = [
            DescriptorWire(near[side], str(side), framed=True)
            for side in (Side.INSIDE, Side.OUTSIDE)
        ]
        for side, wire in zip(Side, self._wires, strict=True):
            os.write(self._far[side], bytes(HEADER_SIZE) + b"\xa5" * MAXIMUM_LENGTH)
            assert wire.receive() is not None

    def close(self) -> None:
        for close in self._closers:
            close()

    def _arrive(self, side: Side, data: bytes, segment_size: int, partial: bool) -> Packet:
        header = kernel_header(data, segment_size) if partial else bytes(HEADER_SIZE)
        os.write(self._far[side], header + data)
        packet = self._wires[side].receive()
        assert packet is not None
        assert (packet.to_bytes(), packet.partial) == (data, partial)
        return packet

    def _leave(self, side: Side, packet: Packet) -> bytes:
        assert self._wires[side].send(packet)
        framed = os.read(self._far[side], HEADER_SIZE + MAXIMUM_LENGTH + 1)
        header, data = framed[:HEADER_SIZE], framed[HEADER_SIZE:]
        self.headers.append(header)
        assert_header_is_true(header, data, packet)
        return data


def kernel_header(data: bytes, segment_size: int) -> bytes:
    """What the kernel writes before a TCP or UDP packet whose checksum it would complete."""
    data = data + bytes(80)
    start, protocol = (data[0] & 15) * 4, data[9]
    at = SUM_STANDS_AT.get(protocol, 6)
    if not segment_size:
        return VIRTIO.pack(1, 0, 0, 0, start, at)
    headers = start + ((data[start + 12] >> 4) * 4 if protocol == TCP else 8)
    return VIRTIO.pack(1, GSO_TYPE.get(protocol, 5), headers, segment_size, start, at)


def assert_header_is_true(header: bytes, data: bytes, packet: Packet) -> None:
    """Does the header that leaves with a packet speak of this packet?"""
    if not packet.partial:
        assert header == bytes(HEADER_SIZE), header.hex()
        return
    assert unpack_from("!H", data, 2)[0] == len(data)
    assert not unpack_from("!H", data, 6)[0] & 0x3FFF, "a fragment has nothing to complete"
    assert header == kernel_header(data, packet.segment_size), header.hex()
