"""What one capture tells without the other: little of the router, and nothing of its faults.

    inside alone     who spoke with whom, and what answers call the router (RFC 3581 4)
    outside alone    the same, and the private addresses that were left in messages

Whoever gives one and the same capture for both sides has one side as well.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from appliance.forensics.gaps import is_message
from appliance.forensics.replaying import Tape
from appliance.forensics.sides import Looks, looks_of
from appliance.settings.hints import counted
from nat.endpoint import Side, parse_address
from nat.reach import is_inside_only

MOST_NAMED = 5
"""In a sentence."""
_ADDRESS = re.compile(rb"(?<![\d.])\d+\.\d+\.\d+\.\d+(?![\d.])")
_NAMED_LINE = re.compile(rb"([\w-]+)[ \t]*[:=]")
_RECEIVED = re.compile(rb";received=(\d+\.\d+\.\d+\.\d+)")


def are_the_same(inside: Tape, outside: Tape) -> bool:
    """Are most packets of one the packets of the other, byte for byte? A router that lets a packet
    pass as it is still lowers its TTL (RFC 1812 5.3.1)."""
    first, second = (
        Counter(packet.to_bytes() for _, packet in tape.sightings) for tape in (inside, outside)
    )
    return 2 * (first & second).total() > min(first.total(), second.total())


def sentences(tape: Tape, side: Side, ports: Sequence[int]) -> Iterator[str]:
    """What the capture of this side tells alone; messages are on one of these ports."""
    looks = [looks_of(side, packet) for _, packet in tape.sightings]
    ends = {frozenset((each.source, each.destination)) for each in looks}
    messages = [each for each in looks if is_message(each, ports) and each.carries.strip()]
    yield (
        f"{side}: {counted(len(looks), 'packet')} between {counted(len(ends), 'pair')} of "
        f"endpoints, {counted(len(messages), 'message')}"
    )
    if side is Side.INSIDE:
        if seen := Counter(text for each in messages for text in _texts(_RECEIVED, each.carries)):
            yield f"Answers call the router {_named(seen)} outside."
    elif left := [found for each in messages if (found := _private(each))]:
        named = _named(Counter(text for found in left for text in found))
        yield f"{counted(len(left), 'message')} outside with private addresses, in {named}."
    else:
        yield "No message outside has a private address."
    yield (
        f"There is nothing of the {side.other}, and what the router changed is seen by comparing "
        "both: no fault can be named."
    )


def _private(message: Looks) -> set[str]:
    """The lines that have private addresses, by their names. (A Call-ID means no address, whatever
    it is made of: RFC 3261 8.1.1.4.)"""
    return {
        f"{name[1].decode()} {text}"
        for line in message.carries.split(b"\r\n")
        if (name := _NAMED_LINE.match(line)) and name[1].lower() not in (b"call-id", b"i")
        for text in _texts(_ADDRESS, line)
        if _is_private(text)
    }


def _texts(pattern: re.Pattern[bytes], text: bytes) -> Iterator[str]:
    return (found.decode() for found in pattern.findall(text))


def _is_private(text: str) -> bool:
    with contextlib.suppress(ValueError):
        return is_inside_only(parse_address(text))
    return False


def _named(found: Counter[str]) -> str:
    """The most frequent ones."""
    more = ", …" if len(found) > MOST_NAMED else ""
    return ", ".join(text for text, _ in found.most_common(MOST_NAMED)) + more
