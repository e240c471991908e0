"""An IPv4 packet as a view over bytes (RFC 791).

Check once at the border, then trust: after `check()` has answered None, no accessor here can read
outside the packet. Accessors are for the slow road; a packet of a known flow is read by the one
`HEADER` in `translator.py`.

      0               1               2               3
     ┌───────┬───────┬───────────────┬───────────────────────────────┐
   0 │version│  IHL  │ DSCP and ECN  │         total length          │
   4 ├───────┴───────┴───────────────┼─┬─┬─┬─────────────────────────┤
     │        identification         │0│D│M│     fragment offset     │
   8 ├───────────────┬───────────────┼─┴─┴─┴─────────────────────────┤
     │ time to live  │   protocol    │        header checksum        │
  12 ├───────────────┴───────────────┴───────────────────────────────┤
     │                        source address                         │
  16 ├───────────────────────────────────────────────────────────────┤
     │                     destination address                       │
  20 └─── options, then the transport header ────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from nat.checksum import MODULUS, adjusted, checksum, pseudo_header, sums_up
from nat.drop import Drop
from nat.endpoint import ICMP, TCP, UDP, Endpoint

MINIMUM_HEADER = 20
MAXIMUM_LENGTH = 65535

DONT_FRAGMENT = 0x4000
MORE_FRAGMENTS = 0x2000
FRAGMENT_OFFSET = 0x1FFF

# version+tos, total length, identification, flags+offset, TTL+protocol, checksum, both addresses
IPV4 = Struct("!HHHHHHII")
ADDRESSES = Struct("!II")
WORD = Struct("!H")
LONG = Struct("!I")
PORTS = Struct("!HH")
UDP_HEADER = Struct("!HHHH")  # source port, destination port, length, checksum

# Where in a transport header its checksum stands, and how short the header may be.
CHECKSUM_OFFSET = {ICMP: 2, TCP: 16, UDP: 6}
MINIMUM_TRANSPORT = {ICMP: 8, TCP: 20, UDP: 8}

END_OF_OPTIONS, NO_OPERATION, LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE = 0, 1, 131, 137


Buffer = bytearray | memoryview


class Packet:
    """The first `length` bytes of `buffer`. A wire reuses one buffer for all that it receives.

    `partial` says that the transport checksum field holds only the sum of the pseudo header and
    that the kernel will complete it (virtio's NEEDS_CSUM); `segment_size` is the payload of each
    packet that a super-packet stands for, 0 for an ordinary packet.

    `frame` belongs to the wire: the buffer together with what stands before the packet in it, as
    long as that still tells the truth about `partial`, `segment_size` and where the headers end.
    `receipt` belongs to who counts packets: what this one was counted for, should it not leave.
    """

    __slots__ = ("buffer", "frame", "length", "partial", "receipt", "segment_size")

    def __init__(
        self, buffer: Buffer, length: int, partial: bool = False, segment_size: int = 0
    ) -> None:
        self.buffer = buffer
        self.length = length
        self.partial = partial
        self.segment_size = segment_size
        self.frame: memoryview | None = None
        self.receipt: object = None

    @classmethod
    def of(cls, data: bytes) -> Packet:
        """A packet with a buffer of its own."""
        return cls(bytearray(data), len(data))

    def __repr__(self) -> str:
        return f"Packet({self.to_bytes()!r})"

    def to_bytes(self) -> bytes:
        return bytes(self.buffer[: self.length])

    def copy(self) -> Packet:
        """The same packet in a buffer of its own, for who keeps it beyond the next read."""
        return Packet(
            bytearray(self.buffer[: self.length]), self.length, self.partial, self.segment_size
        )

    def replace(self, data: bytes | bytearray) -> None:
        """Become another packet in the same buffer, if it is long enough."""
        self._make_room(len(data))
        self.buffer[: len(data)] = data
        self.length = len(data)
        self.frame = None
        self.partial = False
        self.segment_size = 0

    def _make_room(self, size: int) -> None:
        """A wire's buffer is a view and cannot grow: a larger one takes its place."""
        if size > len(self.buffer):
            self.buffer = bytearray(self.buffer) + bytes(size - len(self.buffer))

    def replace_by(self, other: Packet) -> None:
        """Become a copy of another packet, in the same buffer."""
        self.replace(other.to_bytes())
        self.partial, self.segment_size = other.partial, other.segment_size

    # --- the IPv4 header ---------------------------------------------------------------

    @property
    def header_length(self) -> int:
        """In bytes, with options."""
        return (self.buffer[0] & 15) * 4

    @property
    def total_length(self) -> int:
        return int(WORD.unpack_from(self.buffer, 2)[0])

    @property
    def identification(self) -> int:
        return int(WORD.unpack_from(self.buffer, 4)[0])

    @property
    def flags_and_offset(self) -> int:
        return int(WORD.unpack_from(self.buffer, 6)[0])

    @property
    def is_fragment(self) -> bool:
        """Is it a part of a datagram: the first, a later or the last one?"""
        return bool(self.flags_and_offset & (MORE_FRAGMENTS | FRAGMENT_OFFSET))

    @property
    def ttl(self) -> int:
        return self.buffer[8]

    @property
    def protocol(self) -> int:
        return self.buffer[9]

    @property
    def source_address(self) -> int:
        return int(LONG.unpack_from(self.buffer, 12)[0])

    @property
    def destination_address(self) -> int:
        address: int = LONG.unpack_from(self.buffer, 16)[0]
        return address

    @property
    def addresses(self) -> tuple[int, int]:
        """Source and destination."""
        source, destination = ADDRESSES.unpack_from(self.buffer, 12)
        return source, destination

    @property
    def segments(self) -> int:
        """How many packets on the wire this one stands for."""
        return self.on_the_wire()[0] if self.segment_size else 1

    def on_the_wire(self) -> tuple[int, int]:
        """How many packets this super-packet stands for, and the length of the largest."""
        buffer = self.buffer
        start = (buffer[0] & 15) * 4
        headers = start + ((buffer[start + 12] >> 4) * 4 if buffer[9] == TCP else UDP_HEADER.size)
        count = -(-(self.length - headers) // self.segment_size)
        return max(1, count), headers + self.segment_size

    def datagrams(self) -> Iterator[Packet]:
        """The datagrams that a UDP super-packet stands for, each a packet of its own (their
        identifications count on, as the kernel would have it)."""
        start = self.payload_start
        payload = self.payload
        for number, at in enumerate(range(0, len(payload), self.segment_size)):
            piece = Packet.of(bytes(self.buffer[:start]) + payload[at : at + self.segment_size])
            piece.partial = self.partial
            WORD.pack_into(piece.buffer, 4, self.identification + number & 0xFFFF)
            WORD.pack_into(piece.buffer, 2, piece.length)
            WORD.pack_into(piece.buffer, self.header_length + 4, piece.length - self.header_length)
            piece.finish_header()
            piece.finish_transport()
            yield piece

    # --- the transport header ----------------------------------------------------------

    @property
    def ports(self) -> tuple[int, int]:
        """Source and destination port of TCP or UDP."""
        source, destination = PORTS.unpack_from(self.buffer, self.header_length)
        return source, destination

    @property
    def five_tuple(self) -> tuple[int, int, int, int, int]:
        """Protocol, both addresses, both ports: what tells flows of TCP and UDP apart."""
        return (self.protocol, *self.addresses, *self.ports)

    @property
    def source(self) -> Endpoint:
        return Endpoint(self.source_address, self.ports[0])

    @property
    def destination(self) -> Endpoint:
        return Endpoint(self.destination_address, self.ports[1])

    @property
    def transport_header_length(self) -> int:
        if self.protocol == TCP:
            return (self.buffer[self.header_length + 12] >> 4) * 4
        return MINIMUM_TRANSPORT.get(self.protocol, 0)

    @property
    def payload_start(self) -> int:
        """Where what TCP or UDP carries begins in the buffer."""
        return self.header_length + self.transport_header_length

    @property
    def payload(self) -> bytes:
        """What TCP or UDP carries. UDP's own length decides where it ends."""
        buffer = self.buffer
        if buffer[9] != UDP:
            return bytes(buffer[self.payload_start : self.length])
        start = (buffer[0] & 15) * 4
        return bytes(buffer[start + 8 : start + WORD.unpack_from(buffer, start + 4)[0]])

    @property
    def transport_end(self) -> int:
        """Where it ends: bytes behind a UDP datagram's own length belong to nothing."""
        start = self.header_length
        if self.protocol == UDP:
            return start + int(WORD.unpack_from(self.buffer, start + 4)[0])
        return self.length

    @property
    def transport_checksum(self) -> int:
        """The checksum field of TCP, UDP or ICMP."""
        at = self.header_length + CHECKSUM_OFFSET[self.protocol]
        return int(WORD.unpack_from(self.buffer, at)[0])

    @transport_checksum.setter
    def transport_checksum(self, field: int) -> None:
        WORD.pack_into(self.buffer, self.header_length + CHECKSUM_OFFSET[self.protocol], field)

    # --- checks at the border ----------------------------------------------------------

    def check(self) -> Drop | None:
        """Is this an IPv4 packet that the accessors above can read safely?

        Bytes behind the total length (Ethernet padding) are cut off. A first or only fragment is
        checked for its transport header by `check_transport`, once the datagram is whole.
        """
        if self.length < 1:
            return Drop.MALFORMED
        if self.buffer[0] >> 4 != 4:
            return Drop.NOT_IPV4
        if self.length < MINIMUM_HEADER:
            return Drop.MALFORMED
        header, total = self.header_length, self.total_length
        if not MINIMUM_HEADER <= header <= total <= self.length:
            return Drop.MALFORMED
        if not sums_up(self.buffer[:header]):
            return Drop.BAD_HEADER_CHECKSUM
        if self.segment_size and self.is_fragment:
            return Drop.MALFORMED
        if total != self.length:
            self.length = total
            self.frame = None
        return self._check_options(header)

    def _check_options(self, header: int) -> Drop | None:
        """RFC 791 3.1: options are a list of single bytes or (type, length, data)."""
        at = MINIMUM_HEADER
        while at < header:
            option = self.buffer[at]
            if option == END_OF_OPTIONS:
                return None
            if option == NO_OPERATION:
                at += 1
                continue
            size = self.buffer[at + 1] if at + 1 < header else 0
            if size < 2 or at + size > header:
                return Drop.BAD_OPTION
            if option in (LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE):
                return Drop.SOURCE_ROUTED
            at += size
        return None

    def check_transport(self) -> Drop | None:
        """Lengths, ports and checksum of a whole TCP, UDP or ICMP datagram.

        This is the full verification that comes before a packet may create state. A partial
        checksum is the local kernel's promise and is not looked at.
        """
        protocol, start = self.buffer[9], (self.buffer[0] & 15) * 4
        size = self.length - start
        if size < MINIMUM_TRANSPORT.get(protocol, 0):
            return Drop.MALFORMED
        if protocol == UDP:
            return self._check_udp(start, size)
        if protocol == TCP:
            return self._check_tcp(start, size)
        if protocol == ICMP and not sums_up(self.buffer[start : self.length]):
            return Drop.BAD_TRANSPORT_CHECKSUM
        return None

    def _check_udp(self, start: int, size: int) -> Drop | None:
        source, destination, length, field = UDP_HEADER.unpack_from(self.buffer, start)
        if not MINIMUM_TRANSPORT[UDP] <= length <= size:
            return Drop.MALFORMED
        if not source or not destination:
            return Drop.PORT_ZERO
        if field and not self._transport_sums_up(start, length):
            return Drop.BAD_TRANSPORT_CHECKSUM
        return None

    def _check_tcp(self, start: int, size: int) -> Drop | None:
        if not MINIMUM_TRANSPORT[TCP] <= self.transport_header_length <= size:
            return Drop.MALFORMED
        if 0 in self.ports:
            return Drop.PORT_ZERO
        if not self._transport_sums_up(start, size):
            return Drop.BAD_TRANSPORT_CHECKSUM
        return None

    def _transport_sums_up(self, start: int, length: int) -> bool:
        """Pseudo header and segment, added up as in `checksum.py`: one number modulo 65,535."""
        if self.partial:
            return True
        segment = int.from_bytes(self.buffer[start : start + length], "big")
        if length & 1:
            segment <<= 8
        source, destination = ADDRESSES.unpack_from(self.buffer, 12)
        return bool((source + destination + self.buffer[9] + length + segment) % MODULUS == 0)

    def _pseudo_header(self, length: int) -> bytes:
        return pseudo_header(self.source_address, self.destination_address, self.protocol, length)

    # --- writing -----------------------------------------------------------------------

    def replace_payload(self, payload: bytes) -> None:
        """Put another payload into a UDP datagram, or a TCP segment: lengths and checksums follow.

        Whatever stood behind a UDP datagram's own length is cut off.
        """
        start = self.payload_start
        end = start + len(payload)
        self._make_room(end)
        self.buffer[start:end] = payload
        self.length = end
        self.frame = None
        WORD.pack_into(self.buffer, 2, self.length)
        self.finish_header()
        if self.protocol == UDP:
            WORD.pack_into(self.buffer, self.header_length + 4, self.length - self.header_length)
        self.finish_transport()

    def finish_header(self) -> None:
        """Compute the IPv4 header checksum anew."""
        WORD.pack_into(self.buffer, 10, 0)
        WORD.pack_into(self.buffer, 10, checksum(self.buffer[: self.header_length]))

    def complete(self) -> None:
        """Do what a partial checksum leaves to the kernel."""
        if self.partial:
            self.partial = False
            self.frame = None
            self.finish_transport()

    def finish_transport(self) -> None:
        """Compute the transport checksum anew; a UDP checksum that was 0 (none) stays 0."""
        start, end = self.header_length, self.transport_end
        at = start + CHECKSUM_OFFSET[self.protocol]
        if self.partial:
            sum_of_pseudo_header = ~checksum(self._pseudo_header(end - start)) & 0xFFFF
            WORD.pack_into(self.buffer, at, sum_of_pseudo_header)
            return
        if self.protocol == UDP and WORD.unpack_from(self.buffer, at)[0] == 0:
            return
        WORD.pack_into(self.buffer, at, 0)
        covered = bytes(self.buffer[start:end])
        if self.protocol != ICMP:
            covered = self._pseudo_header(end - start) + covered
        field = checksum(covered)
        WORD.pack_into(self.buffer, at, field or (0xFFFF if self.protocol == UDP else 0))

    def lower_ttl(self) -> None:
        """RFC 1812 5.3.1; the header checksum follows."""
        self.buffer[8] -= 1
        (field,) = WORD.unpack_from(self.buffer, 10)
        WORD.pack_into(self.buffer, 10, adjusted(field, 0x0100))
