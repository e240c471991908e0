"""A computer beside the phones that opens many flows, as file sharing and busy browsers do.

It sends one datagram from each of its ports and waits for nothing. What it shows is on the NAT: a
table has an end, and somebody has to go without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from random import Random
from typing import Annotated, ClassVar

from appliance.parties.machine import Machine
from appliance.parties.party import Action, Datagram, News, Order
from appliance.parties.traits import Traits, about
from nat.endpoint import Endpoint

FIRST_PORT = 20000
A_WORD = b"hello"


class NeighbourTraits(Traits, tag="neighbour", kw_only=True):
    """Of a busy neighbour."""

    talks_to: Annotated[str, about("The endpoint that it sends to.")]
    flows: Annotated[int, about("How many ports it sends from, each a flow for the NAT.")] = 100

    def people(self, name: str) -> Sequence[str]:
        return ()

    def check(self) -> None:
        super().check()
        self.must_parse(Endpoint.parse, "talks_to")
        if not 0 < self.flows <= 40000:
            raise ValueError(f"flows: {self.flows} are not between 1 and 40000")


class Neighbour(Machine):
    """The computer `name`."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        "share": Order("open all its flows", lambda one, _, now: one.share()),
    }

    def __init__(self, name: str, traits: NeighbourTraits, rng: Random) -> None:
        super().__init__()
        self.name = name
        self.address = traits.own_address
        self.ports: Set[int] = frozenset(range(FIRST_PORT, FIRST_PORT + traits.flows))
        self.tcp_ports: Set[int] = frozenset()
        self._target = Endpoint.parse(traits.talks_to)

    def share(self) -> None:
        for port in sorted(self.ports):
            self.send(Endpoint(self.address, port), self._target, A_WORD)

    def start(self, now: float) -> Sequence[Action]:
        return ()

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        return ()

    def hear(self, news: News, now: float) -> Sequence[Action]:
        return ()
