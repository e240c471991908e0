"""Hosts and links in memory: what the kernel and the cables are to the real appliance.

    inside hosts ──link──► [ NAT ] ──link──► outside hosts

Parties speak in datagrams and streams, the wires of the NAT carry IPv4 packets: `packets.py` turns
datagrams into packets and back, `host.py` does what a kernel does for streams and pings, and this
file carries packets. It has no opinion on what the NAT should do.

A packet that cannot be delivered is *lost*, and where it was lost is written down: a lesson about
one-way audio is a lesson about where the other half went.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from random import Random

from appliance.engine import Engine
from appliance.journal.tap import EXIT_SIDES
from appliance.parties.carrier import Carrier
from appliance.parties.party import Action, Forge, Party, Report, Send, Wake
from appliance.settings.hints import counted
from appliance.sim.clock import Clock, Happening
from appliance.sim.fragments import MTU, cut
from appliance.sim.host import Host
from appliance.sim.packets import ends, is_sound, pack, port_unreachable, unpack, unpack_segment
from appliance.sim.segment import Segment
from nat.drop import Drop
from nat.endpoint import TCP, Endpoint, Side, address_text
from nat.mapping import FlowLeg, Leg
from nat.packet import Packet
from nat.reach import is_inside_only

OnReport = Callable[[str, Report, float], None]
"""The name of the party, what it reports, and when."""
OnLoss = Callable[[Packet, tuple[Endpoint, Endpoint], str, str, float], None]
"""A packet, between whom it goes, where it was lost and why, and when."""

INSIDE, OUTSIDE = Side.INSIDE, Side.OUTSIDE
# (a name of the module is read faster than an enum's member)
ON_LINK = tuple(f"on the {side}" for side in Side)
OVER_TCP = " over TCP"
MOST_PLACES = 1000  # losses are remembered for so many pairs of endpoints


class World:
    """All hosts, the links, and the NAT between them.

    `delays` are the one-way delays of the inside and the outside link (seconds), `externals` the
    addresses outside that belong to the NAT, `on_report` hears what the parties report, `on_loss`
    of packets that the NAT did not drop and nobody gets. `seed` decides the first sequence numbers
    of TCP connections.
    """

    def __init__(
        self,
        clock: Clock,
        engine: Engine,
        externals: Iterable[int],
        delays: tuple[float, float],
        on_report: OnReport,
        on_loss: OnLoss,
        seed: int = 0,
    ) -> None:
        self.lost: Counter[str] = Counter()
        """How many packets were lost, by place."""
        self.loses: Callable[[Packet, Side], bool] | None = None
        """A bad link: is asked about each packet that goes onto the link of a side."""
        self._places: dict[tuple[Endpoint, Endpoint], str] = {}
        self._clock = clock
        self._engine = engine
        self.externals = frozenset(externals)
        self._delays = delays
        self._on_report = on_report
        self._on_loss = on_loss
        self._seed = seed
        self._hosts: tuple[dict[int, Host], dict[int, Host]] = ({}, {})
        self._carrier: Carrier | None = None
        self._arrivals: tuple[Happening, Happening] = (
            partial(self._cross, INSIDE),
            partial(self._cross, OUTSIDE),
        )

    def add(
        self,
        party: Party,
        side: Side,
        now: float,
        tells_closed_ports: bool = False,
        addresses: Iterable[int] = (),
    ) -> Host:
        """Connect a party's host (see there) and switch it on. `addresses` are those at which it is
        reached beside its own."""
        host = Host(party, side, Random(f"{self._seed}/{party.name}/tcp"), tells_closed_ports)
        for address in (party.address, *addresses):
            self._hosts[side][address] = host
        if isinstance(party, Carrier):
            self._carrier = party
        self.perform(host, party.start(now), now)
        return host

    def perform(self, host: Host, actions: Iterable[Action], now: float) -> None:
        """Do what a party wants done."""
        for action in actions:
            if isinstance(action, Send):
                packet = pack(action, host.next_identification())
                if packet.length <= MTU:
                    self._depart(host, packet, now)
                else:
                    for piece in cut(packet):
                        self._depart(host, piece, now)
            elif isinstance(action, Wake):
                host.wake_at = action.at
                self._clock.at(action.at, self._wake, host)
            elif isinstance(action, Report):
                self._on_report(host.party.name, action, now)
            elif isinstance(action, Forge):
                self._depart(host, Packet.of(action.packet), now)
            else:
                host.do(action, now)
                self._serve(host, now)
        if host.news:  # it takes its next step when this one is done
            self._clock.at(now, self._tell_news, host)

    def place_of_loss(self, talker: Endpoint, target: Endpoint | None) -> str:
        """Where packets from `talker`, or to `target` (as the talker knows it), were last lost;
        empty when none was."""
        for (source, destination), place in reversed(self._places.items()):
            if source == talker or destination == target:
                return place
        return ""

    # --- what hosts do by themselves ------------------------------------------------------

    def _wake(self, host: Host, now: float) -> None:
        if host.wake_at is not None and host.wake_at <= now:
            host.wake_at = None
            self.perform(host, host.party.wake(now), now)

    def _expire(self, host: Host, now: float) -> None:
        if host.alarm_at is not None and host.alarm_at <= now:
            host.alarm_at = None
            host.expire(now)
            self._tell_news(host, now)

    def _tell_news(self, host: Host, now: float) -> None:
        """The party hears what happened, and only then the host acknowledges it: the party's answer
        may carry the acknowledgement."""
        news, host.news[:] = host.news[:], []
        for each in news:
            self.perform(host, host.party.hear(each, now), now)
        host.acknowledge()
        self._serve(host, now)

    def _serve(self, host: Host, now: float) -> None:
        """Send what a host wants sent, and look when it wants to be woken."""
        packets, host.outbox[:] = host.outbox[:], []
        for packet in packets:
            self._depart(host, packet, now)
        deadline = host.deadline
        if deadline is not None and (host.alarm_at is None or deadline < host.alarm_at):
            host.alarm_at = deadline
            self._clock.at(deadline, self._expire, host)

    # --- along the links ------------------------------------------------------------------

    def _depart(self, host: Host, packet: Packet, now: float) -> None:
        """A host sends. On its own network it finds the receiver by itself; all else goes to the
        NAT, which is the inside's gateway and, outside, the owner of its external addresses."""
        side = host.side
        if self.loses is not None and self._is_lost(packet, side):
            return
        address = packet.destination_address
        neighbour = self._hosts[side].get(address)
        if neighbour is not None:
            self._clock.at(now + self._delays[side], self._deliver, (neighbour, packet))
        elif side is INSIDE or (address in self.externals and self._carrier is None):
            self._clock.at(now + self._delays[side], self._arrivals[side], packet)
        else:
            self._lose(packet, ON_LINK[side], no_way(address))

    def _is_lost(self, packet: Packet, side: Side) -> bool:
        """On the link of a side, which is a bad one."""
        lost = self.loses is not None and self.loses(packet, side)
        if lost:
            self._lose(packet, ON_LINK[side], f"lost on the {side} link")
        return lost

    def _cross(self, side: Side, packet: Packet, now: float) -> None:
        """A packet has come to the NAT: the one step that is not decided here."""
        engine = self._engine
        verdict = engine.handle(packet, side, now)
        if (
            not isinstance(verdict, FlowLeg)
            or verdict.packets <= 1
            or verdict.follow
            or verdict.slot is not None
        ):
            self._clock.halt()  # the NAT may wait for something else now
        # Otherwise it was one more packet of a flow, and nothing is to be learnt from it: it has
        # refreshed its flow, which is found out at the old deadline (`nat/deadlines.py`).
        if isinstance(verdict, Leg):
            self._forward(packet, EXIT_SIDES[verdict.exit], now)
        elif isinstance(verdict, Drop):
            self._count(ends(packet), f"dropped by the NAT: {verdict.reason}")
        if engine.outbox:
            self.send_own(now)

    def send_own(self, now: float) -> None:
        """Put what the NAT says by itself on its wires."""
        own, self._engine.outbox[:] = self._engine.outbox[:], []
        for exit_, extra in own:
            self._forward(extra, exit_, now)

    def _forward(self, packet: Packet, side: Side, now: float) -> None:
        """The NAT has put a packet on a wire (a side of it)."""
        if self.loses is not None and self._is_lost(packet, side):
            return
        if self._carrier is not None and side is OUTSIDE:
            self._carry(self._carrier, packet, INSIDE, now)
        else:
            self._go_on(packet, side, now)

    def _go_on(self, packet: Packet, side: Side, now: float) -> None:
        address = packet.destination_address
        host = self._hosts[side].get(address)
        if host is not None:
            self._clock.at(now + self._delays[side], self._deliver, (host, packet))
        else:
            self._lose(packet, ON_LINK[side], no_way(address))

    def _carry(self, carrier: Carrier, packet: Packet, side: Side, now: float) -> None:
        """Through the second NAT, which is as near to the first as can be."""
        exit_ = carrier.pass_on(packet, side, now)
        if exit_ is OUTSIDE:
            self._go_on(packet, exit_, now)
        elif exit_ is INSIDE and packet.destination_address in self.externals:
            self._cross(OUTSIDE, packet, now)
        elif exit_ is INSIDE:
            self._lose(packet, f"behind {carrier.name}", no_way(packet.destination_address))
        else:
            self._lose(packet, f"at {carrier.name}", str(exit_).rstrip("."))

    def _deliver(self, arrival: tuple[Host, Packet], now: float) -> None:
        host, packet = arrival
        datagram = unpack(packet)
        if datagram is None:
            self._deliver_other(host, packet, now)
        elif datagram.destination.port in host.party.ports:
            actions = host.party.receive(datagram, now)
            if actions:  # audio is heard and not answered
                self.perform(host, actions, now)
        elif isinstance(host.party, Carrier):
            self._carry(host.party, packet, OUTSIDE, now)
        else:
            name = host.party.name
            self._lose(packet, f"at {name}", f"nobody listens at {datagram.destination}")
            if host.tells_closed_ports:
                self._depart(host, port_unreachable(packet), now)

    def _deliver_other(self, host: Host, packet: Packet, now: float) -> None:
        """TCP and ICMP, fragments, and what is spoilt."""
        if isinstance(host.party, Carrier):
            self._carry(host.party, packet, OUTSIDE, now)
            return
        if packet.is_fragment:
            whole = host.pieces.add(packet, now)
            if whole is not None:
                self._deliver((host, whole), now)
            return
        name = host.party.name
        if not is_sound(packet):
            self._lose(packet, f"at {name}", f"wrong checksum at {name}")
            return
        segment = unpack_segment(packet) if packet.protocol == TCP else None
        if segment is not None:
            self._look_at(segment, packet, host)
        host.receive(packet, now)
        self._tell_news(host, now)

    def _look_at(self, segment: Segment, packet: Packet, host: Host) -> None:
        """Is it of no use to the host? On good links nothing overtakes: what is missing never
        comes."""
        where = f"at {host.party.name}"
        missing = host.missing_before(segment) if self.loses is None else 0
        if missing:
            why = f"{counted(missing, 'byte')} of the stream before it never came"
            self._lose(packet, where, why)
        elif host.refuses(segment):
            self._lose(packet, where, f"nobody listens at {segment.destination}{OVER_TCP}")

    def _lose(self, packet: Packet, where: str, why: str) -> None:
        between = ends(packet)
        self._count(between, why)
        self._on_loss(packet, between, where, why, self._clock.now)

    def _count(self, between: tuple[Endpoint, Endpoint], place: str) -> None:
        self.lost[place] += 1
        self._places.pop(between, None)
        self._places[between] = place
        if len(self._places) > MOST_PLACES:
            del self._places[next(iter(self._places))]


@lru_cache(MOST_PLACES)
def no_way(address: int) -> str:
    """Why a packet to this address gets nowhere."""
    return f"no {'route to' if is_inside_only(address) else 'host at'} {address_text(address)}"
