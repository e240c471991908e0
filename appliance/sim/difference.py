"""Where two runs part: the first packet, and the byte in it, that is not the same in both.

    one    ─●──●──●──●───►      the same packets, at the same points, at the same times …
    other  ─●──●──●──◍───►      … up to here

Packets are looked at as they come to the NAT and as they leave it (`appliance/journal/tap.py`).
Both runs go on side by side, one packet each, and stand still at the first that differs: so a long
story takes no more memory than a short one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from appliance.journal.events import (
    CallOutcome,
    Change,
    Event,
    MediaStats,
    MessagePassed,
    Started,
)
from appliance.journal.log import EventLog
from appliance.journal.tap import Point
from appliance.sim.packets import ends
from appliance.sim.simulation import Simulation
from nat.endpoint import PROTOCOL_NAMES, TCP, UDP, Side
from nat.packet import Packet
from nat.translator import Verdict

LINE_END = b"\r\n"
LONGEST_LINE = 200  # characters of a message's line that are shown
MOST_LINES = 8
AROUND = 8  # bytes shown before and behind the first that differs


class Sight(NamedTuple):
    """A packet as it came to the NAT, or left it. `side` is the wire, `direction` is "out" or
    "in"."""

    t: float
    point: str
    side: str
    direction: str
    data: bytes


class Shown(NamedTuple):
    """What of a packet is shown. `lines` are those lines of its message that differ, or the bytes
    around the first that does; of a packet that the other run has not, its first line."""

    t: float
    protocol: str
    source: str
    destination: str
    size: int
    lines: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What it is, in few words."""
        return f"{self.protocol}, {self.source} to {self.destination}, {self.size} bytes"


class Difference(NamedTuple):
    """Where two runs part, at `t` seconds. One of the packets is None when only the other run has
    one. `what` differs: "source", "destination", "payload", "header", or "presence"; in a payload
    it is the byte `offset`, in the field of that name if its protocol is known. `reason` is why a
    module wrote what stands there, in the run whose place is `edited` (0 or 1)."""

    t: float
    point: str
    side: str
    direction: str
    what: str
    one: Shown | None
    other: Shown | None
    offset: int | None = None
    field: str = ""
    reason: str = ""
    edited: int | None = None

    @property
    def place(self) -> str:
        """Where the packet was seen, in words."""
        does = "coming in" if self.point == "arrived" else "leaving"
        return f"a packet {does} on the {self.side} ({self.direction})"


def first_difference(one: Simulation, other: Simulation) -> Difference | None:
    """Run both until they part. None when they never do."""
    for pair in zip_longest(_sights(one), _sights(other)):
        if pair[0] != pair[1]:
            return _told(pair[0], pair[1], (one.log, other.log))
    return None


def first_other_event(one: Simulation, other: Simulation) -> tuple[Event | None, Event | None]:
    """The first thing that happened in one of two runs and not in the other, packets aside; two
    times None when there is none. Call it when the runs have parted, or ended."""
    for pair in zip_longest(_happenings(one.log), _happenings(other.log)):
        if pair[0] is None or pair[1] is None or _essence(pair[0]) != _essence(pair[1]):
            return pair
    return None, None


# --- two runs, a packet at a time ----------------------------------------------------------------


class _Watch:
    """A tap that notes the packets of a run as they come and go."""

    def __init__(self) -> None:
        self.seen: deque[Sight] = deque()

    def see(
        self, point: Point, packet: Packet, side: Side, verdict: Verdict | None, now: float
    ) -> None:
        if point in (Point.ARRIVED, Point.LEFT):
            inwards = (side is Side.INSIDE) is (point is Point.LEFT)
            direction = "in" if inwards else "out"
            self.seen.append(Sight(now, str(point), str(side), direction, packet.to_bytes()))


def _sights(run: Simulation) -> Iterator[Sight]:
    """The packets of a run, which goes on as they are asked for."""
    watch = _Watch()
    run.engine.datapath.taps.add(watch)
    try:
        while run.step():
            while watch.seen:
                yield watch.seen.popleft()
    finally:
        run.engine.datapath.taps.remove(watch)


def _happenings(log: EventLog) -> Iterator[Event]:
    """But for those that sum up, or tell what packets show."""
    telling_of_packets = (Started, MessagePassed, MediaStats, CallOutcome)
    return (event for event in log.since(0) if not isinstance(event, telling_of_packets))


def _essence(event: Event) -> object:
    """Without the numbers that events have because of others before them."""
    return {**msgspec.to_builtins(event), "id": 0, "cause": None}


