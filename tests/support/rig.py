"""A NAT without wires and ALGs: bytes in by one side, bytes out by the other, and a clock that is a
number. Here alone do tests make a `Nat` or a `Conntrack`."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from nat.behavior import Behavior, Dependence, Limits, PortPolicy, Timeouts
from nat.conntrack import Conntrack
from nat.drop import Aside, Drop
from nat.endpoint import Network, Side, parse_address
from nat.events import Observer
from nat.mapping import Arrival, Leg, Mapping, OpenedBy, legs_between
from nat.packet import Packet
from nat.policy import Policy
from nat.translator import Nat
from tests.support import packets
from tests.support.packets import EXTERNAL, GATEWAY, Seen, assert_sound, at

EIM = EIF = Dependence.ENDPOINT_INDEPENDENT
ADM = ADF = Dependence.ADDRESS_DEPENDENT
APDM = APDF = Dependence.ADDRESS_AND_PORT_DEPENDENT
PRESERVE, SEQUENTIAL, RANDOM = PortPolicy.PRESERVE, PortPolicy.SEQUENTIAL, PortPolicy.RANDOM

INTERNAL, PUBLIC, REMOTE = at(packets.A, 4000), at(EXTERNAL, 40000), at(packets.R, 5000)

JUNK = b"\xa5" * 64
"""Behind every packet in its buffer: whoever reads too far or forgets to write will show it."""


def behavior(**changes: Any) -> Behavior:
    """The NAT of the tests: 192.168.20.0/24 behind 203.0.113.1, with limits out of the way."""
    defaults: dict[str, Any] = {
        "networks": [Network.parse("192.168.20.0/24")],
        "external": [parse_address(EXTERNAL)],
        "gateway": parse_address(GATEWAY),
        "limits": Limits(new_flows_per_second_per_host=0),
        "timeouts": Timeouts(),
        "rng": random.Random(1),
    }
    return Behavior(**{**defaults, **changes})


def table(**changes: Any) -> Conntrack:
    """The tables of such a NAT alone."""
    return Conntrack(behavior(**changes), Observer(), Policy())


class Through(Leg):
    """Of a leg whoever carries packets needs to know by which wire they leave."""

    def __init__(self, exit_: Arrival) -> None:
        self.exit = exit_


def legs(protocol: int) -> tuple[Leg, Leg]:
    """Those of a flow from INTERNAL to REMOTE, which sees PUBLIC."""
    return legs_between(Leg, Mapping(1, protocol, INTERNAL, PUBLIC, OpenedBy.PACKET), REMOTE)


def pinned(found: Mapping | Drop) -> Mapping:
    """A mapping that was asked for, which must be there."""
    assert isinstance(found, Mapping)
    return found


class Rig:
    """`out` and `into` answer what left by the other wire (a Seen), or the reason why nothing
    did. `said` takes what the NAT sent by itself."""

    def __init__(
        self, observer: Observer | None = None, policy: Policy | None = None, **changes: Any
    ) -> None:
        self.nat = Nat(behavior(**changes), observer or Observer(), policy or Policy())
        self.now = 100.0
        self.last_leg: Leg | None = None

    def out(self, data: bytes) -> Seen | Drop | Aside:
        return self._handle(data, Arrival.INSIDE)

    def into(self, data: bytes) -> Seen | Drop | Aside:
        return self._handle(data, Arrival.OUTSIDE)

    def _handle(self, data: bytes, arrival: Arrival) -> Seen | Drop | Aside:
        packet = Packet(bytearray(data + JUNK), len(data))
        verdict = self.nat.translate(packet, arrival, self.now)
        while isinstance(verdict, Leg):
            self.last_leg = verdict
            verdict.patch.apply(packet)
            if verdict.exit is not Arrival.HAIRPIN:
                assert verdict.exit in (Arrival.INSIDE, Arrival.OUTSIDE)
                return Seen(packet.to_bytes())
            verdict = self.nat.translate(packet, Arrival.HAIRPIN, self.now)
        return verdict

    def change(self, **changes: Any) -> None:
        """Other settings for the NAT that runs."""
        self.nat.change(replace(self.nat.behavior, **changes), self.nat.policy, self.now)

    def wait(self, seconds: float) -> None:
        """Time goes by, and what is over is tidied up."""
        self.now += seconds
        self.tidy()

    def tidy(self) -> None:
        while self.nat.next_deadline() <= self.now:
            self.nat.expire(self.now)

    def said(self) -> list[tuple[Side, Seen]]:
        sent = [(side, assert_sound(packet.to_bytes())) for side, packet in self.nat.outbox]
        self.nat.outbox.clear()
        return sent


def left(result: Seen | Drop | Aside) -> Seen:
    """What left, which must be a sound packet."""
    assert isinstance(result, Seen), result
    return assert_sound(result.data)
