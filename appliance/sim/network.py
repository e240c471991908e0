"""Hosts and links in memory: what the kernel and the cables are to the real appliance.

    inside hosts ──link──► [ NAT ] ──link──► outside hosts

Hosts speak in datagrams, the wires of the NAT carry IPv4 packets; this file turns one into the
other, with real checksums, and checks them on arrival, because a NAT that gets a checksum wrong
must be found out here too. It has no opinion on what the NAT should do.

A packet that cannot be delivered is *lost*, and where it was lost is written down: a lesson about
one-way audio is a lesson about where the other half went.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from struct import Struct
from typing import TYPE_CHECKING

from appliance.journal.tap import EXIT_SIDES
from appliance.parties.party import Action, Datagram, Party, Report, Send, Wake
from appliance.sim.clock import Clock, Happening
from nat.drop import Drop
from nat.endpoint import UDP, Endpoint, Network, Side, address_text
from nat.mapping import Leg
from nat.packet import Packet

if TYPE_CHECKING:
    from appliance.engine import Engine

# version and length, TOS, total length, identification, fragment, TTL, protocol, checksum, source,
# destination; source port, destination port, UDP length, UDP checksum
HEADERS = Struct("!BBHHHBBHIIHHHH")
ENDS = Struct("!IIHHHH")  # the last six of them, from byte 12 on
TTL = 64
# The words of an IPv4 header that are the same in every packet sent here, added up.
CONSTANT_WORDS = 0x4500 + (TTL << 8 | UDP)

PRIVATE = tuple(map(Network.parse, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
MOST_PLACES = 1000  # losses are remembered for so many pairs of endpoints


def pack(send: Send, identification: int) -> Packet:
    """A datagram as an IPv4 packet.

    Sums are taken modulo 65,535 (see `nat/checksum.py`): a 32-bit address and a payload of any
    length, each read as one number, weigh as much as their 16-bit words added up.
    """
    (source, source_port), (destination, destination_port), payload = send
    udp_length = 8 + len(payload)
    total = 20 + udp_length
    addresses = source + destination
    number = int.from_bytes(payload, "big")
    if len(payload) & 1:
        number <<= 8
    body = addresses + UDP + 2 * udp_length + source_port + destination_port + number
    header = HEADERS.pack(
        0x45,
        0,
        total,
        identification,
        0,
        TTL,
        UDP,
        -(CONSTANT_WORDS + total + identification + addresses) % 0xFFFF,
        source,
        destination,
        source_port,
        destination_port,
        udp_length,
        -body % 0xFFFF or 0xFFFF,  # RFC 768: 0 means that there is no checksum
    )
    return Packet(bytearray(header + payload), total)


def unpack(packet: Packet) -> Datagram | None:
    """The datagram in an IPv4 packet; None when it is not UDP, or a checksum is wrong.

    ICMP is nothing to a party: an application sees it at most as an error of its socket.
    """
    data = packet.buffer[: packet.length]
    if len(data) < HEADERS.size or data[0] != 0x45 or data[9] != UDP:
        return None
    source, destination, source_port, destination_port, length, checked = ENDS.unpack_from(data, 12)
    if int.from_bytes(data[:20], "big") % 0xFFFF or not 8 <= length <= len(data) - 20:
        return None
    segment = bytes(data[20 : 20 + length])
    if checked:
        number = int.from_bytes(segment, "big") << (8 if length & 1 else 0)
        if (source + destination + UDP + length + number) % 0xFFFF:
            return None
    return Datagram(
        Endpoint(source, source_port), Endpoint(destination, destination_port), segment[8:]
    )


class Host:
    """A party on one side of the NAT. `wake_at` is the time of its newest Wake."""

    __slots__ = ("identification", "party", "side", "wake_at")

    def __init__(self, party: Party, side: Side) -> None:
        self.party = party
        self.side = side
        self.identification = 0
        self.wake_at: float | None = None


class World:
    """All hosts, the links, and the NAT between them.

    `delays` are the one-way delays of the inside and the outside link (seconds), `externals` the
    addresses outside that belong to the NAT, `on_report` hears what the parties report.
    """

    def __init__(
        self,
        clock: Clock,
        engine: Engine,
        externals: Iterable[int],
        delays: tuple[float, float],
        on_report: Callable[[Report, float], None],
    ) -> None:
        self.lost: Counter[str] = Counter()
        """How many packets were lost, by place."""
        self._places: dict[tuple[Endpoint, Endpoint], str] = {}
        self._clock = clock
        self._engine = engine
        self._externals = frozenset(externals)
        self._delays = delays
        self._on_report = on_report
        self._hosts: tuple[dict[int, Host], dict[int, Host]] = ({}, {})
        self._arrivals: tuple[Happening, Happening] = (self._from_inside, self._from_outside)

    def add(self, party: Party, side: Side, now: float) -> Host:
        """Connect a party's host and switch it on."""
        host = Host(party, side)
        self._hosts[side][party.address] = host
        self.perform(host, party.start(now), now)
        return host

    def perform(self, host: Host, actions: Iterable[Action], now: float) -> None:
        """Do what a party wants done."""
        for action in actions:
            kind = type(action)
            if kind is Send:
                self._depart(host, action, now)  # type: ignore[arg-type]
            elif kind is Wake:
                host.wake_at = action.at  # type: ignore[union-attr]
                self._clock.at(host.wake_at, self._wake, host)
            else:
                self._on_report(action, now)  # type: ignore[arg-type]

    def place_of_loss(self, talker: Endpoint, target: Endpoint | None) -> str:
        """Where datagrams from `talker`, or to `target` (as the talker knows it), were last lost;
        empty when none was."""
        for (source, destination), place in reversed(self._places.items()):
            if source == talker or destination == target:
                return place
        return ""

    # --- along the links ----------------------------------------------------------------

    def _wake(self, host: Host, now: float) -> None:
        if host.wake_at is not None and host.wake_at <= now:
            host.wake_at = None
            self.perform(host, host.party.wake(now), now)

    def _depart(self, host: Host, send: Send, now: float) -> None:
        """A host sends. On its own network it finds the receiver by itself; all else goes to the
        NAT, which is the inside's gateway and, outside, the owner of its external addresses."""
        side = host.side
        host.identification = host.identification + 1 & 0xFFFF
        packet = pack(send, host.identification)
        address = send.destination.address
        neighbour = self._hosts[side].get(address)
        if neighbour is not None:
            self._clock.at(now + self._delays[side], self._deliver, (neighbour, packet))
        elif side is Side.INSIDE or address in self._externals:
            self._clock.at(now + self._delays[side], self._arrivals[side], packet)
        else:
            self._lose(send.source, send.destination, no_way(address))

    def _from_inside(self, packet: Packet, now: float) -> None:
        self._cross(packet, Side.INSIDE, now)

    def _from_outside(self, packet: Packet, now: float) -> None:
        self._cross(packet, Side.OUTSIDE, now)

    def _cross(self, packet: Packet, side: Side, now: float) -> None:
        """A packet has come to the NAT: the one step that is not decided here."""
        engine = self._engine
        verdict = engine.handle(packet, side, now)
        if isinstance(verdict, Leg):
            self._forward(packet, EXIT_SIDES[verdict.exit], now)
        elif isinstance(verdict, Drop):
            place = f"dropped by the NAT: {verdict.reason}"
            self._lose(packet.source, packet.destination, place)
        if engine.outbox:
            own, engine.outbox[:] = engine.outbox[:], []
            for exit_, extra in own:
                self._forward(extra, exit_, now)

    def _forward(self, packet: Packet, side: int, now: float) -> None:
        """The NAT has put a packet on a wire (a side of it)."""
        address = packet.destination_address
        host = self._hosts[side].get(address)
        if host is not None:
            self._clock.at(now + self._delays[side], self._deliver, (host, packet))
        elif packet.protocol == UDP:
            self._lose(packet.source, packet.destination, no_way(address))

    def _deliver(self, arrival: tuple[Host, Packet], now: float) -> None:
        host, packet = arrival
        datagram = unpack(packet)
        if datagram is None:
            if packet.protocol == UDP:
                self.lost[f"wrong checksum at {host.party.name}"] += 1
        elif datagram.destination.port not in host.party.ports:
            place = f"nobody listens at {datagram.destination}"
            self._lose(datagram.source, datagram.destination, place)
        else:
            self.perform(host, host.party.receive(datagram, now), now)

    def _lose(self, source: Endpoint, destination: Endpoint, place: str) -> None:
        self.lost[place] += 1
        key = (source, destination)
        self._places.pop(key, None)
        self._places[key] = place
        if len(self._places) > MOST_PLACES:
            del self._places[next(iter(self._places))]


def no_way(address: int) -> str:
    """Why a packet to this address gets nowhere. Private addresses mean something only inside the
    private network (RFC 1918 3)."""
    private = any(address in network for network in PRIVATE)
    return f"no {'route to' if private else 'host at'} {address_text(address)}"
