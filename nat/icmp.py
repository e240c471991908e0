"""ICMP messages (RFC 792, RFC 5508): errors, which quote a packet, and what the NAT says itself.

An error about an outbound packet comes from the outside and quotes it *as it left*:

    ┌ router → 203.0.113.1 ────────────────────┐
    │ ICMP 3/1                                 │
    │ ┌ 203.0.113.1:40000 → 203.0.113.9:5060 ┐ │
    └─┴──────────────────────────────────────┴─┘
                         ↓
    ┌ router → 192.168.20.100 ────────────────────┐
    │ ICMP 3/1                                    │
    │ ┌ 192.168.20.100:5060 → 203.0.113.9:5060 ┐  │
    └─┴────────────────────────────────────────┴──┘

The quoted packet travelled one leg of a flow; its answers travel the other. So the leg is found by
the quoted tuple turned round, in the table of the wire that the error came from, and the quote is
given back the tuple with which it once arrived: the key of the opposite leg.
"""

from __future__ import annotations

from nat.behavior import Behavior, Refusal
from nat.checksum import MODULUS, checksum, sums_up
from nat.drop import Drop
from nat.endpoint import ICMP, ICMP_QUERY, TCP, UDP, FiveTuple, Side, is_unicast
from nat.limits import IcmpRate
from nat.packet import (
    CHECKSUM_OFFSET,
    FRAGMENT_OFFSET,
    IPV4,
    LONG,
    MINIMUM_HEADER,
    PORTS,
    WORD,
    Packet,
)

ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED, PARAMETER_PROBLEM = 0, 3, 8, 11, 12
HOST_UNREACHABLE, PORT_UNREACHABLE, FRAGMENTATION_NEEDED = 1, 3, 4
ADMINISTRATIVELY_PROHIBITED = 13

ERRORS = {UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM}
QUERIES = {ECHO_REQUEST, ECHO_REPLY}

REFUSALS = {
    Refusal.PROHIBITED: ADMINISTRATIVELY_PROHIBITED,
    Refusal.HOST_UNREACHABLE: HOST_UNREACHABLE,
}
TELL_THE_SENDER = {
    Drop.FLOW_LIMIT,
    Drop.HOST_FLOW_LIMIT,
    Drop.HOST_UNANSWERED_LIMIT,
    Drop.HOST_RATE_LIMIT,
    Drop.HOST_PORT_LIMIT,
    Drop.NO_PORT,
}
"""RFC 5508 REQ-8, RFC 6888 REQ-11: the sender hears of these (ICMP 3/13, or 3/1)."""

HEADER_LENGTH = 8  # of an ICMP error, before the quote
LOWEST_MTU = 68  # RFC 791: every link carries this much
QUOTE_LIMIT = 576 - MINIMUM_HEADER - HEADER_LENGTH  # RFC 1812 4.3.2.3


def query_key(type_and_code: int, source: int, destination: int, identifier: int) -> FiveTuple:
    """The key of an ICMP query or its answer: the identifier stands at the end that asked, as a
    port would; the other end has none. No key for other messages is in any table."""
    if type_and_code == ECHO_REQUEST << 8:
        return (ICMP_QUERY, source, destination, identifier, 0)
    return (ICMP_QUERY if type_and_code == 0 else ICMP, source, destination, 0, identifier)


