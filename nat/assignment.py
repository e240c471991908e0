"""Which external endpoint a new mapping gets (RFC 4787 4.1 and 4.2): an address, then a port of it.

`ports.py` knows which ports are free; here it is decided which of them to ask for. What a rule has
fixed does not come here. The questions, in their order:

    1. which of our addresses?     always the same for one host (paired), if that is asked for
    2. overloading?                the port that the host has itself, though another mapping has it
    3. else a free port            preserved, in sequence or at random; of the same class and parity
    4. poisoned for this remote?   then once more, from the next port on (`poison.py`)

With a `Draft` the same questions are asked and nothing is used up: so a rehearsal cannot predict
another port than the one that would be given.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Container
from typing import NamedTuple

from nat.behavior import Behavior
from nat.endpoint import UDP, Endpoint, FiveTuple, inbound_key
from nat.limits import HighWater
from nat.poison import Poisoned
from nat.policy import Policy
from nat.ports import HIGHEST_PORT, WELL_KNOWN_END, PortPool

POISON_TRIES = 64
"""Ports looked at before a mapping is refused because all of them are poisoned."""


class Draft(NamedTuple):
    """A NAT as it would be if some endpoints were in use that are not: what a rehearsal has given
    out. `taken` answers their ports, for a protocol and an external address; `given` what an
    internal endpoint has been given; chance has dice of its own, because to watch must not change
    what the NAT draws."""

    taken: Callable[[int, int], Container[int]]
    given: Callable[[int, Endpoint], Endpoint | None]
    rng: random.Random


MayShare = Callable[[int, Endpoint, Endpoint], bool]
"""(protocol, external endpoint, remote) -> may one more mapping have it, to talk to that remote?"""


class Assignment:
    """The external addresses, and a pool of ports for each of them and each protocol.

    `known` is the address that an inside host appears under already, if it has mappings.
    """

    def __init__(self, behavior: Behavior, policy: Policy, may_share: MayShare) -> None:
        self._may_share = may_share
        self._poisoned = Poisoned()
        self.pools: dict[tuple[int, int], PortPool] = {}
        self.high_water = HighWater()
        self.settings_changed(behavior, policy)

    def settings_changed(self, behavior: Behavior, policy: Policy) -> None:
        self._behavior = behavior
        self._policy = policy
        # One that a rule gives to one host is not for the others, unless there is no other.
        self._addresses = behavior.shared_addresses() or list(behavior.external)
        for pool in self.pools.values():
            self._set_up(pool)

    def _set_up(self, pool: PortPool) -> None:
        pool.rest = self._behavior.port_rest
        pool.most_resting = self._behavior.limits.resting_ports
        pool.high_water = self.high_water
        pool.set_range(*self._behavior.port_range)

    def pool(self, protocol: int, address: int) -> PortPool:
        """The ports of an external address, for one protocol."""
        pool = self.pools.get((protocol, address))
        if pool is None:
            first, last = self._behavior.port_range
            pool = self.pools[protocol, address] = PortPool(first, last, self._behavior.port_rest)
            self._set_up(pool)
        return pool

    def most_resting_ports(self, now: float) -> int:
        """How many ports rest in the pool where most do."""
        for pool in self.pools.values():
            pool.settle(now)
        return max((pool.counts()["resting"] for pool in self.pools.values()), default=0)

    def address_of(self, internal: Endpoint, known: int | None) -> int:
        """RFC 4787 REQ-2, paired pooling: an inside host always appears under one address. Without
        it each of its endpoints may have another one, but always the same."""
        external = self._addresses
        if len(external) == 1:
            return external[0]
        if known not in external:
            known = None
        if not self._behavior.paired:
            normal = external[(internal.address + internal.port) % len(external)]
        else:
            normal = external[internal.address % len(external)] if known is None else known
        return self._policy.external_address(normal, internal, external, known)

    def choose(
        self,
        protocol: int,
        internal: Endpoint,
        remote: Endpoint | None,
        known: int | None,
        now: float,
        draft: Draft | None = None,
    ) -> Endpoint | None:
        """An external endpoint for a mapping to `remote`, or (None) to everybody. In a `draft`
        nothing is used up by it."""
        address = self.address_of(internal, known)
        pool = self.pool(protocol, address)
        pool.settle(now)
        wish = internal
        for _ in range(POISON_TRIES):
            port = None
            if remote is not None and self._behavior.overloading:
                port = self._shared_port(protocol, Endpoint(address, wish.port), remote)
            port = port or self._free_port(protocol, pool, wish, address, draft)
            if port is None:
                return None
            external = Endpoint(address, port)
            if remote is None or not self._behavior.poisoning:
                return external
            if not self._is_poisoned(protocol, remote, external, now):
                return external
            wish = Endpoint(internal.address, _after(port))
        return None

    def _shared_port(self, protocol: int, wish: Endpoint, remote: Endpoint) -> int | None:
        """Overloading: the port that an inside endpoint has itself, though others have it too; but
        not towards that very port (hairpin): the two ends could not be told apart."""
        may_share = wish != remote and self._may_share(protocol, wish, remote)
        return wish.port if may_share else None

    def _free_port(
        self, protocol: int, pool: PortPool, wish: Endpoint, address: int, draft: Draft | None
    ) -> int | None:
        """A port of the pool for this mapping alone."""
        behavior = self._behavior
        parity = behavior.parity and protocol == UDP
        if draft is None:
            rng = behavior.rng
            port = pool.choose(wish, behavior.ports, parity, rng)
        else:
            rng = draft.rng
            with pool.rehearsing():
                taken = draft.taken(protocol, address)
                port = pool.choose(wish, behavior.ports, parity, rng, taken)
        return self._policy.port(port, protocol, wish, pool, rng)

    def choose_pair(
        self, internal: Endpoint, known: int | None, now: float, draft: Draft | None = None
    ) -> tuple[Endpoint, Endpoint] | None:
        """External endpoints with adjacent ports, for RTP and the RTCP that goes with it."""
        behavior = self._behavior
        address = self.address_of(internal, known)
        pool = self.pool(UDP, address)
        pool.settle(now)
        if draft is None:
            rng = behavior.rng
            port = pool.choose_pair(internal, behavior.ports, rng)
        else:
            rng = draft.rng
            with pool.rehearsing():
                taken = draft.taken(UDP, address)
                port = pool.choose_pair(internal, behavior.ports, rng, taken)
        if port is None:
            return None
        port = self._policy.rtp_port(port, internal, pool, rng)
        of_rtcp = Endpoint(internal.address, internal.port + 1)
        second = self._policy.rtcp_port(port + 1, of_rtcp, pool, rng)
        return Endpoint(address, port), Endpoint(address, second)

    def poison(self, arrives: FiveTuple, now: float) -> None:
        """An unsolicited packet came in (see `poison.py`)."""
        self._poisoned.remember(arrives, self._behavior.timeouts.udp_unanswered, now)

    def _is_poisoned(self, protocol: int, remote: Endpoint, external: Endpoint, now: float) -> bool:
        arrives = inbound_key(protocol, remote, external)
        return self._poisoned.is_taken(arrives, self._behavior.timeouts.udp_unanswered, now)


def _after(port: int) -> int:
    """The next port of the same class and parity (RFC 4787 REQ-3a, REQ-4), around its class."""
    is_well_known = port < WELL_KNOWN_END
    first, last = (0, WELL_KNOWN_END - 1) if is_well_known else (WELL_KNOWN_END, HIGHEST_PORT)
    return port + 2 if port + 2 <= last else first + (port & 1)
