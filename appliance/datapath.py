"""One packet, from wire to wire. Read this file first.

    wire.receive → Datapath.handle(packet, side, now)
                     nat.translate → Leg | Drop | Aside   what it becomes: `nat/translator.py`
                     leg.patch.apply(packet)              addresses, ports, sums: `nat/patch.py`
                     if leg.slot: inspect                 what an ALG makes of it: `gateway/`
                 → wire.send

The datapath has no clock and no sockets. The loop (`loop.py`) and the simulation (`sim/`) own both
and call the same `handle`; they differ only in who supplies `now`.

What `handle` answers, and what its caller does with the packet:

    a Leg             send it on the wire that the leg exits by
    a Drop            nothing: it was refused, counted and told
    Aside.HELD        nothing: a fragment, which waits for the others, or a message, for its turn
    Aside.KEPT        nothing: part of a TCP stream, which waits for the rest of its message
    Aside.ANSWERED    nothing: it was a ping of the NAT itself
    Aside.REPLACED    nothing: others go in its place

In every case there may be packets in `nat.outbox` afterwards, which are to be sent as well.
"""

from __future__ import annotations

from appliance.gateway.connection import Connection
from appliance.gateway.inspection import Inspector
from appliance.gateway.lookout import Hints, Lookout
from appliance.gateway.slot import Slot
from appliance.gateway.streams import StreamInspector
from appliance.gateway.turns import Turns
from appliance.journal.counters import Receipt, WireCounters
from appliance.journal.drops import DropLog
from appliance.journal.log import EventLog
from appliance.journal.tap import EXIT_SIDES, Point, Tap, Taps
from nat import icmp
from nat.drop import Aside, Drop
from nat.endpoint import UDP, FiveTuple, Side
from nat.fragments import fragment
from nat.mapping import Arrival, FlowLeg, Leg
from nat.packet import DONT_FRAGMENT, MAXIMUM_LENGTH, Packet
from nat.patch import stages_of
from nat.translator import Nat, Verdict

ARRIVALS = (Arrival.INSIDE, Arrival.OUTSIDE)
# (a name of the module is read faster than an enum's member)
HAIRPIN = Arrival.HAIRPIN
MOST_DATAGRAMS = 128
"""In a UDP super-packet: so many does Linux let a sender join (UDP_MAX_SEGMENTS)."""


