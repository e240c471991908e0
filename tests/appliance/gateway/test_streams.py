"""SIP over TCP through the whole appliance: what both ends see, however the bytes are cut."""

from __future__ import annotations

from typing import Any

import pytest

from alg.stream import MOST_KEPT
from appliance.gateway.shares import MOST_HOLDING
from appliance.gateway.streams import AT_ONCE
from appliance.gateway.turns import IN_A_TURN, WORK_OF_A_MESSAGE
from appliance.journal.events import MessagePassed, StreamLetGo
from nat.endpoint import Endpoint, Side
from nat.mapping import Leg
from nat.packet import Packet
from tests.support.ends import URG, End, Line
from tests.support.packets import ACK, FIN, RST, SYN, Seen, ipv4
from tests.support.world import A, B, World

PHONE = A._replace(port=50000)
SERVER = Endpoint.parse("198.51.100.7:5060")
OPTIONS = b"""OPTIONS sip:example.com SIP/2.0\r
Via: SIP/2.0/TCP 192.168.20.10:50000;branch=z9hG4bK1\r
From: <sip:a@example.com>;tag=1\r
To: <sip:a@example.com>\r
Call-ID: 1\r
CSeq: %d OPTIONS\r
Contact: <sip:a@192.168.20.10:50000;transport=tcp>\r
Content-Length: 0\r
\r
"""
ANSWER = b"""SIP/2.0 200 OK\r
Via: SIP/2.0/TCP 203.0.113.1:50000;branch=z9hG4bK1\r
From: <sip:a@example.com>;tag=1\r
To: <sip:a@example.com>;tag=2\r
Call-ID: 1\r
CSeq: %d OPTIONS\r
Content-Length: 0\r
\r
"""
FIRST, SECOND = OPTIONS % 1, OPTIONS % 2


def outside(message: bytes) -> bytes:
    """What a request becomes."""
    return message.replace(b"192.168.20.10:50000", b"203.0.113.1:50000")


def inside(message: bytes) -> bytes:
    """What an answer becomes."""
    return message.replace(b"203.0.113.1:50000", b"192.168.20.10:50000")


@pytest.fixture
def nat() -> World:
    return World({"alg.sip.module": "sip"})


@pytest.fixture
def line(nat: World) -> Line:
    return Line(nat, PHONE, SERVER)


def slot_of(nat: World) -> Any:
    (flow,) = nat.engine.nat.table.flows.values()
    return flow.outbound.slot


# --- messages ------------------------------------------------------------------------------


def test_an_edit_changes_the_length_here() -> None:
    """Otherwise the tests below would show little."""
    assert len(outside(FIRST)) != len(FIRST)
    assert len(inside(ANSWER)) != len(ANSWER)


def test_a_message_may_be_cut_anywhere() -> None:
    """Rule whole-or-not."""
    for cut in (*range(1, 60), *range(60, len(FIRST), 17), len(FIRST) - 1):
        line = Line(World({"alg.sip.module": "sip"}), PHONE, SERVER)
        line.say(line.inner, FIRST, cut)
        assert line.outer.heard == outside(FIRST), cut


def test_a_message_may_come_byte_by_byte(line: Line) -> None:
    line.say(line.inner, FIRST, *range(1, len(FIRST)))
    assert line.outer.heard == outside(FIRST)


def test_nothing_is_heard_of_half_a_message(line: Line) -> None:
    line.say(line.inner, FIRST[:100])
    assert line.outer.heard == b""
    assert line.outer.last is not None
    assert line.outer.last.payload == b""


@pytest.mark.parametrize("cut", [1, 100, len(FIRST) - 1, len(FIRST), len(FIRST) + 1, 500])
def test_several_messages_may_share_a_segment(line: Line, cut: int) -> None:
    line.say(line.inner, FIRST + SECOND + FIRST, cut)
    assert line.outer.heard == outside(FIRST + SECOND + FIRST)


