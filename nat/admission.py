"""Who may open what: all policy about packets that no flow knows (RFC 4787 4 and 5, RFC 5382).

Only the inside makes flows. A packet from outside that a mapping lets in, but that belongs to no
flow, passes by a leg made for it alone; the flow begins when the inside answers. Otherwise a
stranger could fill the tables. The one exception are packets that an ALG has announced
(expectations): their number is limited where they are announced.

What becomes of a packet from outside that no flow knows, by the first line that fits:

    a TCP segment that is no SYN                            refused at once
    a mapping with an expectation that admits the remote    in, and a flow begins or moves
    a mapping that a rule has made (1:1, forward)           in, without a flow
    a mapping whose filter permits the remote               in, without a flow
    an address that a 1:1 rule gives to a host              in, without a mapping either
    a SYN                                                   refused, and answered after six seconds
    anything else                                           refused in silence
"""

from __future__ import annotations

from nat import icmp
from nat.behavior import Behavior, Dependence
from nat.conntrack import Conntrack
from nat.drop import Drop
from nat.endpoint import ICMP, ICMP_QUERY, TCP, UDP, Endpoint, FiveTuple, Side
from nat.events import Observer
from nat.following import Following
from nat.mapping import Arrival, Expectation, Flow, FlowLeg, Leg, Mapping, OpenedBy, Why
from nat.mss import clamp
from nat.packet import Packet
from nat.tcp import ACK, SYN, TcpState, TcpTrack, flags_make_sense
from nat.unsolicited import Unsolicited, before_the_turn

INSIDE, OUTSIDE, HAIRPIN = Arrival.INSIDE, Arrival.OUTSIDE, Arrival.HAIRPIN
SIDES = (Side.INSIDE, Side.OUTSIDE, Side.INSIDE)  # by arrival
RULED = frozenset((OpenedBy.STATIC, OpenedBy.FORWARD))
"""What a rule has opened, strangers may send to."""