# --- what differs --------------------------------------------------------------------------------


def _told(one: Sight | None, other: Sight | None, logs: tuple[EventLog, EventLog]) -> Difference:
    first = min((each for each in (one, other) if each is not None), key=lambda each: each.t)
    where = first.t, first.point, first.side, first.direction
    if one is None or other is None or one[:4] != other[:4]:
        shown = _shown(first, _first_line(first))
        only = (shown, None) if first is one else (None, shown)
        return Difference(*where, "presence", *only)
    packets = Packet.of(one.data), Packet.of(other.data)
    what = _what(*packets)
    if what != "payload":
        return Difference(*where, what, _shown(one), _shown(other))
    payloads = packets[0].payload, packets[1].payload
    offset = _first_other_byte(*payloads)
    changes = [
        _change_at(log, first.t, left, offset) for log, left in zip(logs, payloads, strict=True)
    ]
    edited = next((place for place, each in enumerate(changes) if _is_edit(each)), None)
    known = changes[edited or 0] or changes[1]
    lines = _other_lines(*payloads, offset)
    return Difference(
        *where,
        what,
        _shown(one, lines[0]),
        _shown(other, lines[1]),
        offset,
        known.field if known else "",
        known.reason if known and edited is not None else "",
        edited,
    )


def _what(one: Packet, other: Packet) -> str:
    """What of two packets differs that says most; lengths and checksums follow from the rest."""
    sources, destinations = zip(ends(one), ends(other), strict=True)
    if sources[0] != sources[1]:
        return "source"
    if destinations[0] != destinations[1]:
        return "destination"
    has_payload = one.protocol in (TCP, UDP) and one.protocol == other.protocol
    return "payload" if has_payload and one.payload != other.payload else "header"


def _first_other_byte(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    same = min(len(one), len(other))
    return next((at for at, (here, there) in pairs if here != there), same)


def _change_at(log: EventLog, t: float, left: bytes, offset: int) -> Change | None:
    """The change, made or missed, that this byte of a message which left at `t` belongs to."""
    at, message = log.since_start(t), left.decode("latin-1")
    for event in log.since(0):
        if isinstance(event, MessagePassed) and (event.t, event.after) == (at, message):
            return _covering(event.changes, offset)
    return None


def _covering(changes: list[Change], offset: int) -> Change | None:
    """Spans are places in the message as it was; what was changed before one has moved it."""
    moved = 0
    for change in sorted(changes, key=lambda each: each.span):
        start = change.span[0] + moved
        if start <= offset <= start + len(change.after):
            return change
        moved += len(change.after) - (change.span[1] - change.span[0])
    return None


def _is_edit(change: Change | None) -> bool:
    return change is not None and change.before != change.after


# --- as it is shown ------------------------------------------------------------------------------


def _shown(sight: Sight, lines: tuple[str, ...] = ()) -> Shown:
    packet = Packet.of(sight.data)
    source, destination = map(str, ends(packet))
    protocol = PROTOCOL_NAMES.get(packet.protocol, str(packet.protocol))
    return Shown(sight.t, protocol, source, destination, len(sight.data), lines)


def _first_line(sight: Sight) -> tuple[str, ...]:
    """What a packet begins with, if it carries anything."""
    packet = Packet.of(sight.data)
    payload = packet.payload if packet.protocol in (TCP, UDP) else b""
    return (_line_at(payload, 0),) if payload else ()


def _other_lines(one: bytes, other: bytes, offset: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines that differ; only the first pair of them where not every line has its twin."""
    ones, others = one.split(LINE_END), other.split(LINE_END)
    if len(ones) != len(others) or len(ones) == 1:
        return (_line_at(one, offset),), (_line_at(other, offset),)
    pairs = [pair for pair in zip(ones, others, strict=True) if pair[0] != pair[1]]
    here, there = zip(*pairs[:MOST_LINES], strict=True)
    return tuple(_line_at(each, 0) for each in here), tuple(_line_at(each, 0) for each in there)


def _line_at(payload: bytes, offset: int) -> str:
    """The line of text that a byte stands in; of what is no text, the bytes around it."""
    start = payload.rfind(b"\n", 0, offset) + 1
    line = payload[start:].partition(LINE_END)[0]
    if line and all(0x20 <= each < 0x7F for each in line):
        return line[:LONGEST_LINE].decode("ascii")
    return payload[max(0, offset - AROUND) : offset + AROUND].hex(" ")
