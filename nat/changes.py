"""What a change of settings does to what exists, a little at a time.

Most settings count from the next packet on and need nothing here: a deadline is derived from its
timer, a filter is sorted anew when it is asked. What is left must look at every flow:

    which timer counts for a UDP flow       nat.timeouts.udp_by_port
    the keys of all mappings                nat.mapping
    mappings that a rule made or forbids    nat.forward, nat.static
    external addresses that are ours no     outside.external: flushed, the hosts start anew; kept,
    more, or are again (renumbering)        they go on sending, and hear no answer

With many flows that takes longer than packets may wait. So each change is a generator that stops
after every record; some records are seen to at once, the rest between packets, in the order in
which the changes were made:

    set nat.mapping …
    │
    begin ─ records ─ packets ─ records ─ packets ─ records ─ … ─ the last records ─ done
            at once             by `proceed`, at every `Nat.expire`: `AT_ONCE` of them

While a change is under way `Nat.next_deadline` answers "at once", so that the caller comes back
after its next few packets and not when the next flow ends. A record that appears meanwhile follows
the new settings by itself, and one that is closed meanwhile is passed over when its turn comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from nat.behavior import Behavior, Forward
from nat.conntrack import Conntrack
from nat.endpoint import UDP
from nat.mapping import Flow, Mapping, OpenedBy, Why

AT_ONCE = 150
"""Records looked at between two packets."""

Work = Iterator[None]


class Changes:
    """Changes of one NAT's settings that are under way."""

    def __init__(self, table: Conntrack) -> None:
        self._table = table
        self._work: deque[Work] = deque()
        self._forwards: dict[Forward, Mapping] = {}

    @property
    def are_under_way(self) -> bool:
        return bool(self._work)

    def begin(self, before: Behavior | None, behavior: Behavior, now: float) -> None:
        """The settings were `before` (None: there were none) and are now `behavior`, which the
        tables follow already."""
        if before is None:
            self._work.append(self._follow_forwards(behavior, now))
        else:
            self._work.extend(self._differences(before, behavior, now))
        self.proceed()

    def _differences(self, before: Behavior, behavior: Behavior, now: float) -> Iterator[Work]:
        if before.statics != behavior.statics:
            yield self._follow_statics(before, behavior, now)
        if before.owned_addresses() != behavior.owned_addresses():
            yield self._renumber(before, behavior, now)
        if before.forwards != behavior.forwards:
            yield self._follow_forwards(behavior, now)
        if before.mapping is not behavior.mapping:
            yield self._table.mappings.keys.change(behavior.mapping, self._keyed_flows())
        if before.timeouts.udp_by_port != behavior.timeouts.udp_by_port:
            yield self._choose_timers()

    def proceed(self, at_most: int = AT_ONCE) -> None:
        """See to some more records. A generator that has come to its end is forgotten."""
        while self._work and at_most > 0:
            at_most -= 1
            if next(self._work[0], self) is self:  # the end
                self._work.popleft()

    # --- the changes -------------------------------------------------------------------

    def _flows(self) -> Iterator[Flow]:
        """The flows of now that still exist when their turn comes."""
        return (flow for flow in list(self._table.flows.values()) if not flow.is_over)

    def _keyed_flows(self) -> Iterator[Flow]:
        """Those whose mapping is found by policy."""
        pinned = self._table.mappings.pinned
        for flow in self._flows():
            mapping = flow.mapping
            if mapping.opened_by is OpenedBy.UNTRANSLATED:
                continue
            if pinned.get((mapping.protocol, mapping.internal)) is not mapping:
                yield flow

    def _choose_timers(self) -> Work:
        """Put each UDP flow under the timer that its remote port asks for now."""
        for flow in self._flows():
            if flow.mapping.protocol == UDP:
                self._table.choose_timer(flow)
            yield

    def _renumber(self, before: Behavior, behavior: Behavior, now: float) -> Work:
        """Other external addresses are ours. Mappings on an address that is lost are flushed, or
        kept if the settings say so. Flows to an address that is lost or won end, because they would
        have to turn back in the NAT now, or no longer. The others hear from outside only while
        their address is ours."""
        was, owned = before.owned_addresses(), behavior.owned_addresses()
        changed = was ^ owned
        lost = set() if behavior.keep_renumbered else was - owned
        for mappings in list(self._table.mappings.by_external.values()):
            for mapping in mappings:
                if mapping.external.address in lost:
                    yield from self._flush(mapping, Why.RENUMBERED, now)
            yield
        for flow in self._flows():
            if flow.remote.address in changed:  # to turn back, or not to turn back any more
                self._table.close_flow(flow, Why.RENUMBERED, now)
            else:
                is_ours = flow.mapping.external.address in owned
                self._listen(flow, is_ours or not flow.mapping.has_a_port_of_the_pool)
            yield

    def _listen(self, flow: Flow, is_ours: bool) -> None:
        """Take packets from outside for a flow, or (`is_ours` false) leave them to others."""
        leg = flow.inbound
        table = self._table.legs[leg.arrival]
        if is_ours:
            table.setdefault(leg.key, leg)
        elif table.get(leg.key) is leg:
            del table[leg.key]

    def _follow_statics(self, before: Behavior, behavior: Behavior, now: float) -> Work:
        """A host whose rule is gone, or new, begins anew; so do mappings with a port of an address
        that now belongs to another host alone."""
        changed = set(before.statics) ^ set(behavior.statics)
        hosts = {rule.internal for rule in changed}
        taken = {rule.external: rule.internal for rule in behavior.statics}
        for mappings in list(self._table.mappings.by_external.values()):
            for mapping in mappings:
                address = mapping.internal.address
                owner = taken.get(mapping.external.address, address)
                if mapping.opened_by is not OpenedBy.FORWARD and (
                    address in hosts or owner != address
                ):
                    yield from self._flush(mapping, Why.CLOSED, now)
            yield

    def _follow_forwards(self, behavior: Behavior, now: float) -> Work:
        """Close the mappings of forwards that are gone, open those of new ones."""
        for rule in set(self._forwards) - set(behavior.forwards):
            mapping = self._forwards.pop(rule)
            mapping.owned = False
            yield from self._flush(mapping, Why.CLOSED, now)
        for rule in behavior.forwards:
            if rule not in self._forwards:
                yield from self._open_forward(rule, now)

    def _open_forward(self, rule: Forward, now: float) -> Work:
        """A forward takes its external endpoint from the mapping that has it, if one has."""
        for mapping in self._table.mappings.at(rule.protocol, rule.external):
            yield from self._flush(mapping, Why.CLOSED, now)
        self._forwards[rule] = self._table.mappings.open_forward(
            rule.protocol, rule.internal, rule.external, now
        )

    def _flush(self, mapping: Mapping, why: Why, now: float) -> Work:
        """Close a mapping with everything that needs it, a flow at each step."""
        for flow in mapping.flows():
            self._table.close_flow(flow, why, now)
            yield
        self._table.flush(mapping, why, now)
