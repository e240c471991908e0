"""A second NAT on the way, as a carrier's or the modem in front of the router (RFC 6888, RFC 7021).

    alice ── [ NAT ] ── 10.0.0.2 ── [ carrier ] ── 203.0.113.1 ── pbx
             the one that all        the same rooms, with no
             this is about           ALG and nobody to ask

What it does with packets is what `nat/` does. It is a party because it is not the NAT of the story:
nothing of it is in the NAT's events, and whoever looks for a fault cannot look into it either.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from random import Random
from typing import Annotated, Literal

from appliance.parties.machine import Machine
from appliance.parties.party import Action, Datagram, News
from appliance.parties.traits import Traits, about
from nat.behavior import Behavior, Dependence, PortPolicy, Timeouts
from nat.drop import Drop
from nat.endpoint import Network, Side
from nat.events import Observer
from nat.mapping import Arrival, Leg
from nat.packet import Packet
from nat.policy import Policy
from nat.translator import Nat

Scope = Literal["endpoint-independent", "address-dependent", "address-and-port-dependent"]
ARRIVALS = (Arrival.INSIDE, Arrival.OUTSIDE)


class CarrierTraits(Traits, tag="carrier", kw_only=True):
    """Of a second NAT. Its address is the one that it has outside."""

    network: Annotated[str, about("The network behind it, in which the first NAT is (RFC 6598 4).")]
    mapping: Annotated[Scope, about("As nat.mapping (RFC 4787 4.1).")] = "endpoint-independent"
    filtering: Annotated[Scope, about("As nat.filtering (RFC 4787 5).")] = "address-dependent"
    ports: Annotated[
        Literal["preserve", "sequential", "random"], about("As nat.ports (RFC 4787 4.2).")
    ] = "preserve"
    udp: Annotated[
        float, about("Seconds of silence after which it forgets a flow (RFC 4787 REQ-5).")
    ] = 300.0

    @property
    def udp_unanswered(self) -> float:
        """The same for a flow that nobody has answered: at most two minutes."""
        return min(self.udp, 120.0)

    def people(self, name: str) -> Sequence[str]:
        return ()

    def check(self) -> None:
        super().check()
        self.must_parse(Network.parse, "network")
        if self.side != "outside":
            raise ValueError("side: a second NAT is outside of the first")
        if self.udp <= 0:
            raise ValueError("udp: what forgets at once is no NAT")


class Carrier(Machine):
    """The NAT `name`. It sends nothing by itself: packets are carried through it (`pass_on`)."""

    def __init__(self, name: str, traits: CarrierTraits, rng: Random) -> None:
        super().__init__()
        self.name = name
        self.address = traits.own_address
        self.ports: Set[int] = frozenset()
        self.tcp_ports: Set[int] = frozenset()
        behavior = Behavior(
            [Network.parse(traits.network)],
            [self.address],
            mapping=Dependence.named(traits.mapping),
            filtering=Dependence.named(traits.filtering),
            ports=PortPolicy(traits.ports),
            timeouts=Timeouts(udp_unanswered=traits.udp_unanswered, udp=traits.udp),
            rng=rng,
        )
        self._nat = Nat(behavior, Observer(), Policy())

    def start(self, now: float) -> Sequence[Action]:
        return ()

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        return ()

    def hear(self, news: News, now: float) -> Sequence[Action]:
        return ()

    def pass_on(self, packet: Packet, side: Side, now: float) -> Side | str:
        """Translate a packet that arrived on a side. Answers the side on which it leaves, or in
        words why it does not."""
        nat = self._nat
        while nat.next_deadline() <= now:
            nat.expire(now)
        verdict = nat.translate(packet, ARRIVALS[side], now)
        while isinstance(verdict, Leg):
            verdict.packets += 1
            verdict.last = now
            verdict.patch.apply(packet)
            if verdict.exit is not Arrival.HAIRPIN:
                return Side.INSIDE if verdict.exit is Arrival.INSIDE else Side.OUTSIDE
            verdict = nat.translate(packet, Arrival.HAIRPIN, now)
        nat.outbox.clear()  # nobody listens to what it complains of
        return verdict.sentence if isinstance(verdict, Drop) else "it is held"
