"""The records of the NAT: mappings, flows, legs and patches (RFC 4787 section 2, RFC 6146 3).

    internal            external │ remote
 192.168.20.100:5060 ⇄ 203.0.113.1:40000 │ 203.0.113.9:5060

A mapping joins internal and external; a flow adds the remote. A flow has two legs:

   leg        arrives as              leaves as
   outbound   internal → remote       external → remote
   inbound    remote → external       remote → internal

Only flows carry a timer. A mapping lives while it has a flow, an expectation or an owner.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Any, ClassVar, Protocol

from nat.checksum import MODULUS
from nat.deadlines import Timer
from nat.endpoint import ICMP, TCP, UDP, Direction, Endpoint
from nat.expectation import Expectation
from nat.packet import WORD, Buffer, Packet
from nat.tcp import TcpState

FiveTuple = tuple[int, int, int, int, int]
"""(protocol, source address, destination address, source port, destination port)"""

ICMP_QUERY = 0x100 | ICMP
"""What stands for the protocol in the five-tuples of ICMP queries: a number that no header can
hold. The fast road takes the words behind every IPv4 header for ports; for ICMP those are type,
code and checksum, and a checksum that looks like somebody's identifier must not find a flow."""


class Arrival(IntEnum):
    """Where a packet comes from, as an index of leg tables. A hairpinned packet passes the NAT
    twice: once outward from the inside, then inward from the turn."""

    INSIDE = 0
    OUTSIDE = 1
    TURN = 2


# (a name of the module is read faster than an enum's member)
INSIDE, OUTSIDE, TURN = Arrival.INSIDE, Arrival.OUTSIDE, Arrival.TURN
OUT, IN = Direction.OUT, Direction.IN

# from TTL to destination address: TTL+protocol, header checksum, source, destination
TTL_AND_CHECKSUM = Struct("!HH")
TTL_TO_DESTINATION = Struct("!HHII")
# … and on, without options, to the transport checksum: both ports; of UDP the length, of TCP all
# between ports and checksum
TTL_TO_UDP_CHECKSUM = Struct("!HHIIHHHH")
TTL_TO_TCP_CHECKSUM = Struct("!HHIIHH12sH")
PORTS = Struct("!HH")
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


class Leg:
    """One direction of a flow.

    `exit` is where its packets go. `follow`, when set, must see every packet of the leg (TCP's
    state machine, the first answer of a UDP flow); a leg without it is the fast road. `slot` says
    which ALG looks at its packets, and belongs to the appliance. A leg without a flow (`flow` is
    None) is made for one packet that a mapping lets in before the inside has answered.
    """

    __slots__ = (
        "arrival",
        "bytes",
        "exit",
        "flow",
        "follow",
        "key",
        "mapping",
        "packets",
        "patch",
        "slot",
    )

    def __init__(
        self,
        mapping: Mapping | None,
        arrival: Arrival,
        exit_: Arrival,
        arrives: FiveTuple,
        leaves: FiveTuple,
    ) -> None:
        self.flow: Flow | None = None
        self.mapping = mapping
        self.arrival = arrival
        self.exit = exit_
        self.key = arrives
        patch = PATCHES[arrives[0]]
        # A packet that turns back passes two legs but is one hop further only once.
        hop = 0 if arrival is TURN else 1
        self.patch: PacketPatch = patch(arrives, leaves, hop)
        self.packets = 0
        self.bytes = 0
        self.follow = False
        self.slot: Any = None

    @property
    def direction(self) -> Direction:
        """Which way its packets cross the NAT."""
        return OUT if self.arrival is INSIDE else IN


class TcpTrack:
    """Where a connection stands, and the sequence number each side must send next as its peer
    last acknowledged it (a RST with another one is not accepted by the peer: RFC 5961 3.2)."""

    __slots__ = ("answer_to_syn", "next_from_inside", "next_from_outside", "state")

    def __init__(self, state: TcpState) -> None:
        self.state = state
        self.next_from_inside: int | None = None
        self.next_from_outside: int | None = None
        self.answer_to_syn: int | None = None

    def begin(self, outward: bool, sequence: int) -> None:
        """A side opens anew: what its peer once acknowledged no longer counts."""
        self.answer_to_syn = sequence + 1 & 0xFFFFFFFF
        if outward:
            self.next_from_outside = None
        else:
            self.next_from_inside = None

    def acknowledge(self, outward: bool, number: int) -> None:
        """A segment says which number its sender wants next from its peer."""
        if outward:
            self.next_from_outside = number
        else:
            self.next_from_inside = number

    def accepts_reset(self, outward: bool, sequence: int, acknowledgement: int) -> bool:
        """Would the receiver take this RST? Only with the sequence number that comes next (RFC
        5961 3.2), or, when nothing has come yet, in answer to its SYN (RFC 9293 3.10.7.3)."""
        expected = self.next_from_inside if outward else self.next_from_outside
        if expected is None:
            return acknowledgement == self.answer_to_syn
        return sequence == expected


