"""Where this NAT decides, and where somebody may decide otherwise.

The NAT works out each answer by its own rules and then asks here. `Policy()` agrees with all of
them. `Policy(others)` lets functions of somebody else have the last word at points they name:
each gets the normal answer and the facts, and returns an answer. So a NAT that is wrong on purpose
needs no branch in the NAT, and every wrong turning that it can take stands in the one list below.

    point             the normal answer, and what it is about
    behavior          the settings as they are: `Behavior` (refresh, hairpin, mapping, filtering …)
    external_address  which external address an inside endpoint gets
    port              which external port it gets; None: there is none
    rtp_port          which external port an RTP port gets that has its RTCP beside it
    rtcp_port         which external port goes with an RTP port for its RTCP: the next one
    serves            may a known mapping serve one more remote?
    untranslated      does the first packet of a flow pass as it is?
    reverse           which inside endpoint the packets from outside lead to
    halfway           what an inside endpoint becomes first, if it is translated twice; None: once
    cuts_on_rst       does a RST end its flow at once?
    cuts_on_icmp      does an ICMP error end the flow that it is about at once?
    victim            which flow makes room in a full table; None: the new one is refused
    takes_fragment    is this fragment kept until its datagram is whole?
    finish            the transport checksum of a message that an ALG has edited

Only the slow road asks. What the packets of a known flow need was decided with its legs, so they
are not slowed down; flows that exist keep their legs when other decisions are taken later.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from nat.behavior import Behavior
from nat.endpoint import UDP, Endpoint
from nat.mapping import Flow
from nat.mapping import Mapping as NatMapping
from nat.ports import PortPool

Decide = Callable[..., Any]
"""The normal answer and the facts of one point -> another answer."""

POINTS = frozenset(
    (
        "behavior",
        "external_address",
        "port",
        "rtp_port",
        "rtcp_port",
        "serves",
        "untranslated",
        "reverse",
        "halfway",
        "cuts_on_rst",
        "cuts_on_icmp",
        "victim",
        "takes_fragment",
        "finish",
    )
)

SETTLED = ("networks", "external", "untranslated")
"""Parts of a `Behavior`. No module may decide these: packets with internal sources could leave."""

PORT_NUMBERS = range(1, 65536)
CHECKSUMS = range(65536)


class UnknownPoint(ValueError):
    """There is no decision point of that name (the text says so)."""


@dataclass(slots=True)
class AddressWish:
    """`choices` are the external addresses, `known` the one that this host has in use, if any."""

    internal: Endpoint
    choices: Sequence[int]
    known: int | None


@dataclass(slots=True)
class PortWish:
    """An external port for `internal`. A 1:1 rule has no `pool`: all ports are its own."""

    protocol: int
    internal: Endpoint
    pool: PortPool | None
    rng: random.Random

    def is_free(self, port: int) -> bool:
        return self.pool is None or self.pool.is_available(port, self.internal)

    def was_given_up(self, port: int) -> bool:
        """Had this very endpoint the port before, and does it rest since?"""
        return self.pool is not None and self.pool.rests_for(port, self.internal)

    def at_random(self, parity: bool = True) -> int | None:
        """Some other free port, of the same parity."""
        if self.pool is None:
            return None
        return self.pool.choose_at_random(self.internal, parity, self.rng)


@dataclass(slots=True)
class ReverseWish:
    """`all_mappings` are those of every host, by external endpoint."""

    mapping: NatMapping
    remote: Endpoint
    all_mappings: Mapping[tuple[int, int, int], Sequence[NatMapping]]

    def siblings(self) -> list[Endpoint]:
        """Other mapped endpoints of the same inside host, the oldest first."""
        mapping = self.mapping
        return [
            other.internal
            for (protocol, _, _), mappings in self.all_mappings.items()
            for other in mappings
            if protocol == mapping.protocol
            and other.internal.address == mapping.internal.address
            and other is not mapping
        ]


class Policy:
    """Asked by the NAT at every point. `others` have the last word, one after the other.

    An answer that no NAT could act on (a port that is no number of a port, another host) counts as
    none. The NAT asks at every point, with plain facts; a wish is made of them only where somebody
    else decides, which `others` says. Raises UnknownPoint.
    """

    def __init__(self, *others: Mapping[str, Decide]) -> None:
        self.others = frozenset(point for other in others for point in other)
        for point in self.others - POINTS:
            raise UnknownPoint(f"{point!r} is not a decision point of the NAT")
        self._others = {
            point: [other[point] for other in others if point in other] for point in POINTS
        }

    def _ask(self, point: str, normal: Any, *facts: object) -> Any:
        """Each gets the answer of the one before as the normal one."""
        for decide in self._others[point]:
            normal = decide(normal, *facts)
        return normal

    def behavior(self, normal: Behavior) -> Behavior:
        """The settings that the NAT is to follow; what is SETTLED stays as it was."""
        answer = self._ask("behavior", replace(normal))
        if not isinstance(answer, type(normal)):
            return normal
        return replace(answer, **{name: getattr(normal, name) for name in SETTLED})

    def external_address(
        self, normal: int, internal: Endpoint, choices: Sequence[int], known: int | None
    ) -> int:
        """One of the external addresses (see AddressWish)."""
        if "external_address" not in self.others:
            return normal
        answer = self._ask("external_address", normal, AddressWish(internal, choices, known))
        return answer if _is_among(answer, choices) else normal

    def port(
        self,
        normal: int | None,
        protocol: int,
        internal: Endpoint,
        pool: PortPool | None,
        rng: random.Random,
    ) -> int | None:
        """See PortWish."""
        if "port" not in self.others:
            return normal
        answer = self._ask("port", normal, PortWish(protocol, internal, pool, rng))
        return answer if answer is None or _is_among(answer, PORT_NUMBERS) else normal

    def rtp_port(self, normal: int, internal: Endpoint, pool: PortPool, rng: random.Random) -> int:
        """`internal` is the endpoint that sends the RTP."""
        return self._port_of_a_pair("rtp_port", normal, internal, pool, rng)

    def rtcp_port(self, normal: int, internal: Endpoint, pool: PortPool, rng: random.Random) -> int:
        """`internal` is the endpoint that sends the RTCP."""
        return self._port_of_a_pair("rtcp_port", normal, internal, pool, rng)

    def _port_of_a_pair(
        self, point: str, normal: int, internal: Endpoint, pool: PortPool, rng: random.Random
    ) -> int:
        if point not in self.others:
            return normal
        answer = self._ask(point, normal, PortWish(UDP, internal, pool, rng))
        return answer if _is_among(answer, PORT_NUMBERS) else normal

    def serves(self, normal: bool, mapping: NatMapping, remote: Endpoint) -> bool:
        return bool(self._ask("serves", normal, mapping, remote))

    def untranslated(self, normal: bool, internal: Endpoint, remote: Endpoint, now: float) -> bool:
        return bool(self._ask("untranslated", normal, internal, remote, now))

    def reverse(
        self,
        normal: Endpoint,
        mapping: NatMapping,
        remote: Endpoint,
        all_mappings: Mapping[tuple[int, int, int], Sequence[NatMapping]],
    ) -> Endpoint:
        """Another endpoint of the same inside host, or the normal one."""
        if "reverse" not in self.others:
            return normal
        answer = self._ask("reverse", normal, ReverseWish(mapping, remote, all_mappings))
        return answer if _is_of_the_same_host(answer, normal) else normal

    def halfway(self, internal: Endpoint) -> Endpoint | None:
        """What packets from `internal` become first on their way out, where they are translated
        twice: another port of the same host. Normally they are translated once."""
        if "halfway" not in self.others:
            return None
        answer = self._ask("halfway", None, internal)
        return answer if _is_of_the_same_host(answer, internal) else None

    def cuts_on_rst(self, normal: bool, flow: Flow) -> bool:
        return bool(self._ask("cuts_on_rst", normal, flow))

    def cuts_on_icmp(self, normal: bool, flow: Flow) -> bool:
        return bool(self._ask("cuts_on_icmp", normal, flow))

    def victim(self, normal: Flow | None, flows: Mapping[int, Flow]) -> Flow | None:
        """`flows` by number, in the order in which they were opened."""
        answer = self._ask("victim", normal, flows)
        return flows.get(answer.id) if hasattr(answer, "id") else None

    def takes_fragment(self, normal: bool, offset: int) -> bool:
        """`offset` of its data in the datagram, in bytes."""
        return bool(self._ask("takes_fragment", normal, offset))

    def finish(self, normal: int, before: int) -> int:
        """`before`: the checksum of the message before it was edited."""
        answer = self._ask("finish", normal, before)
        return answer if _is_among(answer, CHECKSUMS) else normal


def _is_of_the_same_host(answer: object, endpoint: Endpoint) -> TypeGuard[Endpoint]:
    return (
        isinstance(answer, Endpoint)
        and answer.address == endpoint.address
        and _is_among(answer.port, PORT_NUMBERS)
    )


def _is_among(answer: object, possible: Sequence[int]) -> bool:
    return type(answer) is int and answer in possible
