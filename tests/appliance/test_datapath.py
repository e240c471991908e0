"""From wire to wire: nothing is lost in the books, and what is too long is cut or refused."""

from __future__ import annotations

import pytest

from nat.drop import Drop
from nat.endpoint import Side
from nat.fragments import FragmentLimits, Reassembler
from nat.mapping import Arrival
from nat.packet import Packet
from tests.fuzz.datapath import REGISTER
from tests.nat.packets import (
    ACK,
    DF,
    EXTERNAL,
    GATEWAY,
    SYN,
    A,
    B,
    R,
    Seen,
    assert_sound,
    fragments,
    ping,
    tcp,
    udp,
)
from tests.nat.rig import Rig, audit, audit_books, audit_events

LONG = udp(f"{A}:4000", f"{R}:5000", b"x" * 1400)


def test_every_way_a_packet_can_go_is_counted_once() -> None:
    """Invariant I-O1."""
    rig = Rig()
    rig.out(udp(f"{A}:4000", f"{R}:5000"))
    rig.out(ping(A, GATEWAY))
    rig.out(b"\x60")
    first, second = fragments(LONG, 800)
    rig.out(first)
    wire = rig.counters()["wires"]["inside"]
    assert (wire["received"], wire["forwarded"], wire["consumed"]) == (4, 1, 1)
    assert (wire["dropped"], wire["held"], wire["own"]) == (1, 1, 1)
    rig.out(second)
    wire = rig.counters()["wires"]["inside"]
    assert (wire["received"], wire["forwarded"], wire["consumed"], wire["held"]) == (5, 2, 2, 0)
    audit(rig)
    audit_events(rig)


def test_a_packet_that_the_other_wire_does_not_take_is_a_drop_like_another() -> None:
    rig = Rig()
    data = udp(f"{A}:4000", f"{R}:5000")
    packet = Packet.of(data)
    leg = rig.engine.handle(packet, Side.INSIDE, rig.now)
    assert leg is not None
    assert leg.exit is Arrival.OUTSIDE
    rig.engine.not_sent(packet, Side.INSIDE, rig.now)
    assert rig.drops("inside") == {"wire-refused": 1}
    assert rig.counters()["wires"]["inside"]["forwarded"] == 0
    audit_books(rig)
    audit_events(rig)


def test_a_super_packet_counts_as_the_packets_that_it_stands_for() -> None:
    rig = Rig()
    rig.out(tcp(f"{A}:4000", f"{R}:80", SYN, seq=1))
    rig.into(tcp(f"{R}:80", f"{EXTERNAL}:4000", SYN | ACK, seq=1, ack=2))
    big = tcp(f"{A}:4000", f"{R}:80", ACK, seq=2, ack=2, payload=b"x" * 4400)
    assert len(rig.send(Side.INSIDE, big, segment_size=1000)) == 1
    assert rig.counters()["wires"]["inside"]["forwarded"] == 6
    (flow,) = rig.table.flows.values()
    assert flow.outbound.packets == 6
    other = tcp(f"{A}:4001", f"{R}:80", ACK, payload=b"x" * 4400)
    assert rig.send(Side.INSIDE, other, segment_size=1000) == []
    assert rig.drops("inside") == {"not-opening": 5}
    audit_books(rig)
    audit_events(rig)


def test_a_datagram_too_long_for_the_next_wire_is_cut() -> None:
    """RFC 4787 REQ-13: fragments of it, each sound, with one identification of our own."""
    rig = Rig(outside__mtu=576)
    pieces = [data for side, data in rig.send(Side.INSIDE, LONG) if side is Side.OUTSIDE]
    assert [len(piece) <= 576 for piece in pieces] == [True] * 3
    store = Reassembler(FragmentLimits(), lambda gone, now: None)
    made = [store.add(Packet.of(piece), Side.OUTSIDE, 0.0) for piece in pieces]
    assert isinstance(made[-1], bytes)
    assert assert_sound(made[-1]).payload == b"x" * 1400
    again = [data for _, data in rig.send(Side.INSIDE, LONG)]
    assert again[0][4:6] != pieces[0][4:6]
    assert rig.counters()["wires"]["inside"]["forwarded"] == 2


def test_who_forbids_fragments_hears_how_long_a_packet_may_be() -> None:
    """RFC 4787 REQ-13, RFC 1191: frag-needed with our MTU, quoting what the sender sent."""
    rig = Rig(outside__mtu=576)
    data = udp(f"{A}:4000", f"{R}:5000", b"x" * 1400, flags=DF)
    seen = rig.out(data)
    assert seen is not None
    assert (seen.kind, seen.code, int.from_bytes(seen.body[6:8], "big")) == (3, 4, 576)
    assert seen.body[8:] == data[: len(seen.body) - 8]
    assert_sound(seen.data)
    assert rig.drops("inside") == {"too-big": 1}


def test_a_super_packet_is_as_long_as_its_segments() -> None:
    rig = Rig(outside__mtu=1000)
    data = tcp(f"{A}:4000", f"{R}:80", SYN, payload=b"x" * 3000)
    assert len(rig.send(Side.INSIDE, data, segment_size=960)) == 1
    (told,) = rig.send(Side.INSIDE, data, segment_size=961)
    assert Seen(told[1]).code == 4
    assert rig.drops("inside") == {"too-big": 4}
    audit_books(rig)