class Flow:
    """A mapping and a remote endpoint (RFC 6146 calls it a session). The only thing that times
    out: `refreshed` and `timer` are read by `deadlines.py`."""

    __slots__ = (
        "answered",
        "id",
        "inbound",
        "mapping",
        "opened_by",
        "outbound",
        "refreshed",
        "remote",
        "tcp",
        "timer",
    )

    def __init__(
        self,
        id_: int,
        mapping: Mapping,
        remote: Endpoint,
        opened_by: str,
        legs: tuple[Leg, Leg],
        now: float,
    ) -> None:
        self.id = id_
        self.mapping = mapping
        self.remote = remote
        self.opened_by = opened_by
        self.refreshed = now
        self.timer: Timer | None = None
        self.answered = False
        self.tcp: TcpTrack | None = None
        self.outbound, self.inbound = legs
        self.outbound.flow = self.inbound.flow = self

    def is_alive(self, now: float) -> bool:
        """Lookups ask this, so that a late tidy-up is never visible."""
        return self.timer is not None and self.refreshed + self.timer.timeout > now

    def expires_at(self) -> float:
        return self.refreshed + self.timer.timeout if self.timer else self.refreshed

    @property
    def state(self) -> str:
        """The word for tables: a TCP state, or whether anything came back yet."""
        if self.tcp:
            return self.tcp.state.value
        return "answered" if self.answered else "unanswered"


class Mapping:
    """Internal ⇄ external, for as long as somebody needs it.

    `permitted` is the filter: the scopes of the remotes that the inside has sent to, each with the
    flows that say so. `keys` are its entries in the table of mappings. `owned` ones belong to a
    forward; `held_until` (seconds) keeps one that an ALG has announced and nobody uses yet.
    """

    __slots__ = (
        "expectations",
        "external",
        "held_until",
        "id",
        "internal",
        "keys",
        "opened_by",
        "owned",
        "permitted",
        "protocol",
    )

    def __init__(
        self, id_: int, protocol: int, internal: Endpoint, external: Endpoint, opened_by: str
    ) -> None:
        self.id = id_
        self.protocol = protocol
        self.internal = internal
        self.external = external
        self.opened_by = opened_by
        self.owned = False
        self.held_until = 0.0
        self.keys: tuple[tuple[int, ...], ...] = ()
        self.permitted: dict[tuple[int, ...], list[Flow]] = {}
        self.expectations: tuple[Expectation, ...] = ()

    @property
    def has_a_port_of_the_pool(self) -> bool:
        """Was its external port chosen, and not told by a rule?"""
        return self.opened_by in ("packet", "alg")

    def is_needed(self, now: float) -> bool:
        in_use = self.permitted or self.expectations
        return self.owned or bool(in_use) or self.held_until > now

    def oldest_flow(self) -> Flow | None:
        """One that has stood here longest, roughly: the likeliest to be over."""
        return next(iter(self.permitted.values()))[0] if self.permitted else None

    def flows(self) -> list[Flow]:
        return [flow for flows in self.permitted.values() for flow in flows]


def inbound_key(protocol: int, remote: Endpoint, external: Endpoint) -> FiveTuple:
    """How the packets from a remote to an external endpoint arrive."""
    if protocol == ICMP:
        return (ICMP_QUERY, remote.address, external.address, 0, external.port)
    return (protocol, remote.address, external.address, remote.port, external.port)


def outbound_key(protocol: int, internal: Endpoint, remote: Endpoint) -> FiveTuple:
    """How the packets from an inside endpoint to a remote arrive."""
    if protocol == ICMP:
        return (ICMP_QUERY, internal.address, remote.address, internal.port, 0)
    return (protocol, internal.address, remote.address, internal.port, remote.port)


def legs_between(
    mapping: Mapping, remote: Endpoint, turning: bool = False, reached: Endpoint | None = None
) -> tuple[Leg, Leg]:
    """The outbound and the inbound leg between a mapping and a remote; `turning` when the remote
    is one of our own external endpoints (hairpin). `reached`: where inbound packets are to go, if
    not to the mapping's internal endpoint (see `decisions.py`)."""
    protocol, remote_port = mapping.protocol, remote.port
    if protocol == ICMP:
        protocol, remote_port = ICMP_QUERY, 0
    internal, external = mapping.internal, mapping.external
    inside_out = (protocol, internal.address, remote.address, internal.port, remote_port)
    outside_out = (protocol, external.address, remote.address, external.port, remote_port)
    outside_in = (protocol, remote.address, external.address, remote_port, external.port)
    reached = reached or internal
    inside_in = (protocol, remote.address, reached.address, remote_port, reached.port)
    beyond = TURN if turning else OUTSIDE
    outbound = Leg(mapping, INSIDE, beyond, inside_out, outside_out)
    inbound = Leg(mapping, beyond, INSIDE, outside_in, inside_in)
    return outbound, inbound
