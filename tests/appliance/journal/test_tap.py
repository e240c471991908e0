"""`watch --points`: each packet at the four points of its way; nobody looks, nothing is paid."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from appliance.journal.events import PacketSeen
from appliance.journal.sentences import Teller
from appliance.journal.tap import PACKETS_PER_SECOND
from nat.endpoint import Side
from tests.fuzz.datapath import INVITE
from tests.support.packets import EXTERNAL, GATEWAY, A, B, R, S, at, cut, ping, udp, unreachable
from tests.support.world import World

OUT = udp(f"{A}:4000", f"{R}:5000")
FOUR = ["arrived", "translated-in", "translated-out", "left"]


class Looking(World):
    """A world with somebody looking; `way` is what was seen of the last packet."""

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        super().__init__(settings)
        self.seen: list[PacketSeen] = []
        self.engine.points.begin(self.seen.append)

    @property
    def way(self) -> list[PacketSeen]:
        return [seen for seen in self.seen if seen.packet == self.seen[-1].packet]


def changes(seen: PacketSeen) -> dict[str, tuple[str, str]]:
    return {each.field: (each.before, each.after) for each in seen.changes}


def test_a_packet_is_seen_at_four_points() -> None:
    world = Looking()
    left = world.pass_out(OUT)
    assert left is not None
    arrived, into, out_of, gone = world.way
    assert [seen.point for seen in world.way] == FOUR
    assert [seen.side for seen in world.way] == ["inside", "inside", "outside", "outside"]
    assert (arrived.source, arrived.destination, arrived.ttl) == (f"{A}:4000", f"{R}:5000", 64)
    assert (arrived.protocol, arrived.size, arrived.flow) == ("udp", len(OUT), None)
    assert into.changes == gone.changes == []
    assert changes(out_of)["source"] == (f"{A}:4000", f"{EXTERNAL}:4000")
    assert changes(out_of)["TTL"] == ("64", "63")
    assert set(changes(out_of)) == {"source", "TTL", "checksum"}
    assert gone.head.encode("latin-1") == left.data[:64]
    assert {seen.flow for seen in (into, out_of, gone)} == {next(iter(world.table.flows))}


def test_the_way_back_is_seen_too() -> None:
    world = Looking()
    world.pass_out(OUT)
    world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:4000"))
    assert [seen.side for seen in world.way] == ["outside", "outside", "inside", "inside"]
    assert changes(world.way[2])["destination"] == (f"{EXTERNAL}:4000", f"{A}:4000")


def test_looking_changes_nothing() -> None:
    """The same bytes leave, whoever looks; among them errors, whose quote is rewritten in place."""
    told = unreachable(R, EXTERNAL, udp(f"{EXTERNAL}:4000", f"{R}:5000"))
    packets = [
        (Side.INSIDE, OUT),
        (Side.OUTSIDE, told),
        (Side.INSIDE, udp(f"{A}:4000", f"{EXTERNAL}:4000")),
        (Side.INSIDE, udp(f"{B}:4000", f"{EXTERNAL}:4000")),
        (Side.INSIDE, ping(A, R)),
        (Side.INSIDE, udp(f"{A}:5060", f"{R}:5060", INVITE)),
        (Side.INSIDE, b"\x45junk"),
    ]
    plain, seen = (
        [world.send(side, data) for side, data in packets]
        for world in (World({"nat.filtering": "endpoint-independent"}),
                    Looking({"nat.filtering": "endpoint-independent"}))
    )  # fmt: skip
    assert seen == plain
    assert sum(bool(left) for left in plain) == len(packets) - 1


def test_what_an_alg_changes_shows_when_the_packet_leaves() -> None:
    world = Looking({"alg.sip.module": "sip"})
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", INVITE))
    assert "size" in changes(world.way[3])
    assert "source" not in changes(world.way[3])


def test_a_refused_packet_says_why_where_it_ended() -> None:
    world = Looking()
    world.pass_in(udp(f"{S}:9", f"{EXTERNAL}:4000"))
    (arrived,) = world.way
    assert (arrived.point, arrived.end) == ("arrived", "no-mapping")


def test_what_the_appliance_answers_is_its_own() -> None:
    world = Looking()
    world.send(Side.INSIDE, ping(A, GATEWAY))
    asked, answer = world.way
    assert (asked.end, asked.own) == ("consumed", False)
    assert (answer.point, answer.side, answer.own) == ("left", "inside", True)


def test_a_hop_too_far_shows_the_error_that_is_sent() -> None:
    world = Looking()
    world.send(Side.INSIDE, udp(f"{A}:4000", f"{R}:5000", ttl=1))
    refused, error = world.way
    assert (refused.end, error.own, error.protocol) == ("ttl-exceeded", True, "icmp")


def test_fragments_are_translated_as_one_and_leave_as_they_must() -> None:
    world = Looking({"outside.mtu": 600})
    first, second = cut(udp(f"{A}:4000", f"{R}:5000", bytes(1200)), 800)
    world.send(Side.INSIDE, first)
    assert [(seen.point, seen.end) for seen in world.way] == [("arrived", "held")]
    world.send(Side.INSIDE, second)
    assert [seen.point for seen in world.way] == ["arrived", "translated-in", "translated-out",
                                                "left", "left", "left"]  # fmt: skip
    assert not any(seen.own or seen.end for seen in world.way)
    assert changes(world.way[1])["size"] == (f"{len(second)} bytes", "1228 bytes")


def test_a_packet_that_turns_back_is_translated_twice() -> None:
    world = Looking({"nat.filtering": "endpoint-independent"})
    world.pass_out(udp(f"{B}:4001", f"{R}:5000"))
    world.pass_out(udp(f"{A}:4000", f"{EXTERNAL}:4001"))
    assert [seen.point for seen in world.way] == [*FOUR[:3], *FOUR[1:]]
    assert world.way[-1].side == "inside"


def test_a_packet_that_a_fault_has_translated_twice_is_seen_between() -> None:
    """As it was seen in a Check Point: 5060, 17973, 40625 on the way out; 40625, 17973 back."""
    world = Looking({"alg.sip.module": "sip-poor:reply-port-lost"})
    world.pass_out(udp(f"{A}:5060", f"{R}:5060"))
    assert [seen.point for seen in world.way] == [*FOUR[:3], *FOUR[1:]]
    ports = [seen.source.rpartition(":")[2] for seen in world.way]
    assert ports == ["5060", "5060", "17973", "17973", "40625", "40625"]
    assert world.way[2].source == f"{A}:17973"
    assert [seen.ttl for seen in world.way] == [64, 64, 64, 64, 63, 63]
    world.pass_in(udp(f"{R}:5060", f"{EXTERNAL}:40625"))
    assert [seen.point for seen in world.way] == FOUR
    ports = [seen.destination.rpartition(":")[2] for seen in world.way]
    assert ports == ["40625", "40625", "17973", "17973"]


@pytest.mark.parametrize("data", [b"", b"\x45", b"\x60" + bytes(60), b"\xff" * 40, b"\x4f" * 30])
def test_what_is_no_packet_is_shown_as_bytes(data: bytes) -> None:
    world = Looking()
    world.send(Side.INSIDE, data)
    (seen,) = world.way
    assert (seen.protocol, seen.source, seen.ttl) == ("", "", None)
    assert seen.head.encode("latin-1") == data[:64]
    assert seen.end in ("malformed", "not-ipv4")


def test_a_flood_is_shown_in_part_and_the_rest_is_counted() -> None:
    world = Looking()
    for _ in range(PACKETS_PER_SECOND + 7):
        world.pass_out(OUT)
    assert len({seen.packet for seen in world.seen}) == PACKETS_PER_SECOND
    world.now += 1.0
    world.pass_out(OUT)
    assert [seen.skipped for seen in world.way] == [7, 0, 0, 0]


def test_nobody_looks_nothing_is_paid() -> None:
    """The datapath is called as if there were no points."""
    world = Looking()
    world.engine.points.end()
    world.pass_out(OUT)
    assert world.seen == []


def test_a_leg_keeps_its_own_patch_when_its_packet_is_too_big() -> None:
    world = Looking({"outside.mtu": 600})
    world.pass_out(OUT)
    world.send(Side.INSIDE, udp(f"{A}:4000", f"{R}:5000", bytes(1000), fragment=0x4000))
    assert world.way[0].end == "too-big"
    world.engine.points.end()
    left = world.pass_out(OUT)
    assert left is not None
    assert left.source == at(EXTERNAL, 4000)


def test_points_are_told_in_sentences() -> None:
    world = Looking()
    world.pass_out(OUT)
    world.pass_in(udp(f"{S}:9", f"{EXTERNAL}:1"))
    tell: Callable[[PacketSeen], list[str]] = Teller().tell
    lines = [line.strip() for seen in world.seen for line in tell(seen)]
    assert lines == [
        f"0.000  packet 1 arrived on the inside: udp from {A}:4000 to {R}:5000, 40 bytes",
        "0.000  packet 1 goes into translation, coming from the inside",
        f"0.000  packet 1 comes out of it, for the outside: from {EXTERNAL}:4000 to {R}:5000",
        f"source: {A}:4000 became {EXTERNAL}:4000",
        "TTL: 64 became 63",
        lines[5],
        f"0.000  packet 1 left on the outside: udp from {EXTERNAL}:4000 to {R}:5000, 40 bytes",
        f"0.000  packet 2 arrived on the outside: udp from {S}:9 to {EXTERNAL}:1, 40 bytes",
        "it goes no further: no-mapping",
    ]
    assert lines[5].startswith("checksum: 0x")