def super_packet(source: str, destination: str, *messages: bytes) -> Packet:
    """As a sender's UDP_SEGMENT makes it: messages of one length, the last may be shorter."""
    data = udp(source, destination, b"".join(messages))
    packet = Packet(bytearray(data), len(data), partial=True, segment_size=len(messages[0]))
    packet.finish_transport()
    return packet


def completed(packet: Packet) -> Seen:
    packet.complete()
    return assert_sound(packet.to_bytes())


def test_each_message_of_a_super_packet_passes_the_alg() -> None:
    """The kernel cuts a super-packet where its segments end, so an edit must not move them."""
    rig = Rig(alg__sip__module="sip")
    packet = super_packet(f"{A}:5060", f"{R}:5060", REGISTER, REGISTER, REGISTER[:-20])
    assert rig.engine.handle(packet, Side.INSIDE, rig.now) is None
    left = rig.engine.outbox
    assert [each.segment_size for _, each in left] == [0, 0, 0]
    first, second, third = [completed(each) for _, each in left]
    alone = Rig(alg__sip__module="sip").out(udp(f"{A}:5060", f"{R}:5060", REGISTER))
    assert alone is not None
    assert first.payload == alone.payload != REGISTER
    assert second.payload == first.payload
    assert len(third.payload) < len(first.payload)
    assert [side for side, _ in left] == [Side.OUTSIDE] * 3
    assert rig.counters()["alg"]["sip"]["seen"] == 3
    assert rig.counters()["wires"]["inside"]["received"] == 3
    audit_books(rig)


def test_a_super_packet_that_nobody_reads_passes_whole() -> None:
    rig = Rig(alg__sip__module="sip")
    packet = super_packet(f"{A}:7000", f"{R}:7000", REGISTER, REGISTER)
    assert rig.engine.handle(packet, Side.INSIDE, rig.now) is not None
    assert (packet.segment_size, packet.segments) == (len(REGISTER), 2)


def test_a_super_packet_of_too_many_messages_stops_nobody() -> None:
    """Only a virtual machine could say so: Linux joins 128 at most."""
    rig = Rig(alg__sip__module="sip")
    packet = super_packet(f"{A}:5060", f"{R}:5060", *[b"x"] * 129)
    assert rig.engine.handle(packet, Side.INSIDE, rig.now) is None
    assert rig.drops("inside") == {"malformed": 129}
    assert rig.own() == []
    audit_books(rig)


@pytest.mark.parametrize(("flags", "left"), [(0, 4), (DF, 1)])
def test_a_super_packet_is_fragmented_like_its_datagrams(flags: int, left: int) -> None:
    """RFC 4787 REQ-13a: two datagrams in two fragments each; and REQ-13: one error for all."""
    rig = Rig(outside__mtu=600)
    data = udp(f"{A}:4000", f"{R}:5000", b"x" * 1600, flags=flags)
    packet = Packet(bytearray(data), len(data), partial=True, segment_size=800)
    packet.finish_transport()
    assert rig.engine.handle(packet, Side.INSIDE, rig.now) is None
    said = rig.own()
    assert len(said) == left
    assert all(len(each) <= 600 for _, each in said)
    assert {side for side, _ in said} == {Side.INSIDE if flags else Side.OUTSIDE}
    audit_books(rig)


def test_a_super_packet_that_turns_back_is_not_read_as_one_message() -> None:
    """A talks to B's external port 40000, where B's phone listens at 5060."""
    rig = Rig(alg__sip__module="sip", nat__filtering="endpoint-independent", nat__ports="random")
    rig.out(udp(f"{B}:5060", f"{R}:7000"))
    (mapping,) = rig.table.by_external.values()
    external = str(mapping[0].external)
    seen = rig.counters()["alg"]["sip"]["seen"]
    packet = super_packet(f"{A}:7000", external, REGISTER, REGISTER)
    assert rig.engine.handle(packet, Side.INSIDE, rig.now) is not None
    assert packet.payload == REGISTER * 2
    assert rig.counters()["alg"]["sip"]["seen"] == seen


def test_a_partial_checksum_is_completed_before_a_datagram_is_cut() -> None:
    rig = Rig(outside__mtu=576)
    packet = Packet.of(LONG)
    packet.partial = True
    packet.finish_transport()
    assert rig.engine.handle(packet, Side.INSIDE, rig.now) is None
    store = Reassembler(FragmentLimits(), lambda gone, now: None)
    made = [store.add(Packet.of(data), Side.OUTSIDE, 0.0) for _, data in rig.own()]
    assert isinstance(made[-1], bytes)
    assert_sound(made[-1])


def test_a_fragmented_message_is_a_message() -> None:
    """Invariant I-G2: the ALG sees the whole, and only the whole."""
    rig = Rig(alg__sip__module="sip")
    message = udp(f"{A}:5060", f"{R}:5060", b"OPTIONS sip:x SIP/2.0\r\n\r\n" + b" " * 900)
    for piece in fragments(message, 160):
        rig.out(piece)
    assert rig.counters()["alg"]["sip"]["seen"] == 1


@pytest.mark.parametrize("reason", [Drop.FRAGMENT_TIMEOUT])
def test_fragments_that_were_given_up_are_told_of(reason: Drop) -> None:
    rig = Rig()
    for piece in fragments(LONG, 400, 400)[:2]:
        rig.out(piece)
    rig.wait(30.0)
    assert rig.drops("inside") == {reason.reason: 2}
    audit_books(rig)
    audit_events(rig)
