"""A packet at four points, drawn."""

from __future__ import annotations

from tests.tui.test_points import refused, way
from tui.draw.lines import plain
from tui.draw.points import rows
from tui.points import Way


def test_side_by_side_where_there_is_room_and_what_changed_is_marked() -> None:
    assert plain(rows(Way(tuple(way(1))), 120)) == [
        "    1.000  packet 1, udp, 200 bytes",
        "1 arrived, inside             2 into translation, inside    "
        "3 out of it, outside          4 left, outside",
        "192.168.20.100:5060           192.168.20.100:5060           "
        "«203.0.113.1:5060»            203.0.113.1:5060",
        "> 203.0.113.9:5060            > 203.0.113.9:5060            "
        "> 203.0.113.9:5060            > 203.0.113.9:5060",
        "TTL 64, 200 bytes             TTL 64, 200 bytes             "
        "TTL «63», 200 bytes           TTL 63, 200 bytes",
    ]


def test_one_below_the_other_on_a_narrow_screen_and_a_refused_one_says_why_it_ends() -> None:
    assert plain(rows(Way(tuple(refused(3))), 78)) == [
        "    3.000  packet 3, udp, 200 bytes",
        "  1 arrived           198.51.100.7:9 > 203.0.113.1:5060 TTL 64",
        "  2 into translation  198.51.100.7:9 > 203.0.113.1:5060 ✗ filtered",
        "",
        "",
    ]