def test_both_directions_stay_whole_through_changes_of_both_signs(line: Line) -> None:
    for number in range(5):
        line.say(line.inner, OPTIONS % number, 77)
        line.acknowledge(line.outer)
        line.say(line.outer, ANSWER % number, 33)
        line.acknowledge(line.inner)
        assert line.inner.acknowledged == len(line.inner.said)
        assert line.outer.acknowledged == len(line.outer.said)
    assert line.outer.heard == b"".join(outside(OPTIONS % number) for number in range(5))
    assert line.inner.heard == b"".join(inside(ANSWER % number) for number in range(5))


def test_sequence_numbers_may_wrap_within_a_message(nat: World) -> None:
    line = Line(nat, PHONE, SERVER, began=((1 << 32) - 100, (1 << 32) - 50))
    line.say(line.inner, FIRST, 50, 150)
    line.say(line.outer, ANSWER % 1, 20)
    line.say(line.inner, SECOND)
    assert line.outer.heard == outside(FIRST + SECOND)
    assert line.inner.heard == inside(ANSWER % 1)


def test_keep_alives_between_messages_pass(line: Line) -> None:
    line.say(line.inner, b"\r\n\r\n")
    line.say(line.inner, FIRST)
    line.say(line.outer, b"\r\n")
    assert line.outer.heard == b"\r\n\r\n" + outside(FIRST)
    assert line.inner.heard == b"\r\n"


# --- loss ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("begin", "stop"), [(0, 400), (0, 50), (50, 300), (200, 700), (3, 4)])
def test_a_retransmission_shows_the_same_bytes(line: Line, begin: int, stop: int) -> None:
    """Rules positions-shift and same-again. `End` compares what it hears again."""
    line.say(line.inner, FIRST + SECOND)
    line.repeat(line.inner, begin, min(stop, len(line.inner.said)))
    assert line.outer.heard == outside(FIRST + SECOND)


def test_a_retransmission_of_what_was_acknowledged_is_answered_anew(line: Line) -> None:
    """The acknowledgement got lost: the server must be asked for it again, with old bytes."""
    line.say(line.inner, FIRST)
    line.acknowledge(line.outer)
    line.repeat(line.inner, 0, len(FIRST))
    assert line.outer.last is not None
    assert line.outer.heard == outside(FIRST)
    assert line.outer.last.payload == b""


def test_a_lost_segment_is_waited_for(line: Line) -> None:
    whole = FIRST + SECOND
    line.inner.said = whole
    line.repeat(line.inner, 200, 400)
    assert line.outer.heard == b""
    line.repeat(line.inner, 0, 200)
    line.repeat(line.inner, 200, len(whole))
    assert line.outer.heard == outside(whole)


def test_a_forged_acknowledgement_loses_nothing(line: Line) -> None:
    """Somebody outside acknowledges what has not come: it can still be sent again."""
    line.say(line.inner, FIRST)
    lost, line.outer.heard = line.outer.heard, b""
    line.nat.put(Side.OUTSIDE, line.outer.segment(ACK, 0, acknowledges=1_000_000))
    line.nat.take_all(Side.INSIDE)
    line.repeat(line.inner, 0, len(FIRST))
    assert line.outer.heard == lost


def test_selective_acknowledgements_follow(line: Line) -> None:
    """Rule positions-shift, RFC 2018: blocks name the numbers that their receiver has sent."""
    line.say(line.inner, FIRST + SECOND)
    shown = len(outside(FIRST))
    second = _sack(line.inner.began + 1 + shown, line.inner.began + 1 + 2 * shown)
    line.put(line.outer, line.outer.segment(ACK, 0, options=second, acknowledges=0))
    assert _blocks(line.inner) == [(len(FIRST), 2 * len(FIRST))]


def test_a_block_within_an_edited_message_is_not_told(line: Line) -> None:
    line.say(line.inner, FIRST)
    part = _sack(line.inner.began + 51, line.inner.began + 101)
    line.put(line.outer, line.outer.segment(ACK, 0, options=part, acknowledges=0))
    assert _blocks(line.inner) == []


