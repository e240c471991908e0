"""The records of the NAT: mappings, flows, legs and expectations (RFC 4787 2, RFC 6146 3).

    internal            external │ remote
 192.168.20.100:5060 ⇄ 203.0.113.1:40000 │ 203.0.113.9:5060

A mapping joins internal and external; a flow adds the remote. A flow has two legs:

   leg        arrives as              leaves as
   outbound   internal → remote       external → remote
   inbound    remote → external       remote → internal

Only flows and expectations carry a timer. A mapping has none: it lives while something needs it.

   needed by        which is so while
   its flows        one of them is alive
   expectations     an ALG waits for packets that it has announced
   `held_until`     an ALG has announced the mapping, and nothing uses it yet
   `owned`          a port forward stands in the settings

(`mappings.py` draws one from its first message to its end.)

A mapping is *pinned* when it serves every remote whatever the mapping policy is: those that an ALG,
a forward or a 1:1 rule has made. RTP must leave from the port that was announced, to whomever.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import IntEnum, StrEnum
from math import inf
from typing import Any, NamedTuple, TypeVar

from nat.behavior import Dependence
from nat.deadlines import GONE, Timer
from nat.endpoint import ICMP, ICMP_QUERY, Direction, Endpoint, FiveTuple
from nat.patch import PATCHES, PacketPatch, TwicePatch
from nat.tcp import TcpTrack


class Arrival(IntEnum):
    """Where a packet comes from, as an index of leg tables. A hairpinned packet passes the NAT
    twice: once outward from the inside, then inward from the hairpin.

        A ────► INSIDE ──── A's outbound leg ────┬───────────► the outside
                                                 │
                                                 │ the remote is one of our own external endpoints
                                                 ▼
        B ◄──── B's inbound leg for A ───────── HAIRPIN

        B ◄──── B's inbound leg for C ───────── OUTSIDE ◄───── C

    That is why there are three leg tables and not two. The second pass looks for the leg of B among
    the packets that turn; if it looked among those that arrive outside, a stranger who forged A's
    external endpoint as the source could be taken for A. Nor can a packet from outside with an
    internal source find the leg of the inside host, because it looks in another table."""

    INSIDE = 0
    OUTSIDE = 1
    HAIRPIN = 2


# (a name of the module is read faster than an enum's member)
INSIDE, OUTSIDE, HAIRPIN = Arrival.INSIDE, Arrival.OUTSIDE, Arrival.HAIRPIN
OUT, IN = Direction.OUT, Direction.IN


class OpenedBy(StrEnum):
    """What a mapping or a flow owes its existence to."""

    PACKET = "packet"  # of the inside
    ALG = "alg"  # it was announced in a message
    STATIC = "static"  # a 1:1 rule
    FORWARD = "forward"  # a forwarded port
    UNTRANSLATED = "untranslated"  # a remote that sees inside addresses (RFC 6888 REQ-6)


class Why(StrEnum):
    """Why something was forgotten."""

    EXPIRED = "expired"  # silence, for as long as its timeout
    CLOSED = "closed"  # ended by what opened it
    FLUSHED = "flushed"  # forgotten on request (`flush`)
    EVICTED = "evicted"  # another needed the room
    RENUMBERED = "renumbered"  # its external address is ours no more
    REPLACED = "replaced"  # by a mapping to another external endpoint
    CUT = "cut"  # by a RST or an ICMP error, where a module decides so
    UNDONE = "rolled back"  # the message that asked for it was not accepted


class Leg:
    """One way through the NAT: how packets arrive, and what they leave as.

    `exit` is where they go, `last` is when the last one went (seconds on the caller's clock; None:
    there was none). `slot` says which ALG looks at them, and belongs to the appliance. A leg that
    is no `FlowLeg` is made for a single packet: one that a mapping lets in before the inside has
    answered, or an ICMP error. It stands in no table and ends with its packet.
    """

    __slots__ = ("arrival", "bytes", "exit", "key", "last", "mapping", "packets", "patch", "slot")

    def __init__(
        self,
        mapping: Mapping,
        arrival: Arrival,
        exit_: Arrival,
        arrives: FiveTuple,
        patch: PacketPatch,
    ) -> None:
        self.mapping = mapping
        self.arrival = arrival
        self.exit = exit_
        self.key = arrives
        self.patch = patch
        self.packets = 0
        self.bytes = 0
        self.last: float | None = None
        self.slot: Any = None

    @property
    def direction(self) -> Direction:
        """Which way its packets cross the NAT."""
        return OUT if self.arrival is INSIDE else IN


class FlowLeg(Leg):
    """One direction of a flow. While `follow` is set the flow must see each of its packets (TCP's
    state machine, the first answer of a UDP flow); a leg without it is the fast road."""

    __slots__ = ("flow", "follow")
    flow: Flow
    follow: bool

    @property
    def opposite(self) -> FlowLeg:
        """The leg of the answers."""
        flow = self.flow
        return flow.inbound if self is flow.outbound else flow.outbound


class Flow:
    """A mapping and a remote endpoint (RFC 6146 calls it a session). The only thing that times
    out: `refreshed` and `timer` are read by `deadlines.py`."""

    __slots__ = (
        "answered",
        "id",
        "inbound",
        "mapping",
        "opened_by",
        "outbound",
        "refreshed",
        "remote",
        "tcp",
        "timer",
    )

    def __init__(
        self,
        id_: int,
        mapping: Mapping,
        remote: Endpoint,
        opened_by: OpenedBy,
        legs: tuple[FlowLeg, FlowLeg],
        now: float,
    ) -> None:
        self.id = id_
        self.mapping = mapping
        self.remote = remote
        self.opened_by = opened_by
        self.refreshed = now
        self.timer: Timer = GONE
        self.answered = False
        self.tcp: TcpTrack | None = None
        self.outbound, self.inbound = legs
        for leg in legs:
            leg.flow, leg.follow = self, False

    def is_alive(self, now: float) -> bool:
        """Has it been silent for less than its timeout? Lookups ask this too, so that a flow that
        is over is never used, however late it is tidied up."""
        return self.refreshed + self.timer.timeout > now

    def expires_at(self) -> float:
        """When it ends unless a packet refreshes it, in seconds on the caller's clock."""
        return self.refreshed if self.timer is GONE else self.refreshed + self.timer.timeout

    @property
    def is_over(self) -> bool:
        """Has it been closed?"""
        return self.timer is GONE

    def let_go_of_legs(self) -> None:
        """It is over. Flow and legs name each other; as long as they do, only the garbage collector
        can free them, and that stops everything else while it works."""
        del self.outbound, self.inbound

    @property
    def state(self) -> str:
        """The word for tables: a TCP state, or whether anything came back yet."""
        if self.tcp:
            return self.tcp.state.value
        return "answered" if self.answered else "unanswered"


