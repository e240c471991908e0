"""The tap that keeps packets: both sides of the NAT, and the reason for what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from appliance.gateway.turns import AT_ONCE, WORK_OF_A_MESSAGE
from appliance.journal.capture import OWN, Capture, Captured
from appliance.journal.events import MessagePassed, Started
from nat.endpoint import Side
from tests.fuzz.datapath import INVITE
from tests.support.packets import EXTERNAL, GATEWAY, SYN, A, B, R, S, ping, tcp, udp
from tests.support.world import World

OUT = udp(f"{A}:4000", f"{R}:5000")
IN, FROM = Side.INSIDE, Side.OUTSIDE
ALICE = Started(wall=0.0, name="test", mode="test", parties={A: "alice"})


class Kept(NamedTuple):
    """What was handed over, with the bytes as they were then."""

    side: Side
    has_left: bool
    number: int
    data: bytes
    comments: tuple[str, ...]


class Watched(World):
    """A world in which packets are kept."""

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        super().__init__(settings)
        self.kept: list[Kept] = []
        self.capture = Capture(self.engine.datapath.taps, self.log, ALICE, self)
        self.has_room = True
        self.lost: list[tuple[Side, int]] = []
        self.capture.begin()

    def write(self, each: Captured) -> None:
        data = each.packet.to_bytes()
        self.kept.append(Kept(each.side, each.has_left, each.number, data, each.comments))

    def lose(self, side: Side, packets: int) -> None:
        self.lost.append((side, packets))


def test_a_packet_is_kept_as_it_came_and_as_it_left_under_one_number() -> None:
    world = Watched()
    left = world.pass_out(OUT)
    back = world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:4000"))
    assert left is not None
    assert back is not None
    ways = [(each.side, each.has_left, each.number) for each in world.kept]
    assert ways == [(IN, False, 1), (FROM, True, 1), (FROM, False, 2), (IN, True, 2)]
    assert [each.data for each in world.kept][:2] == [OUT, left.data]
    assert world.kept[3].data == back.data


def test_what_the_nat_opens_for_a_packet_is_said_where_it_arrives() -> None:
    world = Watched()
    world.pass_out(OUT)
    world.pass_out(OUT)
    first, _, again, _ = world.kept
    assert first.comments[0].startswith(f"alice ({A}:4000) is {EXTERNAL}:4000 outside")
    assert len(first.comments) == 2
    assert again.comments == ()


def test_a_dropped_packet_has_its_reason_with_the_rule() -> None:
    world = Watched()
    world.pass_in(udp(f"{S}:5000", f"{EXTERNAL}:4000"))
    (only,) = world.kept
    assert only.comments == (
        "dropped: Nothing inside is mapped to this external endpoint. (no-mapping; RFC 4787 5)",
    )


def test_of_many_like_drops_each_has_its_own() -> None:
    """The event log tells them together; a packet is one packet."""
    world = Watched()
    for _ in range(3):
        world.pass_in(udp(f"{S}:5000", f"{EXTERNAL}:4000"))
    world.wait(2.0)
    world.pass_in(udp(f"{S}:5000", f"{EXTERNAL}:4000"))
    assert len({each.comments for each in world.kept}) == 1
    assert len(world.kept) == 4


def test_every_edit_and_its_reason_stand_at_the_packet_that_has_it() -> None:
    world = Watched({"alg.sip.module": "sip"})
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", INVITE))
    arrived, left = world.kept
    assert arrived.data.endswith(INVITE)
    assert not any("became" in comment for comment in arrived.comments)
    (message,) = world.told(MessagePassed)
    head, *edits = left.comments
    assert head.endswith(": rewritten, leaves as 203.0.113.1:5060")
    assert len(edits) == len(message.changes) > 3
    for edit, change in zip(edits, message.changes, strict=True):
        assert edit.startswith(f"ok {change.field}: ")
        assert change.reason in edit


def test_a_message_that_goes_no_further_is_told_where_it_arrived() -> None:
    world = Watched({"alg.sip.module": "sip-poor", "alg.sip.faults": ["block-unknown"]})
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", INVITE.replace(b"INVITE", b"REFER")))
    (only,) = world.kept
    assert only.comments[0].startswith("dropped: The ALG module refused the message.")
    assert any(": dropped" in comment for comment in only.comments[1:])


def test_the_appliances_own_answers_are_its_own() -> None:
    world = Watched()
    world.send(IN, ping(A, GATEWAY))
    asked, answer = world.kept
    assert asked.comments == ("answered by the NAT itself",)
    assert (answer.side, answer.has_left, answer.comments) == (IN, True, (OWN,))
    assert asked.number == answer.number


def test_a_packet_that_turns_back_arrives_and_leaves_on_one_wire() -> None:
    world = Watched({"nat.filtering": "endpoint-independent"})
    world.pass_out(OUT)
    world.send(IN, udp(f"{B}:4000", f"{EXTERNAL}:4000"))
    assert [(each.side, each.has_left) for each in world.kept[2:]] == [(IN, False), (IN, True)]


def test_a_message_that_had_to_wait_leaves_later_with_its_edits() -> None:
    world = Watched({"alg.sip.module": "sip"})
    world.engine.begin_turn()
    for _ in range(AT_ONCE // WORK_OF_A_MESSAGE + 1):
        world.send(IN, udp(f"{A}:5060", f"{R}:5060", INVITE))
    waiting = world.kept[-1]
    assert not waiting.has_left
    assert waiting.comments[0].startswith("held: ")
    world.wait(0.0)
    late = world.kept[-1]
    assert (late.side, late.has_left) == (FROM, True)
    assert late.number > waiting.number
    assert late.comments[0].endswith(": rewritten, leaves as 203.0.113.1:5060")


def test_what_a_timer_makes_the_nat_say_is_kept_too() -> None:
    """RFC 5382 REQ-4: who sends a SYN that nobody inside asked for hears of it 6 s later."""
    world = Watched()
    world.send(IN, tcp(f"{A}:4000", f"{R}:5000", SYN))
    world.send(FROM, tcp(f"{S}:5000", f"{EXTERNAL}:4000", SYN))
    world.wait(7.0)
    late = world.kept[-1]
    assert (late.side, late.has_left, late.comments) == (FROM, True, (OWN,))


def test_what_there_is_no_room_for_goes_by_and_is_counted_on_both_wires() -> None:
    world = Watched()
    world.has_room = False
    left = world.pass_out(OUT)
    assert left is not None
    assert (world.kept, world.lost) == ([], [(IN, 1), (FROM, 1)])
    world.has_room = True
    world.pass_out(OUT)
    assert [each.number for each in world.kept] == [2, 2]


def test_nobody_looks_when_it_has_ended() -> None:
    world = Watched()
    world.capture.end()
    world.pass_out(OUT)
    assert world.kept == []
