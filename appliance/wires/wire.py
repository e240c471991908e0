"""A wire: packets come in, packets go out. Here is what the kernel's bytes mean; how a TUN device
is opened is in `appliance/wires/tun.py`.

Where the kernel allows it, each read and write starts with a virtio header of 10 bytes:

      0       1       2       4       6       8       10
     ┌───────┬───────┬───────┬───────┬───────┬───────┬── ─ ─
     │ flags │  GSO  │header │segment│  sum  │  sum  │ IPv4 packet, up to 64 KiB
     │       │ type  │length │ size  │ start │offset │
     └───────┴───────┴───────┴───────┴───────┴───────┴── ─ ─

Strategy: **fewer and bigger packets.** With this header the kernel hands over TCP (and, from Linux
6.2 on, UDP) as super-packets that stand for up to 44 ordinary ones, with the transport checksum
still to be completed, and takes the same back. A NAT that rewrites one header a super-packet
reaches ten times the speed of one that sees every packet; nothing else in this program comes close.
A `Packet` carries two facts of the header, `partial` and `segment_size`; the rest follows from the
packet itself.

Who is root on an inside host writes these headers himself, and the kernel hands them on as they
are. A sum that is to be put where an address stands would make another host's packet of his, behind
the NAT. So a header is believed only where it says what the packet behind it needs: the sum is that
of its own transport header, its segments are of its own protocol and not smaller than they can be.
What is not believed counts for nothing, and the header is made anew: a packet with no sum to be
completed and nothing to be cut, whose checksum and size are then looked at as any other's.

A wire reads header and packet into one buffer, its frame. A packet that still is what its header
says goes out by one write of that frame, since translating changes nothing that the header speaks
of; whoever changes more says so by `packet.frame = None`, and the header is made anew. The buffer
is used again: a packet that is to outlive the next `receive` must be copied.
"""

from __future__ import annotations

import errno
import io
import os
from struct import Struct
from typing import Protocol

from nat.endpoint import TCP, UDP
from nat.packet import CHECKSUM_OFFSET, MAXIMUM_LENGTH, MINIMUM_TRANSPORT, Packet

NEEDS_CHECKSUM = 1  # VIRTIO_NET_HDR_F_NEEDS_CSUM
SEGMENTS_OF_TCP = 1  # VIRTIO_NET_HDR_GSO_TCPV4
SEGMENTS_OF_UDP = 5  # VIRTIO_NET_HDR_GSO_UDP_L4

SUM_OFFSETS = {TCP: CHECKSUM_OFFSET[TCP], UDP: CHECKSUM_OFFSET[UDP]}
SEGMENT_KINDS = {TCP: SEGMENTS_OF_TCP, UDP: SEGMENTS_OF_UDP}
SMALLEST_SEGMENT = {TCP: 8, UDP: 1}
"""Bytes of payload; TCP's is Linux's own (TCP_MIN_GSO_SIZE): smaller ones would only make many
packets of one."""

VIRTIO_HEADER = Struct("=BBHHHH")
HEADER_SIZE = VIRTIO_HEADER.size
WHOLE_PACKET = bytes(HEADER_SIZE)
"""Nothing to complete, nothing to cut."""

BUFFER_SIZE = MAXIMUM_LENGTH + 1

GONE = frozenset({errno.EBADFD, errno.EBADF, errno.ENODEV, errno.EIO, errno.EFAULT})
"""What reading says when the device was deleted, or its namespace was."""


class WireError(Exception):
    """A wire cannot be had on this machine. The text says what to do about it."""

    exit_code = 3


class WireGone(WireError):
    """A wire that worked has gone away."""


class Wire(Protocol):
    """One of the two wires: a TUN device, or a list in a test."""

    name: str

    def fileno(self) -> int:
        """What to wait for with epoll."""

    def receive(self) -> Packet | None:
        """The next packet, valid until the next call; None: none waits. Raises WireGone."""

    def send(self, packet: Packet) -> bool:
        """Was it taken? Raises WireGone."""

    def close(self) -> None:
        """Give the device back. Twice is fine."""


