"""One side of a capture through a NAT of ours: what would have become of these packets?

    captured inside     A:5060 → R:5060              goes in as it is, at its time
                        R:5060 → A:5060              came from outside, and there it was
    replayed outside    R:5060 → X:5060                what A:5060 is by now in this NAT

A packet from an inside host is simply sent. A packet to one is an answer, which in this NAT would
come to another endpoint: so it is addressed to what the inside host is mapped to here, and what a
message echoes (the Via that the phone wrote, its Contact) is what left here. That is done for
messages over UDP; in a TCP stream it would shift all that follows. An answer to a host that is not
mapped here reaches nobody, and is counted.

Everything depends on the packets and the settings alone: the same capture gives the same bytes.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from appliance.engine import Engine
from appliance.forensics.messages import packets
from appliance.journal.events import (
    Event,
    FlowOpened,
    MappingExpired,
    MappingOpened,
    MessagePassed,
    Started,
)
from appliance.journal.log import EventLog
from appliance.settings.table import Settings
from nat.drop import Drop
from nat.endpoint import (
    PROTOCOL_NAMES,
    TCP,
    UDP,
    Endpoint,
    Network,
    Side,
    address_text,
)
from nat.mapping import Leg
from nat.packet import ADDRESSES, MINIMUM_TRANSPORT, WORD, Packet
from nat.reach import is_inside_only

NAME = "replay"
SHORTEST_ECHO = 7
"""Characters of a value that is looked for in answers: no address is shorter."""
MOST_ECHOES = 1000
EXTERNAL = "203.0.113.1"
"""What a NAT is called outside, if nobody says otherwise: an address of RFC 5737."""


class Sighting(NamedTuple):
    """A packet where it was captured; `t` is in seconds since the first one."""

    t: float
    packet: Packet


class Turn(NamedTuple):
    """A setting that is changed `t` seconds after the first packet."""

    t: float
    key: str
    value: Any


@dataclass(slots=True)
class Tape:
    """The packets of one side. `note` says what could not be read."""

    wall: float
    sightings: list[Sighting] = field(default_factory=list)
    note: str = ""


def read(data: bytes, wire: str = "", of_both: Side = Side.INSIDE) -> Tape:
    """The packets of a capture, or of its one interface with this name. A capture of both sides, as
    `--capture` writes it, has an interface for each: if none is named, that `of_both` is taken."""
    unread: Counter[str] = Counter()
    seen = list(packets.sightings(data, unread))
    names = {frame.wire for frame, _ in seen}
    wanted = wire or (str(of_both) if {*map(str, Side)} <= names else "")
    if wanted:
        seen = [(frame, packet) for frame, packet in seen if frame.wire == wanted]
    seen.sort(key=lambda each: each[0].time)
    wall = seen[0][0].time if seen else 0.0
    tape = Tape(wall, note=packets.told(unread))
    for frame, packet in seen:
        _complete(packet)
        tape.sightings.append(Sighting(round(frame.time - wall, 6), packet))
    return tape


def _complete(packet: Packet) -> None:
    """Fill in a checksum that was left to the network card: on the machine that sends, a capture
    sees only the sum of the pseudo header there."""
    protocol, size = packet.protocol, packet.length - packet.header_length
    if packet.is_fragment or protocol not in (TCP, UDP) or size < MINIMUM_TRANSPORT[protocol]:
        return
    if packet.check_transport() is not Drop.BAD_TRANSPORT_CHECKSUM:
        return
    left = packet.copy()
    left.partial = True
    left.finish_transport()
    if left.transport_checksum == packet.transport_checksum:
        left.complete()
        packet.replace_by(left)


def networks_of(tape: Tape) -> list[str]:
    """The private networks that the packets come from, as settings have them: /24 each."""
    found = {
        packet.source_address & ~0xFF
        for _, packet in tape.sightings
        if is_inside_only(packet.source_address)
    }
    return [f"{address_text(address)}/24" for address in sorted(found)]


def send_to(packet: Packet, external: Endpoint, echoed: Callable[[bytes], bytes]) -> None:
    """Make an answer go to another endpoint, with what it repeats over UDP `echoed`."""
    is_sound = packet.check_transport() is None
    ADDRESSES.pack_into(packet.buffer, 12, packet.source_address, external.address)
    WORD.pack_into(packet.buffer, packet.header_length + 2, external.port)
    packet.finish_header()
    payload = packet.payload
    if packet.protocol == UDP and (other := echoed(payload)) != payload:
        packet.replace_payload(other)
    if is_sound:
        packet.finish_transport()


class Replay:
    """Sends a tape through an engine, whose settings are changed on the way at each of `turns`.
    `unmapped` counts answers for which there was no mapping, `passed` packets between two inside
    hosts, which never come to a NAT."""

    def __init__(
        self, tape: Tape, settings: Settings, seed: int = 0, turns: Sequence[Turn] = ()
    ) -> None:
        self.log = EventLog(0.0)
        self.unmapped = self.passed = self.sent = 0
        self._tape = tape
        self._turns = deque(turns)
        self._networks: Sequence[Network] = settings["inside.networks"]
        self._mapped: dict[tuple[str, str], str] = {}  # protocol and internal endpoint
        self._flows: dict[tuple[str, str, str], str] = {}  # the same and the remote
        self._echoes: dict[bytes, bytes] = {}  # what the inside wrote, and what left
        values = dict(settings.values)
        self.log.emit(
            Started(wall=tape.wall, name=NAME, mode=NAME, seed=seed, settings=values), 0.0
        )
        self.engine = Engine(settings, NAME, "simulation", self.log, Random(f"{seed}/nat"))
        self.log.subscribe(self._notice)

    def run(self) -> None:
        """All packets, and time up to the last. Raises ValueError for a turn that is refused."""
        for t, packet in self._tape.sightings:
            while self._turns and self._turns[0].t < t:
                self._turn(self._turns.popleft())
            self._let_pass(t)
            self._send(packet.copy(), t)
        while self._turns:
            self._turn(self._turns.popleft())

    def _turn(self, turn: Turn) -> None:
        self._let_pass(turn.t)
        self.engine.set(turn.key, turn.value, "screen", turn.t)

    def _let_pass(self, until: float) -> None:
        engine = self.engine
        while (due := engine.next_deadline()) <= until:
            engine.expire(due)
            engine.outbox.clear()

    def _send(self, packet: Packet, now: float) -> None:
        is_from_inside, is_to_inside = (self._is_inside(each) for each in packet.addresses)
        if is_from_inside and is_to_inside:
            self.passed += 1
        elif is_from_inside:
            self._hand_in(packet, Side.INSIDE, now)
        elif self._readdress(packet):
            self._hand_in(packet, Side.OUTSIDE, now)
        else:
            self.unmapped += 1

    def _is_inside(self, address: int) -> bool:
        return any(address in network for network in self._networks)

    def _hand_in(self, packet: Packet, side: Side, now: float) -> None:
        verdict = self.engine.handle(packet, side, now)
        self.sent += isinstance(verdict, Leg) + len(self.engine.outbox)
        self.engine.outbox.clear()

    # --- answers -----------------------------------------------------------------------------

    def _readdress(self, packet: Packet) -> bool:
        """Make of an answer to an inside host one to its external endpoint. False: it has none."""
        protocol = packet.protocol
        size = packet.length - packet.header_length
        if protocol not in (TCP, UDP) or packet.is_fragment or size < MINIMUM_TRANSPORT[protocol]:
            return False
        name, internal = PROTOCOL_NAMES[protocol], str(packet.destination)
        text = self._flows.get((name, internal, str(packet.source)))
        text = text or self._mapped.get((name, internal))
        if text is None:
            return False
        send_to(packet, Endpoint.parse(text), self._echoed)
        return True

    def _echoed(self, payload: bytes) -> bytes:
        """A message as it would answer what has left here. Only headers are echoed: the body is the
        other side's own, and its length is counted."""
        head, between, body = payload.partition(b"\r\n\r\n")
        for wrote, left in self._echoes.items():
            if wrote in head:
                head = head.replace(wrote, left)
        return head + between + body

    def _notice(self, event: Event) -> None:
        """Who is mapped to what, and what of a message left as something else."""
        if isinstance(event, MappingOpened):
            self._mapped[event.protocol, event.internal] = event.external
        elif isinstance(event, FlowOpened):
            self._flows[event.protocol, event.internal, event.remote] = event.external
        elif isinstance(event, MappingExpired):
            self._mapped.pop((event.protocol, event.internal), None)
        elif isinstance(event, MessagePassed) and event.direction == "out":
            for change in event.changes:
                wrote, left = (text.encode("latin-1") for text in (change.before, change.after))
                if wrote != left and len(wrote) >= SHORTEST_ECHO:
                    self._echoes[wrote] = left
            while len(self._echoes) > MOST_ECHOES:
                del self._echoes[next(iter(self._echoes))]
