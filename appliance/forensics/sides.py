"""Two captures, of both sides of somebody's router: what came to it, and what it let out.

    captured inside     A → R   came          R → A   was let out
    captured outside    X → R   was let out   R → X   came

`X` is what the router is called outside. The two were captured by different clocks: by how much
they differ is told by packets that are the same on both sides, in the middle of all differences.

Pairs are found by what the router does not change: the remote endpoint and what a packet carries;
for a message that it edited, by its first word, its number and its tag. What has no partner was
dropped, or lost, or one capture began later than the other.
"""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from statistics import median
from typing import NamedTuple

from appliance.forensics.replaying import Tape
from nat.endpoint import ICMP, TCP, UDP, Endpoint, Network, Side
from nat.packet import MINIMUM_TRANSPORT, Packet

PATIENCE = 2.0
"""Seconds between the two sightings of a packet, at most, when the clocks agree."""
MOST_FOR_THE_CLOCK = 2000
Alike = tuple[bool, Endpoint, bytes, bytes, bytes]
_FLAGS_AT = 13  # of a TCP header
_CSEQ = re.compile(rb"^CSeq[ \t]*:[ \t]*(\d+)[ \t]+(\w+)", re.IGNORECASE | re.MULTILINE)
_MEDIA = re.compile(rb"^m=\w+ (\d{1,5})(?= )", re.MULTILINE)
ANSWERS = b"SIP/2.0 "
"""What an answer begins with."""
_TAGS = re.compile(rb"^(?:From|f)[ \t]*:.*?;tag=([^;\s]+)", re.IGNORECASE | re.MULTILINE)


class Looks(NamedTuple):
    """A packet as one tells it from others. `ends` are None where there are no ports."""

    side: Side
    protocol: int
    source: Endpoint
    destination: Endpoint
    carries: bytes
    more: tuple[int, ...] = ()
    """TCP's flags, ICMP's type and code, where a fragment belongs."""
    is_sound: bool = True


@dataclass(slots=True)
class Seen:
    """A packet on one side, at `t` seconds on the inside's clock. `came`: to the router, and was
    not let out by it. `is_gap`: what became of it, or where it came from, is not judged, because
    one capture may have missed that."""

    t: float
    came: bool
    packet: Packet
    looks: Looks
    partner: Seen | None = field(default=None, repr=False)
    is_gap: bool = False

    @property
    def side(self) -> Side:
        return self.looks.side


@dataclass(slots=True)
class Sides:
    """All packets of both captures in the order of time. `offset` is how much later (seconds) the
    outside's clock is; `externals` what the router is called outside."""

    seen: list[Seen]
    networks: Sequence[Network]
    externals: set[int]
    offset: float
    wall: float

    def unpaired(self, side: Side) -> int:
        return sum(each.partner is None and each.side is side for each in self.seen)

    @property
    def pairs(self) -> Iterable[tuple[Seen, Seen]]:
        """What came, and as what it was let out, in the order of time."""
        return ((each, each.partner) for each in self.seen if each.came and each.partner)


def looks_of(side: Side, packet: Packet) -> Looks:
    """See `Looks`."""
    protocol = packet.protocol
    addresses = packet.addresses
    start = packet.header_length
    size = packet.length - start
    if packet.is_fragment or size < MINIMUM_TRANSPORT.get(protocol, 0):
        source, destination = (Endpoint(address, 0) for address in addresses)
        carries = bytes(packet.buffer[start : packet.length])
        more = packet.flags_and_offset, packet.identification
        return Looks(side, protocol, source, destination, carries, more)
    sound = packet.check_transport() is None
    if protocol in (TCP, UDP):
        flags = (packet.buffer[start + _FLAGS_AT],) if protocol == TCP else ()
        source, destination = map(Endpoint, addresses, packet.ports)
        return Looks(side, protocol, source, destination, packet.payload, flags, sound)
    source, destination = (Endpoint(address, 0) for address in addresses)
    if protocol == ICMP:
        kind = packet.buffer[start], packet.buffer[start + 1]
        return Looks(side, protocol, source, destination, b"", kind, sound)
    carries = bytes(packet.buffer[start : packet.length])
    return Looks(side, protocol, source, destination, carries)


