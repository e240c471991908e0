"""A packet at the four points of its way through the box, side by side where there is room.

     12.480  packet 17, udp, 200 bytes
     1 arrived, inside     2 into translation    3 out of it            4 left, outside
     192.168.20.100:4000   192.168.20.100:4000   «203.0.113.1:40000»    203.0.113.1:40000
     > 203.0.113.9:10000   > 203.0.113.9:10000   > 203.0.113.9:10000    > 203.0.113.9:10000
     TTL 64, 200 bytes     TTL 64, 200 bytes     TTL «63», 200 bytes    TTL 63, 200 bytes

Below 100 columns each point has a row. Where a packet goes no further stands why.
"""

from __future__ import annotations

from appliance.journal.events import PacketSeen
from tui.draw.lines import Line, Style
from tui.endpoint import shortened
from tui.points import Way

WIDE = 100
ROWS = 5
"""Rows of a packet, in both forms."""
_NAMES = {
    "arrived": "1 arrived",
    "translated-in": "2 into translation",
    "translated-out": "3 out of it",
    "left": "4 left",
}
_HEAD = 20
"""Characters of the name of a point where it has a row."""


def rows(way: Way, width: int) -> list[Line]:
    """The packet in `ROWS` rows."""
    first = way.seen[0]
    size = f"{first.size} bytes" + (f", {first.segments} segments" * (first.segments > 1))
    what = first.protocol or "no packet that can be read"
    head = Line(f" {first.t:8.3f}  packet {first.packet}, {what}, {size}", Style.STRONG)
    drawn = _side_by_side(way, width) if width >= WIDE else _one_below_the_other(way)
    filled = [head, *drawn, *([Line()] * ROWS)][:ROWS]
    return [line.cut(width) for line in filled]


def _side_by_side(way: Way, width: int) -> list[Line]:
    room = width // len(_NAMES)
    lines = [Line() for _ in range(ROWS - 1)]
    for number, point in enumerate(_NAMES):
        seen = next((each for each in way.seen if each.point == point), None)
        for line, cell in zip(lines, _cells(seen, room - 1), strict=True):
            line.extend(cell).pad((number + 1) * room)
    return lines


def _cells(seen: PacketSeen | None, room: int) -> list[Line]:
    """What stands below each other in the column of a point."""
    if seen is None:
        return [Line()] * (ROWS - 1)
    if seen.end is not None:
        last = Line(f"✗ {seen.end}", Style.BAD)
    else:
        last = Line("TTL ").extend(_value(seen, "TTL", str(seen.ttl or "?"), room)).add(", ")
        last.extend(_value(seen, "size", f"{seen.size} bytes", room))
    return [
        Line(f"{_NAMES[seen.point]}, {seen.side}{' (own)' * seen.own}", Style.FAINT).cut(room),
        _value(seen, "source", seen.source, room - 2),
        Line("> ").extend(_value(seen, "destination", seen.destination, room - 4)),
        last,
    ]


def _one_below_the_other(way: Way) -> list[Line]:
    return [_row(seen) for seen in way.seen[: ROWS - 1]]


def _row(seen: PacketSeen) -> Line:
    line = Line(f"  {_NAMES[seen.point]:<{_HEAD}}", Style.FAINT)
    line.extend(_value(seen, "source", seen.source, 0)).add(" > ")
    line.extend(_value(seen, "destination", seen.destination, 0))
    if seen.end is not None:
        return line.add(f" ✗ {seen.end}", Style.BAD)
    return line.add(" TTL ").extend(_value(seen, "TTL", str(seen.ttl or "?"), 0))


def _value(seen: PacketSeen, field: str, value: str, room: int) -> Line:
    """In marks where it is not what it was at the point before."""
    shown = shortened(value, room) if room else value
    if any(each.field == field for each in seen.changes):
        return Line("«").add(shown, Style.CHANGED).add("»")
    return Line(shown)
