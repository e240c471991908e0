"""A NAT between two inside hosts and a few outside ones, with a clock that a test moves.

    A, B ── inside ── [ NAT ] ── outside ── X1, X2 (one address, two ports), Y

Real packets go through the real engine. Everything that comes out must be claimed by the test: a
packet that nobody asked for fails it.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any, cast

from appliance.engine import Engine
from appliance.journal.log import EventLog
from appliance.settings import files as config
from nat.drop import Drop
from nat.endpoint import Endpoint, Side, parse_address
from nat.packet import Packet
from tests.spec import packets
from tests.spec.packets import ACK, SYN, Seen

A = Endpoint.parse("192.168.20.10:4000")
B = Endpoint.parse("192.168.20.11:4000")
GATEWAY = parse_address("192.168.20.1")
EXTERNAL = parse_address("203.0.113.1")
X1 = Endpoint.parse("203.0.113.9:7000")
X2 = Endpoint.parse("203.0.113.9:7001")
Y = Endpoint.parse("198.51.100.7:7000")
ROUTER = parse_address("198.51.100.254")  # somewhere on the path to Y
INSIDE, OUTSIDE = Side.INSIDE, Side.OUTSIDE

RUBBISH = b"\xa5" * 70_000
NETWORKS = {"inside.networks": ["192.168.20.0/24"], "outside.external": ["203.0.113.1"]}


class World:
    """`settings` are keys and values as in a configuration file; `now` is in seconds."""

    def __init__(
        self, settings: Mapping[str, Any] | None = None, profile: str | None = None
    ) -> None:
        table = {"profile": profile or "", **NETWORKS, **(settings or {})}
        chosen = config.for_scenario("spec", table)
        self.engine = Engine(chosen, "spec", "test", EventLog(0.0), random.Random(1))
        self.now = 0.0
        self.dropped: Drop | None = None
        self._queues: dict[Side, deque[Seen]] = {INSIDE: deque(), OUTSIDE: deque()}

    # --- time --------------------------------------------------------------------------

    def at(self, moment: float) -> None:
        """It is `moment` now, and all that was due until then has been done."""
        assert moment >= self.now
        while (due := self.engine.next_deadline()) is not None and due <= moment:
            self.now = max(self.now, due)
            self.engine.expire(self.now)
            self._collect()
        self.now = moment

    def wait(self, seconds: float) -> None:
        self.at(self.now + seconds)

    # --- wires -------------------------------------------------------------------------

    def put(self, side: Side, data: bytes) -> None:
        """Bytes arrive on a wire, in a buffer that holds the rubbish of earlier packets."""
        packet = Packet(bytearray(data) + bytearray(RUBBISH), len(data))
        before = Counter(self.engine.datapath.counters[side].drops)
        leg = self.engine.handle(packet, side, self.now)
        if leg is not None:
            self._queues[Side(leg.exit)].append(Seen(packet.to_bytes()))
        self._collect()
        new = Counter(self.engine.datapath.counters[side].drops) - before
        self.dropped = next(iter(new), None)

    def _collect(self) -> None:
        for side, own in self.engine.outbox:
            self._queues[side].append(Seen(own.to_bytes()))
        self.engine.outbox.clear()

    def take(self, side: Side) -> Seen:
        """The next packet that left by this wire."""
        assert self._queues[side], f"nothing came out on the {side} ({self.dropped})"
        return self._queues[side].popleft()

    def take_all(self, side: Side) -> list[Seen]:
        """Everything that left by this wire."""
        taken = list(self._queues[side])
        self._queues[side].clear()
        return taken

    def is_quiet(self) -> bool:
        return not any(self._queues.values())

    def refuses(self, side: Side, data: bytes) -> Drop:
        """A packet that must not get through, nor draw an answer; says why it was dropped."""
        self.put(side, data)
        assert self.is_quiet(), self._queues
        assert self.dropped is not None
        return self.dropped

    def show(self, what: str) -> Any:
        """What `glassnat show` prints, with lists as lists."""
        document = self.engine.show(what, self.now)
        return document if isinstance(document, dict) else list(cast("Iterable[Any]", document))

    # --- the words of the RFCs ---------------------------------------------------------

    def out(
        self, internal: Endpoint, remote: Endpoint, flags: int | None = None, **how: Any
    ) -> Endpoint:
        """An inside host sends (UDP, or TCP with these flags); answers the external endpoint."""
        self.put(INSIDE, self.made(internal, remote, flags, **how))
        seen = self.take(OUTSIDE)
        assert seen.destination == remote
        return seen.source

    def into(
        self, remote: Endpoint, external: Endpoint, flags: int | None = None, **how: Any
    ) -> Endpoint:
        """An outside host sends to an external endpoint; answers the inside one it reaches."""
        self.put(OUTSIDE, self.made(remote, external, flags, **how))
        seen = self.take(INSIDE)
        assert seen.source == remote
        return seen.destination

    def lets_in(
        self, remote: Endpoint, external: Endpoint, flags: int | None = None, **how: Any
    ) -> bool:
        """The same, when it is the question whether it reaches anybody."""
        self.put(OUTSIDE, self.made(remote, external, flags, **how))
        if self.is_quiet():
            return False
        self.take(INSIDE)
        return True

    @staticmethod
    def made(source: Endpoint, destination: Endpoint, flags: int | None, **how: Any) -> bytes:
        if flags is None:
            return packets.udp(source, destination, **how)
        return packets.tcp(source, destination, flags, **how)

    def connect(self, internal: Endpoint, remote: Endpoint) -> Endpoint:
        """A TCP connection from the inside, established; numbers go on from 1001 and 5001."""
        external = self.out(internal, remote, SYN, sequence=1000)
        self.into(remote, external, SYN | ACK, sequence=5000, acknowledgement=1001)
        self.out(internal, remote, ACK, sequence=1001, acknowledgement=5001)
        return external

    def ping(self, internal: Endpoint, remote: int, **how: Any) -> Endpoint:
        """An echo request from the inside; answers the external address and identifier."""
        self.put(INSIDE, packets.ping(internal, remote, **how))
        seen = self.take(OUTSIDE)
        assert (seen.icmp, seen.destination_address) == ((packets.ECHO_REQUEST, 0), remote)
        return seen.source

    def pong(self, remote: int, external: Endpoint, **how: Any) -> Endpoint:
        """An echo reply from outside; answers the inside address and identifier it reaches."""
        self.put(OUTSIDE, packets.pong(remote, external, **how))
        seen = self.take(INSIDE)
        assert (seen.icmp, seen.source_address) == ((packets.ECHO_REPLY, 0), remote)
        return seen.destination

    def leaving(
        self, internal: Endpoint, remote: Endpoint, flags: int | None = None, **how: Any
    ) -> bytes:
        """An inside host sends, and this is what a router outside may quote of it."""
        self.put(INSIDE, self.made(internal, remote, flags, **how))
        return self.take(OUTSIDE).data

    def entering(
        self, remote: Endpoint, external: Endpoint, flags: int | None = None, **how: Any
    ) -> bytes:
        """An outside host sends, and this is what an inside host may quote of it."""
        self.put(OUTSIDE, self.made(remote, external, flags, **how))
        return self.take(INSIDE).data

    def hairpin(
        self, internal: Endpoint, external: Endpoint, flags: int | None = None, **how: Any
    ) -> Seen:
        """An inside host sends to an external endpoint of the NAT; what comes back inside."""
        self.put(INSIDE, self.made(internal, external, flags, **how))
        return self.take(INSIDE)