def _sack(left: int, right: int) -> bytes:
    return bytes((1, 1, 5, 10)) + left.to_bytes(4, "big") + right.to_bytes(4, "big")


def _blocks(end: End) -> list[tuple[int, int]]:
    """The block of the last segment, as offsets in what this end has said."""
    assert end.last is not None
    options = end.last.body[20 : (end.last.body[12] >> 4) * 4]
    if options[2] != 5:
        assert set(options) == {1}
        return []
    edges = [int.from_bytes(options[at : at + 4], "big") for at in (4, 8)]
    return [(edges[0] - end.began - 1, edges[1] - end.began - 1)]


# --- the beginning and the end ---------------------------------------------------------------


def test_the_end_comes_behind_the_last_edited_byte(line: Line) -> None:
    line.say(line.inner, FIRST)
    line.finish(line.inner)
    assert (line.outer.ended, line.outer.heard) == (True, outside(FIRST))
    line.acknowledge(line.outer)
    line.say(line.outer, ANSWER % 1)
    line.finish(line.outer)
    assert (line.inner.ended, line.inner.heard) == (True, ANSWER % 1)


def test_the_end_may_come_with_the_last_message(line: Line) -> None:
    line.finish(line.inner, FIRST)
    assert (line.outer.ended, line.outer.heard) == (True, outside(FIRST))


def test_half_a_message_goes_on_when_the_connection_ends(line: Line) -> None:
    line.say(line.inner, FIRST[:100])
    line.finish(line.inner)
    assert (line.outer.ended, line.outer.heard) == (True, FIRST[:100])


def test_an_end_that_comes_too_early_ends_nothing(line: Line) -> None:
    """Segments may be reordered: the message before the FIN is still to come."""
    line.inner.said = FIRST
    line.put(line.inner, line.inner.segment(ACK | FIN, len(FIRST)))
    line.repeat(line.inner, 0, len(FIRST))
    assert line.outer.heard == outside(FIRST)


def test_a_reset_out_of_order_ends_nothing(nat: World, line: Line) -> None:
    line.put(line.outer, line.outer.segment(RST, 5000))
    line.say(line.inner, FIRST)
    assert line.outer.heard == outside(FIRST)


def test_a_new_connection_between_the_same_ends_is_read_anew(nat: World, line: Line) -> None:
    """A phone that always sends from one port reconnects within the minutes that the NAT keeps
    what was; the old numbers mean nothing any more."""
    line.say(line.inner, FIRST)
    line.acknowledge(line.outer)
    line.finish(line.inner)
    line.finish(line.outer)
    line.put(line.inner, line.inner.segment(ACK, len(line.inner.said) + 1))
    nat.wait(1)
    again = Line(nat, PHONE, SERVER, began=(777_000, 888_000))
    again.say(again.inner, FIRST)
    again.acknowledge(again.outer)
    assert again.outer.heard == outside(FIRST)
    assert again.inner.acknowledged == len(FIRST)


def test_who_gets_no_answer_may_begin_with_another_number(nat: World) -> None:
    nat.out(PHONE, SERVER, SYN, sequence=5)
    line = Line(nat, PHONE, SERVER)
    line.say(line.inner, FIRST)
    assert line.outer.heard == outside(FIRST)


def test_data_with_the_syn_is_not_read(nat: World) -> None:
    """TCP Fast Open: what the server takes of it is not known, so nothing may be changed."""
    nat.out(PHONE, SERVER, SYN, sequence=1000, payload=FIRST)
    assert slot_of(nat).is_done()


def test_a_connection_that_is_not_sip_is_let_go(nat: World, line: Line) -> None:
    """From then on it is as fast as any other."""
    line.say(line.inner, b"GET / HTTP/1.1\r\n\r\n")
    line.say(line.outer, b"HTTP/1.1 200 OK\r\n\r\n")
    assert line.outer.heard.startswith(b"GET")
    assert line.inner.heard.startswith(b"HTTP")
    assert slot_of(nat) is None