class Mapping:
    """Internal ⇄ external, for as long as something needs it.

    `permitted` is the filter: the scopes of the remotes that the inside has sent to, each with the
    flows that say so; `filtered_by` is what the scopes were taken by. `keys` are its entries in the
    tables of mappings. `held_until` is in seconds on the caller's clock. `passed` counts packets
    that keep it alive and that no flow counts (any more): `packets` has all of these. `let_in` are
    those that its filter has let in without a flow: they keep nothing alive (RFC 4787 6).
    """

    __slots__ = (
        "expectations",
        "external",
        "filtered_by",
        "held_until",
        "id",
        "internal",
        "keys",
        "let_in",
        "opened_by",
        "owned",
        "passed",
        "permitted",
        "protocol",
        "seen_at",
        "seen_packets",
    )

    def __init__(
        self, id_: int, protocol: int, internal: Endpoint, external: Endpoint, opened_by: OpenedBy
    ) -> None:
        self.id = id_
        self.protocol = protocol
        self.internal = internal
        self.external = external
        self.opened_by = opened_by
        self.owned = False
        self.held_until = 0.0
        self.passed = 0
        self.let_in = 0
        self.seen_packets = 0
        self.seen_at = -inf
        self.keys: tuple[tuple[int, ...], ...] = ()
        self.permitted: dict[tuple[int, ...], list[Flow]] = {}
        self.filtered_by: Dependence | None = None
        self.expectations: tuple[Expectation, ...] = ()

    @property
    def has_a_port_of_the_pool(self) -> bool:
        """Was its external port chosen, and not told by a rule?"""
        return self.opened_by in (OpenedBy.PACKET, OpenedBy.ALG)

    def is_needed(self, now: float) -> bool:
        """Does anything keep it open? (The table at the top of this file.)"""
        in_use = self.permitted or self.expectations
        return self.owned or bool(in_use) or self.held_until > now

    def is_announced(self, now: float) -> bool:
        """Has somebody been told of its external endpoint? Then it must not get another one: a
        message that is answered or a rule promises that packets to it arrive."""
        return (
            not self.has_a_port_of_the_pool
            or self.owned
            or bool(self.expectations)
            or (self.held_until > now)
        )

    def packets(self) -> int:
        """How many have passed that keep it alive, either way, since it was opened."""
        return self.passed + sum(
            flow.outbound.packets + flow.inbound.packets for flow in self.flows()
        )

    def last_seen_in_use(self, now: float) -> float:
        """When it was looked at last and packets had passed since the look before. So packets cost
        nothing, and silence is noticed up to one look late."""
        packets = self.packets()
        if packets != self.seen_packets:
            self.seen_packets, self.seen_at = packets, now
        return self.seen_at

    def oldest_flow(self) -> Flow | None:
        """One that has stood here longest, roughly: the likeliest to be over."""
        return next(iter(self.permitted.values()))[0] if self.permitted else None

    def flows(self) -> list[Flow]:
        """All of them, as they are now: closing one does not disturb who goes through the list."""
        return [flow for flows in self.permitted.values() for flow in flows]


