"""`watch --points`: each packet at the four points of its way; nobody looks, nothing is paid."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.journal.events import PacketSeen
from appliance.journal.sentences import Teller
from appliance.journal.tap import PACKETS_PER_SECOND
from nat.endpoint import Side
from tests.fuzz.datapath import INVITE
from tests.nat.packets import EXTERNAL, GATEWAY, A, B, R, S, fragments, ping, udp, unreachable
from tests.nat.rig import Rig

OUT = udp(f"{A}:4000", f"{R}:5000")
FOUR = ["arrived", "translated-in", "translated-out", "left"]


class Looking(Rig):
    """A rig with somebody looking; `way` is what was seen of the last packet."""

    def __init__(self, **changed: object) -> None:
        super().__init__(**changed)
        self.seen: list[PacketSeen] = []
        self.engine.points.begin(self.seen.append)

    @property
    def way(self) -> list[PacketSeen]:
        return [seen for seen in self.seen if seen.packet == self.seen[-1].packet]


def changes(seen: PacketSeen) -> dict[str, tuple[str, str]]:
    return {each.field: (each.before, each.after) for each in seen.changes}


def test_a_packet_is_seen_at_four_points() -> None:
    rig = Looking()
    left = rig.out(OUT)
    assert left is not None
    arrived, into, out_of, gone = rig.way
    assert [seen.point for seen in rig.way] == FOUR
    assert [seen.side for seen in rig.way] == ["inside", "inside", "outside", "outside"]
    assert (arrived.source, arrived.destination, arrived.ttl) == (f"{A}:4000", f"{R}:5000", 64)
    assert (arrived.protocol, arrived.size, arrived.flow) == ("udp", len(OUT), None)
    assert into.changes == gone.changes == []
    assert changes(out_of)["source"] == (f"{A}:4000", f"{EXTERNAL}:4000")
    assert changes(out_of)["TTL"] == ("64", "63")
    assert set(changes(out_of)) == {"source", "TTL", "checksum"}
    assert gone.head.encode("latin-1") == left.data[:64]
    assert {seen.flow for seen in (into, out_of, gone)} == {next(iter(rig.table.flows))}


def test_the_way_back_is_seen_too() -> None:
    rig = Looking()
    rig.out(OUT)
    rig.into(udp(f"{R}:5000", f"{EXTERNAL}:4000"))
    assert [seen.side for seen in rig.way] == ["outside", "outside", "inside", "inside"]
    assert changes(rig.way[2])["destination"] == (f"{EXTERNAL}:4000", f"{A}:4000")


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
        [rig.send(side, data) for side, data in packets]
        for rig in (Rig(nat__filtering="endpoint-independent"),
                    Looking(nat__filtering="endpoint-independent"))
    )  # fmt: skip
    assert seen == plain
    assert sum(bool(left) for left in plain) == len(packets) - 1


def test_what_an_alg_changes_shows_when_the_packet_leaves() -> None:
    rig = Looking(alg__sip__module="sip")
    rig.out(udp(f"{A}:5060", f"{R}:5060", INVITE))
    assert "size" in changes(rig.way[3])
    assert "source" not in changes(rig.way[3])


def test_a_refused_packet_says_why_where_it_ended() -> None:
    rig = Looking()
    rig.into(udp(f"{S}:9", f"{EXTERNAL}:4000"))
    (arrived,) = rig.way
    assert (arrived.point, arrived.end) == ("arrived", "no-mapping")


def test_what_the_appliance_answers_is_its_own() -> None:
    rig = Looking()
    rig.send(Side.INSIDE, ping(A, GATEWAY))
    asked, answer = rig.way
    assert (asked.end, asked.own) == ("consumed", False)
    assert (answer.point, answer.side, answer.own) == ("left", "inside", True)


def test_a_hop_too_far_shows_the_error_that_is_sent() -> None:
    rig = Looking()
    rig.send(Side.INSIDE, udp(f"{A}:4000", f"{R}:5000", ttl=1))
    refused, error = rig.way
    assert (refused.end, error.own, error.protocol) == ("ttl-exceeded", True, "icmp")


def test_fragments_are_translated_as_one_and_leave_as_they_must() -> None:
    rig = Looking(outside__mtu=600)
    first, second = fragments(udp(f"{A}:4000", f"{R}:5000", bytes(1200)), 800)
    rig.send(Side.INSIDE, first)
    assert [(seen.point, seen.end) for seen in rig.way] == [("arrived", "held")]
    rig.send(Side.INSIDE, second)
    assert [seen.point for seen in rig.way] == ["arrived", "translated-in", "translated-out",
                                                "left", "left", "left"]  # fmt: skip
    assert not any(seen.own or seen.end for seen in rig.way)
    assert changes(rig.way[1])["size"] == (f"{len(second)} bytes", "1228 bytes")


def test_a_packet_that_turns_back_is_translated_twice() -> None:
    rig = Looking(nat__filtering="endpoint-independent")
    rig.out(udp(f"{B}:4001", f"{R}:5000"))
    rig.out(udp(f"{A}:4000", f"{EXTERNAL}:4001"))
    assert [seen.point for seen in rig.way] == [*FOUR[:3], *FOUR[1:]]
    assert rig.way[-1].side == "inside"


@pytest.mark.parametrize("data", [b"", b"\x45", b"\x60" + bytes(60), b"\xff" * 40, b"\x4f" * 30])
def test_what_is_no_packet_is_shown_as_bytes(data: bytes) -> None:
    rig = Looking()
    rig.send(Side.INSIDE, data)
    (seen,) = rig.way
    assert (seen.protocol, seen.source, seen.ttl) == ("", "", None)
    assert seen.head.encode("latin-1") == data[:64]
    assert seen.end in ("malformed", "not-ipv4")


def test_a_flood_is_shown_in_part_and_the_rest_is_counted() -> None:
    rig = Looking()
    for _ in range(PACKETS_PER_SECOND + 7):
        rig.out(OUT)
    assert len({seen.packet for seen in rig.seen}) == PACKETS_PER_SECOND
    rig.now += 1.0
    rig.out(OUT)
    assert [seen.skipped for seen in rig.way] == [7, 0, 0, 0]


def test_nobody_looks_nothing_is_paid() -> None:
    """The datapath is called as if there were no points."""
    rig = Looking()
    rig.engine.points.end()
    assert rig.engine.handle == rig.engine.datapath.handle
    rig.out(OUT)
    assert rig.seen == []


def test_a_leg_keeps_its_own_patch_when_its_packet_is_too_big() -> None:
    rig = Looking(outside__mtu=600)
    rig.out(OUT)
    rig.send(Side.INSIDE, udp(f"{A}:4000", f"{R}:5000", bytes(1000), flags=0x4000))
    assert [seen.end for seen in rig.way[:2]] == [None, "too-big"]
    rig.engine.points.end()
    left = rig.out(OUT)
    assert left is not None
    assert left.source == f"{EXTERNAL}:4000"


def test_points_are_told_in_sentences() -> None:
    rig = Looking()
    rig.out(OUT)
    rig.into(udp(f"{S}:9", f"{EXTERNAL}:1"))
    tell: Callable[[PacketSeen], list[str]] = Teller().tell
    lines = [line.strip() for seen in rig.seen for line in tell(seen)]
    assert lines == [
        f"100.000  packet 1 arrived on the inside: udp from {A}:4000 to {R}:5000, 33 bytes",
        "100.000  packet 1 goes into translation, coming from the inside",
        f"100.000  packet 1 comes out of it, for the outside: from {EXTERNAL}:4000 to {R}:5000",
        f"source: {A}:4000 became {EXTERNAL}:4000",
        "TTL: 64 became 63",
        lines[5],
        f"100.000  packet 1 left on the outside: udp from {EXTERNAL}:4000 to {R}:5000, 33 bytes",
        f"100.000  packet 2 arrived on the outside: udp from {S}:9 to {EXTERNAL}:1, 33 bytes",
        "it goes no further: no-mapping",
    ]
    assert lines[5].startswith("checksum: 0x")
