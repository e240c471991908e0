"""From wire to wire: nothing is lost in the books, and what is too long is cut or refused."""

from __future__ import annotations

import pytest

from nat.drop import Aside, Drop
from nat.endpoint import Side
from nat.fragments import FragmentLimits, Reassembler
from nat.mapping import Arrival, Leg
from nat.packet import Packet
from tests.fuzz.datapath import REGISTER
from tests.support.audit import audit, audit_books, audit_events
from tests.support.packets import (
    ACK,
    DONT_FRAGMENT,
    EXTERNAL,
    GATEWAY,
    SYN,
    A,
    B,
    R,
    Seen,
    assert_sound,
    cut,
    ping,
    tcp,
    udp,
)
from tests.support.world import World

LONG = udp(f"{A}:4000", f"{R}:5000", b"x" * 1400)


def test_every_way_a_packet_can_go_is_counted_once() -> None:
    """Invariant I-O1."""
    world = World()
    world.pass_out(udp(f"{A}:4000", f"{R}:5000"))
    world.pass_out(ping(A, GATEWAY))
    world.pass_out(b"\x60")
    first, second = cut(LONG, 800)
    world.pass_out(first)
    wire = world.show("counters")["wires"]["inside"]
    assert (wire["received"], wire["forwarded"], wire["consumed"]) == (4, 1, 1)
    assert (wire["dropped"], wire["held"], wire["own"]) == (1, 1, 1)
    world.pass_out(second)
    wire = world.show("counters")["wires"]["inside"]
    assert (wire["received"], wire["forwarded"], wire["consumed"], wire["held"]) == (5, 2, 2, 0)
    audit(world)
    audit_events(world)


def test_a_packet_that_the_other_wire_does_not_take_is_a_drop_like_another() -> None:
    world = World()
    data = udp(f"{A}:4000", f"{R}:5000")
    packet = Packet.of(data)
    leg = world.engine.handle(packet, Side.INSIDE, world.now)
    assert leg is not None
    assert leg.exit is Arrival.OUTSIDE
    world.engine.not_sent(packet, Side.INSIDE, world.now)
    assert world.drops("inside") == {"wire-refused": 1}
    assert world.show("counters")["wires"]["inside"]["forwarded"] == 0
    audit_books(world)
    audit_events(world)


def refuse(world: World, side: Side, data: bytes, segment_size: int = 0, taken: int = 0) -> None:
    """A packet arrives, and the other wire takes the first so many of what would leave."""
    packet = Packet(bytearray(data), len(data), bool(segment_size), segment_size)
    if segment_size:
        packet.finish_transport()
    verdict = world.engine.handle(packet, side, world.now)
    if isinstance(verdict, Leg):
        world.engine.not_sent(packet, side, world.now)
    for _, own in world.engine.outbox[taken:]:
        world.engine.own_not_sent(own, world.now)
    world.engine.outbox.clear()


def talking(world: World) -> World:
    """A connection on the ALG's port, in which the next segment each way has the number 2."""
    ends = f"{A}:5060", f"{R}:5060"
    world.pass_out(tcp(*ends, SYN, sequence=1))
    world.pass_in(tcp(f"{R}:5060", f"{EXTERNAL}:5060", SYN | ACK, sequence=1, acknowledgement=2))
    return world


SAID = REGISTER.replace(b"/UDP", b"/TCP")


