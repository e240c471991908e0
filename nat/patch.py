"""What a leg writes into its packets: the second tuple, and two differences of checksums.

A checksum is never computed anew for a packet that passes: what changes in it is known before the
packet comes. The checksum says that all words of what it covers add up to 0 (modulo 65,535, see
`checksum.py`). If the words lose `change` in all, the field must gain `change`. An example, with
192.168.20.100:5060 on its way out as 203.0.113.1:40000:

    words of the old end     0xC0A8 + 0x1464 + 5060   =  49320 +  5220 +  5060  =  59600
    words of the new end     0xCB00 + 0x7101 + 40000  =  51968 + 28929 + 40000  = 120897
    change (old - new)       59600 - 120897 = -61297,  modulo 65,535            =   4238
    a field of 0x1234        0x1234 + 4238 = 4660 + 4238                        = 0x22C2

A 32-bit address need not be cut into words: 65,536 leaves the rest 1, so the whole number leaves
the same rest as its words added up.
"""

from __future__ import annotations

from struct import Struct
from typing import ClassVar, Protocol

from nat.checksum import MODULUS
from nat.endpoint import ICMP_QUERY, TCP, UDP, FiveTuple
from nat.packet import PORTS, WORD, Buffer, Packet

# from TTL to destination address: TTL+protocol, header checksum, source, destination
TTL_AND_CHECKSUM = Struct("!HH")
TTL_TO_DESTINATION = Struct("!HHII")
# … and on, without options, to the transport checksum: both ports; of UDP the length, of TCP all
# between ports and checksum
TTL_TO_UDP_CHECKSUM = Struct("!HHIIHHHH")
TTL_TO_TCP_CHECKSUM = Struct("!HHIIHH12sH")
WITHOUT_OPTIONS = 0x45  # version 4, five words of header


class PacketPatch(Protocol):
    """Whatever turns a packet as it arrived into the packet that leaves."""

    def apply(self, packet: Packet) -> None:
        """Rewrite the packet in place."""


class Patch:
    """What a leg writes into its packets: the second tuple, and two differences.

    Each difference is "old words minus new words", so that a checksum is adjusted by adding it
    (RFC 1624 with all arithmetic modulo 65,535): for a transport checksum the addresses and ports,
    for the IPv4 header the addresses (and the hop), for a partial checksum the addresses alone (it
    is the sum of the pseudo header, not complemented: there the difference is taken away).
    """

    __slots__ = (
        "destination",
        "destination_port",
        "hop",
        "pseudo_change",
        "source",
        "source_port",
        "transport_change",
    )
    row: ClassVar[Struct]
    """From TTL to transport checksum, without IPv4 options."""

    def __init__(self, arrives: FiveTuple, leaves: FiveTuple, hop: int = 1) -> None:
        _, self.source, self.destination, self.source_port, self.destination_port = leaves
        self.hop = hop << 8
        addresses_change = arrives[1] + arrives[2] - leaves[1] - leaves[2]
        ports_change = arrives[3] + arrives[4] - leaves[3] - leaves[4]
        self.pseudo_change = addresses_change % MODULUS
        self.transport_change = (addresses_change + ports_change) % MODULUS

    def apply(self, packet: Packet) -> None:
        """Rewrite a UDP or TCP packet in place: both endpoints, TTL, both checksums.

        Without IPv4 options all that changes stands in a row, and one struct reads and writes it.
        """
        buffer = packet.buffer
        if buffer[0] != WITHOUT_OPTIONS:
            self._apply_behind_options(packet)
            return
        ttl_protocol, header_checksum, _, _, _, _, between, field = self.row.unpack_from(buffer, 8)
        self.row.pack_into(
            buffer,
            8,
            ttl_protocol - self.hop,
            (header_checksum + self.pseudo_change + self.hop) % MODULUS,
            self.source,
            self.destination,
            self.source_port,
            self.destination_port,
            between,
            self.adjusted(field, packet.partial),
        )

    def _apply_behind_options(self, packet: Packet) -> None:
        start = packet.header_length
        self._apply_to_header(packet.buffer)
        PORTS.pack_into(packet.buffer, start, self.source_port, self.destination_port)
        packet.transport_checksum = self.adjusted(packet.transport_checksum, packet.partial)

    def _apply_to_header(self, buffer: Buffer) -> None:
        ttl_protocol, header_checksum = TTL_AND_CHECKSUM.unpack_from(buffer, 8)
        TTL_TO_DESTINATION.pack_into(
            buffer,
            8,
            ttl_protocol - self.hop,
            (header_checksum + self.pseudo_change + self.hop) % MODULUS,
            self.source,
            self.destination,
        )

    def adjusted(self, field: int, partial: bool) -> int:
        """The transport checksum. A partial one is a sum and not its complement, so it changes the
        other way."""
        return (field - self.pseudo_change if partial else field + self.transport_change) % MODULUS


class TwicePatch(Patch):
    """Two patches, one after the other: what a NAT writes that is wrong on purpose and translates
    twice. As a patch it says what comes of both. See `policy.py` (`halfway`)."""

    __slots__ = ("stages",)

    def __init__(self, arrives: FiveTuple, halfway: FiveTuple, leaves: FiveTuple) -> None:
        super().__init__(arrives, leaves)
        patch = PATCHES[arrives[0]]
        self.stages = patch(arrives, halfway, hop=0), patch(halfway, leaves)

    def apply(self, packet: Packet) -> None:
        for stage in self.stages:
            stage.apply(packet)


def stages_of(patch: PacketPatch) -> tuple[PacketPatch, ...]:
    """The translations that a patch consists of: itself, but for one that translates twice."""
    return patch.stages if isinstance(patch, TwicePatch) else (patch,)


class TcpPatch(Patch):
    """The patch of a TCP leg."""

    __slots__ = ()
    row = TTL_TO_TCP_CHECKSUM


class UdpPatch(Patch):
    """The same for UDP, where a checksum may be absent.

    RFC 768: a field of 0 means "no checksum" and stays 0, so a sum of 0 is sent as its twin 0xFFFF.
    """

    __slots__ = ()
    row = TTL_TO_UDP_CHECKSUM

    def adjusted(self, field: int, partial: bool) -> int:
        if partial:
            return (field - self.pseudo_change) % MODULUS
        return (field + self.transport_change) % MODULUS or MODULUS if field else 0


class EchoPatch(Patch):
    """The same for an ICMP query: the identifier stands in the place of a port, and the checksum
    covers no addresses (RFC 792, RFC 5508 REQ-1)."""

    __slots__ = ("identifier", "identifier_change")

    def __init__(self, arrives: FiveTuple, leaves: FiveTuple, hop: int = 1) -> None:
        super().__init__(arrives, leaves, hop)
        self.identifier = leaves[3] or leaves[4]
        self.identifier_change = (arrives[3] + arrives[4] - leaves[3] - leaves[4]) % MODULUS

    def apply(self, packet: Packet) -> None:
        self._apply_to_header(packet.buffer)
        changed = (packet.transport_checksum + self.identifier_change) % MODULUS
        packet.transport_checksum = changed
        WORD.pack_into(packet.buffer, packet.header_length + 4, self.identifier)


PATCHES: dict[int, type[Patch]] = {TCP: TcpPatch, UDP: UdpPatch, ICMP_QUERY: EchoPatch}
