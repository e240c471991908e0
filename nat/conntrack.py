"""The tables: who is mapped to what, which flows there are, and how much of everything is in use.

Which question does each table answer?

    legs          which leg does this packet belong to?     (arrival, five-tuple) -> FlowLeg
    flows         which flows are there?                    id -> Flow
    mappings      by which mapping does an inside host
                  reach a remote; whose is an external
                  endpoint?                                 (`mappings.py`)
    expectations  what has an ALG announced?                id -> Expectation (`expectations.py`)
    hosts         how much has an inside host in use?       address -> Host (`limits.py`)

Policy (may this packet open anything?) is in `admission.py`; here everything is kept consistent:
what `open_flow` enters into the tables, `close_flow` takes out of all of them, whatever the reason.
"""

from __future__ import annotations

from itertools import count
from math import ceil

from nat.behavior import Behavior, Dependence
from nat.deadlines import Deadlines, Timer
from nat.drop import Drop
from nat.endpoint import ICMP, TCP, UDP, Endpoint, FiveTuple, inbound_key, outbound_key
from nat.events import Observer
from nat.expectations import Expectations
from nat.limits import HighWater, Hosts
from nat.mapping import (
    AnyLeg,
    Arrival,
    Expectation,
    Flow,
    FlowLeg,
    Mapping,
    OpenedBy,
    Why,
    legs_between,
)
from nat.mappings import Mappings
from nat.policy import Policy

EVICTION_LOOKS = 64  # flows of each timer looked at before a full table refuses
MANY_TIMERS = 100  # beyond, what an ALG asks for is rounded up to 1, 2, 4, 8 … hours


