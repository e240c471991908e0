"""What one capture has missed, so that nobody takes it for what the router did.

A packet without a partner was dropped by the router, or said by the router itself, or one of the
two captures has missed it. It is a gap of a capture, and not judged, where

    ● ● ○ ● ●      packets of the same flow have partners shortly before and after it
    ● ● ● ○ ○ ○    one capture was over, or had not begun: the other saw the flow go on
    ○ ● ● ●        what was let in came to a mapping that is older than the captures
    INVITE ○  200  a request was answered before it was said again: so it was let out

Of messages only the last is believed without more: they are few, and a router that drops one looks
the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from appliance.forensics.sides import ANSWERS, PATIENCE, Looks, Seen, Sides, alike, is_outward
from nat.endpoint import TCP, UDP, Endpoint, Side

LOST_IN_A_ROW = 3
"""Packets of a flow that go on in one capture alone, from which on the other was over."""

PACKETS_OF_A_STREAM = 20
"""In one direction: more than a question and its answers have."""

FlowKey = tuple[object, ...]
"""Of one direction of a flow on one side."""


def mark(sides: Sides, ports: Sequence[int]) -> None:
    """Set `is_gap` of the packets that are not judged; messages are on one of these ports."""
    known = {*ports}
    streams = _streams(sides, known)
    for packets in streams.values():
        _mark_between(packets)
    spans = {side: _span(sides, side, streams.values()) for side in Side}
    for each in sides.seen:
        start, end = spans[each.side.other]
        if each.partner is None and not start <= each.t <= end:
            each.is_gap = True
    _mark_answered(sides)
    _mark_older(sides, known)


def is_message(looks: Looks, ports: Collection[int]) -> bool:
    """Is it on one of the `ports` of an application?"""
    return looks.source.port in ports or looks.destination.port in ports


def older_streams(sides: Sides, ports: Collection[int]) -> int:
    """How many streams of packets had begun before the first message that has a partner, or without
    any: so what was said to begin them is not captured."""
    counts: Counter[FlowKey] = Counter()
    for each in sides.seen:
        if each.partner is None or not each.came:
            continue
        if is_message(each.looks, ports):
            break
        counts[_flow(each)] += 1
    return sum(count >= PACKETS_OF_A_STREAM for count in counts.values())


def _flow(each: Seen) -> FlowKey:
    looks = each.looks
    return looks.side, looks.protocol, looks.source, looks.destination


def _streams(sides: Sides, ports: set[int]) -> dict[FlowKey, list[Seen]]:
    """The packets of flows of which some have partners, and that carry no messages."""
    found: dict[FlowKey, list[Seen]] = defaultdict(list)
    for each in sides.seen:
        looks = each.looks
        if looks.protocol in (TCP, UDP) and not is_message(looks, ports):
            found[_flow(each)].append(each)
    return {key: packets for key, packets in found.items() if any(each.partner for each in packets)}


def _mark_between(packets: Sequence[Seen]) -> None:
    """Those with neighbours that have partners. To say something by itself in the middle of a flow
    is what no router does, so one neighbour is enough for what was let out."""
    before, after = [*_nearest(packets)], [*_nearest([*reversed(packets)])][::-1]
    for each, *distances in zip(packets, before, after, strict=True):
        if each.partner is None:
            close = [distance <= PATIENCE for distance in distances]
            each.is_gap = all(close) if each.came else any(close)


def _nearest(packets: Sequence[Seen]) -> Iterator[float]:
    """Seconds from each packet to the last one before it that has a partner."""
    last = float("inf")
    for each in packets:
        if each.partner is not None:
            last = each.t
        yield abs(each.t - last)


def _span(sides: Sides, side: Side, streams: Iterable[Sequence[Seen]]) -> tuple[float, float]:
    """From when to when a capture is known to have listened (seconds): while it heard anything, and
    longer unless the other one has more of a stream that both have heard: let out by the router, or
    on its way out. (What goes in may have been stopped by a NAT that knows its receiver no more.)
    """
    heard = [each.t for each in sides.seen if each.side is side]
    if not heard:
        return float("-inf"), float("inf")
    start, end = heard[0], heard[-1]
    early = late = 0
    for packets in streams:
        alone = (each for each in packets if each.side is not side and each.partner is None)
        times = [each.t for each in alone if not each.came or is_outward(each)]
        early = max(early, sum(t < start for t in times))
        late = max(late, sum(t > end for t in times))
    return (
        start if early >= LOST_IN_A_ROW else float("-inf"),
        end if late >= LOST_IN_A_ROW else float("inf"),
    )


def _mark_answered(sides: Sides) -> None:
    """Requests of which no capture has how they were let out, and that were answered before they
    were said again: what was said again may be what was answered."""
    waiting: dict[tuple[object, ...], Seen] = {}
    for each in sides.seen:
        found = alike(each) if each.came else None
        if found is None:
            continue
        outward, remote, word, *transaction = found
        is_answer = word.startswith(ANSWERS)
        key = outward is not is_answer, remote, *transaction
        if not is_answer:
            waiting[key] = each
        elif (request := waiting.pop(key, None)) is not None and request.partner is None:
            request.is_gap = True


def _mark_older(sides: Sides, ports: set[int]) -> None:
    """What was let in to inside endpoints that had sent nothing, and while no message had passed
    that could announce them: they were mapped before the captures began."""
    sent: set[tuple[int, Endpoint]] = set()
    has_passed = False
    for each in sides.seen:
        if not each.came:
            continue
        outward, looks = is_outward(each), each.looks
        if outward:
            sent.add((looks.protocol, looks.source))
        elif each.partner is not None and not has_passed:
            each.is_gap = (looks.protocol, each.partner.looks.destination) not in sent
        if outward or each.partner is not None:
            has_passed = has_passed or is_message(looks, ports)