def test_what_is_not_sip_after_a_message_passes_with_the_difference(nat: World, line: Line) -> None:
    """Adjustments made once stay for the life of the connection."""
    line.say(line.inner, FIRST)
    line.say(line.inner, b"this is no SIP\r\n")
    line.say(line.inner, SECOND)
    line.acknowledge(line.outer)
    assert line.outer.heard == outside(FIRST) + b"this is no SIP\r\n" + SECOND
    assert line.inner.acknowledged == len(line.inner.said)


# --- segments --------------------------------------------------------------------------------


@pytest.mark.parametrize("largest", [64, 100, 536, 1460, None])
def test_no_segment_is_larger_than_its_receiver_takes(nat: World, largest: int | None) -> None:
    """RFC 9293 3.7.1: 536 bytes when it has not said; a message may have grown beyond that."""
    line = Line(nat, PHONE, SERVER, largest)
    for number in range(4):
        line.say(line.inner, OPTIONS % number, 100, 200, 300)
    assert line.outer.heard == b"".join(outside(OPTIONS % number) for number in range(4))
    assert max(line.outer.sizes) <= (largest or 536)


def test_no_segment_is_larger_than_its_sender_makes_them() -> None:
    """A receiver may announce more than any wire carries (MSS 65535); only its sender knows how
    wide the way is (RFC 9293 3.7.1, RFC 1191)."""
    line = Line(World({"alg.sip.module": "sip"}), PHONE, SERVER, largest=65535)
    long = FIRST.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 5000 + b"\r\n\r\n")
    line.say(line.inner, long, *range(1000, len(long), 1000))
    assert line.outer.heard == outside(long)
    assert max(line.outer.sizes) <= 1000


def test_what_is_let_go_at_once_may_be_longer_than_any_packet() -> None:
    """A message that is too long to be held, and ends in a super-packet: 8,000 bytes were waiting,
    65,000 come. No IPv4 packet takes all that, whatever the receiver has announced."""
    nat = World({"alg.sip.module": "sip", "inside.mtu": 65535, "outside.mtu": 65535})
    line = Line(nat, PHONE, SERVER, largest=65535)
    line.say(line.inner, b"OPTIONS sip:example.com SIP/2.0\r\nX: " + b"x" * 8000)
    assert line.outer.heard == b""
    line.say(line.inner, b"x" * 65000)
    assert line.outer.heard == line.inner.said


def test_headers_that_grow_leave_less_room() -> None:
    """The same, when the last segment has 40 bytes of IP options that the largest had not."""
    nat = World({"alg.sip.module": "sip", "inside.mtu": 65535, "outside.mtu": 65535})
    line = Line(nat, PHONE, SERVER, largest=65535)
    head = FIRST.replace(b"Length: 0", b"Length: 65200")
    line.say(line.inner, head + b"y" * 65200, len(head) - 90)
    line.acknowledge(line.outer)
    line.say(line.inner, b"OPTIONS sip:example.com SIP/2.0\r\nX: " + b"x" * 8000)
    held = len(line.inner.said) - len(line.outer.heard)
    assert held > 8000
    plain = line.inner.segment(ACK, len(line.inner.said), b"x" * 65100)
    line.inner.said += b"x" * 65100
    line.put(line.inner, ipv4("192.168.20.10", "198.51.100.7", 6, plain[20:], options=b"\1" * 40))
    assert line.outer.heard == line.inner.said


def test_a_super_packet_is_edited_and_cut(nat: World, line: Line) -> None:
    """The kernel hands over several segments as one."""
    said = FIRST + SECOND + OPTIONS % 3
    line.inner.said = said
    data = line.inner.segment(ACK, 0, said)
    packet = Packet(bytearray(data), len(data), segment_size=500)
    leg = nat.engine.handle(packet, Side.INSIDE, 0.0)
    pieces = [Seen(own.to_bytes()) for _, own in nat.engine.outbox]
    if isinstance(leg, Leg):
        pieces.append(Seen(packet.to_bytes()))
    nat.engine.outbox.clear()
    for piece in pieces:
        line.outer.receive(piece)
    assert line.outer.heard == outside(said)