class DescriptorWire:
    """A wire behind a file descriptor that does not block. `name` is for messages.

    `framed` says that every read and write carries the virtio header.
    """

    def __init__(self, descriptor: int, name: str, framed: bool) -> None:
        self.name = name
        self.framed = framed
        self._descriptor = descriptor
        self._frame = memoryview(bytearray(HEADER_SIZE + BUFFER_SIZE))
        self._packet = Packet(self._frame[HEADER_SIZE:], 0)
        # (`os.read` would raise an exception where there is nothing to read; a file answers None)
        file = io.FileIO(descriptor, "r+", closefd=False)
        self._read_into, self._write = file.readinto, file.write

    def fileno(self) -> int:
        return self._descriptor

    def receive(self) -> Packet | None:
        """The next packet, in the buffer that all packets of this wire share."""
        packet, frame = self._packet, self._frame
        try:
            if not self.framed:
                return self._receive_plain()
            size = self._read_into(frame)
        except OSError as error:
            raise self._gone(error) from None
        if size is None:
            return None
        packet.length = size - HEADER_SIZE
        packet.frame = frame
        packet.partial = False
        packet.segment_size = 0
        if frame[0] & NEEDS_CHECKSUM or frame[1]:
            _take_in_header(packet, frame)
        return packet

    def _receive_plain(self) -> Packet | None:
        packet = self._packet
        size = self._read_into(packet.buffer)
        packet.length = size or 0
        return None if size is None else packet

    def send(self, packet: Packet) -> bool:
        """Hand a packet to the kernel. False when it was not taken (the device is down, say)."""
        frame = packet.frame
        try:
            if frame is None or not self.framed:
                return self._send_anew(packet)
            return self._write(frame[: packet.length + HEADER_SIZE]) is not None
        except OSError as error:
            return self._not_sent(packet, error)

    def _send_anew(self, packet: Packet) -> bool:
        """A packet of our own, one that was changed, or a wire without headers."""
        data = memoryview(packet.buffer)[: packet.length]
        if not self.framed:
            return self._write(data) is not None
        header = virtio_header(packet) if packet.partial else WHOLE_PACKET
        return os.writev(self._descriptor, (header, data)) > 0

    def close(self) -> None:
        """The owner of the descriptor closes it."""

    def _not_sent(self, packet: Packet, error: OSError) -> bool:
        if error.errno in (errno.EBADFD, errno.EBADF, errno.ENODEV):
            raise self._gone(error) from None
        return False

    def _gone(self, error: OSError) -> WireGone:
        if error.errno not in GONE:
            return WireGone(f"reading from {self.name} failed: {error.strerror}")
        return WireGone(f"the device {self.name} has gone away: it or its namespace was deleted")


def _take_in_header(packet: Packet, frame: memoryview) -> None:
    """What the header in front of a packet says, as far as it can be true. (Of a packet that is too
    short the bytes behind it are read here: they are the buffer's, and the packet is refused.)"""
    packet.frame = None
    flags, kind, headers, segment, start, offset = VIRTIO_HEADER.unpack_from(frame)
    protocol = packet.protocol
    if not flags & NEEDS_CHECKSUM:
        return
    if start != packet.header_length or offset != SUM_OFFSETS.get(protocol):
        return
    packet.partial = True
    if kind:
        if kind != SEGMENT_KINDS[protocol] or segment < SMALLEST_SEGMENT[protocol]:
            return
        packet.segment_size = segment
    if headers <= packet.length:  # else the kernel would refuse to take it
        packet.frame = frame


def virtio_header(packet: Packet) -> bytes:
    """What the kernel must know to complete the checksum of `packet`, and to cut it into segments.

    Only for a packet whose checksum is `partial`: a super-packet always is.
    """
    buffer = packet.buffer
    start = (buffer[0] & 15) * 4
    is_tcp = buffer[9] == TCP
    offset = CHECKSUM_OFFSET[buffer[9]]
    if not packet.segment_size:
        return VIRTIO_HEADER.pack(NEEDS_CHECKSUM, 0, 0, 0, start, offset)
    kind = SEGMENTS_OF_TCP if is_tcp else SEGMENTS_OF_UDP
    headers = start + ((buffer[start + 12] >> 4) * 4 if is_tcp else MINIMUM_TRANSPORT[UDP])
    return VIRTIO_HEADER.pack(NEEDS_CHECKSUM, kind, headers, packet.segment_size, start, offset)