class Admission:
    """Answers the leg of a packet that no flow knows, or why it may not pass."""

    def __init__(
        self, table: Conntrack, following: Following, own_icmp: icmp.OwnIcmp, observer: Observer
    ) -> None:
        self._table = table
        self._following = following
        self._icmp = own_icmp
        self._observer = observer
        self._unsolicited = Unsolicited()

    def settings_changed(self, behavior: Behavior) -> None:
        self._behavior = behavior

    def outbound(self, key: FiveTuple, packet: Packet, now: float) -> FlowLeg | Drop:
        """The first packet of the inside to a remote: a mapping (RFC 4787 4) and a flow."""
        protocol, source, destination, source_port, destination_port = key
        if protocol == ICMP_QUERY:
            protocol = ICMP
        internal, remote = Endpoint(source, source_port), Endpoint(destination, destination_port)
        if destination in self._table.rules.owned and not self._behavior.hairpin:
            return Drop.NO_HAIRPIN  # an inside host calls another by its external endpoint
        mapping = self._mapping_for(protocol, internal, remote, packet, now)
        if isinstance(mapping, Drop):
            self._table.hosts.forget_if_idle(internal.address)
            self._icmp.refuse(packet, mapping, now)
            return mapping
        opened_by = mapping.opened_by if mapping.opened_by in RULED else OpenedBy.PACKET
        flow = self._open(mapping, remote, opened_by, packet, now)
        if protocol == TCP:
            self._unsolicited.forget(flow.inbound.key)
        return flow.outbound

    def _mapping_for(
        self, protocol: int, internal: Endpoint, remote: Endpoint, packet: Packet, now: float
    ) -> Mapping | Drop:
        """The mapping for a new flow, one that exists or one that is opened for it."""
        table = self._table
        mapping = table.mapping_to_serve(protocol, internal, remote, now)
        drop = self._opening_error(packet, internal, mapping) if protocol == TCP else None
        drop = drop or table.refuses(internal.address, now)
        if drop is not None:
            return drop
        if mapping is None:
            return table.mappings.open(protocol, internal, remote, now)
        if table.is_talking(protocol, mapping.external, remote):
            return Drop.NO_PORT  # another host has this port, and this remote (overloading)
        return mapping

    def _opening_error(
        self, packet: Packet, internal: Endpoint, mapping: Mapping | None
    ) -> Drop | None:
        """A TCP flow begins with a SYN, or with the answer to one that a mapping or a 1:1 rule let
        in."""
        flags = packet.buffer[packet.header_length + 13]
        if not flags_make_sense(flags):
            return Drop.BAD_FLAGS
        if not flags & SYN:
            return Drop.NOT_OPENING
        if flags & ACK and mapping is None and self._table.rules.static_external(internal) is None:
            return Drop.NOT_OPENING
        return None

    def _open(
        self, mapping: Mapping, remote: Endpoint, opened_by: OpenedBy, packet: Packet, now: float
    ) -> Flow:
        """A flow, with what its first packet says of it. Of UDP only the leg of the answers is
        followed: the other one has nothing to tell any more."""
        flow = self._table.open_flow(mapping, remote, opened_by, now)
        outward = opened_by is not OpenedBy.ALG
        if mapping.protocol == TCP:
            flow.outbound.follow = flow.inbound.follow = True
            answers = packet.buffer[packet.header_length + 13] & ACK
            flow.tcp = TcpTrack(TcpState.ANSWERED if answers else TcpState.OPENING)
            first = flow.outbound if outward else flow.inbound
            self._following.follow_tcp(first, flow.tcp, packet, now)
        else:
            (flow.inbound if outward else flow.outbound).follow = True
        self._table.choose_timer(flow)
        self._observer.flow_opened(flow, now)
        return flow

    def inbound(self, key: FiveTuple, packet: Packet, arrival: Arrival, now: float) -> Leg | Drop:
        """A packet for an external endpoint, from a remote that no flow knows (RFC 4787 5)."""
        protocol, source, destination, source_port, destination_port = key
        if protocol == ICMP_QUERY:
            protocol = ICMP
        remote, external = Endpoint(source, source_port), Endpoint(destination, destination_port)
        mappings = self._table.mappings.at(protocol, external)
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
        internal = self._table.rules.static_internal(external)
        if internal is not None and protocol != ICMP:
            return self._let_through(
                Mapping(0, protocol, internal, external, OpenedBy.STATIC), remote, packet
            )
        if protocol == TCP:
            self._remember_unsolicited(key, packet, arrival, now)
        if self._behavior.poisoning and arrival is OUTSIDE:
            self._table.mappings.assignment.poison(key, now)
        return Drop.FILTERED if mappings else Drop.NO_MAPPING

    def _admit_to(
        self, mapping: Mapping, remote: Endpoint, arrival: Arrival, packet: Packet, now: float
    ) -> Leg | None:
        """The leg by which a mapping lets a packet in; None: it does not."""
        for expectation in mapping.expectations:
            self._table.expectations.look(expectation, now)
            if expectation.admits(remote, now):
                return self._let_in(expectation, remote, arrival, packet, now)
        if mapping.opened_by in RULED or self._filter_permits(mapping, remote, now):
            return self._let_through(mapping, remote, packet)
        return None

    def _let_in(
        self,
        expectation: Expectation,
        remote: Endpoint,
        arrival: Arrival,
        packet: Packet,
        now: float,
    ) -> Leg:
        """What was announced comes in and counts as use, with a flow or without: a second one is
        begun neither for one expectation nor for one pair of endpoints, and none by what turns
        back, since its sender has a flow already."""
        mapping, use = expectation.mapping, self._table.expectations.use
        flow = self._table.flow_of(mapping, remote)
        if flow is not None and self._moves(flow, mapping):
            self._table.close_flow(flow, Why.REPLACED, now)
            use(expectation, None, remote, now)
            return self._open(mapping, remote, OpenedBy.PACKET, packet, now).inbound
        has_flow = flow is not None or expectation.flow is not None
        if has_flow or arrival is not OUTSIDE or self._table.refuses(mapping.internal.address, now):
            use(expectation, None, remote, now)
            return self._let_through(mapping, remote, packet)
        flow = self._open(mapping, remote, OpenedBy.ALG, packet, now)
        use(expectation, flow, remote, now)
        return flow.inbound

    def _moves(self, flow: Flow, mapping: Mapping) -> bool:
        """Does a flow of the inside go over to this mapping of its endpoint? It was begun by
        another one before this was announced (under a symmetric NAT, for one); the remote has been
        told, and sends to the announced port. A TCP connection cannot change its ports."""
        is_announced = self._table.mappings.pinned.get((mapping.protocol, mapping.internal))
        return flow.mapping is not mapping is is_announced and mapping.protocol == UDP

    def _filter_permits(self, mapping: Mapping, remote: Endpoint, now: float) -> bool:
        """Has the inside sent to this remote, as far as the filter looks at it (RFC 4787 5)?"""
        if mapping.opened_by is OpenedBy.UNTRANSLATED and not self._behavior.is_untranslated(
            remote.address
        ):
            return False
        filtering = self._table.filter_of(mapping)
        if filtering is Dependence.ADDRESS_AND_PORT_DEPENDENT:
            return False  # a remote that is permitted to the port has a flow, and was found by it
        flows = mapping.permitted.get(filtering.scope(remote), ())
        return any(flow.is_alive(now) for flow in flows)

    def _let_through(self, mapping: Mapping, remote: Endpoint, packet: Packet) -> Leg:
        """A leg for this one packet. It stands in no table and refreshes nothing."""
        _, inbound = self._table.legs_of(Leg, mapping, remote)
        mapping.let_in += 1
        self._observer.leg_made(inbound)
        if self._behavior.mss_clamp and mapping.protocol == TCP:
            clamp(packet, min(self._behavior.mtu))
        return inbound

    def _remember_unsolicited(
        self, key: FiveTuple, packet: Packet, arrival: Arrival, now: float
    ) -> None:
        """RFC 5382 REQ-4; when turning back, as the host that sent it knows it."""
        if len(self._unsolicited) >= self._behavior.limits.waiting_syns:
            return
        if arrival is HAIRPIN:
            protocol, source, destination, source_port, destination_port = key
            answers = (protocol, destination, source, destination_port, source_port)
            leg = self._table.legs[HAIRPIN].get(answers)
            if leg is None:
                return
            packet = before_the_turn(packet, key, leg.flow.outbound.key)
        self._unsolicited.remember(key, packet.copy(), SIDES[arrival], now)
        self._table.high_water.reach("waiting_syns", len(self._unsolicited))

    def mapping_open_to(
        self, protocol: int, internal: Endpoint, remote: Endpoint, now: float
    ) -> Mapping | None:
        """The mapping by which `remote` may send to an inside host unasked, if there is one."""
        mapping = self._table.living_mapping_for(protocol, internal, remote, now)
        if mapping is None:
            external = self._table.rules.static_external(internal)
            return external and Mapping(0, protocol, internal, external, OpenedBy.STATIC)
        is_open = (
            mapping.opened_by in RULED
            or any(each.admits(remote, now) for each in mapping.expectations)
            or self._filter_permits(mapping, remote, now)
        )
        return mapping if is_open else None

    # --- SYNs that wait ----------------------------------------------------------------

    @property
    def waiting_syns(self) -> int:
        """How many unsolicited SYNs are remembered."""
        return len(self._unsolicited)

    def next_deadline(self) -> float:
        return self._unsolicited.next_deadline()

    def expire(self, now: float) -> None:
        """Answer the SYNs that have waited in vain (RFC 5382 REQ-4)."""
        for key, side, packet in self._unsolicited.due(now):
            beyond = HAIRPIN if side is Side.INSIDE else OUTSIDE
            if key not in self._table.legs[beyond] and self._behavior.answer_syns:
                self._icmp.send_error(packet, side, icmp.UNREACHABLE, icmp.PORT_UNREACHABLE, now)