def test_urgent_data_is_found_where_it_was(line: Line) -> None:
    """RFC 9293 3.8.5: the pointer counts from the segment's own number."""
    line.say(line.inner, FIRST)
    data = bytearray(line.inner.segment(ACK | URG, len(FIRST), SECOND))
    line.inner.said += SECOND
    line.nat.put(Side.INSIDE, _urgent(data, len(SECOND)))
    (seen,) = line.nat.take_all(Side.OUTSIDE)
    assert seen.payload == outside(SECOND)
    assert seen.word(seen.header_length + 18) == len(outside(SECOND))


def _urgent(data: bytearray, pointer: int) -> bytes:
    packet = Packet(data, len(data))
    data[38:40] = pointer.to_bytes(2, "big")
    packet.finish_transport()
    return bytes(data)


# --- the module ------------------------------------------------------------------------------


def test_adjustments_outlive_the_module(nat: World, line: Line) -> None:
    line.say(line.inner, FIRST)
    nat.engine.set("alg.sip.module", "off", "a test", nat.now)
    line.say(line.inner, SECOND, 40)
    line.acknowledge(line.outer)
    assert line.outer.heard == outside(FIRST) + SECOND
    assert line.inner.acknowledged == len(line.inner.said)


@pytest.mark.parametrize("cut", [0, 1, 200])
def test_a_module_switched_on_within_a_message_begins_with_the_next(cut: int) -> None:
    nat = World({"alg.sip.module": "off"})
    line = Line(nat, PHONE, SERVER)
    line.say(line.inner, FIRST + SECOND[:cut])
    nat.engine.set("alg.sip.module", "sip", "a test", nat.now)
    line.say(line.inner, SECOND[cut:])
    line.say(line.inner, FIRST)
    assert line.outer.heard == FIRST + (SECOND if cut else outside(SECOND)) + outside(FIRST)


def test_without_a_module_segments_stay_as_they_are() -> None:
    nat = World({"alg.sip.module": "off"})
    line = Line(nat, PHONE, SERVER, largest=64)
    line.say(line.inner, FIRST)
    assert line.outer.sizes == [len(FIRST)]


# --- bounds ----------------------------------------------------------------------------------


def test_a_message_too_slow_is_not_waited_for(nat: World, line: Line) -> None:
    line.say(line.inner, FIRST[:100])
    nat.wait(6)
    line.say(line.inner, FIRST[100:])
    assert line.outer.heard == FIRST


def test_a_server_that_acknowledges_nothing_takes_no_more_than_a_window(line: Line) -> None:
    """RFC 9293 3.1: without window scaling nobody may send more. Who does all the same is not read
    any more, and the difference of earlier edits stays."""
    said = b""
    for number in range(400):
        said += OPTIONS % number
        line.say(line.inner, OPTIONS % number)
        assert line.nat.engine.datapath.streams.shares.kept < 2 * MOST_KEPT
    (event,) = line.nat.told(StreamLetGo)
    assert event.reason == "more was sent than can be kept until it is acknowledged"
    assert line.nat.show("counters")["alg"]["sip"]["let_go"] == 1
    edited = len(line.nat.told(MessagePassed)) * len(outside(FIRST)) // 10 * 9
    assert line.outer.heard.startswith(outside(b"".join(OPTIONS % n for n in range(200))))
    assert line.outer.heard.endswith(OPTIONS % 399)
    assert len(line.outer.heard) > edited
    line.acknowledge(line.outer)
    assert line.inner.acknowledged == len(line.inner.said)


def test_many_small_messages_are_not_kept_without_end(line: Line) -> None:
    """However short they are, each costs something to keep."""
    for _ in range(200):
        line.say(line.inner, b"\r\n\r\n" * 10)
    shares = line.nat.engine.datapath.streams.shares
    assert shares.kept < 2 * MOST_KEPT
    assert line.outer.heard == line.inner.said


