"""The NAT: what becomes of a packet.

`Nat.translate` has a fast road and a slow road. **Fast road:** a packet of a known flow whose
header shows nothing unusual costs one lookup. **Slow road:** everything else, step by step in
`_examine`: is it a packet, may it be here, is it whole, is it for us, does a flow know it, may it
open one. All policy lives in the `_admit_*` methods at the end.

Only the inside makes flows. A packet from outside that a mapping lets in, but that belongs to no
flow, passes by a leg made for it alone; the flow begins when the inside answers. Otherwise a
stranger could fill the tables.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from struct import Struct

from nat import icmp
from nat.behavior import Behavior, Dependence
from nat.conntrack import Conntrack
from nat.drop import Drop
from nat.endpoint import ICMP, TCP, UDP, Endpoint, Side
from nat.events import Observer
from nat.fragments import FragmentLimits, Reassembler
from nat.icmp import query_key
from nat.limits import IcmpRate
from nat.mapping import (
    Arrival,
    FiveTuple,
    Flow,
    Leg,
    Mapping,
    TcpTrack,
    legs_between,
)
from nat.mss import clamp
from nat.packet import FRAGMENT_OFFSET, WORD, Packet
from nat.tcp import ACK, FIN, RST, SYN, TcpState, classify, flags_make_sense, next_state
from nat.unsolicited import Unsolicited, before_the_turn

# version+IHL+tos, total length, identification, flags+offset, TTL+protocol, checksum, source,
# destination; then (without options), as far as they fit their protocol:
# - of TCP both ports, sequence and acknowledgement number, data offset and flags;
# - of UDP both ports, length and checksum, six bytes of payload;
# - of an ICMP query type and code, checksum, identifier and sequence number, and six bytes of data.
HEADER = Struct("!HHHHHHIIHHIIH")
FAST_LENGTH = HEADER.size
# (a name of the module is read faster than an enum's member)
INSIDE, OUTSIDE, TURN = Arrival.INSIDE, Arrival.OUTSIDE, Arrival.TURN
SIDES = (Side.INSIDE, Side.OUTSIDE, Side.INSIDE)  # by arrival
TCP_HEADER = 20  # bytes, without options
TCP_NUMBERS = Struct("!IIH")  # sequence, acknowledgement, data offset and flags
CONTROL = FIN | SYN | RST | ACK
ESTABLISHED = TcpState.ESTABLISHED
WHOLE_MASK = 0x3FFF  # more-fragments flag and fragment offset

HIGHEST_UNICAST = 0xDFFFFFFF
JUDGEMENTS = 4096  # pairs of addresses whose judgement is remembered
EXPIRE_AT_ONCE = 500  # records looked at between two packets


class Aside(Enum):
    """A packet that is neither forwarded nor refused."""

    HELD = "held"  # a fragment that waits for the rest
    ANSWERED = "answered"  # it was for the NAT itself


Verdict = Leg | Drop | Aside


class Nat:
    """A network address and port translator (RFC 3022, RFC 4787, RFC 5382, RFC 5508).

    It has no clock: `now` is seconds on any clock that does not run backward. Packets that the NAT
    sends by itself (ICMP) are put into `outbox`.
    """

    def __init__(self, behavior: Behavior, observer: Observer) -> None:
        self.behavior = behavior
        self.observer = observer
        self.table = Conntrack(behavior, observer)
        self.outbox: list[tuple[Side, Packet]] = []
        self.icmp_sent = [0, 0]
        self._icmp_rates = (IcmpRate(behavior.rng), IcmpRate(behavior.rng))  # by side
        self.reassembler = Reassembler(FragmentLimits(), observer.fragments_gone)
        self._unsolicited = Unsolicited()
        self.addresses_by_side: tuple[set[int], set[int]] = (set(), set())
        self.settings_changed(0.0)

    def settings_changed(self, now: float) -> None:
        """To be called after `behavior` was changed; what exists follows at once."""
        behavior = self.behavior
        self.table.settings_changed(now)
        inside = set() if behavior.gateway is None else {behavior.gateway}
        shared = set(behavior.external) - {rule.external for rule in behavior.statics}
        self.addresses_by_side = (inside, shared)
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
            return self._consider(packet, arrival, now, key)
        flow = leg.flow
        if flow.refreshed + flow.timer.timeout <= now:  # type: ignore[union-attr]
            return self._examine(packet, arrival, now)
        if leg.follow and not (
            offset_and_flags & CONTROL == ACK
            and self._goes_on(leg, offset_and_flags, acknowledgement, total)
        ):
            verdict = self._follow(leg, packet, now)
            if verdict:
                return verdict
        if arrival is INSIDE or self.behavior.refresh_inbound:
            flow.refreshed = now  # type: ignore[union-attr]
        return leg

    def _goes_on(self, leg: Leg, offset_and_flags: int, acknowledgement: int, total: int) -> bool:
        """Nearly every segment: an ACK of an established connection, which needs no more than that
        its number is noted. False: look closer."""
        track = leg.flow.tcp  # type: ignore[union-attr]
        header = (offset_and_flags >> 12) * 4
        if track is None or track.state is not ESTABLISHED:
            return False
        if not TCP_HEADER <= header <= total - 20:
            return False
        track.acknowledge(leg.arrival is INSIDE, acknowledgement)
        return True

    def _follow(self, leg: Leg, packet: Packet, now: float) -> Verdict | None:
        """Tell a flow what a packet says of it. None: it is one of the flow's, and keeps it
        alive."""
        flow = leg.flow
        assert flow is not None
        if flow.tcp is None:
            return self._hear_first_answer(leg, packet)
        return self._follow_tcp(leg, flow.tcp, packet, now)

    def _hear_first_answer(self, leg: Leg, packet: Packet) -> Verdict | None:
        """From now on packets of this leg tell a flow nothing new."""
        flow = leg.flow
        assert flow is not None
        drop = packet.check_transport()
        if drop:
            return drop
        leg.follow = False
        self.table.mark_answered(flow)
        if flow.timer is self.table.deadlines.timers["udp_unanswered"]:
            self.table.choose_timer(flow)
        return None

    def _follow_tcp(self, leg: Leg, track: TcpTrack, packet: Packet, now: float) -> Verdict | None:
        """What a connection must know of each segment. None says that it goes on as segments of
        a connection do, and keeps it alive."""
        start = (packet.buffer[0] & 15) * 4
        if packet.length < start + TCP_HEADER:
            return Drop.MALFORMED
        sequence, acknowledgement, offset_and_flags = TCP_NUMBERS.unpack_from(
            packet.buffer, start + 4
        )
        header = (offset_and_flags >> 12) * 4
        if not TCP_HEADER <= header <= packet.length - start:
            return Drop.MALFORMED
        flags = offset_and_flags & 0xFF
        if not flags_make_sense(flags):
            return Drop.BAD_FLAGS
        flow = leg.flow
        assert flow is not None
        if flags & RST and not self._minds_reset(leg, track, sequence, acknowledgement, now):
            return leg
        if flags & ACK and not flags & RST:
            track.acknowledge(leg.arrival is INSIDE, acknowledgement)
        elif flags & SYN:
            track.begin(leg.arrival is INSIDE, sequence)
        if flags & SYN and self.behavior.mss_clamp:
            clamp(packet, min(self.behavior.mtu))
        state = next_state(track.state, classify(flags, leg.direction))
        # Whoever repeats a SYN for ever must not keep a connection that never comes about.
        repeats = state is track.state and state.timer == "tcp_transitory"
        self._move(flow, track, state, leg.arrival is INSIDE and not flags & RST, now)
        return leg if flags & RST or repeats else None

    def _minds_reset(
        self, leg: Leg, track: TcpTrack, sequence: int, acknowledgement: int, now: float
    ) -> bool:
        """Does a RST say anything about the connection? One that its receiver would not take is
        translated and nothing more: somebody outside may have sent or provoked it, and it must
        neither end the connection nor keep it alive (RFC 7857 2.2 and 7)."""
        flow = leg.flow
        assert flow is not None
        if self.behavior.decisions.cuts_on_rst(False, flow):
            self.table.close_flow(flow, "cut", now)
            return False
        return track.accepts_reset(leg.arrival is INSIDE, sequence, acknowledgement)

    def _move(
        self, flow: Flow, track: TcpTrack, state: TcpState, inside_spoke: bool, now: float
    ) -> None:
        """A connection comes to another state, and so under another timer, which begins now. But
        one that the outside or a RST ends, and one that the outside brings back, lives no longer
        for it: else strangers might keep it alive for ever with RST and data in turn, or with data
        that the inside answers by RST (RFC 7857 7.1). `inside_spoke`: of its own accord."""
        if state is track.state:
            return
        end = flow.expires_at()
        may_prolong = inside_spoke or not (track.state.is_over or state.is_over)
        if track.state.is_over and not state.is_established and not state.is_over:
            self.observer.flow_reopened(flow)
        track.state = state
        flow.refreshed = now if may_prolong else min(now, end - self.table.timeout_of(flow))
        if state.is_established:
            self.table.mark_answered(flow)
        self.table.choose_timer(flow)

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
            or self._consider(packet, arrival, now)
        )

    def _consider(
        self, packet: Packet, arrival: Arrival, now: float, key: FiveTuple | None = None
    ) -> Verdict:
        """The same, for a packet whose IPv4 header is known to be in order. `key`: between whom it
        goes, if that has been read already, and no flow knows it."""
        source, destination = key[1:3] if key else packet.addresses
        return (
            self._judge_addresses(arrival, source, destination)
            or self._answer_ping(packet, SIDES[arrival], destination, now)
            or packet.check_transport()
            or self._find_or_admit(packet, arrival, now, key)
        )

    def _make_whole(self, packet: Packet, side: Side, now: float) -> Verdict | None:
        """Nothing is looked at before all fragments are there (RFC 4787 REQ-14)."""
        if not packet.is_fragment:
            return None
        offset = (packet.flags_and_offset & FRAGMENT_OFFSET) * 8
        if not self.behavior.decisions.takes_fragment(True, offset):
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
        if packet.ttl > 1 or arrival is TURN:
            return None
        self.send_error(packet, side, icmp.TIME_EXCEEDED, 0, now)
        return Drop.TTL_EXCEEDED

    def _find_or_admit(
        self, packet: Packet, arrival: Arrival, now: float, key: FiveTuple | None
    ) -> Verdict:
        protocol = packet.protocol
        if protocol == ICMP:
            return self._examine_icmp(packet, arrival, now)
        if protocol not in (TCP, UDP):
            return Drop.UNSUPPORTED_PROTOCOL
        if key is not None:
            return self._admit(key, packet, arrival, now)
        return self._lookup_or_admit(packet.five_tuple, packet, arrival, now)

    def _check_addresses(self, arrival: Arrival, source: int, destination: int) -> Drop | None:
        """Who may send from where to where (BCP 38, RFC 1122 3.2.1.3, RFC 1812 5.3.7)."""
        if not _is_unicast(source):
            return Drop.BAD_SOURCE
        if not _is_unicast(destination):
            return Drop.BAD_DESTINATION
        if arrival is INSIDE:
            return self._check_from_inside(source, destination)
        if arrival is OUTSIDE:
            if self.behavior.is_internal(source) or source in self.table.owned:
                return Drop.SPOOFED_SOURCE
            return None if self._is_for_us(destination) else Drop.NOT_OURS
        return None

    def _is_for_us(self, destination: int) -> bool:
        """An external address of ours, or of an inside host that some remotes know by its own."""
        if destination in self.table.owned or destination in self.addresses_by_side[1]:
            return True
        return bool(self.behavior.untranslated) and self.behavior.is_internal(destination)

    def _check_from_inside(self, source: int, destination: int) -> Drop | None:
        network = next((each for each in self.behavior.networks if source in each), None)
        if network is None or source == self.behavior.gateway:
            return Drop.SPOOFED_SOURCE
        if network.prefix < 31 and source in (network.address, network.broadcast):
            return Drop.BAD_SOURCE
        if destination == source:
            return Drop.LAND
        if destination == self.behavior.gateway:
            return None
        return Drop.NOT_FOR_OUTSIDE if self.behavior.is_internal(destination) else None

    def _answer_ping(
        self, packet: Packet, side: Side, destination: int, now: float
    ) -> Verdict | None:
        """A ping of one of our own addresses; other packets for them go on (to a mapping)."""
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
            if self._icmp_rates[side].allows(packet.source_address, self.behavior.limits, now):
                self._send(side, icmp.echo_reply(packet))
            return Aside.ANSWERED
        return Drop.NOT_FOR_OUTSIDE if is_inner else None

    def _lookup_or_admit(
        self, key: FiveTuple, packet: Packet, arrival: Arrival, now: float
    ) -> Verdict:
        leg = self.table.legs[arrival].get(key)
        if leg is not None and leg.flow is not None:
            if leg.flow.is_alive(now):
                return self._pass(leg, leg.flow, packet, now)
            self.table.close_flow(leg.flow, "expired", now)
        return self._admit(key, packet, arrival, now)

    def _admit(self, key: FiveTuple, packet: Packet, arrival: Arrival, now: float) -> Verdict:
        if arrival is INSIDE:
            return self._admit_outbound(key, packet, now)
        return self._admit_inbound(key, packet, arrival, now)

    def _pass(self, leg: Leg, flow: Flow, packet: Packet, now: float) -> Verdict:
        """A packet of a known flow that came by the slow road (IPv4 options, ICMP, fragments)."""
        if leg.follow:
            verdict = self._follow(leg, packet, now)
            if verdict:
                return verdict
        if leg.arrival is INSIDE or self.behavior.refresh_inbound:
            flow.refreshed = now
        return leg

    # --- ICMP --------------------------------------------------------------------------

    def _examine_icmp(self, packet: Packet, arrival: Arrival, now: float) -> Verdict:
        kind = packet.buffer[packet.header_length]
        if kind in icmp.ERRORS:
            return self._translate_error(packet, arrival, now)
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
            legs = self._static_legs(arrival, Endpoint(source, identifier), destination)
            return legs[0] if legs else Drop.NOT_OPENING
        legs = self._static_legs(arrival, Endpoint(destination, identifier), source)
        return legs[1] if legs else Drop.NO_MAPPING

    def _static_legs(self, arrival: Arrival, near: Endpoint, remote: int) -> tuple[Leg, Leg] | None:
        """The outbound and the inbound leg of a query that a 1:1 rule lets pass, and no flow knows.
        `near`: the host's address as the wire of `arrival` knows it, and the identifier."""
        table = self.table
        far = table.static_external(near) if arrival is INSIDE else table.static_internal(near)
        if far is None:
            return None
        internal, external = (near, far) if arrival is INSIDE else (far, near)
        mapping = Mapping(0, ICMP, internal, external, "static")
        return legs_between(mapping, Endpoint(remote, 0), remote in table.owned)

    def _translate_error(self, packet: Packet, arrival: Arrival, now: float) -> Verdict:
        quote = icmp.Quote.of(packet)
        if isinstance(quote, Drop):
            return quote
        if not icmp.says_a_possible_mtu(packet, self.behavior.mtu[SIDES[arrival]]):
            return Drop.ICMP_BAD_MTU
        legs = self._legs_of_quoted(quote, arrival, now)
        if legs is None:
            return Drop.ICMP_UNKNOWN_FLOW
        if packet.destination_address != quote.tuple[1]:
            return Drop.ICMP_BAD_QUOTE
        leg, other = legs
        mapping = leg.mapping
        assert mapping is not None
        error_leg = Leg(None, arrival, leg.exit, leg.key, leg.key)
        # Inward the router's address stays, so that traceroute works; outward ours hides it.
        inward = arrival is not INSIDE
        source = packet.source_address if inward else mapping.external.address
        destination = mapping.internal.address if inward else packet.destination_address
        hop = 0 if arrival is TURN else 1
        error_leg.patch = icmp.ErrorPatch(quote, other.key, source, destination, hop)
        if leg.flow is not None and self.behavior.decisions.cuts_on_icmp(False, leg.flow):
            self.table.close_flow(leg.flow, "cut", now)
        return error_leg

    def _legs_of_quoted(
        self, quote: icmp.Quote, arrival: Arrival, now: float
    ) -> tuple[Leg, Leg] | None:
        """The leg by which answers to a quoted packet travel, and the one that it came by."""
        leg = self.table.legs[arrival].get(quote.turned_round())
        if leg is not None and leg.flow is not None and leg.flow.is_alive(now):
            flow = leg.flow
            return leg, flow.inbound if leg is flow.outbound else flow.outbound
        if quote.protocol == ICMP:
            return self._legs_of_quoted_query(quote, arrival)
        if arrival is not INSIDE:
            return None
        # What a mapping has let in belongs to no flow before the inside host answers, and an error
        # is no answer; the host may complain of it all the same (RFC 5508 REQ-5, REQ-7).
        protocol, source, destination, source_port, destination_port = quote.tuple
        internal, remote = Endpoint(destination, destination_port), Endpoint(source, source_port)
        mapping = self._mapping_open_to(protocol, internal, remote, now)
        return legs_between(mapping, remote, source in self.table.owned) if mapping else None

    def _legs_of_quoted_query(self, quote: icmp.Quote, arrival: Arrival) -> tuple[Leg, Leg] | None:
        """The same for a query to a host with an address of its own, or for its answer."""
        _, source, destination, *ends = quote.tuple
        identifier = ends[0] or ends[1]
        if arrival is INSIDE:
            return self._static_legs(arrival, Endpoint(destination, identifier), source)
        legs = self._static_legs(arrival, Endpoint(source, identifier), destination)
        return legs and (legs[1], legs[0])

    def _mapping_open_to(
        self, protocol: int, internal: Endpoint, remote: Endpoint, now: float
    ) -> Mapping | None:
        """The mapping by which `remote` may send to an inside host unasked, if there is one."""
        mapping = self.table.living_mapping_for(protocol, internal, remote, now)
        if mapping is None:
            external = self.table.static_external(internal)
            return external and Mapping(0, protocol, internal, external, "static")
        is_open = (
            mapping.opened_by in ("static", "forward")
            or any(each.admits(remote, now) for each in mapping.expectations)
            or self._filter_permits(mapping, remote, now)
        )
        return mapping if is_open else None

    def send_error(
        self, about: Packet, side: Side, type_: int, code: int, now: float, rest: int = 0
    ) -> None:
        """Answer a packet with an ICMP error of our own, if rules and rate allow one."""
        own = self.own_address(side)
        if own is None or not icmp.may_be_answered_by_an_error(about):
            return
        if self._icmp_rates[side].allows(about.source_address, self.behavior.limits, now):
            self._send(side, icmp.error(about, own, type_, code, rest))

    def own_address(self, side: Side) -> int | None:
        if side is Side.INSIDE:
            return self.behavior.gateway
        return self.behavior.outside_address or self.behavior.external[0]

    def _send(self, side: Side, data: bytes) -> None:
        self.icmp_sent[side] += 1
        self.outbox.append((side, Packet.of(data)))

    # --- policy: who may open what -----------------------------------------------------

    def _admit_outbound(self, key: FiveTuple, packet: Packet, now: float) -> Verdict:
        """The first packet of the inside to a remote: a mapping (RFC 4787 4) and a flow."""
        _, source, destination, source_port, destination_port = key
        protocol = packet.protocol
        internal, remote = Endpoint(source, source_port), Endpoint(destination, destination_port)
        if destination in self.table.owned and not self.behavior.hairpin:
            return Drop.NO_HAIRPIN
        mapping = self.table.mapping_to_serve(protocol, internal, remote, now)
        drop = self._begins_badly(packet, internal, mapping) if protocol == TCP else None
        drop = drop or self.table.refuses(internal.address, now)
        if drop is None and mapping is None:
            opened = self.table.open_mapping(protocol, internal, remote, now)
            mapping, drop = (None, opened) if isinstance(opened, Drop) else (opened, None)
        elif mapping is not None and self.table.is_talking(protocol, mapping.external, remote):
            drop = drop or Drop.NO_PORT  # another host has this port, and this remote (overloading)
        if drop or mapping is None:
            self.table.forget_if_idle(internal.address)
            code = icmp.REFUSALS.get(self.behavior.refusal)
            if drop in icmp.TELL_THE_SENDER and code is not None:
                self.send_error(packet, Side.INSIDE, icmp.UNREACHABLE, code, now)
            return drop or Drop.NO_PORT
        opened_by = mapping.opened_by if mapping.opened_by in ("static", "forward") else "packet"
        flow = self._open(mapping, remote, opened_by, packet, now)
        if protocol == TCP:
            self._unsolicited.forget(flow.inbound.key)
        return flow.outbound

    def _begins_badly(
        self, packet: Packet, internal: Endpoint, mapping: Mapping | None
    ) -> Drop | None:
        """A TCP flow begins with a SYN, or with the answer to one that a mapping or a 1:1 rule let
        in."""
        flags = packet.buffer[packet.header_length + 13]
        if not flags_make_sense(flags):
            return Drop.BAD_FLAGS
        if not flags & SYN:
            return Drop.NOT_OPENING
        if flags & ACK and mapping is None and self.table.static_external(internal) is None:
            return Drop.NOT_OPENING
        return None

    def _open(
        self, mapping: Mapping, remote: Endpoint, opened_by: str, packet: Packet, now: float
    ) -> Flow:
        flow = self.table.open_flow(mapping, remote, opened_by, now)
        outward = opened_by != "alg"
        if mapping.protocol == TCP:
            flow.outbound.follow = flow.inbound.follow = True
            answers = packet.buffer[packet.header_length + 13] & ACK
            flow.tcp = TcpTrack(TcpState.ANSWERED if answers else TcpState.OPENING)
            self._follow_tcp(flow.outbound if outward else flow.inbound, flow.tcp, packet, now)
        else:
            (flow.inbound if outward else flow.outbound).follow = True
        self.table.choose_timer(flow)
        self.observer.flow_opened(flow, now)
        return flow

    def _admit_inbound(
        self, key: FiveTuple, packet: Packet, arrival: Arrival, now: float
    ) -> Verdict:
        """A packet for an external endpoint, from a remote that no flow knows (RFC 4787 5)."""
        _, source, destination, source_port, destination_port = key
        protocol = packet.protocol
        remote, external = Endpoint(source, source_port), Endpoint(destination, destination_port)
        mappings = self.table.mappings_at(protocol, external)
        if protocol == TCP:
            flags = packet.buffer[packet.header_length + 13]
            if not flags_make_sense(flags):
                return Drop.BAD_FLAGS
            if not flags & SYN:
                return Drop.NOT_OPENING if mappings else Drop.NO_MAPPING
        for mapping in mappings:
            leg = self._admit_to(mapping, remote, arrival, packet, now)
            if leg is not None:
                return leg
        internal = self.table.static_internal(external)
        if internal is not None and protocol != ICMP:
            return self._let_through(
                Mapping(0, protocol, internal, external, "static"), remote, packet
            )
        if protocol == TCP:
            self._remember_unsolicited(key, packet, arrival, now)
        if self.behavior.poisoning and arrival is OUTSIDE:
            self.table.assignment.poison(key, now)
        return Drop.FILTERED if mappings else Drop.NO_MAPPING

    def _admit_to(
        self, mapping: Mapping, remote: Endpoint, arrival: Arrival, packet: Packet, now: float
    ) -> Leg | None:
        for expectation in mapping.expectations:
            if expectation.admits(remote, now):
                if expectation.flow is not None or arrival is not OUTSIDE:
                    return self._let_through(mapping, remote, packet)
                if self.table.has_flow(mapping, remote):
                    return self._let_through(mapping, remote, packet)
                if self.table.refuses(mapping.internal.address, now):
                    return self._let_through(mapping, remote, packet)  # in, but without a flow
                flow = self._open(mapping, remote, "alg", packet, now)
                self.table.expectations.use(expectation, flow, now)
                return flow.inbound
        if mapping.opened_by in ("static", "forward") or self._filter_permits(mapping, remote, now):
            return self._let_through(mapping, remote, packet)
        return None

    def _filter_permits(self, mapping: Mapping, remote: Endpoint, now: float) -> bool:
        if mapping.opened_by == "untranslated" and not self.behavior.is_untranslated(
            remote.address
        ):
            return False
        filtering = self.behavior.filtering_of(mapping.protocol)
        if filtering is Dependence.ADDRESS_AND_PORT_DEPENDENT:
            return False  # a remote that is permitted to the port has a flow, and was found by it
        flows = mapping.permitted.get(filtering.scope(remote), ())
        return any(flow.is_alive(now) for flow in flows)

    def _let_through(self, mapping: Mapping, remote: Endpoint, packet: Packet) -> Leg:
        """A leg for this one packet."""
        _, inbound = self.table.legs_of(mapping, remote)
        self.observer.leg_made(inbound)
        if self.behavior.mss_clamp and mapping.protocol == TCP:
            clamp(packet, min(self.behavior.mtu))
        return inbound

    def _remember_unsolicited(
        self, key: FiveTuple, packet: Packet, arrival: Arrival, now: float
    ) -> None:
        """RFC 5382 REQ-4; when turning back, as the host that sent it knows it."""
        if len(self._unsolicited) >= self.behavior.limits.waiting_syns:
            return
        if arrival is TURN:
            protocol, source, destination, source_port, destination_port = key
            answers = (protocol, destination, source, destination_port, source_port)
            leg = self.table.legs[TURN].get(answers)
            if leg is None or leg.flow is None:
                return
            packet = before_the_turn(packet, key, leg.flow.outbound.key)
        self._unsolicited.remember(key, packet.copy(), SIDES[arrival], now)
        self.table.high_water.reach("waiting_syns", len(self._unsolicited))

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
            "waiting_syns": len(self._unsolicited),
            "resting_ports": table.assignment.most_resting_ports(now),
            "fragments": len(store),
            **store.usage(),
        }

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When `expire` wants to be called, in seconds on the clock of `now`."""
        deadlines = [self.table.next_deadline(), self.reassembler.next_deadline()]
        deadlines.append(self._unsolicited.next_deadline())
        return min((each for each in deadlines if each is not None), default=None)

    def expire(self, now: float) -> None:
        """Forget what is over. Bounded work: when much is due, the next deadline stays due."""
        self.table.expire(now, EXPIRE_AT_ONCE)
        self.reassembler.expire(now)
        for key, side, packet in self._unsolicited.due(now):
            beyond = TURN if side is Side.INSIDE else OUTSIDE
            if key not in self.table.legs[beyond] and self.behavior.answer_syns:
                self.send_error(packet, side, icmp.UNREACHABLE, icmp.PORT_UNREACHABLE, now)


def _is_unicast(address: int) -> bool:
    """Not 0/8, not 127/8, not multicast, not reserved, not broadcast."""
    return 0x00FFFFFF < address <= HIGHEST_UNICAST and address >> 24 != 127
