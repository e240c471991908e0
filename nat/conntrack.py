"""The tables: who is mapped to what, which flows there are, and how much of everything is in use.

Which question does each table answer?

    legs          which leg does this packet belong to?     (arrival, five-tuple) -> Leg
    mappings      has this inside endpoint a mapping
                  that serves this remote?                  (protocol, internal, scope) -> Mapping
    pinned        has an ALG, a forward or a 1:1 rule given
                  it one that serves every remote?          (protocol, internal) -> Mapping
    by_external   whose is this external endpoint?          (protocol, address, port) -> Mappings
    expectations  which doors has an ALG opened?            id -> Expectation (`expectations.py`)

Policy (may this packet open anything?) is in `translator.py`; here everything is kept consistent.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil

from nat.assignment import Assignment
from nat.behavior import Behavior, Forward
from nat.deadlines import Deadlines, Timer
from nat.drop import Drop
from nat.endpoint import ICMP, TCP, UDP, Endpoint
from nat.events import Observer
from nat.expectations import Expectations
from nat.limits import HighWater, Host
from nat.mapping import (
    Arrival,
    FiveTuple,
    Flow,
    Leg,
    Mapping,
    inbound_key,
    legs_between,
    outbound_key,
)
from nat.policy import PortWish, ReverseWish

ExternalKey = tuple[int, int, int]
EVICTION_LOOKS = 64  # flows of each timer looked at before a full table refuses
MANY_TIMERS = 100  # beyond, what an ALG asks for is rounded up to 1, 2, 4, 8 … hours


class Conntrack:
    """All state of one NAT. `now` is in seconds on the caller's clock."""

    def __init__(self, behavior: Behavior, observer: Observer) -> None:
        self.behavior = behavior
        self.observer = observer
        self.legs: tuple[dict[FiveTuple, Leg], ...] = ({}, {}, {})
        self.mappings: dict[tuple[int, ...], Mapping] = {}
        self.pinned: dict[tuple[int, Endpoint], Mapping] = {}
        self.by_external: dict[ExternalKey, tuple[Mapping, ...]] = {}
        self.hosts: dict[int, Host] = {}
        self.flows: dict[int, Flow] = {}
        self.expectations = Expectations(self)
        self.high_water = HighWater()
        self.owned: set[int] = set()
        self.deadlines: Deadlines[Flow] = Deadlines()
        self._held: list[tuple[float, int, Mapping]] = []
        self.last_id = 0
        self._statics: dict[int, int] = {}
        self._static_externals: dict[int, int] = {}
        self._forwards: dict[Forward, Mapping] = {}
        self._untranslated: dict[tuple[int, Endpoint], Mapping] = {}
        self.assignment = Assignment(behavior, self._may_share)
        self._timers_by_port: dict[int, Timer] = {}
        self.settings_changed(0.0)

    # --- settings ----------------------------------------------------------------------

    def settings_changed(self, now: float) -> None:
        """Take over what changed in `behavior`, for everything that exists too."""
        self._set_timers()
        self._set_owned(now)
        self._statics = {rule.internal: rule.external for rule in self.behavior.statics}
        self._static_externals = {rule.external: rule.internal for rule in self.behavior.statics}
        self.assignment.settings_changed(self.behavior)
        self._ports_per_host = self.behavior.limits.most_ports_of_a_host
        self._rebuild_filters()
        self._rebuild_keys()
        self._set_forwards(now)

    def _set_timers(self) -> None:
        timeouts = self.behavior.timeouts
        for name in ("udp_unanswered", "udp", "tcp_established", "tcp_transitory", "icmp"):
            self.deadlines.timer(name, getattr(timeouts, name))
        closing = timeouts.tcp_transitory if timeouts.tcp_closing is None else timeouts.tcp_closing
        self.deadlines.timer("tcp_closing", closing)
        by_port = {
            port: self.deadlines.timer(f"udp port {port}", seconds)
            for port, seconds in timeouts.udp_by_port.items()
        }
        if by_port != self._timers_by_port:
            self._timers_by_port = by_port
            for flow in self.flows.values():
                if flow.mapping.protocol == UDP:
                    self.choose_timer(flow)

    def _set_owned(self, now: float) -> None:
        """Renumbering: what becomes of mappings whose external address is ours no more. Flushed,
        the hosts start anew; kept, they go on sending from an address that nobody answers."""
        before, self.owned = self.owned, self.behavior.owned_addresses()
        changed = before ^ self.owned
        if not changed:
            return
        for flow in [each for each in self.flows.values() if each.remote.address in changed]:
            self.close_flow(flow, "renumbered", now)  # to turn back, or not to turn back any more
        if not self.behavior.keep_renumbered:
            for key in [key for key in self.by_external if key[1] in before - self.owned]:
                for mapping in list(self.by_external[key]):
                    self._flush(mapping, "renumbered", now)
        for flow in self.flows.values():
            address = flow.mapping.external.address
            self._listen(flow, address in self.owned or not flow.mapping.has_a_port_of_the_pool)

    def _flush(self, mapping: Mapping, why: str, now: float) -> None:
        """Close a mapping with everything that needs it."""
        mapping.held_until = 0.0
        for expectation in list(mapping.expectations):
            self.expectations.close(expectation, why, now)
        for flow in mapping.flows():
            self.close_flow(flow, why, now)
        self.close_mapping_if_idle(mapping, why, now)

    def _listen(self, flow: Flow, is_ours: bool) -> None:
        """Take packets from outside for a flow, or (`is_ours` false) leave them to others."""
        leg = flow.inbound
        table = self.legs[leg.arrival]
        if is_ours:
            table.setdefault(leg.key, leg)
        elif table.get(leg.key) is leg:
            del table[leg.key]

    def _set_forwards(self, now: float) -> None:
        wanted = set(self.behavior.forwards)
        for rule in set(self._forwards) - wanted:
            mapping = self._forwards.pop(rule)
            mapping.owned = False
            self._flush(mapping, "closed", now)
        for rule in self.behavior.forwards:
            if rule not in self._forwards:
                self._forwards[rule] = self._open_forward(rule, now)

    def _open_forward(self, rule: Forward, now: float) -> Mapping:
        """A forward takes its external endpoint from whoever happens to have it."""
        for squatter in self.mappings_at(rule.protocol, rule.external):
            self._flush(squatter, "closed", now)
        mapping = self._add_mapping(rule.protocol, rule.internal, rule.external, "forward", now)
        mapping.owned = True
        self.pinned[rule.protocol, rule.internal] = mapping
        self.assignment.pool(rule.protocol, rule.external.address).reserve(rule.external.port)
        return mapping

    def _rebuild_filters(self) -> None:
        for mappings in self.by_external.values():
            for mapping in mappings:
                scope = self.behavior.filtering_of(mapping.protocol).scope
                flows, mapping.permitted = mapping.flows(), {}
                for flow in flows:
                    mapping.permitted.setdefault(scope(flow.remote), []).append(flow)

    def _rebuild_keys(self) -> None:
        """After a change of mapping behaviour an old mapping goes on serving its own remotes."""
        for mapping in set(self.mappings.values()):
            mapping.keys = ()
        self.mappings.clear()
        for flow in self.flows.values():
            if not self._is_pinned(flow.mapping) and flow.mapping.opened_by != "untranslated":
                self._add_key(flow.mapping, flow.remote)

    # --- looking up --------------------------------------------------------------------

    def mapping_for(self, protocol: int, internal: Endpoint, remote: Endpoint) -> Mapping | None:
        """The mapping by which `internal` reaches `remote`. Those made by an ALG, a forward or a
        1:1 rule come before mapping policy: RTP must leave by the port that the SDP announced."""
        if self.behavior.untranslated and self.behavior.is_untranslated(remote.address):
            return self._untranslated.get((protocol, internal))
        pinned = self.pinned.get((protocol, internal))
        if pinned is not None:
            return pinned
        return self.mappings.get((protocol, *internal, *self.behavior.mapping.scope(remote)))

    def living_mapping_for(
        self, protocol: int, internal: Endpoint, remote: Endpoint, now: float
    ) -> Mapping | None:
        """The same, after taking away what is over and not tidied up yet: whether that was early
        or late must not be visible in the port that the next flow gets."""
        while mapping := self.mapping_for(protocol, internal, remote):
            flow = mapping.oldest_flow()
            if flow is None or flow.is_alive(now):
                break
            self.close_flow(flow, "expired", now)
        return mapping

    def mapping_to_serve(
        self, protocol: int, internal: Endpoint, remote: Endpoint, now: float
    ) -> Mapping | None:
        """The mapping that the first packet to `remote` is to use; None: it needs a new one."""
        mapping = self.living_mapping_for(protocol, internal, remote, now)
        if mapping and not self.behavior.decisions.serves(True, mapping, remote):
            self._flush(mapping, "replaced", now)
            return None
        return mapping

    def mappings_at(self, protocol: int, external: Endpoint) -> tuple[Mapping, ...]:
        return self.by_external.get((protocol, *external), ())

    def static_internal(self, external: Endpoint) -> Endpoint | None:
        """The inside endpoint that a 1:1 rule puts behind an external endpoint."""
        address = self._static_externals.get(external.address)
        return None if address is None else Endpoint(address, external.port)

    def static_external(self, internal: Endpoint) -> Endpoint | None:
        """What a 1:1 rule shows of an inside endpoint."""
        address = self._statics.get(internal.address)
        return None if address is None else Endpoint(address, internal.port)

    # --- mappings ----------------------------------------------------------------------

    def open_mapping(
        self, protocol: int, internal: Endpoint, remote: Endpoint, now: float
    ) -> Mapping | Drop:
        """A mapping for the first packet from `internal` (to `remote`, as far as policy cares)."""
        decisions = self.behavior.decisions
        if self._stays_untranslated(internal, remote, now):
            mapping = self._add_mapping(protocol, internal, internal, "untranslated", now)
            self._untranslated[protocol, internal] = mapping
            return mapping
        static = self._statics.get(internal.address)
        if static is not None:
            wish = PortWish(protocol, internal, None, self.behavior.rng)
            port = decisions.port(internal.port, wish) or internal.port
            external = Endpoint(static, port)
            mapping = self._add_mapping(protocol, internal, external, "static", now)
            self.pinned[protocol, internal] = mapping
            return mapping
        chosen = self._choose_external(protocol, internal, remote, now)
        if isinstance(chosen, Drop):
            return chosen
        mapping = self._add_mapping(protocol, internal, chosen, "packet", now)
        self._add_key(mapping, remote)
        return mapping

    def _stays_untranslated(self, internal: Endpoint, remote: Endpoint, now: float) -> bool:
        behavior = self.behavior
        if not behavior.untranslated and "untranslated" not in behavior.decisions.others:
            return False
        normal = behavior.is_untranslated(remote.address)
        return behavior.decisions.untranslated(normal, internal, remote, now)

    def external_address_of(self, internal: Endpoint) -> int:
        """The external address that an inside endpoint is, or would be, known by."""
        return self.assignment.address_of(internal, self._known_address(internal))

    def _known_address(self, internal: Endpoint) -> int | None:
        host = self.hosts.get(internal.address)
        return None if host is None else host.external

    def _choose_external(
        self, protocol: int, internal: Endpoint, remote: Endpoint | None, now: float
    ) -> Endpoint | Drop:
        """An external endpoint for a mapping to `remote`, or (None) to everybody."""
        host = self.hosts.get(internal.address)
        if self._has_all_ports(host, 1):
            return Drop.HOST_PORT_LIMIT
        known = host.external if host else None
        return self.assignment.choose(protocol, internal, remote, known, now) or Drop.NO_PORT

    def _has_all_ports(self, host: Host | None, more: int) -> bool:
        """May an inside host have no `more` external ports?"""
        used = host.ports if host else 0
        return bool(self._ports_per_host) and used + more > self._ports_per_host

    def _may_share(self, protocol: int, external: Endpoint, remote: Endpoint) -> bool:
        """Overloading (RFC 4787 REQ-3 forbids it, Linux does it): several mappings may have one
        external port as long as no two of them talk to the same remote endpoint."""
        sharers = self.mappings_at(protocol, external)
        if not sharers or any(mapping.owned for mapping in sharers):
            return False
        return not self.is_talking(protocol, external, remote)

    def has_flow(self, mapping: Mapping, remote: Endpoint) -> bool:
        """Does the inside endpoint of a mapping talk to `remote`, by whichever mapping?"""
        key = outbound_key(mapping.protocol, mapping.internal, remote)
        return key in self.legs[Arrival.INSIDE]

    def is_talking(self, protocol: int, external: Endpoint, remote: Endpoint) -> bool:
        """Has an external endpoint a flow to `remote`? A second one could not be told from it."""
        beyond = Arrival.TURN if remote.address in self.owned else Arrival.OUTSIDE
        return inbound_key(protocol, remote, external) in self.legs[beyond]

    def pin(self, protocol: int, internal: Endpoint, now: float) -> Mapping | Drop:
        """A mapping for `internal` that serves every remote, whatever the mapping policy: the one
        it has if that serves every remote too, else a new one. It closes when nothing needs it."""
        mapping = self.pinned.get((protocol, internal)) or self.mappings.get((protocol, *internal))
        if mapping is None and internal.address in self._statics:
            return self.open_mapping(protocol, internal, Endpoint(0, 0), now)
        if mapping is None:
            external = self._choose_external(protocol, internal, None, now)
            if isinstance(external, Drop):
                return external
            mapping = self._add_mapping(protocol, internal, external, "alg", now)
        self.pinned[protocol, internal] = mapping
        return mapping

    def pin_pair(self, internal: Endpoint, now: float) -> tuple[Mapping, Mapping] | Drop:
        """UDP mappings for RTP and RTCP with adjacent external ports: both or none."""
        if internal.port > 65534:
            return Drop.NO_PORT
        second = Endpoint(internal.address, internal.port + 1)
        if internal.address in self._statics:
            first_mapping, second_mapping = (
                self.pin(UDP, each, now) for each in (internal, second)
            )
            if isinstance(first_mapping, Drop) or isinstance(second_mapping, Drop):
                return Drop.NO_PORT
            return first_mapping, second_mapping
        have = [
            self.pinned.get((UDP, each)) or self.mappings.get((UDP, *each))
            for each in (internal, second)
        ]
        if have[0] and have[1] and have[1].external.port == have[0].external.port + 1:
            self.pinned[UDP, internal], self.pinned[UDP, second] = have[0], have[1]
            return have[0], have[1]
        if self._has_all_ports(self.hosts.get(internal.address), 2):
            return Drop.HOST_PORT_LIMIT
        chosen = self.assignment.choose_pair(internal, self._known_address(internal), now)
        if chosen is None:
            return Drop.NO_PORT
        pair = []
        for each, external in zip((internal, second), chosen, strict=True):
            mapping = self._add_mapping(UDP, each, external, "alg", now)
            self.pinned[UDP, each] = mapping
            pair.append(mapping)
        return pair[0], pair[1]

    def unpin(self, mapping: Mapping, before: Mapping | None, now: float) -> None:
        """Undo `pin`, as if it had never been asked for: `before` was pinned in its place."""
        if self._is_pinned(mapping):
            del self.pinned[mapping.protocol, mapping.internal]
            if before is not None:
                self.pinned[mapping.protocol, mapping.internal] = before
        if not mapping.is_needed(now):
            self.close_mapping_if_idle(mapping, "closed", now)
            pool = self.assignment.pool(mapping.protocol, mapping.external.address)
            pool.end_rest(mapping.external.port)

    def hold(self, mapping: Mapping, until: float) -> None:
        """Keep a pinned mapping that nothing needs yet: a message has announced it. (To the second,
        so that a flood of announcements does not fill the queue.)"""
        if until >= mapping.held_until + 1.0:
            mapping.held_until = until
            heappush(self._held, (until, mapping.id, mapping))

    def _add_mapping(
        self, protocol: int, internal: Endpoint, external: Endpoint, opened_by: str, now: float
    ) -> Mapping:
        self.last_id += 1
        mapping = Mapping(self.last_id, protocol, internal, external, opened_by)
        key = (protocol, *external)
        sharers = self.by_external[key] = (*self.by_external.get(key, ()), mapping)
        if mapping.has_a_port_of_the_pool:
            host = self.host(internal.address, now)
            host.ports += 1
            self.high_water.reach("ports_per_host", host.ports)
            host.external = external.address
            if len(sharers) == 1:
                self.assignment.pool(protocol, external.address).take(external.port)
        self.observer.mapping_opened(mapping, now)
        return mapping

    def _add_key(self, mapping: Mapping, remote: Endpoint) -> None:
        scope = self.behavior.mapping.scope(remote)
        key = (mapping.protocol, *mapping.internal, *scope)
        if self.mappings.setdefault(key, mapping) is mapping and key not in mapping.keys:
            mapping.keys = (*mapping.keys, key)

    def _is_pinned(self, mapping: Mapping) -> bool:
        return self.pinned.get((mapping.protocol, mapping.internal)) is mapping

    def close_mapping_if_idle(self, mapping: Mapping, why: str, now: float) -> None:
        """Take a mapping that nothing needs any more out of all tables, and free its port."""
        if mapping.is_needed(now):
            return
        for key in mapping.keys:
            self.mappings.pop(key, None)
        mapping.keys = ()
        if self._is_pinned(mapping):
            del self.pinned[mapping.protocol, mapping.internal]
        if mapping.opened_by == "untranslated":
            self._untranslated.pop((mapping.protocol, mapping.internal), None)
        key = (mapping.protocol, *mapping.external)
        sharers = self.by_external.get(key, ())
        if mapping not in sharers:
            return
        self.by_external[key] = tuple(each for each in sharers if each is not mapping)
        if len(sharers) == 1:
            del self.by_external[key]
            self._give_back_port(mapping, now)
        if mapping.has_a_port_of_the_pool:
            self.host(mapping.internal.address, now).ports -= 1
            self.forget_if_idle(mapping.internal.address)
        self.observer.mapping_expired(mapping, why, now)

    def _give_back_port(self, mapping: Mapping, now: float) -> None:
        pool = self.assignment.pool(mapping.protocol, mapping.external.address)
        if mapping.opened_by == "forward":
            pool.release_reserved(mapping.external.port)
        elif mapping.has_a_port_of_the_pool:
            pool.release(mapping.external.port, mapping.internal, now)

    # --- flows -------------------------------------------------------------------------

    def refuses(self, internal: int, now: float) -> Drop | None:
        """Do the limits forbid one more flow of this inside host?"""
        limits = self.behavior.limits
        is_full = bool(limits.flows) and len(self.flows) >= limits.flows
        if is_full and self._victim() is None:
            return Drop.FLOW_LIMIT
        return self.host(internal, now).refuses(limits, now)

    def _victim(self) -> Flow | None:
        """Whoever makes room in a full table: normally nobody, or else a flow that nobody has
        answered, one of the oldest."""
        unanswered = self._oldest_unanswered() if self.behavior.eviction else None
        return self.behavior.decisions.victim(unanswered, self.flows)

    def _oldest_unanswered(self) -> Flow | None:
        for timer in self.deadlines.timers.values():
            for _, _, flow in timer.heap[:EVICTION_LOOKS]:
                if isinstance(flow, Flow) and flow.timer is timer and not flow.answered:
                    return flow
        return None

    def open_flow(self, mapping: Mapping, remote: Endpoint, opened_by: str, now: float) -> Flow:
        """A flow of `mapping` to `remote`, under no timer yet."""
        self.last_id += 1
        legs = self.legs_of(mapping, remote)
        flow = Flow(self.last_id, mapping, remote, opened_by, legs, now)
        for leg in legs:
            self.legs[leg.arrival][leg.key] = leg
        self.observer.leg_made(flow.outbound)
        scope = self.behavior.filtering_of(mapping.protocol).scope(remote)
        permitting = mapping.permitted.get(scope)
        if permitting is None:
            mapping.permitted[scope] = [flow]  # nearly always the only one: no room for more
        else:
            permitting.append(flow)
        self.flows[flow.id] = flow
        host = self.host(mapping.internal.address, now)
        host.flows += 1
        host.unanswered += 1
        limit = self.behavior.limits.flows
        if limit and len(self.flows) > limit:
            self._make_room(now)
        self.high_water.reach_flows(len(self.flows), host)
        return flow

    def _make_room(self, now: float) -> None:
        """Evict a flow, since the one that was just opened is one too many. (Not before: the
        mapping that the new one stands on may have been the old one's.)"""
        victim = self._victim()
        if victim is not None:
            self.close_flow(victim, "evicted", now)

    def legs_of(self, mapping: Mapping, remote: Endpoint) -> tuple[Leg, Leg]:
        """How packets go between a mapping and a remote, and come back."""
        reached, decisions = mapping.internal, self.behavior.decisions
        if "reverse" in decisions.others:
            reached = decisions.reverse(reached, ReverseWish(mapping, remote, self.by_external))
        return legs_between(mapping, remote, remote.address in self.owned, reached)

    def host(self, address: int, now: float) -> Host:
        host = self.hosts.get(address)
        if host is None:
            host = self.hosts[address] = Host(self.behavior.limits, now)
        return host

    def mark_answered(self, flow: Flow) -> None:
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
        if seconds is None:
            self.choose_timer(flow)
        else:
            name = f"kept for {seconds:g} s"
            if name not in self.deadlines.timers and len(self.deadlines.timers) > MANY_TIMERS:
                hours = max(1, ceil(seconds / 3600))
                seconds = 3600.0 * (1 << (hours - 1).bit_length())
                name = f"kept for {seconds:g} s"
            self.deadlines.put_under(flow, self.deadlines.timer(name, seconds))

    def close_flow(self, flow: Flow, why: str, now: float) -> None:
        """Take a flow out of all tables, and its mapping with it when nothing else needs that."""
        if self.flows.pop(flow.id, None) is None:
            return
        self.deadlines.let_go(flow)
        for leg in (flow.outbound, flow.inbound):
            if self.legs[leg.arrival].get(leg.key) is leg:
                del self.legs[leg.arrival][leg.key]
        mapping = flow.mapping
        scope = self.behavior.filtering_of(mapping.protocol).scope(flow.remote)
        permitting = mapping.permitted[scope]
        permitting.remove(flow)
        if not permitting:
            del mapping.permitted[scope]
        self._uncount(flow)
        self.observer.flow_expired(flow, why, now)
        self.close_mapping_if_idle(mapping, why, now)
        flow.outbound.flow = flow.inbound.flow = None  # no cycles for the collector to find

    def _uncount(self, flow: Flow) -> None:
        address = flow.mapping.internal.address
        host = self.hosts[address]
        host.flows -= 1
        if not flow.answered:
            host.unanswered -= 1
        self.forget_if_idle(address)

    def forget_if_idle(self, address: int) -> None:
        """Let go of an inside host that has nothing in use."""
        if address in self.hosts and self.hosts[address].is_idle:
            del self.hosts[address]

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When `expire` has something to look at."""
        deadlines = [self.deadlines.next_deadline(), self.expectations.next_deadline()]
        if self._held:
            deadlines.append(self._held[0][0])
        return min((each for each in deadlines if each is not None), default=None)

    def expire(self, now: float, at_most: int) -> None:
        """Forget what has been silent too long, so many records at most."""
        for flow, is_over in self.deadlines.due(now, at_most):
            if is_over:
                self.close_flow(flow, "expired", now)
            else:
                self.observer.mapping_refreshed(flow.mapping, flow.refreshed, now)
        self.expectations.expire(now)
        while self._held and self._held[0][0] <= now:
            self.close_mapping_if_idle(heappop(self._held)[2], "expired", now)
