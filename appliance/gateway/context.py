"""The context verbs of `alg.base.AlgContext`, as a transaction.

There is one context and it stands on one of two grounds:

    Tables      the running NAT. What a module asks for is granted at once, because it must write
                the answer into the message, and undone when the module raises or its edits are
                refused. Closing, forgetting and remembering wait for the commit.
    Rehearsal   (`rehearsal.py`) for a module that only watches. It answers what the running NAT
                would, by asking the same tables, and changes nothing in them.

So a prediction cannot differ from what would happen: it is made by the same code.

    one message         Tables                                   Rehearsal
    map, map_pair       pins a mapping                           asks which, notes it in the ledger
    expect              opens an expectation                     notes it in the ledger
    close, remember     noted                                    noted
    commit              closes what is to close; holds what      takes out of the ledger what is
                        was announced for 32 s; ends the         to close
                        flows of ports that were replaced
    rollback            unpins, closes, sets deadlines back      takes out what this message added
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Protocol

from alg.base import Unavailable
from appliance.gateway.memory import Memory, Notes
from nat.conntrack import Conntrack
from nat.drop import Drop
from nat.endpoint import PROTOCOL_NUMBERS, UDP, Direction, Endpoint
from nat.mapping import Expectation, FlowLeg, Leg, Terms, Why
from nat.mapping import Mapping as NatMapping

ANNOUNCED = 32.0
"""Seconds that a mapping lives which a message has announced and nothing uses yet: as long as a SIP
transaction may take to be answered (RFC 3261 17.1.1.2, 64 * T1)."""

LONGEST = 365 * 86400.0
"""Seconds: nothing that a module asks for lasts longer."""
LOWEST_PORT = 1024
"""No expectation for a system port of an inside host (invariant I-E2)."""


Asked = tuple[object, ...]
"""A verb of an `AlgContext`, and what it was asked about."""


class Ground(Protocol):
    """What a context stands on. `protocol` is an IP protocol number; everything is asked for on
    behalf of the inside host that the message belongs to."""

    def external_of(self, protocol: int, internal: Endpoint) -> Endpoint | None:
        """The external endpoint that `internal` has, to the remote of the message."""

    def internal_of(self, protocol: int, external: Endpoint) -> Endpoint | None:
        """The inside endpoint behind an external one."""

    def pin(self, protocol: int, internal: Endpoint) -> Endpoint | Drop:
        """See `nat.mappings.Mappings.pin`."""

    def pin_pair(self, internal: Endpoint) -> Endpoint | Drop:
        """The first of two adjacent ones."""

    def expect(
        self,
        protocol: int,
        internal: Endpoint,
        remote: Endpoint | None,
        parent: Hashable,
        reason: str,
        terms: Terms,
    ) -> None:
        """Raises Unavailable."""

    def close(self, parent: Hashable, internal: Endpoint | None) -> None:
        """At the commit: what `parent` expects, all or at one endpoint, is expected no more."""

    def keep(self, seconds: float) -> None:
        """At the commit: the flow of the message may be silent for so long."""

    def commit(self) -> None:
        """What was granted stays."""

    def rollback(self) -> None:
        """What was granted is taken back."""


class Context:
    """An AlgContext for the message that `leg` carries."""

    def __init__(
        self,
        ground: Ground,
        table: Conntrack,
        leg: Leg,
        memory: Memory,
        settings: Mapping[str, Any],
        now: float,
    ) -> None:
        self.direction = leg.direction
        self.internal = leg.mapping.internal
        self.external = leg.mapping.external
        self.remote = remote_of(leg)
        self.transport = "udp" if leg.key[0] == UDP else "tcp"
        self.settings = settings
        self._ground = ground
        self._owned = table.rules.owned
        self.asked: list[Asked] = []
        """What has been asked of the NAT, whatever came of it: the verb, and what it is about."""
        self._notes = Notes(memory, self.internal.address, now)
        self.recall = self._notes.recall
        self.remember = self._notes.remember
        self.forget = self._notes.forget

    def is_external_address(self, address: int) -> bool:
        return address in self._owned

    def external_of(self, internal: Endpoint, transport: str = "udp") -> Endpoint | None:
        if self._is_the_speaker(internal, transport):
            return self.external
        return self._ground.external_of(PROTOCOL_NUMBERS[transport], internal)

    def internal_of(self, external: Endpoint, transport: str = "udp") -> Endpoint | None:
        if external == self.external and transport == self.transport:
            return self.internal
        return self._ground.internal_of(PROTOCOL_NUMBERS[transport], external)

    def map(self, internal: Endpoint, transport: str = "udp") -> Endpoint:
        self.asked.append(("map", internal, transport))
        self._must_be_own(internal)
        if self._is_the_speaker(internal, transport):
            return self.external
        return _granted(self._ground.pin(PROTOCOL_NUMBERS[transport], internal))

    def map_pair(self, internal: Endpoint) -> Endpoint:
        self.asked.append(("map_pair", internal))
        self._must_be_own(internal)
        return _granted(self._ground.pin_pair(internal))

    def expect(
        self,
        internal: Endpoint,
        remote: Endpoint | None,
        *,
        transport: str = "udp",
        parent: Hashable,
        reason: str,
        lifetime: float,
        used_lifetime: float | None = None,
        silence: float | None = None,
    ) -> None:
        self.asked.append(("expect", internal, remote, lifetime, used_lifetime, silence))
        self._must_be_own(internal)
        _check_ends(internal, remote, parent)
        for seconds in (lifetime, used_lifetime, silence):
            _check_lifetime(seconds)
        terms = Terms(lifetime, used_lifetime, silence)
        protocol = PROTOCOL_NUMBERS[transport]
        self._ground.expect(protocol, internal, remote, parent, reason, terms)

    def close(self, parent: Hashable, internal: Endpoint | None = None) -> None:
        self.asked.append(("close", internal))
        self._ground.close(parent, internal)

    def keep(self, seconds: float) -> None:
        self.asked.append(("keep", seconds))
        _check_lifetime(seconds)
        self._ground.keep(seconds)

    def commit(self) -> None:
        """The edits were accepted: everything asked for becomes permanent."""
        self._notes.commit()
        self._ground.commit()

    def rollback(self) -> None:
        """Nothing was asked for."""
        self._ground.rollback()

    def refuse(self) -> None:
        """The message goes no further and opens nothing, but it has been seen."""
        self._notes.commit()
        self._ground.rollback()

    def _is_the_speaker(self, internal: Endpoint, transport: str) -> bool:
        """Is it the very endpoint that the message belongs to?"""
        return internal == self.internal and transport == self.transport

    def _must_be_own(self, internal: Endpoint) -> None:
        """Nothing is ever opened for another host than the one that speaks (invariant I-E2)."""
        if internal.address != self.internal.address:
            raise Unavailable(f"{internal} is not an endpoint of the host that sent the message")


def remote_of(leg: Leg) -> Endpoint:
    """The other end of the packets of a leg, as they arrive."""
    _, source, destination, source_port, destination_port = leg.key
    if leg.direction is Direction.OUT:
        return Endpoint(destination, destination_port)
    return Endpoint(source, source_port)


def _granted(answer: Endpoint | Drop) -> Endpoint:
    if isinstance(answer, Drop):
        raise Unavailable(answer.sentence)
    return answer


def _check_lifetime(seconds: float | None) -> None:
    """Raises ValueError for what is no time to wait (NaN compares with nothing)."""
    if seconds is not None and not 0 <= seconds <= LONGEST:
        raise ValueError(f"{seconds!r} is not a lifetime in seconds")


def _check_ends(internal: Endpoint, remote: Endpoint | None, parent: Hashable) -> None:
    """What a module hands over is kept and used later, where it could not be blamed on the module
    any more if it failed. Raises TypeError or Unavailable."""
    hash(parent)
    if remote is not None and not isinstance(remote, Endpoint):
        raise TypeError(f"{remote!r} is not an endpoint")
    if internal.port < LOWEST_PORT:
        raise Unavailable(f"{internal} is a system port")


class Tables:
    """The running NAT as the ground of a context, and what must be undone if it comes to that.

    One INVITE with an offer, which the module edits and which is then found not to fit the MTU:

        map_pair    4000 and 4001 are pinned               noted in `_newly_pinned`
        expect      two expectations are opened            noted in `_opened`
        expect      one that there was lives longer        its old deadline is noted in `_renewed`
        close       an old offer's expectation             noted in `_doomed`; still open
        rollback    the two are closed, the old deadline is back, 4000 and 4001 are free and need no
                    rest, the old offer's expectation was never touched
    """

    def __init__(self, table: Conntrack, leg: Leg, now: float, module: object = None) -> None:
        """`module` is the one that asks, by identity."""
        self._table = table
        self._module = module
        self._mappings = table.mappings
        self._leg = leg
        self._remote = remote_of(leg)
        self._now = now
        self._pinned: dict[NatMapping, float] = {}  # and until when it was held before
        self._newly_pinned: list[tuple[NatMapping, NatMapping | None]] = []
        self._opened: list[Expectation] = []
        self._renewed: list[tuple[Expectation, Terms, float, float, object]] = []
        self._doomed: dict[int, Expectation] = {}
        self.kept: float | None = None
        self.says_nothing = False
        """Was it no message of the module's protocol? Then it changes nothing about its flow."""

    def external_of(self, protocol: int, internal: Endpoint) -> Endpoint | None:
        mapping = self._mappings.find(protocol, internal, self._remote)
        return mapping.external if mapping else self._table.rules.static_external(internal)

    def internal_of(self, protocol: int, external: Endpoint) -> Endpoint | None:
        for mapping in self._mappings.at(protocol, external):
            return mapping.internal
        return self._table.rules.static_internal(external)

    def pin(self, protocol: int, internal: Endpoint) -> Endpoint | Drop:
        before = self._mappings.pinned.get((protocol, internal))
        pinned = self._mappings.pin(protocol, internal, self._now)
        if isinstance(pinned, Drop):
            return pinned
        self._note_pin(pinned, before)
        return pinned.external

    def pin_pair(self, internal: Endpoint) -> Endpoint | Drop:
        ends = internal, internal._replace(port=internal.port + 1)
        before = [self._mappings.pinned.get((UDP, each)) for each in ends]
        pair = self._mappings.pin_pair(internal, self._now)
        if isinstance(pair, Drop):
            return pair
        for mapping, known in zip(pair, before, strict=True):
            self._note_pin(mapping, known)
        return pair[0].external

    def _note_pin(self, mapping: NatMapping, before: NatMapping | None) -> None:
        """A rollback must know what was pinned in its place before, if anything was. Until then
        the mapping counts as announced: the next stream of the message must not move it."""
        self._pinned.setdefault(mapping, mapping.held_until)
        mapping.held_until = max(mapping.held_until, self._now + ANNOUNCED)
        if mapping is not before:
            self._newly_pinned.append((mapping, before))

    def expect(
        self,
        protocol: int,
        internal: Endpoint,
        remote: Endpoint | None,
        parent: Hashable,
        reason: str,
        terms: Terms,
    ) -> None:
        mapping = self._mapping_to_hold(protocol, internal)
        expectations = self._table.expectations
        known = expectations.find(mapping, remote, parent)
        if known is not None:
            was = known.terms, known.end, known.deadline, known.asked_by
            self._renewed.append((known, *was))
        opened = expectations.open(mapping, remote, parent, reason, terms, self._now)
        if opened is None:
            raise Unavailable(FULL)
        opened.asked_by = self._module
        self._doomed.pop(opened.id, None)  # to be closed, and then expected again: it stays
        if known is None:
            self._opened.append(opened)

    def _mapping_to_hold(self, protocol: int, internal: Endpoint) -> NatMapping:
        """The mapping that an expectation may keep open: that of the message itself, or a pinned
        one. Raises Unavailable. (One whose number is 0 was made for a single packet.)"""
        own = self._leg.mapping
        if (protocol, internal) == (own.protocol, own.internal) and own.id:
            return own
        mapping = self._mappings.pinned.get((protocol, internal))
        if mapping is None:
            raise Unavailable(f"{internal} has no mapping to hold open")
        return mapping

    def close(self, parent: Hashable, internal: Endpoint | None) -> None:
        for each in self._table.expectations.by_parent.get(parent, ()):
            if internal is None or each.mapping.internal == internal:
                self._doomed[each.id] = each

    def keep(self, seconds: float) -> None:
        self.kept = seconds

    def commit(self) -> None:
        for expectation in self._doomed.values():
            self._table.expectations.close(expectation, Why.CLOSED, self._now)
        for mapping, held_before in self._pinned.items():
            mapping.held_until = held_before
            if not mapping.is_needed(self._now):
                self._mappings.hold(mapping, self._now + ANNOUNCED)
        for mapping, pinned_before in self._newly_pinned:
            self._table.take_over(mapping, pinned_before, self._now)
        leg = self._leg
        # Also with None: what an earlier message asked for does not outlive this one.
        if self.says_nothing:
            return
        if isinstance(leg, FlowLeg) and (leg.key[0] == UDP or self._outlasts_tcp()):
            self._table.keep(leg.flow, self.kept)

    def _outlasts_tcp(self) -> bool:
        """An established connection is kept for hours anyway (RFC 5382 REQ-5); never shorten it."""
        usual = self._table.behavior.timeouts.tcp_established
        return self.kept is not None and self.kept > usual

    def rollback(self) -> None:
        for expectation in self._opened:
            self._table.expectations.close(expectation, Why.UNDONE, self._now)
        for renewed, terms, end, look, asked_by in reversed(self._renewed):
            if renewed.id in self._table.expectations:
                renewed.asked_by = asked_by
                self._table.expectations.set_end(renewed, terms, end, look)
        for mapping, held_before in self._pinned.items():
            mapping.held_until = held_before
        for mapping, pinned_before in reversed(self._newly_pinned):
            self._mappings.unpin(mapping, pinned_before, self._now)


FULL = "this inside host has all the expectations it may have"