def joined(inside: Tape, outside: Tape, networks: Sequence[Network]) -> Sides:
    """Both captures as one, with the partners found."""

    @functools.cache
    def is_inside(address: int) -> bool:
        return any(address in network for network in networks)

    within = [(t, looks_of(Side.INSIDE, packet), packet) for t, packet in inside.sightings]
    beyond = [(t, looks_of(Side.OUTSIDE, packet), packet) for t, packet in outside.sightings]
    externals = _externals(
        [looks for _, looks, _ in within if is_inside(looks.source.address)],
        [looks for _, looks, _ in beyond if not is_inside(looks.source.address)],
    )
    seen = [
        Seen(t, is_inside(looks.source.address), packet, looks)
        for t, looks, packet in within
        if is_inside(looks.source.address) != is_inside(looks.destination.address)
    ]
    shift = outside.wall - inside.wall
    for t, looks, packet in beyond:
        source, destination = looks.source.address, looks.destination.address
        if source in externals or is_inside(source):
            seen.append(Seen(t + shift, False, packet, looks))
        elif destination in externals or is_inside(destination):
            seen.append(Seen(t + shift, True, packet, looks))
    offset = _difference(seen)
    for each in seen:
        if each.side is Side.OUTSIDE:
            each.t = round(each.t - offset, 6)
    # Of two at one time, what came is first.
    seen.sort(key=lambda each: (each.t, not each.came))
    _pair(seen)
    return Sides(seen, networks, externals, offset, inside.wall)


def _externals(sent: Sequence[Looks], beyond: Sequence[Looks]) -> set[int]:
    """What the router is called outside: from there comes what an inside host has sent, be it
    because it carries the same or because it goes to the same endpoint."""
    same = {(looks.protocol, looks.destination, looks.carries) for looks in sent}
    found = {
        looks.source.address
        for looks in beyond
        if (looks.protocol, looks.destination, looks.carries) in same
    }
    remotes = {(looks.protocol, looks.destination) for looks in sent}
    likely = {
        looks.source.address for looks in beyond if (looks.protocol, looks.destination) in remotes
    }
    return found | (likely - {remote.address for _, remote in remotes})


# --- clocks and partners ---------------------------------------------------------------------


def _remote(each: Seen) -> Endpoint:
    """The end that no NAT touches."""
    return each.looks.destination if is_outward(each) else each.looks.source


def is_outward(each: Seen) -> bool:
    """Was it sent by an inside host?"""
    return each.came == (each.looks.side is Side.INSIDE)


def _same(each: Seen) -> Hashable:
    """What is the same on both sides when nothing is edited."""
    looks = each.looks
    outward = is_outward(each)
    remote = looks.destination if outward else looks.source
    return outward, looks.protocol, remote, looks.carries, looks.more


def alike(each: Seen) -> Alike | None:
    """What is the same on both sides of a message that was edited: which way it goes, the remote
    endpoint, its first word, its number with its method, and its tag. None if it is no message."""
    carries = each.looks.carries
    number, tag = _CSEQ.search(carries), _TAGS.search(carries)
    if number is None:
        return None
    word = carries[:11] if carries.startswith(ANSWERS) else carries.partition(b" ")[0]
    return is_outward(each), _remote(each), word, number[0], tag[1] if tag else b""


