"""One packet, from wire to wire. Read this file first.

    wire.receive → Datapath.handle(packet, side, now)
                     nat.translate → Leg | Drop | Aside   what it becomes: `nat/translator.py`
                     leg.patch.apply(packet)              addresses, ports, sums: `nat/mapping.py`
                     if leg.slot: inspect                 what an ALG makes of it: `inspection.py`
                 → wire.send

The datapath has no clock and no sockets. The loop (`loop.py`) and the simulation (`sim/`) own both
and call the same `handle`; they differ only in who supplies `now`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.gateway.inspection import Inspector
from appliance.gateway.slot import Slot
from appliance.gateway.streams import Connection, StreamInspector
from appliance.journal.counters import WireCounters
from appliance.journal.drops import DropLog
from appliance.journal.log import EventLog
from nat import icmp
from nat.drop import Drop
from nat.endpoint import UDP, Side
from nat.fragments import fragment
from nat.mapping import Arrival, FiveTuple, Leg
from nat.packet import DONT_FRAGMENT, MAXIMUM_LENGTH, Packet
from nat.translator import Aside, Nat, Verdict

ARRIVALS = (Arrival.INSIDE, Arrival.OUTSIDE)
# (a name of the module is read faster than an enum's member)
INSIDE, TURN = Arrival.INSIDE, Arrival.TURN
MOST_DATAGRAMS = 128
"""In a UDP super-packet: so many does Linux let a sender join (UDP_MAX_SEGMENTS)."""
EXIT_SIDES = (Side.INSIDE, Side.OUTSIDE, Side.INSIDE)


class Datapath:
    """A NAT, its ALG slots, and the counters of both wires (by where a packet arrived)."""

    def __init__(
        self,
        nat: Nat,
        slots: Mapping[str, Slot],
        counters: tuple[WireCounters, WireCounters],
        log: EventLog,
    ) -> None:
        self.nat = nat
        self.translate_by(nat.translate)
        self.slots = slots
        self.counters = counters
        self.drops = DropLog(log)
        self.inspector = Inspector(nat.table, log)
        self._streams = StreamInspector(self.inspector)
        self._identification = 0
        self._mtu = (0, 0, 0)  # by where a leg exits
        self._narrowest = 0
        self._slots_by_port: dict[tuple[int, int], Slot] = {}
        self.settings_changed()

    def translate_by(self, translate: Callable[[Packet, Arrival, float], Verdict]) -> None:
        """Ask `translate` in the place of the NAT: somebody stands beside it (see `points.py`)."""
        self._translate = translate

    def settings_changed(self) -> None:
        """To be called after the NAT's behaviour or a slot's settings were changed."""
        inside, outside = self.nat.behavior.mtu
        self._mtu = (inside, outside, inside)
        self._narrowest = min(self._mtu)
        self._slots_by_port = {port: slot for slot in self.slots.values() for port in slot.ports()}
        for flow in self.nat.table.flows.values():
            if flow.mapping.protocol == UDP:
                flow.outbound.slot = flow.inbound.slot = self.slot_of(flow.outbound)

    def handle(self, packet: Packet, side: Side, now: float) -> Leg | None:
        """What a received packet becomes: it is rewritten in place and leaves by the answered
        leg's `exit`, or None: refused, consumed, held, or cut into fragments. What else there is
        to send stands in `nat.outbox` afterwards.

        `segments` are the packets on the wire that a super-packet stands for, `largest` is the
        length of the longest of them."""
        size = largest = packet.length
        segments = 1
        if packet.segment_size:
            segments, largest = packet.on_the_wire()
        counters = self.counters[side]
        counters.received += segments
        counters.received_bytes += size
        arrival = ARRIVALS[side]
        while True:
            leg = self._translate(packet, arrival, now)
            if type(leg) is not Leg:
                self._set_aside(leg, packet, segments, side, now)
                return None
            if packet.segment_size and self._goes_singly(packet, leg, largest):
                self._handle_each(packet, segments, side, now)
                return None
            if largest > self._narrowest and self._is_too_big(packet, leg, largest, side, now):
                self._drop(Drop.TOO_BIG, packet, segments, side, now)
                return None
            leg.packets += segments
            leg.bytes += packet.length
            leg.patch.apply(packet)
            if leg.slot is not None and not self._inspect(packet, leg, segments, side, now):
                return None
            if leg.exit is not TURN:
                break
            arrival = TURN  # hairpin: back in, as if it came from outside
        counters.forwarded += segments
        counters.forwarded_bytes += size
        is_long = packet.length > self._narrowest and not packet.segment_size
        if is_long and self._cut(packet, leg):
            return None
        return leg

    def _goes_singly(self, packet: Packet, leg: Leg, largest: int) -> bool:
        """Is a UDP super-packet to be taken apart, for an ALG to read each message, or because each
        must be fragmented? (One that turns back is translated already: it passes unread.)"""
        if leg.slot is None and largest <= self._narrowest:
            return False  # nearly all
        if packet.protocol != UDP or leg.arrival is TURN:
            return False
        may_be_cut = not packet.flags_and_offset & DONT_FRAGMENT
        return leg.slot is not None or (may_be_cut and largest > self._mtu[leg.exit])

    def _handle_each(self, packet: Packet, segments: int, side: Side, now: float) -> None:
        """Of several datagrams each goes its own way, by the outbox, and is counted there."""
        if segments > MOST_DATAGRAMS:
            self._drop(Drop.MALFORMED, packet, segments, side, now)
            return
        self.counters[side].received -= segments
        self.counters[side].received_bytes -= packet.length
        for datagram in packet.datagrams():
            leg = self.handle(datagram, side, now)
            if leg is not None:
                self.nat.outbox.append((EXIT_SIDES[leg.exit], datagram))

    # --- what is not forwarded ---------------------------------------------------------

    def _set_aside(
        self, verdict: Verdict, packet: Packet, segments: int, side: Side, now: float
    ) -> None:
        counters = self.counters[side]
        if verdict is Aside.HELD:
            counters.held += 1
        elif verdict is Aside.ANSWERED:
            counters.consume(segments, packet.length)
        elif isinstance(verdict, Drop):
            self._drop(verdict, packet, segments, side, now)

    def _drop(
        self,
        drop: Drop,
        packet: Packet,
        segments: int,
        side: Side,
        now: float,
        arrived: FiveTuple | None = None,
    ) -> None:
        """`segments`: as many as were counted when it came (it may have been cut since). `arrived`:
        between whom it came, when it has been translated since."""
        self.counters[side].drop(drop, segments, packet.length)
        self.drops.add(side, drop, packet, segments, now, arrived)

    def not_sent(self, packet: Packet, side: Side, now: float) -> None:
        """The wire did not take a packet that `handle` answered a leg for (`side`: its arrival)."""
        self.counters[side].take_back(packet, Drop.WIRE_REFUSED)
        self.drops.add(side, Drop.WIRE_REFUSED, packet, packet.segments, now)

    # --- packets larger than the next MTU ----------------------------------------------

    def _is_too_big(self, packet: Packet, leg: Leg, largest: int, side: Side, now: float) -> bool:
        """RFC 4787 REQ-13: who forbids fragments hears how large a packet may be."""
        mtu = self._mtu[leg.exit]
        may_be_cut = not packet.segment_size and not packet.flags_and_offset & DONT_FRAGMENT
        if largest <= mtu or may_be_cut:
            return False
        self.nat.send_error(
            packet, side, icmp.UNREACHABLE, icmp.FRAGMENTATION_NEEDED, now, rest=mtu
        )
        return True

    def _cut(self, packet: Packet, leg: Leg) -> bool:
        """Put the fragments of a datagram that is too long for its exit into the outbox."""
        mtu = self._mtu[leg.exit]
        if packet.length <= mtu:
            return False
        packet.complete()
        self._identification = self._identification + 1 & 0xFFFF
        for piece in fragment(packet, mtu, self._identification):
            self.nat.outbox.append((EXIT_SIDES[leg.exit], Packet.of(piece)))
        return True

    # --- application-layer gateways ----------------------------------------------------

    def give_slot(self, leg: Leg) -> None:
        """Give a leg that was just made the ALG slot of its port, if there is one; the outbound
        leg of a flow has it together with the inbound one.

        A TCP flow gets a connection to hold its streams: it begins with the flow, at the SYN, or
        never (see `streams.py`). None that turns back (hairpin): its segments would have to turn
        once more after they were cut.
        """
        slot = self.slot_of(leg)
        if slot is None:
            return
        flow = leg.flow
        if leg.key[0] == UDP:
            leg.slot = slot
        elif flow is not None and leg.exit is not TURN:
            leg.slot = Connection(slot)
        if flow is not None:
            flow.inbound.slot = leg.slot

    def slot_of(self, leg: Leg) -> Slot | None:
        """The slot whose port this leg has, if any. Who sees inside addresses needs no ALG."""
        mapping = leg.mapping
        if mapping is None or mapping.opened_by == "untranslated":
            return None
        protocol, _, _, source_port, destination_port = leg.key
        remote_port = destination_port if leg.arrival is INSIDE else source_port
        by_port = self._slots_by_port
        return by_port.get((protocol, remote_port)) or by_port.get(
            (protocol, mapping.internal.port)
        )

    def _inspect(self, packet: Packet, leg: Leg, segments: int, side: Side, now: float) -> bool:
        """Put a message through the leg's slot. False when `packet` is not to be forwarded."""
        drop = packet.check_transport()
        if drop:
            self._drop(drop, packet, segments, side, now, leg.key)
            return False
        if isinstance(leg.slot, Connection):
            return self._inspect_stream(packet, leg, leg.slot, segments, side, now)
        if packet.segment_size:
            return True
        message = packet.payload
        after = self.inspector.inspect(leg.slot, leg, message, self._room(packet, leg), now)
        if after is None:
            self._drop(Drop.REFUSED_BY_ALG, packet, segments, side, now, leg.key)
            return False
        if after is not message:
            self._write(packet, after)
        return True

    def _write(self, packet: Packet, message: bytes) -> None:
        """Put an edited message into its datagram."""
        decisions = self.nat.behavior.decisions
        if "finish" in decisions.others:
            packet.complete()
        before = packet.transport_checksum
        packet.replace_payload(message)
        packet.transport_checksum = decisions.finish(packet.transport_checksum, before)

    def _inspect_stream(
        self,
        packet: Packet,
        leg: Leg,
        connection: Connection,
        segments: int,
        side: Side,
        now: float,
    ) -> bool:
        size = packet.length
        onward = self._streams.inspect(packet, leg, connection, now)
        if onward == [packet]:
            return True
        if not onward:
            self.counters[side].consume(segments, size)
            return False
        if len(onward) == 1:
            packet.replace_by(onward[0])
            return True
        # In order: all of them take the way that packets of our own take.
        self.counters[side].forwarded += segments
        self.counters[side].forwarded_bytes += size
        self.nat.outbox += [(EXIT_SIDES[leg.exit], each) for each in onward]
        return False

    def _room(self, packet: Packet, leg: Leg) -> int:
        """How long the message may become: what is not to be fragmented must fit the MTU."""
        fragments = not packet.flags_and_offset & DONT_FRAGMENT
        largest = MAXIMUM_LENGTH if fragments else self._mtu[leg.exit]
        return largest - packet.payload_start
