"""ICMP errors about the packets of a flow (RFC 5508 4, RFC 7857 7).

An error belongs to the flow whose packet it quotes. It never changes that flow, neither its timer
nor its state: anybody can send one. (A module may decide otherwise, as some NATs do: `policy.py`.)

How the flow is found, for a router outside that complains of the phone's packet:

    the quote             203.0.113.1:40000 → 203.0.113.9:5060        as the packet left
    turned round          203.0.113.9:5060 → 203.0.113.1:40000        as an answer would arrive
    legs[OUTSIDE]         the inbound leg: the error goes where answers go
    the opposite leg      192.168.20.100:5060 → 203.0.113.9:5060      as the phone had sent it: this
                                                                      is written into the quote
"""

from __future__ import annotations

from nat import icmp
from nat.admission import SIDES, Admission
from nat.behavior import Behavior
from nat.conntrack import Conntrack
from nat.drop import Drop
from nat.endpoint import ICMP, Endpoint
from nat.mapping import Arrival, FlowLeg, Leg, Mapping, OpenedBy, Why, legs_between
from nat.packet import Packet
from nat.policy import Policy

INSIDE, HAIRPIN = Arrival.INSIDE, Arrival.HAIRPIN


class Errors:
    """Finds the flow that an ICMP error is about."""

    def __init__(self, table: Conntrack, admission: Admission) -> None:
        self._table = table
        self._admission = admission

    def settings_changed(self, behavior: Behavior, policy: Policy) -> None:
        self._behavior = behavior
        self._policy = policy

    def translate(self, packet: Packet, arrival: Arrival, now: float) -> Leg | Drop:
        """The leg of an ICMP error, made for it alone."""
        quote = icmp.Quote.of(packet)
        if isinstance(quote, Drop):
            return quote
        if not icmp.says_a_possible_mtu(packet, self._behavior.mtu[SIDES[arrival]]):
            return Drop.ICMP_BAD_MTU
        legs = self._legs_of_quoted(quote, arrival, now)
        if legs is None:
            return Drop.ICMP_UNKNOWN_FLOW
        if packet.destination_address != quote.tuple[1]:
            return Drop.ICMP_BAD_QUOTE
        leg, other = legs
        mapping = leg.mapping
        # Inward the router's address stays, so that traceroute works; outward ours hides it.
        inward = arrival is not INSIDE
        source = packet.source_address if inward else mapping.external.address
        destination = mapping.internal.address if inward else packet.destination_address
        hop = 0 if arrival is HAIRPIN else 1
        patch = icmp.ErrorPatch(quote, other.key, source, destination, hop)
        if isinstance(leg, FlowLeg) and self._policy.cuts_on_icmp(False, leg.flow):
            self._table.close_flow(leg.flow, Why.CUT, now)
        return Leg(mapping, arrival, leg.exit, leg.key, patch)

    def _legs_of_quoted(
        self, quote: icmp.Quote, arrival: Arrival, now: float
    ) -> tuple[Leg, Leg] | None:
        """The leg by which answers to a quoted packet travel, and the one that it came by."""
        leg = self._table.legs[arrival].get(quote.turned_round())
        if leg is not None and leg.flow.is_alive(now):
            return leg, leg.opposite
        if quote.protocol == ICMP:
            return self._legs_of_quoted_query(quote, arrival)
        if arrival is not INSIDE:
            return None
        # What a mapping has let in belongs to no flow before the inside host answers, and an error
        # is no answer; the host may complain of it all the same (RFC 5508 REQ-5, REQ-7).
        protocol, source, destination, source_port, destination_port = quote.tuple
        internal, remote = Endpoint(destination, destination_port), Endpoint(source, source_port)
        mapping = self._admission.mapping_open_to(protocol, internal, remote, now)
        if mapping is None:
            return None
        return legs_between(Leg, mapping, remote, source in self._table.rules.owned)

    def _legs_of_quoted_query(self, quote: icmp.Quote, arrival: Arrival) -> tuple[Leg, Leg] | None:
        """The same for a query to a host with an address of its own, or for its answer."""
        _, source, destination, *ends = quote.tuple
        identifier = ends[0] or ends[1]
        if arrival is INSIDE:
            return self.static_legs(arrival, Endpoint(destination, identifier), source)
        legs = self.static_legs(arrival, Endpoint(source, identifier), destination)
        return legs and (legs[1], legs[0])

    def static_legs(self, arrival: Arrival, near: Endpoint, remote: int) -> tuple[Leg, Leg] | None:
        """The outbound and the inbound leg of a query that a 1:1 rule lets pass, and no flow knows.
        `near`: the host's address as the wire of `arrival` knows it, and the identifier."""
        rules = self._table.rules
        far = rules.static_external(near) if arrival is INSIDE else rules.static_internal(near)
        if far is None:
            return None
        internal, external = (near, far) if arrival is INSIDE else (far, near)
        mapping = Mapping(0, ICMP, internal, external, OpenedBy.STATIC)
        return legs_between(Leg, mapping, Endpoint(remote, 0), remote in rules.owned)
