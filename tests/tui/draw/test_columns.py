"""A message under several modules, in columns."""

from __future__ import annotations

from tui.draw.columns import Under, columns
from tui.draw.lines import plain

BEFORE = "INVITE sip:bob SIP/2.0\r\nVia: here\r\n\r\nc=IN IP4 192.168.20.100\r\n"
FOUND = [
    Under("off", BEFORE),
    Under("sip", BEFORE.replace("192.168.20.100", "203.0.113.1")),
    Under("sip-poor:callid-oneway", None),
]


def test_lines_that_are_not_alike_stand_side_by_side() -> None:
    rows = [row.rstrip() for row in plain(columns(BEFORE, FOUND, 88))]
    assert rows == [
        "off                           sip                           sip-poor:callid-oneway",
        "… 3 lines left as they came under all",
        "c=IN IP4 192.168.20.100       c=IN IP4 203.0.113.1          (no such message)",
        "… 1 line left as they came under all",
    ]


def test_what_has_no_room_is_named() -> None:
    rows = plain(columns(BEFORE, FOUND, 60))
    assert rows[0].split() == ["off", "sip"]
    assert rows[-1] == "In a wider window also: sip-poor:callid-oneway"