def test_of_a_segment_full_of_messages_some_are_read_at_once_and_the_others_in_turns(
    line: Line,
) -> None:
    """What others send in the meantime does not wait."""
    neighbour = Line(line.nat, B._replace(port=50000), SERVER)
    many = b"".join(OPTIONS % number for number in range(100))
    line.say(line.inner, many)
    assert outside(many).startswith(line.outer.heard)
    assert len(line.nat.told(MessagePassed)) == AT_ONCE
    neighbour.say(neighbour.inner, FIRST)
    assert neighbour.outer.heard != b""
    turns = 0
    while line.nat.engine.next_deadline() == 0.0:
        before = len(line.nat.told(MessagePassed))
        line.nat.engine.expire(line.nat.now)
        assert len(line.nat.told(MessagePassed)) - before <= IN_A_TURN // WORK_OF_A_MESSAGE
        turns += 1
    assert turns >= 100 // (IN_A_TURN // WORK_OF_A_MESSAGE) - 1
    line.nat.wait(0)
    for seen in map(Seen, (data for side, data in line.nat.own() if side is Side.OUTSIDE)):
        line.outer.receive(seen)
    assert line.outer.heard == outside(many)


def test_an_end_behind_messages_that_wait_for_their_turn_waits_too(line: Line) -> None:
    """Otherwise they would have to pass unread. The phone repeats it."""
    many = b"".join(OPTIONS % number for number in range(20))
    line.finish(line.inner, many)
    assert not line.outer.ended
    line.nat.wait(0.1)
    for seen in line.nat.take_all(Side.OUTSIDE):
        line.outer.receive(seen)
    line.put(line.inner, line.inner.segment(ACK | FIN, len(many)))
    assert (line.outer.heard, line.outer.ended) == (outside(many), True)


@pytest.mark.parametrize("module", ["off", "sip-poor:tcp-slip", "sip-poor:tcp-split-miss"])
def test_whoever_reads_work_is_bounded(module: str) -> None:
    line = Line(World({"alg.sip.module": module}), PHONE, SERVER)
    line.say(line.inner, b"OPTIONS a:b SIP/2.0\r\nl:0\r\n\r\n" * 40)
    assert len(line.nat.told(MessagePassed)) == AT_ONCE


def test_not_everybody_can_be_waited_for_at_once(nat: World) -> None:
    lines = [Line(nat, PHONE._replace(port=50_001 + n), SERVER) for n in range(MOST_HOLDING + 1)]
    for line in lines:
        line.say(line.inner, FIRST[:100])
    assert [line.outer.heard for line in lines] == [b""] * MOST_HOLDING + [FIRST[:100]]
    lines[0].say(lines[0].inner, FIRST[100:])
    assert lines[0].outer.heard == FIRST  # (it names another port than this phone's)


def test_bounds_are_given_back_with_the_connections(nat: World) -> None:
    for number in range(2):
        line = Line(nat, PHONE._replace(port=50_001 + number), SERVER)
        line.say(line.inner, FIRST[:100])
        nat.engine.flush(nat.now)
        shares = nat.engine.datapath.streams.shares
        assert (shares.kept, shares.holding) == (0, 0)


def test_a_connection_that_a_forward_lets_in_is_read_from_its_first_byte() -> None:
    """Its SYN passes before there is a flow; the answer to it tells where the stream begins."""
    pbx, caller = A._replace(port=5060), Endpoint.parse("198.51.100.7:50000")
    published = Endpoint.parse("203.0.113.1:5060")
    rule = {"protocol": "tcp", "external": str(published), "internal": str(pbx)}
    nat = World({"alg.sip.module": "sip", "nat.forward": [rule]})
    inner, outer = End(Side.INSIDE, pbx, caller, 1000), End(Side.OUTSIDE, caller, published, 5000)
    request = b"OPTIONS sip:pbx@%b SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nl: 0\r\n\r\n"
    between = Line.between(nat, inner, outer)
    between.put(outer, outer.segment(SYN, -1))
    between.put(inner, inner.segment(SYN | ACK, -1))
    between.put(outer, outer.segment(ACK, 0))
    between.say(outer, request % str(published).encode(), 20)
    assert inner.heard == request % str(pbx).encode()
