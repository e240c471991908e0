"""A NAT with its ALGs between two inside hosts and a few outside ones; a test moves its clock.

    A, B ── inside ── [ NAT ] ── outside ── X1, X2 (one address, two ports), Y

Real packets go through the real engine, as the loop drives it. Here alone do tests make an
`Engine`. A test says what happens in one of two ways: by `pass_out`, `pass_in` and `send`, which
answer what left; or by `put`, `take` and the words of the RFCs, where everything that comes out
must be claimed.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any, cast

from appliance.control import documents
from appliance.engine import Engine
from appliance.journal.events import Event
from appliance.journal.log import EventLog
from appliance.settings import files as config
from appliance.settings.table import Settings
from nat.conntrack import Conntrack
from nat.drop import Drop
from nat.endpoint import Endpoint, Side, parse_address
from nat.mapping import Arrival, Leg
from nat.packet import Packet
from nat.translator import Verdict
from tests.support import packets
from tests.support.packets import ACK, SYN, Seen, assert_sound

A = Endpoint.parse(f"{packets.A}:4000")
B = Endpoint.parse(f"{packets.B}:4000")
GATEWAY = parse_address(packets.GATEWAY)
EXTERNAL = parse_address(packets.EXTERNAL)
X1 = Endpoint.parse("203.0.113.9:7000")
X2 = Endpoint.parse("203.0.113.9:7001")
Y = Endpoint.parse(f"{packets.R}:7000")
ROUTER = parse_address("198.51.100.254")  # somewhere on the path to Y
INSIDE, OUTSIDE = Side.INSIDE, Side.OUTSIDE

RUBBISH = b"\xa5" * 64
NETWORKS = {
    "inside.networks": ["192.168.20.0/24"],
    "inside.gateway": packets.GATEWAY,
    "outside.external": [packets.EXTERNAL],
}


def make_engine(
    settings: Settings,
    *,
    name: str = "test",
    mode: str = "test",
    log: EventLog | None = None,
    rng: random.Random | None = None,
) -> Engine:
    """`rng` decides random ports: always the same ones, if nobody says otherwise."""
    return Engine(settings, name, mode, log or EventLog(0.0), rng or random.Random(1))


class World:
    """`settings` are keys and values as in a configuration file; `now` is in seconds."""

    def __init__(
        self,
        settings: Mapping[str, Any] | None = None,
        *,
        profile: str = "",
        mode: str = "test",
    ) -> None:
        table = {"profile": profile, **NETWORKS, **(settings or {})}
        self.log = EventLog(0.0)
        self.events: list[Event] = []
        self.log.subscribe(self.events.append)
        self.engine = make_engine(config.for_scenario("test", table), mode=mode, log=self.log)
        self.now = 0.0
        self.verdict: Verdict | None = None  # on the last packet
        self.dropped: Drop | None = None
        self._queues: dict[Side, deque[Seen]] = {INSIDE: deque(), OUTSIDE: deque()}

    # --- time --------------------------------------------------------------------------

    def at(self, moment: float) -> None:
        """It is `moment` now, and all that was due until then has been done."""
        assert moment >= self.now
        while (due := self.engine.next_deadline()) <= moment:
            self.now = max(self.now, due)
            self.engine.expire(self.now)
            self._collect()
        self.now = moment

    def wait(self, seconds: float) -> None:
        self.at(self.now + seconds)

    # --- wires -------------------------------------------------------------------------

    def send(
        self, side: Side, data: bytes, segment_size: int = 0, partial: bool = False
    ) -> list[tuple[Side, bytes]]:
        """All packets that leave because of one that arrives, with their wires. `segment_size`
        makes it a super-packet, whose checksum is `partial` like those that a local program leaves
        to the kernel."""
        packet = self._arrive(side, data, segment_size, partial or bool(segment_size))
        self.verdict = leg = self.engine.handle(packet, side, self.now)
        left: list[tuple[Side, bytes]] = []
        if isinstance(leg, Leg):
            assert leg.exit in (Arrival.INSIDE, Arrival.OUTSIDE)
            left.append((Side(leg.exit), self._leave(Side(leg.exit), packet)))
        return left + self.own()

    def own(self) -> list[tuple[Side, bytes]]:
        """What the appliance has to send by itself."""
        said = [(side, self._leave(side, packet)) for side, packet in self.engine.outbox]
        self.engine.outbox.clear()
        return said

    def _arrive(self, side: Side, data: bytes, segment_size: int, partial: bool) -> Packet:
        return Packet(bytearray(data + RUBBISH), len(data), partial, segment_size)

    def _leave(self, side: Side, packet: Packet) -> bytes:
        return packet.to_bytes()

    def close(self) -> None:
        """Give back what it has of the machine."""

    def pass_out(self, data: bytes) -> Seen | None:
        """A packet from the inside, and the one packet that left because of it, if any."""
        return _only(self.send(INSIDE, data))

    def pass_in(self, data: bytes) -> Seen | None:
        return _only(self.send(OUTSIDE, data))

    def put(self, side: Side, data: bytes) -> None:
        """Bytes arrive on a wire; what leaves is to be claimed by `take`."""
        self._claim(self.send(side, data))
        self.dropped = self.verdict if isinstance(self.verdict, Drop) else None

    def _collect(self) -> None:
        self._claim(self.own())

    def _claim(self, left: list[tuple[Side, bytes]]) -> None:
        for side, data in left:
            self._queues[side].append(assert_sound(data))

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

    # --- the appliance asked -----------------------------------------------------------

    @property
    def table(self) -> Conntrack:
        return self.engine.nat.table

    def set(self, key: str, value: Any) -> None:
        self.engine.set(key, value, "test", self.now)

    def show(self, what: str) -> Any:
        """What `glassnat show` prints, with lists as lists."""
        document = documents.show(self.engine, what, self.now)
        return document if isinstance(document, dict) else list(cast("Iterable[Any]", document))

    def drops(self, side: str = "") -> dict[str, int]:
        """Reasons and counts, of one wire or of both."""
        found = self.show("counters")["drops"]
        sides = [found[side]] if side else list(found.values())
        return dict(sum((Counter(each) for each in sides), Counter()))

    def told(self, kind: type[Event]) -> list[Any]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

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


def _only(left: list[tuple[Side, bytes]]) -> Seen | None:
    assert len(left) <= 1, left
    return Seen(left[0][1]) if left else None