class Terms(NamedTuple):
    """For how long something is expected, in seconds: `lifetime` from now on, or (if that is not
    None) `used_lifetime` from its first use; but no longer than `silence` at all mappings of its
    parent, if that is not None."""

    lifetime: float
    used_lifetime: float | None = None
    silence: float | None = None


class Expectation:
    """What an ALG has announced: "a packet to this external endpoint, from that remote, belongs to
    that call, until then" (RFC 2663 2.9; the word is netfilter's). It holds its mapping open, and
    lets one remote in before the inside has sent to it.

    `remote` None means anyone, its port 0 any port of that address. It closes at `end`, and at
    `deadline` it is looked at: if packets have passed it goes on. Both are in seconds on the
    caller's clock. `flow` is the one that its first packet began, if it began one; `asked_by` is
    whoever asked for it last, by identity.
    """

    __slots__ = (
        "asked_by",
        "deadline",
        "end",
        "flow",
        "id",
        "is_used",
        "mapping",
        "parent",
        "reason",
        "remote",
        "terms",
    )

    def __init__(
        self, id_: int, mapping: Mapping, remote: Endpoint | None, parent: Hashable, reason: str
    ) -> None:
        self.id = id_
        self.mapping = mapping
        self.remote = remote
        self.parent = parent
        self.reason = reason
        self.deadline = 0.0
        self.end = 0.0
        self.terms = Terms(0.0)
        self.is_used = False
        self.flow: Flow | None = None
        self.asked_by: object = None

    @property
    def used_lifetime(self) -> float | None:
        """Seconds that it lives from its first use on; None: use changes nothing."""
        return self.terms.used_lifetime

    def admits(self, remote: Endpoint, now: float) -> bool:
        """May a packet of `remote` come in by it?"""
        if now >= self.deadline:
            return False
        if self.remote is None:
            return True
        return self.remote.address == remote.address and self.remote.port in (0, remote.port)


AnyLeg = TypeVar("AnyLeg", bound=Leg)


def legs_between(
    kind: type[AnyLeg],
    mapping: Mapping,
    remote: Endpoint,
    turning: bool = False,
    reached: Endpoint | None = None,
    halfway: Endpoint | None = None,
) -> tuple[AnyLeg, AnyLeg]:
    """The outbound and the inbound leg between a mapping and a remote; `turning` when the remote
    is one of our own external endpoints (hairpin). `reached`: where inbound packets are to go, if
    not to the mapping's internal endpoint; `halfway`: what outbound packets become first, if they
    are translated twice (see `policy.py`)."""
    protocol, remote_port = mapping.protocol, remote.port
    if protocol == ICMP:
        protocol, remote_port = ICMP_QUERY, 0
    internal, external = mapping.internal, mapping.external
    inside_out = (protocol, internal.address, remote.address, internal.port, remote_port)
    outside_out = (protocol, external.address, remote.address, external.port, remote_port)
    outside_in = (protocol, remote.address, external.address, remote_port, external.port)
    reached = reached or internal
    inside_in = (protocol, remote.address, reached.address, remote_port, reached.port)
    patch = PATCHES[protocol]
    beyond = HAIRPIN if turning else OUTSIDE
    outward = patch(inside_out, outside_out)
    if halfway is not None and protocol != ICMP_QUERY:
        between = (protocol, halfway.address, remote.address, halfway.port, remote_port)
        outward = TwicePatch(inside_out, between, outside_out)
    outbound = kind(mapping, INSIDE, beyond, inside_out, outward)
    # A packet that turns back passes two legs but is one hop further only once.
    inward = patch(outside_in, inside_in, hop=0 if turning else 1)
    return outbound, kind(mapping, beyond, INSIDE, outside_in, inward)