class Quote:
    """The packet quoted in an ICMP error: read by `of`, changed by `restore`."""

    def __init__(self, packet: Packet, start: int) -> None:
        self._packet = packet
        self._start = start
        buffer = packet.buffer
        self._transport = start + (buffer[start] & 15) * 4
        self.protocol = buffer[start + 9]
        (source,) = LONG.unpack_from(buffer, start + 12)
        (destination,) = LONG.unpack_from(buffer, start + 16)
        self._ports_at = self._transport
        kind = self.protocol
        if self.protocol == ICMP:
            kind = ICMP_QUERY
            self._ports_at += 4
            (identifier,) = WORD.unpack_from(buffer, self._ports_at)
            # A quoted query and a quoted answer name the same id from opposite ends.
            ports = (identifier, 0) if buffer[self._transport] == ECHO_REQUEST else (0, identifier)
        else:
            ports = PORTS.unpack_from(buffer, self._ports_at)
        self.tuple: FiveTuple = (kind, source, destination, *ports)

    @classmethod
    def of(cls, packet: Packet) -> Quote | Drop:
        """The quote, if it can be trusted (RFC 5508 REQ-3, REQ-4; the ICMP checksum is checked by
        the caller). Its transport checksum is not looked at (REQ-3c): routers may cut it off."""
        start = packet.header_length + HEADER_LENGTH
        room = packet.length - start
        if room < MINIMUM_HEADER or packet.buffer[start] >> 4 != 4:
            return Drop.ICMP_BAD_QUOTE
        header = (packet.buffer[start] & 15) * 4
        if header < MINIMUM_HEADER or room < header + 8:
            return Drop.ICMP_BAD_QUOTE
        if not sums_up(packet.buffer[start : start + header]):
            return Drop.ICMP_BAD_QUOTE
        if WORD.unpack_from(packet.buffer, start + 6)[0] & FRAGMENT_OFFSET:
            return Drop.ICMP_BAD_QUOTE
        protocol = packet.buffer[start + 9]
        if protocol not in (UDP, TCP, ICMP):
            return Drop.ICMP_UNKNOWN_FLOW
        if protocol == ICMP and packet.buffer[start + header] not in QUERIES:
            return Drop.UNSUPPORTED_ICMP  # never an error about an error (RFC 1122 3.2.2)
        return cls(packet, start)

    def turned_round(self) -> FiveTuple:
        """The tuple of the packets that answer the quoted one."""
        protocol, source, destination, source_port, destination_port = self.tuple
        return (protocol, destination, source, destination_port, source_port)

    def restore(self, original: FiveTuple) -> None:
        """Write the tuple that the quoted packet had before it was translated."""
        buffer, start = self._packet.buffer, self._start
        _, source, destination, source_port, destination_port = original
        addresses = self.tuple[1] + self.tuple[2] - source - destination
        ports = self.tuple[3] + self.tuple[4] - source_port - destination_port
        LONG.pack_into(buffer, start + 12, source)
        LONG.pack_into(buffer, start + 16, destination)
        (checksum_of_header,) = WORD.unpack_from(buffer, start + 10)
        WORD.pack_into(buffer, start + 10, (checksum_of_header + addresses) % MODULUS)
        if self.protocol == ICMP:
            WORD.pack_into(buffer, self._ports_at, source_port or destination_port)
            self._adjust(CHECKSUM_OFFSET[ICMP], ports)
        else:
            PORTS.pack_into(buffer, self._ports_at, source_port, destination_port)
            self._adjust(CHECKSUM_OFFSET[self.protocol], addresses + ports)

    def _adjust(self, offset: int, change: int) -> None:
        """Keep a quoted transport checksum as right or wrong as it was, where it was quoted at all
        (RFC 768: UDP's 0 means "none", and a sum of 0 is written as its twin)."""
        at = self._transport + offset
        if at + 2 > self._packet.length:
            return
        (field,) = WORD.unpack_from(self._packet.buffer, at)
        if self.protocol != UDP:
            WORD.pack_into(self._packet.buffer, at, (field + change) % MODULUS)
        elif field:
            WORD.pack_into(self._packet.buffer, at, (field + change) % MODULUS or MODULUS)


class ErrorPatch:
    """Rewrites an ICMP error: the quote, the outer addresses, and all checksums.

    It is used for one packet and computes the outer checksums anew; they were verified before. In
    the quote they are only adjusted: a router may have quoted a packet whose checksum was wrong.
    """

    __slots__ = ("destination", "hop", "original", "quote", "source")

    def __init__(
        self, quote: Quote, original: FiveTuple, source: int, destination: int, hop: int
    ) -> None:
        self.quote = quote
        self.original = original
        self.source = source
        self.destination = destination
        self.hop = hop

    def apply(self, packet: Packet) -> None:
        self.quote.restore(self.original)
        packet.buffer[8] -= self.hop
        LONG.pack_into(packet.buffer, 12, self.source)
        LONG.pack_into(packet.buffer, 16, self.destination)
        packet.finish_header()
        packet.finish_transport()