def _difference(seen: Sequence[Seen]) -> float:
    """How much later the outside's clock is, by what is found once on either side."""
    for told_by in (_same, alike):
        found: dict[Hashable, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
        for each in seen:
            key = told_by(each)
            if key is not None and each.looks.carries:
                found[key][each.side].append(each.t)
        once = (
            there[0] - here[0]
            for here, there in found.values()
            if len(here) == len(there) == 1
        )  # fmt: skip
        some = [*islice(once, MOST_FOR_THE_CLOCK)]
        if some:
            return round(median(some), 6)
    return 0.0


def _pair(seen: Sequence[Seen]) -> None:
    """Find partners: first those that are the same, then those that are alike."""
    for told_by in (_same, alike):
        waiting: dict[Hashable, deque[Seen]] = defaultdict(deque)
        for each in seen:
            if not each.came and each.partner is None and (key := told_by(each)) is not None:
                waiting[key].append(each)
        for each in seen:
            if not each.came or each.partner is not None or (key := told_by(each)) is None:
                continue
            candidates = waiting.get(key)
            while candidates and candidates[0].t < each.t - PATIENCE:
                candidates.popleft()
            if candidates and candidates[0].t <= each.t + PATIENCE:
                each.partner = candidates.popleft()
                each.partner.partner = each


# --- what the pairs say of the NAT -------------------------------------------------------------


@dataclass(slots=True)
class Mapped:
    """An inside endpoint and what it was called outside, to these remotes. `longest_silence` is the
    longest after which it was still known (seconds), `shortest_end` the shortest after which it was
    not: what came was not let in."""

    protocol: int
    internal: Endpoint
    external: Endpoint
    remotes: set[Endpoint]
    first: float
    last: float
    packets_out: int = 0
    packets_in: int = 0
    longest_silence: float = 0.0
    shortest_end: float | None = None


def mappings(sides: Sides) -> list[Mapped]:
    """All of them, in the order in which they were first used."""
    found: dict[tuple[int, Endpoint, Endpoint], Mapped] = {}
    by_external: dict[tuple[int, Endpoint], Mapped] = {}
    for each in sides.seen:
        looks = each.looks
        if not each.came or looks.protocol not in (TCP, UDP):
            continue
        outward, partner = is_outward(each), each.partner
        if partner is None:
            known = None if outward else by_external.get((looks.protocol, looks.destination))
            if known is not None and looks.source in known.remotes:
                silence = each.t - known.last
                known.shortest_end = min(known.shortest_end or silence, silence)
            continue
        inner, outer = (each, partner) if outward else (partner, each)
        internal = inner.looks.source if outward else inner.looks.destination
        external = outer.looks.source if outward else outer.looks.destination
        key = looks.protocol, internal, external
        mapped = found.get(key)
        if mapped is None:
            mapped = Mapped(*key, set(), each.t, each.t)
            found[key] = by_external[looks.protocol, external] = mapped
        elif not outward:
            mapped.longest_silence = max(mapped.longest_silence, each.t - mapped.last)
        mapped.last = each.t
        mapped.remotes.add(_remote(each))
        mapped.packets_out += outward
        mapped.packets_in += not outward
    return [*found.values()]


def announced(sides: Sides, seen: Sequence[Mapped]) -> list[Mapped]:
    """Ports of media that the router wrote into descriptions, for inside endpoints of which no
    packet is `seen`."""
    found = []
    used = {(each.protocol, each.internal) for each in seen}
    for came, left in sides.pairs:
        old, new = (_MEDIA.findall(each.looks.carries) for each in (came, left))
        if not is_outward(came) or len(old) != len(new):
            continue
        for own, other in zip(map(int, old), map(int, new), strict=True):
            internal = Endpoint(came.looks.source.address, own)
            external = Endpoint(left.looks.source.address, other)
            if own != other and (UDP, internal) not in used:
                found.append(Mapped(UDP, internal, external, {_remote(came)}, came.t, came.t))
    return found


def preserves_ports(found: Sequence[Mapped]) -> bool:
    """Do most inside endpoints keep their port outside?"""
    kept = Counter(each.internal.port == each.external.port for each in found)
    return kept[True] >= kept[False]