class Datapath:
    """A NAT, the ALGs beside it, and the counters of both wires (by where a packet arrived).

    `taps` are those who look at single packets: see `journal/tap.py`."""

    def __init__(
        self,
        nat: Nat,
        counters: tuple[WireCounters, WireCounters],
        drops: DropLog,
        log: EventLog,
        hints: Hints,
    ) -> None:
        self.nat = nat
        self.counters = counters
        self.drops = drops
        self.taps = Taps(self._tapped_by)
        self._tap: Tap | None = None
        self._translate = nat.translate
        self.turns = Turns()
        self._inspector = Inspector(nat.table, log, self.turns, hints)
        self.streams = StreamInspector(self._inspector, self.turns, nat.outbox)
        self._identification = 0
        self._forwarded_last = 0, 0
        self.settings_changed()

    def settings_changed(self) -> None:
        """To be called after `Nat.change`: the wires may have other MTUs."""
        inside, outside = self.nat.behavior.mtu
        self._mtu = (inside, outside, inside)  # by where a leg exits
        self._narrowest = min(self._mtu)
        self.streams.settings_changed()

    def _tapped_by(self, tap: Tap | None) -> None:
        """All packets are shown to `tap` from now on; with None there is no cost."""
        self._tap = tap

    def handle(self, packet: Packet, side: Side, now: float, tap: Tap | None = None) -> Verdict:
        """What a received packet becomes. It is rewritten in place and leaves by the answered leg's
        `exit`; or it was refused (a Drop) or set aside. What else there is to send stands in
        `nat.outbox` afterwards.

        `segments` are the packets on the wire that a super-packet stands for, `largest` is the
        length of the longest of them."""
        if self._tap is not tap:
            return self._handle_tapped(packet, side, now)
        size = packet.length
        segments, largest = packet.on_the_wire() if packet.segment_size else (1, size)
        counters = self.counters[side]
        counters.received += segments
        counters.received_bytes += size
        arrival = ARRIVALS[side]
        while True:
            leg = self._translate(packet, arrival, now)
            if not isinstance(leg, Leg):
                return self._set_aside(leg, packet, segments, side, now)
            if largest > self._narrowest or (packet.segment_size and leg.slot is not None):
                verdict = self._refit(packet, leg, segments, largest, side, now)
                if verdict is not None:
                    return verdict
            leg.packets += segments
            leg.bytes += packet.length
            leg.last = now
            if tap is None:
                leg.patch.apply(packet)
            else:
                _apply_tapped(leg, packet, tap, now)
            if leg.slot is not None:
                verdict = self._inspect(packet, leg, segments, side, now)
                if verdict is not None:
                    return verdict
            if leg.exit is not HAIRPIN:
                break
            arrival = HAIRPIN  # hairpin: back in, as if it came from outside
        counters.forwarded += segments
        counters.forwarded_bytes += size
        self._forwarded_last = segments, size
        return leg if packet.length <= self._narrowest else self._cut(packet, leg, side)

    def _handle_tapped(self, packet: Packet, side: Side, now: float) -> Verdict:
        """The same, shown to the tap at every point. `handle` is called with the tap this time: by
        that it tells this call from one of the loop's."""
        tap, waiting = self._tap, len(self.nat.outbox)
        assert tap is not None
        tap.see(Point.ARRIVED, packet, side, None, now)
        verdict = self.handle(packet, side, now, tap)
        if isinstance(verdict, Leg):
            tap.see(Point.LEFT, packet, EXIT_SIDES[verdict.exit], verdict, now)
        self.show_sent(waiting, verdict, now)
        tap.see(Point.DONE, packet, side, verdict, now)
        return verdict

    def show_sent(self, waiting: int, verdict: Verdict | None, now: float) -> None:
        """Show the tap what stands in the outbox behind those that were `waiting` there before.
        `verdict`: on the packet that made it so; None when it was time that passed."""
        if self._tap is not None:
            for exit_side, sent in self.nat.outbox[waiting:]:
                self._tap.see(Point.LEFT, sent, exit_side, verdict, now)

    # --- packets that do not go on as they are -----------------------------------------

    def _refit(
        self, packet: Packet, leg: Leg, segments: int, largest: int, side: Side, now: float
    ) -> Verdict | None:
        """A super-packet, or one longer than the narrowest wire. None: it may go on."""
        if packet.segment_size and self._goes_singly(packet, leg, largest):
            return self._handle_each(packet, segments, side, now)
        if largest > self._narrowest and self._is_too_big(packet, leg, largest, side, now):
            return self._drop(Drop.TOO_BIG, packet, segments, side, now)
        return None

    def _goes_singly(self, packet: Packet, leg: Leg, largest: int) -> bool:
        """Is a UDP super-packet to be taken apart, for an ALG to read each message, or because each
        must be fragmented? (One that turns back is translated already: it passes unread.)"""
        is_read = not (leg.slot is None or isinstance(leg.slot, Lookout))
        if not is_read and largest <= self._narrowest:
            return False  # nearly all
        if packet.protocol != UDP or leg.arrival is HAIRPIN:
            return False
        may_be_cut = not packet.flags_and_offset & DONT_FRAGMENT
        return is_read or (may_be_cut and largest > self._mtu[leg.exit])

    def _handle_each(self, packet: Packet, segments: int, side: Side, now: float) -> Verdict:
        """Of several datagrams each goes its own way, by the outbox, and is counted there."""
        if segments > MOST_DATAGRAMS:
            return self._drop(Drop.MALFORMED, packet, segments, side, now)
        self.counters[side].received -= segments
        self.counters[side].received_bytes -= packet.length
        for datagram in packet.datagrams():
            verdict = self.handle(datagram, side, now, self._tap)
            if isinstance(verdict, Leg):
                self._send_later([datagram], verdict, side)
        return Aside.REPLACED

    # --- what is not forwarded ---------------------------------------------------------

    def _set_aside(
        self, verdict: Drop | Aside, packet: Packet, segments: int, side: Side, now: float
    ) -> Verdict:
        """Count a packet that is not forwarded."""
        if isinstance(verdict, Drop):
            return self._drop(verdict, packet, segments, side, now)
        if verdict is Aside.HELD:
            self.counters[side].held += 1
        else:
            self.counters[side].consume(segments, packet.length)
        return verdict

    def _drop(
        self,
        drop: Drop,
        packet: Packet,
        segments: int,
        side: Side,
        now: float,
        arrived: FiveTuple | None = None,
    ) -> Drop:
        """`segments`: as many as were counted when it came (it may have been cut since). `arrived`:
        between whom it came, when it has been translated since."""
        self.counters[side].drop(drop, segments, packet.length)
        self.drops.add(side, drop, packet, segments, now, arrived)
        return drop

    def _send_later(self, packets: list[Packet], leg: Leg, side: Side) -> None:
        """Put into the outbox what goes in the place of the packet that was forwarded last."""
        receipt = Receipt(side, *self._forwarded_last)
        for packet in packets:
            packet.receipt = receipt
            self.nat.outbox.append((EXIT_SIDES[leg.exit], packet))

    # --- what the wires do not take ----------------------------------------------------

    def not_sent(self, packet: Packet, side: Side, now: float) -> None:
        """The wire did not take the packet that `handle` has just answered a leg for (`side`: its
        arrival). It is taken back as it was counted: it may have been edited since."""
        self._take_back(packet, Receipt(side, *self._forwarded_last), now)

    def own_not_sent(self, packet: Packet, now: float) -> None:
        """The same for a packet of the outbox. What goes in several pieces was not forwarded when
        one of them was not; what the appliance says by itself was never counted as forwarded."""
        if isinstance(packet.receipt, Receipt) and not packet.receipt.is_taken_back:
            self._take_back(packet, packet.receipt, now)

    def _take_back(self, packet: Packet, receipt: Receipt, now: float) -> None:
        receipt.is_taken_back = True
        side, packets = receipt.side, receipt.packets
        self.counters[side].take_back(Drop.WIRE_REFUSED, packets, receipt.size)
        self.drops.add(side, Drop.WIRE_REFUSED, packet, packets, now)

    # --- packets larger than the next MTU ----------------------------------------------

    def _is_too_big(self, packet: Packet, leg: Leg, largest: int, side: Side, now: float) -> bool:
        """RFC 4787 REQ-13: who forbids fragments hears how large a packet may be."""
        mtu = self._mtu[leg.exit]
        may_be_cut = not packet.segment_size and not packet.flags_and_offset & DONT_FRAGMENT
        if largest <= mtu or may_be_cut:
            return False
        self.nat.own_icmp.send_error(
            packet, side, icmp.UNREACHABLE, icmp.FRAGMENTATION_NEEDED, now, rest=mtu
        )
        return True

    def _cut(self, packet: Packet, leg: Leg, side: Side) -> Verdict:
        """Put the fragments of a datagram that is too long for its exit into the outbox."""
        mtu = self._mtu[leg.exit]
        if packet.length <= mtu or packet.segment_size:
            return leg
        packet.complete()
        self._identification = self._identification + 1 & 0xFFFF
        pieces = fragment(packet, mtu, self._identification)
        self._send_later([Packet.of(piece) for piece in pieces], leg, side)
        return Aside.REPLACED

    # --- application-layer gateways ----------------------------------------------------

    def _inspect(
        self, packet: Packet, leg: Leg, segments: int, side: Side, now: float
    ) -> Verdict | None:
        """Put a message through the leg's slot. None: `packet` goes on, perhaps edited."""
        if isinstance(leg.slot, Lookout):
            leg.slot.look(packet, leg, now)
            return None
        drop = packet.check_transport()
        if drop:
            return self._drop(drop, packet, segments, side, now, leg.key)
        if isinstance(leg.slot, Connection) and isinstance(leg, FlowLeg):
            return self._inspect_stream(packet, leg, leg.slot, segments, side, now)
        if packet.segment_size or not isinstance(leg.slot, Slot):
            return None
        if self.turns.may_read(leg.mapping.internal.address):
            return self._read(packet, leg, leg.slot, side, now)
        return self._read_later(packet, leg, leg.slot, side, now)

    def _read(self, packet: Packet, leg: Leg, slot: Slot, side: Side, now: float) -> Drop | None:
        """Let the module read the message in a datagram. None: it goes on, perhaps edited."""
        message = packet.payload
        after = self._inspector.inspect(slot, leg, message, self._room(packet, leg), now)
        if after is None:
            return self._drop(Drop.REFUSED_BY_ALG, packet, 1, side, now, leg.key)
        if after is not message:
            self._write(packet, after)
        return None

    def _read_later(
        self, packet: Packet, leg: Leg, slot: Slot, side: Side, now: float
    ) -> Verdict | None:
        """A message for which this turn has no time waits for one that has; or it goes on unread,
        when too many wait, or when nobody would edit it. (One that turns back would have to go on
        from the middle of its way: it passes too.)"""
        host, turns_back = leg.mapping.internal.address, HAIRPIN in (leg.arrival, leg.exit)
        if slot.is_off or turns_back or not self.turns.has_room(host, packet.length):
            self._inspector.pass_unread(slot, leg, packet.payload, now)
            return None
        kept = packet.copy()
        self.turns.wait(host, lambda later: self._go_on(kept, leg, side, later), kept.length)
        self.counters[side].held += 1
        return Aside.HELD

    def _go_on(self, packet: Packet, leg: Leg, side: Side, now: float) -> None:
        """It is the turn of a message that has waited."""
        counters, size = self.counters[side], packet.length
        counters.held -= 1
        if isinstance(leg, FlowLeg) and leg.flow.is_over:
            self._drop(Drop.NO_MAPPING, packet, 1, side, now, leg.key)
            return
        if isinstance(leg.slot, Slot) and self._read(packet, leg, leg.slot, side, now):
            return
        counters.forwarded += 1
        counters.forwarded_bytes += size
        self._forwarded_last = 1, size
        if self._cut(packet, leg, side) is leg:
            self._send_later([packet], leg, side)

    def _write(self, packet: Packet, message: bytes) -> None:
        """Put an edited message into its datagram."""
        policy = self.nat.policy
        if "finish" in policy.others:
            packet.complete()
        before = packet.transport_checksum
        packet.replace_payload(message)
        packet.transport_checksum = policy.finish(packet.transport_checksum, before)

    def _inspect_stream(
        self,
        packet: Packet,
        leg: FlowLeg,
        connection: Connection,
        segments: int,
        side: Side,
        now: float,
    ) -> Verdict | None:
        """Put a segment through its connection. What goes on may be the segment, another one in its
        place, several, or none while a message is not whole."""
        size = packet.length
        onward = self.streams.inspect(packet, leg, connection, now)
        if onward == [packet]:
            return None
        if not onward:
            self.counters[side].consume(segments, size)
            return Aside.KEPT
        if len(onward) == 1:
            packet.replace_by(onward[0])
            return None
        # In order: all of them take the way that packets of our own take.
        self.counters[side].forwarded += segments
        self.counters[side].forwarded_bytes += size
        self._forwarded_last = segments, size
        self._send_later(onward, leg, side)
        return Aside.REPLACED

    def _room(self, packet: Packet, leg: Leg) -> int:
        """How long the message may become: what is not to be fragmented must fit the MTU."""
        fragments = not packet.flags_and_offset & DONT_FRAGMENT
        largest = MAXIMUM_LENGTH if fragments else self._mtu[leg.exit]
        return largest - packet.payload_start


def _apply_tapped(leg: Leg, packet: Packet, tap: Tap, now: float) -> None:
    """Apply the patch, and show the packet before and after it, each time that it is translated."""
    for patch in stages_of(leg.patch):
        tap.see(Point.TRANSLATED_IN, packet, EXIT_SIDES[leg.arrival], leg, now)
        patch.apply(packet)
        tap.see(Point.TRANSLATED_OUT, packet, EXIT_SIDES[leg.exit], leg, now)
