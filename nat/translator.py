"""The NAT: what becomes of a packet.

`Nat.translate` has a fast road and a slow road. **Fast road:** a packet of a known flow whose
header shows nothing unusual costs one lookup. **Slow road:** everything else, step by step in
`_examine`: is it a packet, may it be here, is it whole, is it for us, does a flow know it, may it
open one. Whether it may open one is all policy, and stands in `admission.py`.

    translate ── unusual header ──► _examine ── all questions ────────┐
        │                                                             ▼
        ├─────── no leg ──────────► _consider ─ the rest of them ─► _find_or_admit
        │
        └─────── a leg, alive ────► the leg
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from nat import icmp
from nat.admission import HAIRPIN, INSIDE, OUTSIDE, SIDES, Admission
from nat.behavior import Behavior
from nat.changes import Changes
from nat.conntrack import Conntrack
from nat.drop import Aside, Drop
from nat.endpoint import ICMP, TCP, UDP, Endpoint, FiveTuple, Side, is_unicast
from nat.errors import Errors
from nat.events import Observer
from nat.following import ESTABLISHED, TCP_HEADER, Following
from nat.fragments import FragmentLimits, Reassembler
from nat.icmp import query_key
from nat.mapping import Arrival, FlowLeg, Leg, Why
from nat.packet import FRAGMENT_OFFSET, WORD, Packet
from nat.policy import Policy
from nat.tcp import ACK, FIN, RST, SYN

# version+IHL+tos, total length, identification, flags+offset, TTL+protocol, checksum, source,
# destination; then (without options), as far as they fit their protocol:
# - of TCP both ports, sequence and acknowledgement number, data offset and flags;
# - of UDP both ports, length and checksum, six bytes of payload;
# - of an ICMP query type and code, checksum, identifier and sequence number, and six bytes of data.
HEADER = Struct("!HHHHHHIIHHIIH")
FAST_LENGTH = HEADER.size
CONTROL = FIN | SYN | RST | ACK
WHOLE_MASK = 0x3FFF  # more-fragments flag and fragment offset

JUDGEMENTS = 4096  # pairs of addresses whose judgement is remembered
EXPIRE_AT_ONCE = 500  # records looked at between two packets


Verdict = Leg | Drop | Aside


class Nat:
    """A network address and port translator (RFC 3022, RFC 4787, RFC 5382, RFC 5508).

    It has no clock: `now` is seconds on any clock that does not run backward. Packets that the NAT
    sends by itself (ICMP) are put into `outbox`.
    """

    def __init__(self, behavior: Behavior, observer: Observer, policy: Policy) -> None:
        self.table = Conntrack(behavior, observer, policy)
        self.own_icmp = icmp.OwnIcmp(behavior)
        self.outbox = self.own_icmp.outbox
        self.reassembler = Reassembler(FragmentLimits(), observer.fragments_gone)
        self._following = Following(self.table, observer)
        self._admission = Admission(self.table, self._following, self.own_icmp, observer)
        self._errors = Errors(self.table, self._admission)
        self._changes = Changes(self.table)
        self.addresses_by_side: tuple[set[int], set[int]] = (set(), set())
        self._take_over(None, behavior, policy, 0.0)

    def change(self, behavior: Behavior, policy: Policy, now: float) -> None:
        """Take over other settings. They count from the next packet on; what they change for flows
        that exist follows at once, or for a great many within fractions of a second."""
        self._take_over(self.behavior, behavior, policy, now)

    def _take_over(
        self, before: Behavior | None, behavior: Behavior, policy: Policy, now: float
    ) -> None:
        self.behavior = self.own_icmp.behavior = behavior
        self.policy = policy
        self.table.settings_changed(behavior, policy)
        self._following.settings_changed(behavior, policy)
        self._admission.settings_changed(behavior)
        self._errors.settings_changed(behavior, policy)
        inside = set() if behavior.gateway is None else {behavior.gateway}
        self.addresses_by_side = (inside, set(behavior.shared_addresses()))
        # Until settings change again, the same addresses are judged alike.
        self._judge_addresses = lru_cache(JUDGEMENTS)(self._check_addresses)
        limits = behavior.limits
        self.reassembler.limits = FragmentLimits(
            limits.fragments,
            limits.fragments_per_host,
            limits.fragment_pieces,
            limits.fragment_bytes,
            behavior.timeouts.fragments,
        )
        self._changes.begin(before, behavior, now)

    # --- the fast road -----------------------------------------------------------------

    def translate(self, packet: Packet, arrival: Arrival, now: float) -> Verdict:
        """What becomes of a packet: the leg whose patch is to be applied, or why not.

        The checks read a header without options. Modulo 65,535 a 32-bit address weighs the same
        as its two halves, so the header checksum is right when all fields add up to 0.
        """
        if packet.length < FAST_LENGTH:
            return self._examine(packet, arrival, now)
        (
            version_word, total, ident, fragment, ttl_protocol, checksum, source, destination,
            source_port, destination_port, next_word, acknowledgement, offset_and_flags,
        ) = HEADER.unpack_from(packet.buffer)  # fmt: skip
        if (
            version_word >> 8 != 0x45
            or total != packet.length
            or fragment & WHOLE_MASK
            or ttl_protocol < 0x0200
            or (
                version_word + total + ident + fragment + ttl_protocol + checksum + source
                + destination
            ) % 0xFFFF
        ):  # fmt: skip
            return self._examine(packet, arrival, now)
        protocol = ttl_protocol & 0xFF
        if protocol == UDP and not 8 <= next_word >> 16 <= total - 20:
            return Drop.MALFORMED
        if protocol == ICMP:
            key = query_key(source_port, source, destination, next_word >> 16)
        else:
            key = (protocol, source, destination, source_port, destination_port)
        leg = self.table.legs[arrival].get(key)
        if leg is None:
            return self._consider(packet, arrival, key, now)
        flow = leg.flow
        if flow.refreshed + flow.timer.timeout <= now:
            return self._examine(packet, arrival, now)
        if leg.follow and not (
            offset_and_flags & CONTROL == ACK
            and _is_plain_ack(leg, offset_and_flags, acknowledgement, total)
        ):
            verdict = self._following.follow(leg, packet, now)
            if verdict:
                return verdict
        if arrival is INSIDE or self.behavior.refresh_inbound:
            flow.refreshed = now
        return leg

    # --- the slow road -----------------------------------------------------------------

    def _examine(self, packet: Packet, arrival: Arrival, now: float) -> Verdict:
        """Step by step, for everything that is not an ordinary packet of a known flow."""
        side = SIDES[arrival]
        return (
            packet.check()
            or self._judge_addresses(arrival, *packet.addresses)
            or self._make_whole(packet, side, now)
            or self._answer_ping(packet, side, packet.destination_address, now)
            or self._check_ttl(packet, arrival, side, now)
            or packet.check_transport()
            or self._find_or_admit(packet, arrival, now)
        )

    def _consider(self, packet: Packet, arrival: Arrival, key: FiveTuple, now: float) -> Verdict:
        """The same, for a packet whose IPv4 header is known to be in order; no flow knows `key`,
        between whom it goes. The fast road has asked the questions that are left out here."""
        verdict = (
            self._judge_addresses(arrival, key[1], key[2])
            or self._answer_ping(packet, SIDES[arrival], key[2], now)
            or packet.check_transport()
        )
        if verdict:
            return verdict
        if key[0] not in (TCP, UDP):
            return self._find_or_admit(packet, arrival, now)
        if arrival is INSIDE:
            return self._admission.outbound(key, packet, now)
        return self._admission.inbound(key, packet, arrival, now)

    def _make_whole(self, packet: Packet, side: Side, now: float) -> Verdict | None:
        """Nothing is looked at before all fragments are there (RFC 4787 REQ-14)."""
        if not packet.is_fragment:
            return None
        offset = (packet.flags_and_offset & FRAGMENT_OFFSET) * 8
        if not self.policy.takes_fragment(True, offset):
            return Drop.FRAGMENT_REFUSED
        whole = self.reassembler.add(packet, side, now)
        if isinstance(whole, Drop):
            return whole
        if whole is None:
            return Aside.HELD
        packet.replace(whole)
        return None

    def _check_ttl(self, packet: Packet, arrival: Arrival, side: Side, now: float) -> Drop | None:
        """RFC 1812 5.3.1; so traceroute shows the NAT as a hop."""
        if packet.ttl > 1 or arrival is HAIRPIN:
            return None
        self.own_icmp.send_error(packet, side, icmp.TIME_EXCEEDED, 0, now)
        return Drop.TTL_EXCEEDED

    def _find_or_admit(self, packet: Packet, arrival: Arrival, now: float) -> Verdict:
        """By protocol: what has no ports to tell flows apart by is not translated."""
        protocol = packet.protocol
        if protocol == ICMP:
            return self._examine_icmp(packet, arrival, now)
        if protocol not in (TCP, UDP):
            return Drop.UNSUPPORTED_PROTOCOL
        return self._lookup_or_admit(packet.five_tuple, packet, arrival, now)

    def _check_addresses(self, arrival: Arrival, source: int, destination: int) -> Drop | None:
        """Who may send from where to where (BCP 38, RFC 1122 3.2.1.3, RFC 1812 5.3.7)."""
        if not is_unicast(source):
            return Drop.BAD_SOURCE
        if not is_unicast(destination):
            return Drop.BAD_DESTINATION
        if arrival is INSIDE:
            return self._check_from_inside(source, destination)
        if arrival is OUTSIDE:
            if self.behavior.is_internal(source) or source in self.table.rules.owned:
                return Drop.SPOOFED_SOURCE
            return None if self._is_for_us(destination) else Drop.NOT_OURS
        return None

    def _is_for_us(self, destination: int) -> bool:
        """An external address of ours, or of an inside host that some remotes know by its own."""
        if destination in self.table.rules.owned or destination in self.addresses_by_side[1]:
            return True
        return bool(self.behavior.untranslated) and self.behavior.is_internal(destination)

    def _check_from_inside(self, source: int, destination: int) -> Drop | None:
        """Only hosts of the inside networks send there, and only to the outside or the gateway."""
        network = next((each for each in self.behavior.networks if source in each), None)
        if network is None or source == self.behavior.gateway:
            return Drop.SPOOFED_SOURCE
        if network.broadcast is not None and source in (network.address, network.broadcast):
            return Drop.BAD_SOURCE
        if destination == source:
            return Drop.LAND
        if destination == self.behavior.gateway:
            return None
        return Drop.NOT_FOR_OUTSIDE if self.behavior.is_internal(destination) else None

    def _answer_ping(
        self, packet: Packet, side: Side, destination: int, now: float
    ) -> Verdict | None:
        """A ping of one of our own addresses. Other packets from outside for them go on, perhaps to
        a mapping; other packets from inside for the gateway have no place to go."""
        inside, outside = self.addresses_by_side
        is_inner = side is Side.INSIDE and destination in inside
        if not is_inner and destination not in outside:
            return None
        is_ping = (
            packet.protocol == ICMP
            and packet.check_transport() is None
            and packet.buffer[packet.header_length] == icmp.ECHO_REQUEST
        )
        if is_ping:
            self.own_icmp.answer_ping(packet, side, now)
            return Aside.ANSWERED
        return Drop.NOT_FOR_OUTSIDE if is_inner else None

    def _lookup_or_admit(
        self, key: FiveTuple, packet: Packet, arrival: Arrival, now: float
    ) -> Verdict:
        """A flow that is over and was not tidied up yet is closed first, so that nobody can tell
        whether the tidying was late."""
        leg = self.table.legs[arrival].get(key)
        if leg is not None:
            if leg.flow.is_alive(now):
                return self._pass(leg, packet, now)
            self.table.close_flow(leg.flow, Why.EXPIRED, now)
        if arrival is INSIDE:
            return self._admission.outbound(key, packet, now)
        return self._admission.inbound(key, packet, arrival, now)

    def _pass(self, leg: FlowLeg, packet: Packet, now: float) -> Verdict:
        """A packet of a known flow that came by the slow road (IPv4 options, ICMP, fragments)."""
        if leg.follow:
            verdict = self._following.follow(leg, packet, now)
            if verdict:
                return verdict
        if leg.arrival is INSIDE or self.behavior.refresh_inbound:
            leg.flow.refreshed = now
        return leg

    # --- ICMP --------------------------------------------------------------------------

    def _examine_icmp(self, packet: Packet, arrival: Arrival, now: float) -> Verdict:
        """Errors belong to the flow whose packet they quote. Queries are flows of their own, by
        their identifier: the inside asks and the outside answers."""
        kind = packet.buffer[packet.header_length]
        if kind in icmp.ERRORS:
            return self._errors.translate(packet, arrival, now)
        if kind not in icmp.QUERIES:
            return Drop.UNSUPPORTED_ICMP
        (identifier,) = WORD.unpack_from(packet.buffer, packet.header_length + 4)
        asks = kind == icmp.ECHO_REQUEST
        if asks is not (arrival is INSIDE):
            return self._answer_through_static(packet, arrival, now, identifier)
        key = query_key(kind << 8, packet.source_address, packet.destination_address, identifier)
        return self._lookup_or_admit(key, packet, arrival, now)

    def _answer_through_static(
        self, packet: Packet, arrival: Arrival, now: float, identifier: int
    ) -> Verdict:
        """Only a host with an address of its own outside (1:1) can be pinged, and answer."""
        source, destination = packet.source_address, packet.destination_address
        if arrival is INSIDE:
            legs = self._errors.static_legs(arrival, Endpoint(source, identifier), destination)
            return legs[0] if legs else Drop.NOT_OPENING
        legs = self._errors.static_legs(arrival, Endpoint(destination, identifier), source)
        return legs[1] if legs else Drop.NO_MAPPING

    # --- how much is in use ------------------------------------------------------------

    def usage(self, now: float) -> dict[str, int]:
        """How much of each limit is in use; of limits for one host, by the busiest host."""
        table, store = self.table, self.reassembler
        hosts = table.hosts.values()
        return {
            "flows": len(table.flows),
            "flows_per_host": max((host.flows for host in hosts), default=0),
            "unanswered_per_host": max((host.unanswered for host in hosts), default=0),
            "ports_per_host": max((host.ports for host in hosts), default=0),
            "expectations": len(table.expectations),
            "expectations_per_host": max((host.expectations for host in hosts), default=0),
            "expectations_per_parent": table.expectations.most_of_a_parent(),
            "waiting_syns": self._admission.waiting_syns,
            "resting_ports": table.mappings.assignment.most_resting_ports(now),
            "fragments": len(store),
            **store.usage(),
        }

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When `expire` wants to be called, in seconds on the clock of `now`; inf: never, as
        things are. It may turn out that there is nothing to do then."""
        if self._changes.are_under_way:
            return 0.0  # at once
        return min(
            self.table.next_deadline(),
            self.reassembler.next_deadline(),
            self._admission.next_deadline(),
        )

    def expire(self, now: float) -> None:
        """Forget what is over. Bounded work: when much is due, the next deadline stays due."""
        self._changes.proceed()
        self.table.expire(now, EXPIRE_AT_ONCE)
        self.reassembler.expire(now)
        self._admission.expire(now)


def _is_plain_ack(leg: FlowLeg, offset_and_flags: int, acknowledgement: int, total: int) -> bool:
    """Is a segment with just the ACK flag one of an established connection, as nearly all are? Then
    no more is needed than to note its number. False: look closer."""
    track = leg.flow.tcp
    header = (offset_and_flags >> 12) * 4
    if track is None or track.state is not ESTABLISHED:
        return False
    if not TCP_HEADER <= header <= total - 20:
        return False
    return not track.acknowledge(leg.arrival is INSIDE, acknowledgement)
