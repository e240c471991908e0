"""All mappings of one NAT: how they are found, opened, announced and closed (RFC 4787 4).

Which question does each table answer?

    keys          has this inside endpoint a mapping
                  that serves this remote?                  (`keys.py`)
    pinned        has an ALG, a forward or a 1:1 rule given
                  it one that serves every remote?          (protocol, internal) -> Mapping
    by_external   whose is this external endpoint?          (protocol, address, port) -> Mappings

A mapping has no timer: `close_if_idle` is called by whatever stops needing it. The life of one that
an ALG has asked for, for the audio of a call:

                     the message     an answer       first         the call     last packet
                     that asks       that expects    packet        ends         and silence
                     │               │               │             │            │
    pinned           ├───────────────┼───────────────┼─────────────┼────────────┤
    held             ├──────── 32 s ─────────┤       │             │            │
    an expectation   │               ├───────────────┼─────────────┤            │
    flows            │               │               ├─────────────┼────────────┤
    needed           ├───────────────┴───────────────┴─────────────┴────────────┤
                                                                                └ closed: the port
                                                                                  rests (`ports.py`)
    pinned   it serves every remote, whatever the mapping policy
    held     it was announced, and nothing uses it yet; if nothing ever does, it closes with this
    flows    one that came in by an expectation ends with it; those of the inside, with silence
    owned    (another life) a forward needs it, until the rule is taken back
    needed   at least one of them is so: `Mapping.is_needed`

One that a packet of the inside has opened is neither pinned nor held: its flows alone need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from math import inf

from nat.assignment import Assignment, Draft, MayShare
from nat.behavior import Behavior
from nat.drop import Drop
from nat.endpoint import UDP, Endpoint
from nat.events import Observer
from nat.keys import Keys
from nat.limits import HighWater, Host, Hosts
from nat.mapping import Mapping, OpenedBy, Why
from nat.pairs import Half, NoPair, above, complete
from nat.policy import Policy
from nat.ports import HIGHEST_PORT
from nat.rules import Rules

ExternalKey = tuple[int, int, int]


class Mappings:
    """The mappings of one NAT, in all tables that they are found by.

    `hosts` are charged for the ports; `may_share` says whether a port may serve one more mapping
    (RFC 4787 REQ-3); `ids` are shared with all other records of the NAT."""

    def __init__(
        self,
        behavior: Behavior,
        policy: Policy,
        hosts: Hosts,
        ids: Iterator[int],
        high_water: HighWater,
        observer: Observer,
        may_share: MayShare,
    ) -> None:
        self.keys = Keys(behavior.mapping)
        self.pinned: dict[tuple[int, Endpoint], Mapping] = {}
        self.by_external: dict[ExternalKey, tuple[Mapping, ...]] = {}
        self.rules = Rules(behavior)
        self.assignment = Assignment(behavior, policy, may_share)
        self._hosts = hosts
        self._ids = ids
        self._high_water = high_water
        self._observer = observer
        self._held: list[tuple[float, int, Mapping]] = []
        self._untranslated: dict[tuple[int, Endpoint], Mapping] = {}
        self.settings_changed(behavior, policy)

    def settings_changed(self, behavior: Behavior, policy: Policy) -> None:
        """From now on these settings count; mappings that exist stay as they are."""
        self._behavior = behavior
        self._policy = policy
        self.rules.follow(behavior)
        self.assignment.settings_changed(behavior, policy)
        self._ports_per_host = behavior.limits.most_ports_of_a_host

    # --- finding -----------------------------------------------------------------------

    def find(self, protocol: int, internal: Endpoint, remote: Endpoint) -> Mapping | None:
        """The mapping by which `internal` reaches `remote`. Those made by an ALG, a forward or a
        1:1 rule come before mapping policy: RTP must leave by the port that the SDP announced."""
        if self.rules.has_untranslated and self._behavior.is_untranslated(remote.address):
            return self._untranslated.get((protocol, internal))
        pinned = self.pinned.get((protocol, internal))
        return pinned or self.keys.find(protocol, internal, remote)

    def lasting(self, protocol: int, internal: Endpoint) -> Mapping | None:
        """The mapping of `internal` that serves every remote, if it has one."""
        return self.pinned.get((protocol, internal)) or self.keys.serving_all(protocol, internal)

    def at(self, protocol: int, external: Endpoint) -> tuple[Mapping, ...]:
        """Those with this external endpoint: one at most, unless ports are overloaded."""
        return self.by_external.get((protocol, *external), ())

    # --- opening and closing -----------------------------------------------------------

    def open(
        self, protocol: int, internal: Endpoint, remote: Endpoint, now: float
    ) -> Mapping | Drop:
        """A mapping for the first packet from `internal` to `remote`: untranslated if that remote
        is to see inside addresses, else as a 1:1 rule says, else with a port of the pool."""
        if self._stays_untranslated(internal, remote, now):
            mapping = self._add(protocol, internal, internal, OpenedBy.UNTRANSLATED, now)
            self._untranslated[protocol, internal] = mapping
            return mapping
        static = self.rules.static_external(internal)
        if static is not None:
            return self._open_static(protocol, internal, static, now)
        chosen = self._choose_external(protocol, internal, remote, now)
        if isinstance(chosen, Drop):
            return chosen
        mapping = self._add(protocol, internal, chosen, OpenedBy.PACKET, now)
        self.keys.add(mapping, remote)
        return mapping

    def _open_static(
        self, protocol: int, internal: Endpoint, external: Endpoint, now: float
    ) -> Mapping:
        external = self._static_port(protocol, internal, external)
        mapping = self._add(protocol, internal, external, OpenedBy.STATIC, now)
        self.pinned[protocol, internal] = mapping
        return mapping

    def _static_port(self, protocol: int, internal: Endpoint, external: Endpoint) -> Endpoint:
        """A 1:1 rule keeps the port (RFC 2663 4.1.1), unless a fault decides otherwise."""
        rng = self._behavior.rng
        port = self._policy.port(internal.port, protocol, internal, None, rng)
        return external._replace(port=port or internal.port)

    def open_forward(
        self, protocol: int, internal: Endpoint, external: Endpoint, now: float
    ) -> Mapping:
        """A mapping that a rule has made: it lives without flows until the rule is taken back."""
        mapping = self._add(protocol, internal, external, OpenedBy.FORWARD, now)
        mapping.owned = True
        self.pinned[protocol, internal] = mapping
        self.assignment.pool(protocol, external.address).reserve(external.port)
        return mapping

    def _stays_untranslated(self, internal: Endpoint, remote: Endpoint, now: float) -> bool:
        normal = self.rules.has_untranslated and self._behavior.is_untranslated(remote.address)
        return self._policy.untranslated(normal, internal, remote, now)

    def external_address_of(self, internal: Endpoint) -> int:
        """The external address that an inside endpoint is, or would be, known by."""
        return self.assignment.address_of(internal, self._known_address(internal))

    def _known_address(self, internal: Endpoint) -> int | None:
        host = self._hosts.get(internal.address)
        return None if host is None else host.external

    def _choose_external(
        self,
        protocol: int,
        internal: Endpoint,
        remote: Endpoint | None,
        now: float,
        draft: Draft | None = None,
    ) -> Endpoint | Drop:
        """An external endpoint for a mapping to `remote`, or (None) to everybody."""
        host = self._hosts.get(internal.address)
        if self._has_all_ports(host, 1):
            return Drop.HOST_PORT_LIMIT
        known = host.external if host else None
        chosen = self.assignment.choose(protocol, internal, remote, known, now, draft)
        return chosen or Drop.NO_PORT

    def _has_all_ports(self, host: Host | None, more: int) -> bool:
        """May an inside host have no `more` external ports?"""
        used = host.ports if host else 0
        return bool(self._ports_per_host) and used + more > self._ports_per_host

    # --- what an ALG asks for ----------------------------------------------------------

    def pin(self, protocol: int, internal: Endpoint, now: float) -> Mapping | Drop:
        """A mapping for `internal` that serves every remote, whatever the mapping policy: the one
        it has if that serves every remote too, else a new one. It closes when nothing needs it."""
        found = self._lasting_or_external(protocol, internal, now)
        if isinstance(found, Drop):
            return found
        if isinstance(found, Endpoint):
            ruled = self.rules.static_external(internal) is not None
            opened_by = OpenedBy.STATIC if ruled else OpenedBy.ALG
            found = self._add(protocol, internal, found, opened_by, now)
        self.pinned[protocol, internal] = found
        return found

    def preview(
        self, protocol: int, internal: Endpoint, now: float, draft: Draft
    ) -> Endpoint | Drop:
        """The external endpoint that `pin` would answer."""
        found = self._lasting_or_external(protocol, internal, now, draft)
        return found.external if isinstance(found, Mapping) else found

    def _lasting_or_external(
        self, protocol: int, internal: Endpoint, now: float, draft: Draft | None = None
    ) -> Mapping | Endpoint | Drop:
        """The mapping that `internal` has already, or the external endpoint for a new one."""
        static = self.rules.static_external(internal)
        return (
            self.lasting(protocol, internal)
            or (static and self._static_port(protocol, internal, static))
            or self._choose_external(protocol, internal, None, now, draft)
        )

    def pin_pair(self, internal: Endpoint, now: float) -> tuple[Mapping, Mapping] | Drop:
        """UDP mappings for RTP and RTCP with adjacent external ports: both or none. A mapping that
        one of them had elsewhere is left for the caller: see `Conntrack.take_over`."""
        chosen = self.preview_pair(internal, now, None)
        if isinstance(chosen, Drop):
            return chosen
        ruled = self.rules.static_external(internal) is not None
        opened_by = OpenedBy.STATIC if ruled else OpenedBy.ALG
        pair = []
        for each, external in zip((internal, above(internal)), chosen, strict=True):
            mapping = self.lasting(UDP, each)
            if mapping is None or mapping.external != external:
                mapping = self._add(UDP, each, external, opened_by, now)
            self.pinned[UDP, each] = mapping
            pair.append(mapping)
        return pair[0], pair[1]

    def preview_pair(
        self, internal: Endpoint, now: float, draft: Draft | None
    ) -> tuple[Endpoint, Endpoint] | Drop:
        """The external endpoints that `pin_pair` would answer (see `pairs.py`)."""
        if internal.port >= HIGHEST_PORT:
            return Drop.NO_PORT
        ends = internal, above(internal)
        static = self.rules.static_external(internal)
        if static is not None:
            have = [self.lasting(UDP, each) for each in ends]
            rtp, rtcp = (
                mapping.external if mapping else self._static_port(UDP, each, static)
                for each, mapping in zip(ends, have, strict=True)
            )
            return rtp, rtcp
        first, second = (self._half(each, now, draft) for each in ends)
        try:
            whole = complete(
                first, second, lambda half, port: self._is_free(ends[half], port, now, draft)
            )
        except NoPair:
            return Drop.NO_PORT
        there = {half.external for half in (first, second) if half}
        missing = 2 if whole is None else len(set(whole) - there)
        if missing and self._has_all_ports(self._hosts.get(internal.address), missing):
            return Drop.HOST_PORT_LIMIT
        known = self._known_address(internal)
        return whole or self.assignment.choose_pair(internal, known, now, draft) or Drop.NO_PORT

    def _half(self, internal: Endpoint, now: float, draft: Draft | None) -> Half | None:
        """What one internal port of a pair has already, or has been given in a `draft`."""
        given = draft.given(UDP, internal) if draft else None
        if given is not None:
            return Half(given, stays=True)
        mapping = self.lasting(UDP, internal)
        return Half(mapping.external, mapping.is_announced(now)) if mapping else None

    def _is_free(
        self, internal: Endpoint, external: Endpoint, now: float, draft: Draft | None
    ) -> bool:
        """May `internal` have this very external endpoint?"""
        if draft is not None and external.port in draft.taken(UDP, external.address):
            return False
        pool = self.assignment.pool(UDP, external.address)
        pool.settle(now)
        return pool.is_available(external.port, internal)

    def unpin(self, mapping: Mapping, before: Mapping | None, now: float) -> None:
        """Undo `pin`, as if it had never been asked for: `before` was pinned in its place. A port
        that was taken for it was shown to nobody outside, and need not rest."""
        if self._is_pinned(mapping):
            del self.pinned[mapping.protocol, mapping.internal]
            if before is not None:
                self.pinned[mapping.protocol, mapping.internal] = before
        if not mapping.is_needed(now):
            self.close_if_idle(mapping, Why.CLOSED, now)
            pool = self.assignment.pool(mapping.protocol, mapping.external.address)
            pool.end_rest(mapping.external.port)

    def hold(self, mapping: Mapping, until: float) -> None:
        """Keep a pinned mapping that nothing needs yet: a message has announced it. (To the second,
        so that a flood of announcements does not fill the queue.)"""
        if until >= mapping.held_until + 1.0:
            mapping.held_until = until
            heappush(self._held, (until, mapping.id, mapping))

    def _add(
        self, protocol: int, internal: Endpoint, external: Endpoint, opened_by: OpenedBy, now: float
    ) -> Mapping:
        """Make a mapping and enter it by its external endpoint. By what the inside finds it is the
        caller's to enter. Its port is charged to the host, and taken by the first that shares it.
        """
        mapping = Mapping(next(self._ids), protocol, internal, external, opened_by)
        key = (protocol, *external)
        sharers = self.by_external[key] = (*self.by_external.get(key, ()), mapping)
        if opened_by is OpenedBy.PACKET or opened_by is OpenedBy.ALG:
            host = self._hosts.of(internal.address, now)
            host.ports += 1
            self._high_water.reach("ports_per_host", host.ports)
            host.external = external.address
            if len(sharers) == 1:
                self.assignment.pool(protocol, external.address).take(external.port)
        self._observer.mapping_opened(mapping, now)
        return mapping

    def _is_pinned(self, mapping: Mapping) -> bool:
        return self.pinned.get((mapping.protocol, mapping.internal)) is mapping

    def close_if_idle(self, mapping: Mapping, why: Why, now: float) -> None:
        """Take a mapping that nothing needs any more out of all tables, and give its port back. It
        is harmless to ask twice, or for one that is still needed."""
        if mapping.is_needed(now):
            return
        self.keys.remove(mapping)
        if self._is_pinned(mapping):
            del self.pinned[mapping.protocol, mapping.internal]
        if mapping.opened_by is OpenedBy.UNTRANSLATED:
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
            self._hosts[mapping.internal.address].ports -= 1
            self._hosts.forget_if_idle(mapping.internal.address)
        self._observer.mapping_expired(mapping, why, now)

    def _give_back_port(self, mapping: Mapping, now: float) -> None:
        """The last mapping with this external endpoint is gone. A port that a 1:1 rule told was
        never taken from a pool."""
        pool = self.assignment.pool(mapping.protocol, mapping.external.address)
        if mapping.opened_by is OpenedBy.FORWARD:
            pool.release_reserved(mapping.external.port)
        elif mapping.has_a_port_of_the_pool:
            pool.release(mapping.external.port, mapping.internal, now)

    # --- time --------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When an announced mapping has waited in vain."""
        return self._held[0][0] if self._held else inf

    def expire(self, now: float) -> None:
        """Close what was announced and never used."""
        while self._held and self._held[0][0] <= now:
            self.close_if_idle(heappop(self._held)[2], Why.EXPIRED, now)