def says_a_possible_mtu(packet: Packet, own: int) -> bool:
    """Is a "fragmentation needed" (others: True) about a link that carries what all must, and not
    more than our `own` wire to it? Others may be forged (RFC 1191 8, RFC 5927)."""
    start = packet.header_length
    if tuple(packet.buffer[start : start + 2]) != (UNREACHABLE, FRAGMENTATION_NEEDED):
        return True
    return LOWEST_MTU <= int(WORD.unpack_from(packet.buffer, start + 6)[0]) <= own


def may_be_answered_by_an_error(packet: Packet) -> bool:
    """RFC 1122 3.2.2: never an error about an error, a later fragment, or a multicast."""
    if packet.flags_and_offset & FRAGMENT_OFFSET or not is_unicast(packet.destination_address):
        return False
    return packet.protocol != ICMP or packet.buffer[packet.header_length] in QUERIES


class OwnIcmp:
    """What a NAT says by itself, within a budget for each wire. Packets are put into `outbox`."""

    def __init__(self, behavior: Behavior) -> None:
        self.behavior = behavior
        self.outbox: list[tuple[Side, Packet]] = []
        self.sent = [0, 0]  # by side
        self._rates = (IcmpRate(behavior.rng), IcmpRate(behavior.rng))

    def send_error(
        self, about: Packet, side: Side, type_: int, code: int, now: float, rest: int = 0
    ) -> None:
        """Answer a packet with an ICMP error of our own, if rules and rate allow one. `rest` is the
        second word of its header."""
        own = self._own_address(side)
        if own is not None and may_be_answered_by_an_error(about):
            self._send(side, error(about, own, type_, code, rest), about.source_address, now)

    def refuse(self, packet: Packet, drop: Drop, now: float) -> None:
        """An inside host hears that there is no room for its flow."""
        code = REFUSALS.get(self.behavior.refusal)
        if drop in TELL_THE_SENDER and code is not None:
            self.send_error(packet, Side.INSIDE, UNREACHABLE, code, now)

    def answer_ping(self, request: Packet, side: Side, now: float) -> None:
        """Answer by the wire that the ping came from, if the rate allows it."""
        self._send(side, echo_reply(request), request.source_address, now)

    def _own_address(self, side: Side) -> int | None:
        """Which address our own messages to a wire come from; None: we have none there, and send
        nothing."""
        if side is Side.INSIDE:
            return self.behavior.gateway
        return self.behavior.outside_address or self.behavior.external[0]

    def _send(self, side: Side, data: bytes, target: int, now: float) -> None:
        if self._rates[side].allows(target, self.behavior.limits, now):
            self.sent[side] += 1
            self.outbox.append((side, Packet.of(data)))


def error(about: Packet, source: int, type_: int, code: int, rest: int = 0) -> bytes:
    """An ICMP error of our own, quoting as much of `about` as fits 576 bytes (RFC 1812 4.3.2.3).

    `rest` is the second word of the header: the next MTU in "fragmentation needed" (RFC 1191).
    """
    quote = bytes(about.buffer[: min(about.length, QUOTE_LIMIT)])
    body = bytearray((type_, code, 0, 0)) + rest.to_bytes(4, "big") + quote
    WORD.pack_into(body, 2, checksum(body))
    return _datagram(source, about.source_address, bytes(body))


def echo_reply(request: Packet) -> bytes:
    """The answer to a ping of one of our own addresses (RFC 1122 3.2.2.6)."""
    body = bytearray(request.buffer[request.header_length : request.length])
    body[0] = ECHO_REPLY
    WORD.pack_into(body, 2, 0)
    WORD.pack_into(body, 2, checksum(body))
    return _datagram(request.destination_address, request.source_address, bytes(body))


def _datagram(source: int, destination: int, body: bytes) -> bytes:
    """An IPv4 packet of our own, with a TTL of 64 (RFC 1700)."""
    header = IPV4.pack(
        0x4500, MINIMUM_HEADER + len(body), 0, 0, 64 << 8 | ICMP, 0, source, destination
    )
    packet = Packet.of(header + body)
    packet.finish_header()
    return packet.to_bytes()
