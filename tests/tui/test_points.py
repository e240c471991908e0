"""Packets at four points, kept by flow."""

from __future__ import annotations

from appliance.journal.events import Difference, PacketSeen
from tests.tui.stories import EXTERNAL, PBX, PHONE
from tui.points import FLOWS_KEPT, PACKETS_KEPT, Points

STATIONS = ("arrived", "translated-in", "translated-out", "left")


def way(packet: int, flow: int = 1) -> list[PacketSeen]:
    """A packet of the phone that was translated and has left."""
    return [
        PacketSeen(
            t=float(packet),
            packet=packet,
            point=point,
            side="inside" if number < 2 else "outside",
            protocol="udp",
            source=PHONE if number < 2 else EXTERNAL,
            destination=PBX,
            ttl=64 if number < 2 else 63,
            size=200,
            flow=flow if number > 1 else None,
            changes=[
                Difference("source", PHONE, EXTERNAL),
                Difference("TTL", "64", "63"),
            ]
            if number == 2
            else [],
        )
        for number, point in enumerate(STATIONS)
    ]


def refused(packet: int, destination: str = EXTERNAL) -> list[PacketSeen]:
    seen = way(packet)[:2]
    for each in seen:
        each.side, each.source, each.destination = "outside", "198.51.100.7:9", destination
    seen[-1].end = "filtered"
    return seen


def test_of_a_flow_its_packets_are_kept_and_what_was_refused_for_its_ends() -> None:
    points = Points()
    elsewhere = refused(4, "203.0.113.1:9999")
    points.fold([*way(1), *way(2, flow=2), *refused(3), *elsewhere, *way(5)])
    assert [each.number for each in points.ways(1, (PHONE, EXTERNAL))] == [1, 3, 5]
    assert [each.number for each in points.ways(None, ())] == [1, 2, 3, 4, 5]


def test_the_busy_flow_does_not_push_out_the_quiet_one() -> None:
    points = Points()
    points.fold(way(1, flow=1))
    for number in range(2, 2 * PACKETS_KEPT):
        points.fold(way(number, flow=2))
    assert len(points.ways(1, ())) == 1
    assert len(points.ways(2, ())) == PACKETS_KEPT


def test_flows_are_bounded_too_and_refused_packets_stay() -> None:
    points = Points()
    points.fold(refused(1))
    for number in range(2, 2 * FLOWS_KEPT):
        points.fold(way(number, flow=number))
    assert len(points.ways(None, ())) == FLOWS_KEPT
    assert points.ways(None, ())[0].number == 1