@pytest.mark.parametrize("taken", [0, 1])
@pytest.mark.parametrize(
    ("way", "data", "segment_size", "count"),
    [
        ("as it is", udp(f"{A}:4000", f"{R}:5000", b"hello"), 0, 1),
        ("without its padding", udp(f"{A}:4000", f"{R}:5000", b"hello") + b"padding", 0, 1),
        ("edited", udp(f"{A}:5060", f"{R}:5060", REGISTER), 0, 1),
        ("cut", udp(f"{A}:4000", f"{R}:5000", b"x" * 4000), 0, 1),
        ("edited and cut", udp(f"{A}:5060", f"{R}:5060", REGISTER + b" " * 2000), 0, 1),
        ("whole, for many", udp(f"{A}:4000", f"{R}:5000", b"x" * 1600), 800, 2),
        ("taken apart for the ALG", udp(f"{A}:5060", f"{R}:5060", REGISTER * 3), len(REGISTER), 3),
        (
            "as several segments",
            tcp(f"{A}:5060", f"{R}:5060", ACK, sequence=2, acknowledgement=2, payload=SAID * 4),
            700,
            -(-len(SAID) * 4 // 700),
        ),
    ],
)
def test_what_no_wire_takes_was_not_forwarded_whichever_way_it_went(
    way: str, data: bytes, segment_size: int, count: int, taken: int
) -> None:
    """Promise 3 with the outside link down; and when it goes down in between, what did not leave
    as a whole was not forwarded either."""
    settings = {"alg.sip.module": "sip", "alg.sip.transports": ["udp", "tcp"]}
    world = talking(World(settings))
    before = wire_of(world)
    refuse(world, Side.INSIDE, data, segment_size, taken)
    wire = {name: value - before[name] for name, value in wire_of(world).items()}
    is_apart = way == "taken apart for the ALG"  # each a packet of its own
    left = taken if is_apart else 0
    assert (wire["received"], wire["forwarded"], wire["dropped"]) == (count, left, count - left)
    assert wire["received_bytes"] == wire["forwarded_bytes"] + wire["dropped_bytes"]
    assert bool(wire["forwarded_bytes"]) == bool(left)
    assert world.drops("inside") == {"wire-refused": count - left}
    audit_books(world)
    audit_events(world)


def wire_of(world: World) -> dict[str, int]:
    wire: dict[str, int] = world.show("counters")["wires"]["inside"]
    return wire


def test_what_the_appliance_says_by_itself_was_never_forwarded() -> None:
    world = World()
    refuse(world, Side.INSIDE, udp(f"{A}:4000", f"{R}:5000", ttl=1))
    assert world.drops("inside") == {"ttl-exceeded": 1}
    audit_books(world)


def test_a_super_packet_counts_as_the_packets_that_it_stands_for() -> None:
    world = World()
    world.pass_out(tcp(f"{A}:4000", f"{R}:80", SYN, sequence=1))
    world.pass_in(tcp(f"{R}:80", f"{EXTERNAL}:4000", SYN | ACK, sequence=1, acknowledgement=2))
    big = tcp(f"{A}:4000", f"{R}:80", ACK, sequence=2, acknowledgement=2, payload=b"x" * 4400)
    assert len(world.send(Side.INSIDE, big, segment_size=1000)) == 1
    assert world.show("counters")["wires"]["inside"]["forwarded"] == 6
    (flow,) = world.table.flows.values()
    assert flow.outbound.packets == 6
    other = tcp(f"{A}:4001", f"{R}:80", ACK, payload=b"x" * 4400)
    assert world.send(Side.INSIDE, other, segment_size=1000) == []
    assert world.drops("inside") == {"not-opening": 5}
    audit_books(world)
    audit_events(world)


def test_a_datagram_too_long_for_the_next_wire_is_cut() -> None:
    """RFC 4787 REQ-13: fragments of it, each sound, with one identification of our own."""
    world = World({"outside.mtu": 576})
    pieces = [data for side, data in world.send(Side.INSIDE, LONG) if side is Side.OUTSIDE]
    assert [len(piece) <= 576 for piece in pieces] == [True] * 3
    store = Reassembler(FragmentLimits(), lambda gone, now: None)
    made = [store.add(Packet.of(piece), Side.OUTSIDE, 0.0) for piece in pieces]
    assert isinstance(made[-1], bytes)
    assert assert_sound(made[-1]).payload == b"x" * 1400
    again = [data for _, data in world.send(Side.INSIDE, LONG)]
    assert again[0][4:6] != pieces[0][4:6]
    assert world.show("counters")["wires"]["inside"]["forwarded"] == 2


def test_who_forbids_fragments_hears_how_long_a_packet_may_be() -> None:
    """RFC 4787 REQ-13, RFC 1191: frag-needed with our MTU, quoting what the sender sent."""
    world = World({"outside.mtu": 576})
    data = udp(f"{A}:4000", f"{R}:5000", b"x" * 1400, fragment=DONT_FRAGMENT)
    seen = world.pass_out(data)
    assert seen is not None
    assert (seen.icmp, seen.next_mtu) == ((3, 4), 576)
    assert seen.body[8:] == data[: len(seen.body) - 8]
    assert_sound(seen.data)
    assert world.drops("inside") == {"too-big": 1}


def test_a_super_packet_is_as_long_as_its_segments() -> None:
    world = World({"outside.mtu": 1000})
    data = tcp(f"{A}:4000", f"{R}:80", SYN, payload=b"x" * 3000)
    assert len(world.send(Side.INSIDE, data, segment_size=960)) == 1
    (told,) = world.send(Side.INSIDE, data, segment_size=961)
    assert Seen(told[1]).icmp[1] == 4
    assert world.drops("inside") == {"too-big": 4}
    audit_books(world)


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
    world = World({"alg.sip.module": "sip"})
    packet = super_packet(f"{A}:5060", f"{R}:5060", REGISTER, REGISTER, REGISTER[:-20])
    assert world.engine.handle(packet, Side.INSIDE, world.now) is Aside.REPLACED
    left = world.engine.outbox
    assert [each.segment_size for _, each in left] == [0, 0, 0]
    first, second, third = [completed(each) for _, each in left]
    alone = World({"alg.sip.module": "sip"}).pass_out(udp(f"{A}:5060", f"{R}:5060", REGISTER))
    assert alone is not None
    assert first.payload == alone.payload != REGISTER
    assert second.payload == first.payload
    assert len(third.payload) < len(first.payload)
    assert [side for side, _ in left] == [Side.OUTSIDE] * 3
    assert world.show("counters")["alg"]["sip"]["seen"] == 3
    assert world.show("counters")["wires"]["inside"]["received"] == 3
    audit_books(world)


def test_a_super_packet_that_nobody_reads_passes_whole() -> None:
    world = World({"alg.sip.module": "sip"})
    packet = super_packet(f"{A}:7000", f"{R}:7000", REGISTER, REGISTER)
    assert isinstance(world.engine.handle(packet, Side.INSIDE, world.now), Leg)
    assert (packet.segment_size, packet.segments) == (len(REGISTER), 2)


def test_a_super_packet_of_too_many_messages_stops_nobody() -> None:
    """Only a virtual machine could say so: Linux joins 128 at most."""
    world = World({"alg.sip.module": "sip"})
    packet = super_packet(f"{A}:5060", f"{R}:5060", *[b"x"] * 129)
    assert world.engine.handle(packet, Side.INSIDE, world.now) is Drop.MALFORMED
    assert world.drops("inside") == {"malformed": 129}
    assert world.own() == []
    audit_books(world)


@pytest.mark.parametrize(("flags", "left"), [(0, 4), (DONT_FRAGMENT, 1)])
def test_a_super_packet_is_fragmented_like_its_datagrams(flags: int, left: int) -> None:
    """RFC 4787 REQ-13a: two datagrams in two fragments each; and REQ-13: one error for all."""
    world = World({"outside.mtu": 600})
    data = udp(f"{A}:4000", f"{R}:5000", b"x" * 1600, fragment=flags)
    packet = Packet(bytearray(data), len(data), partial=True, segment_size=800)
    packet.finish_transport()
    verdict = world.engine.handle(packet, Side.INSIDE, world.now)
    assert verdict is (Drop.TOO_BIG if flags else Aside.REPLACED)
    said = world.own()
    assert len(said) == left
    assert all(len(each) <= 600 for _, each in said)
    assert {side for side, _ in said} == {Side.INSIDE if flags else Side.OUTSIDE}
    audit_books(world)


def test_a_super_packet_that_turns_back_is_not_read_as_one_message() -> None:
    """A talks to B's external port 40000, where B's phone listens at 5060."""
    world = World(
        {"alg.sip.module": "sip", "nat.filtering": "endpoint-independent", "nat.ports": "random"}
    )
    world.pass_out(udp(f"{B}:5060", f"{R}:7000"))
    (mapping,) = world.table.mappings.by_external.values()
    external = str(mapping[0].external)
    seen = world.show("counters")["alg"]["sip"]["seen"]
    packet = super_packet(f"{A}:7000", external, REGISTER, REGISTER)
    assert isinstance(world.engine.handle(packet, Side.INSIDE, world.now), Leg)
    assert packet.payload == REGISTER * 2
    assert world.show("counters")["alg"]["sip"]["seen"] == seen


def test_a_partial_checksum_is_completed_before_a_datagram_is_cut() -> None:
    world = World({"outside.mtu": 576})
    packet = Packet.of(LONG)
    packet.partial = True
    packet.finish_transport()
    assert world.engine.handle(packet, Side.INSIDE, world.now) is Aside.REPLACED
    store = Reassembler(FragmentLimits(), lambda gone, now: None)
    made = [store.add(Packet.of(data), Side.OUTSIDE, 0.0) for _, data in world.own()]
    assert isinstance(made[-1], bytes)
    assert_sound(made[-1])


def test_a_fragmented_message_is_a_message() -> None:
    """Invariant I-G2: the ALG sees the whole, and only the whole."""
    world = World({"alg.sip.module": "sip"})
    message = udp(f"{A}:5060", f"{R}:5060", b"OPTIONS sip:x SIP/2.0\r\n\r\n" + b" " * 900)
    for piece in cut(message, 160):
        world.pass_out(piece)
    assert world.show("counters")["alg"]["sip"]["seen"] == 1


@pytest.mark.parametrize("reason", [Drop.FRAGMENT_TIMEOUT])
def test_fragments_that_were_given_up_are_told_of(reason: Drop) -> None:
    world = World()
    for piece in cut(LONG, 400, 400)[:2]:
        world.pass_out(piece)
    world.wait(30.0)
    assert world.drops("inside") == {reason.reason: 2}
    audit_books(world)
    audit_events(world)