class Conntrack:
    """All state of one NAT. `now` is in seconds on the caller's clock."""

    def __init__(self, behavior: Behavior, observer: Observer, policy: Policy) -> None:
        self.observer = observer
        self.ids = count(1)
        self.legs: tuple[dict[FiveTuple, FlowLeg], ...] = ({}, {}, {})
        self.flows: dict[int, Flow] = {}
        self.hosts = Hosts(behavior.limits)
        self.high_water = HighWater()
        self.mappings = Mappings(
            behavior, policy, self.hosts, self.ids, self.high_water, observer, self._may_share
        )
        self.rules = self.mappings.rules
        self.expectations = Expectations(
            behavior.limits,
            self.hosts,
            self.ids,
            self.high_water,
            observer,
            self._expectation_closed,
        )
        self.deadlines: Deadlines[Flow] = Deadlines()
        self._timers_by_port: dict[int, Timer] = {}
        self.settings_changed(behavior, policy)

    def settings_changed(self, behavior: Behavior, policy: Policy) -> None:
        """From now on these settings count. What they change for records that exist is in
        `changes.py`."""
        self.behavior = behavior
        self.policy = policy
        self.hosts.limits = self.expectations.limits = behavior.limits
        self.mappings.settings_changed(behavior, policy)
        self._set_timers()

    def _set_timers(self) -> None:
        """A timer keeps its name when its timeout changes: flows under it follow by that alone."""
        timeouts = self.behavior.timeouts
        for name in ("udp_unanswered", "udp", "tcp_established", "tcp_transitory", "icmp"):
            self.deadlines.timer(name, getattr(timeouts, name))
        closing = timeouts.tcp_transitory if timeouts.tcp_closing is None else timeouts.tcp_closing
        self.deadlines.timer("tcp_closing", closing)
        self._timers_by_port = {
            port: self.deadlines.timer(f"udp port {port}", seconds)
            for port, seconds in timeouts.udp_by_port.items()
        }

    # --- mappings ----------------------------------------------------------------------

    def living_mapping_for(
        self, protocol: int, internal: Endpoint, remote: Endpoint, now: float
    ) -> Mapping | None:
        """The mapping by which `internal` reaches `remote`, after taking away what is over and not
        tidied up yet. Otherwise the port that the next flow gets would depend on whether the
        tidying was early or late."""
        while mapping := self.mappings.find(protocol, internal, remote):
            flow = mapping.oldest_flow()
            if flow is None or flow.is_alive(now):
                break
            self.close_flow(flow, Why.EXPIRED, now)
        return mapping

    def mapping_to_serve(
        self, protocol: int, internal: Endpoint, remote: Endpoint, now: float
    ) -> Mapping | None:
        """The mapping that the first packet to `remote` is to use; None: it needs a new one."""
        mapping = self.living_mapping_for(protocol, internal, remote, now)
        if mapping and not self.policy.serves(True, mapping, remote):
            self.flush(mapping, Why.REPLACED, now)
            return None
        return mapping

    def flush(self, mapping: Mapping, why: Why, now: float) -> None:
        """Close a mapping with everything that needs it (see `mappings.py`)."""
        mapping.held_until = 0.0
        for expectation in mapping.expectations:
            self.expectations.close(expectation, why, now)
        for flow in mapping.flows():
            self.close_flow(flow, why, now)
        self.mappings.close_if_idle(mapping, why, now)

    def take_over(self, mapping: Mapping, before: Mapping | None, now: float) -> None:
        """One was announced (in the place of `before`): what the inside endpoint has under others
        goes on by this one with its next packet, or the other side would hear from a port that it
        was not told. (The ports of a TCP connection cannot change.)"""
        if mapping.protocol != UDP:
            return
        for other in [before, *self.mappings.keys.of(UDP, mapping.internal)]:
            if other and other is not mapping and not other.is_announced(now):
                self.flush(other, Why.REPLACED, now)

    def flow_of(self, mapping: Mapping, remote: Endpoint) -> Flow | None:
        """The flow by which the inside endpoint of a mapping talks to `remote`, by whichever
        mapping."""
        key = outbound_key(mapping.protocol, mapping.internal, remote)
        leg = self.legs[Arrival.INSIDE].get(key)
        return leg.flow if leg else None

    def is_talking(self, protocol: int, external: Endpoint, remote: Endpoint) -> bool:
        """Has an external endpoint a flow to `remote`? A second one could not be told from it."""
        beyond = Arrival.HAIRPIN if remote.address in self.rules.owned else Arrival.OUTSIDE
        return inbound_key(protocol, remote, external) in self.legs[beyond]

    def _may_share(self, protocol: int, external: Endpoint, remote: Endpoint) -> bool:
        """Overloading (RFC 4787 REQ-3 forbids it, Linux does it): several mappings may have one
        external port as long as no two of them talk to the same remote endpoint."""
        sharers = self.mappings.at(protocol, external)
        if not sharers or any(mapping.owned for mapping in sharers):
            return False
        return not self.is_talking(protocol, external, remote)

    # --- flows -------------------------------------------------------------------------

    def refuses(self, internal: int, now: float) -> Drop | None:
        """Do the limits forbid one more flow of this inside host?"""
        limits = self.behavior.limits
        is_full = bool(limits.flows) and len(self.flows) >= limits.flows
        if is_full and self._victim() is None:
            return Drop.FLOW_LIMIT
        return self.hosts.of(internal, now).refuses(limits, now)

    def _victim(self) -> Flow | None:
        """The flow that is evicted from a full table: none by default, else one of the oldest
        unanswered."""
        unanswered = self._oldest_unanswered() if self.behavior.eviction else None
        return self.policy.victim(unanswered, self.flows)

    def _oldest_unanswered(self) -> Flow | None:
        for timer in self.deadlines.timers.values():
            for _, _, flow in timer.first()[:EVICTION_LOOKS]:
                if isinstance(flow, Flow) and flow.timer is timer and not flow.answered:
                    return flow
        return None

    def open_flow(
        self, mapping: Mapping, remote: Endpoint, opened_by: OpenedBy, now: float
    ) -> Flow:
        """A flow of `mapping` to `remote`, under no timer yet: the caller learns its TCP state from
        the packet first, and then calls `choose_timer`."""
        legs = self.legs_of(FlowLeg, mapping, remote)
        flow = Flow(next(self.ids), mapping, remote, opened_by, legs, now)
        for leg in legs:
            self.legs[leg.arrival][leg.key] = leg
        self.observer.leg_made(flow.outbound)
        scope = self.filter_of(mapping).scope(remote)
        permitting = mapping.permitted.get(scope)
        if permitting is None:
            mapping.permitted[scope] = [flow]  # nearly always the only one: no room for more
        else:
            permitting.append(flow)
        self.flows[flow.id] = flow
        host = self.hosts.of(mapping.internal.address, now)
        host.flows += 1
        host.unanswered += 1
        limit = self.behavior.limits.flows
        if limit and len(self.flows) > limit:
            self._make_room(now)
        self.high_water.reach_flows(len(self.flows), host)
        return flow

    def _make_room(self, now: float) -> None:
        """Evict a flow, because the one that was just opened is one too many. (Not before: both may
        stand on the same mapping, which would have been closed with the old one.)"""
        victim = self._victim()
        if victim is not None:
            self.close_flow(victim, Why.EVICTED, now)

    def legs_of(
        self, kind: type[AnyLeg], mapping: Mapping, remote: Endpoint
    ) -> tuple[AnyLeg, AnyLeg]:
        """How packets go between a mapping and a remote, and come back."""
        reached = self.policy.reverse(mapping.internal, mapping, remote, self.mappings.by_external)
        turning = remote.address in self.rules.owned
        halfway = self.policy.halfway(mapping.internal)
        return legs_between(kind, mapping, remote, turning, reached, halfway)

    def filter_of(self, mapping: Mapping) -> Dependence:
        """How a mapping filters (RFC 4787 5). When that has changed its flows are sorted anew
        here, when the next packet asks, and not when the setting changes: all mappings at once
        would take longer than a packet may wait."""
        filtering = self.behavior.filtering_of(mapping.protocol)
        if mapping.filtered_by is not filtering and mapping.permitted:
            flows, mapping.permitted = mapping.flows(), {}
            for flow in flows:
                mapping.permitted.setdefault(filtering.scope(flow.remote), []).append(flow)
        mapping.filtered_by = filtering
        return filtering

    def mark_answered(self, flow: Flow) -> None:
        """Something came back, or a connection is established: from now on the flow does not count
        to those of its host that wait for an answer."""
        if not flow.answered:
            flow.answered = True
            self.hosts[flow.mapping.internal.address].unanswered -= 1

    def choose_timer(self, flow: Flow) -> None:
        """Put the flow under the timer that its protocol and state ask for."""
        self.deadlines.put_under(flow, self._timer_of(flow))

    def timeout_of(self, flow: Flow) -> float:
        """Seconds of silence that a flow in this state may keep."""
        return self._timer_of(flow).timeout

    def _timer_of(self, flow: Flow) -> Timer:
        """TCP by the state of the connection; UDP by its remote port if that has a timeout of its
        own, else by whether anything came back."""
        timers = self.deadlines.timers
        if flow.mapping.protocol == TCP:
            return timers[flow.tcp.state.timer if flow.tcp else "tcp_transitory"]
        if flow.mapping.protocol == ICMP:
            return timers["icmp"]
        by_port = self._timers_by_port.get(flow.remote.port)
        if by_port is not None:
            return by_port
        return timers["udp" if flow.answered else "udp_unanswered"]

    def keep(self, flow: Flow, seconds: float | None) -> None:
        """Let this flow be silent for `seconds` (an ALG asked for it); None: as usual again."""
        if flow.is_over:
            return
        if seconds is None:
            self.choose_timer(flow)
        else:
            # A timer for each number of seconds: registrations mostly ask for the same ones.
            name = f"kept for {seconds:g} s"
            if name not in self.deadlines.timers and len(self.deadlines.timers) > MANY_TIMERS:
                hours = max(1, ceil(seconds / 3600))
                seconds = 3600.0 * (1 << (hours - 1).bit_length())
                name = f"kept for {seconds:g} s"
            self.deadlines.put_under(flow, self.deadlines.timer(name, seconds))

    def close_flow(self, flow: Flow, why: Why, now: float) -> None:
        """Take a flow out of all tables, and its mapping with it when nothing else needs that."""
        if self.flows.pop(flow.id, None) is None:
            return
        self.deadlines.let_go(flow)
        for leg in (flow.outbound, flow.inbound):
            if self.legs[leg.arrival].get(leg.key) is leg:
                del self.legs[leg.arrival][leg.key]
        mapping = flow.mapping
        scope = self.filter_of(mapping).scope(flow.remote)
        permitting = mapping.permitted[scope]
        permitting.remove(flow)
        if not permitting:
            del mapping.permitted[scope]
        mapping.passed += flow.outbound.packets + flow.inbound.packets
        self._uncount(flow)
        self.observer.flow_expired(flow, why, now)
        self.mappings.close_if_idle(mapping, why, now)
        flow.let_go_of_legs()

    def _expectation_closed(self, expectation: Expectation, why: Why, now: float) -> None:
        """The flow that came in by it ends with it, unless it merely ran out of time; so does the
        mapping, when nothing else needs that."""
        if expectation.flow is not None and why is not Why.EXPIRED:
            self.close_flow(expectation.flow, why, now)
        self.mappings.close_if_idle(expectation.mapping, why, now)

    def _uncount(self, flow: Flow) -> None:
        """Take a flow off its host's account."""
        address = flow.mapping.internal.address
        host = self.hosts[address]
        host.flows -= 1
        if not flow.answered:
            host.unanswered -= 1
        self.hosts.forget_if_idle(address)

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When `expire` has something to look at."""
        return min(
            self.deadlines.next_deadline(),
            self.expectations.next_deadline(),
            self.mappings.next_deadline(),
        )

    def expire(self, now: float, at_most: int) -> None:
        """Forget what has been silent too long, so many records at most."""
        for flow, is_over in self.deadlines.due(now, at_most):
            if is_over:
                self.close_flow(flow, Why.EXPIRED, now)
            else:
                self.observer.mapping_refreshed(flow.mapping, flow.refreshed, now)
        self.expectations.expire(now)
        self.mappings.expire(now)
