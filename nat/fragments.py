"""Fragments: put together before anybody looks inside, and cut again when a wire is too narrow.

A NAT must see the transport header, and only the first fragment has it, so every datagram is
reassembled first (RFC 4787 REQ-14, RFC 791 3.2). Nothing is ever parsed in a later fragment. Any
overlap condemns the whole datagram (RFC 1858, RFC 5722), and everything is bounded: a host that
sends only halves of datagrams fills this store and nothing else.

    bytes 0 to 1480            held
    bytes 2960 to 3400, last   held: now the end is known, and 1480 bytes are missing
    bytes 1480 to 2960         whole: the datagram goes on, and nothing of it is held any more

    bytes 0 to 1480            held
    bytes 1472 to 2952         overlap: condemned, and with it all that still comes of the datagram
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from nat.drop import Drop
from nat.endpoint import Side
from nat.limits import HighWater
from nat.packet import (
    DONT_FRAGMENT,
    FRAGMENT_OFFSET,
    MAXIMUM_LENGTH,
    MINIMUM_HEADER,
    MORE_FRAGMENTS,
    NO_OPERATION,
    WORD,
    Packet,
)

COPIED = 0x80  # RFC 791 3.1: this option goes into every fragment


class Key(NamedTuple):
    """Which datagram a fragment belongs to (RFC 791 3.2), and the wire it came by."""

    side: Side
    source: int
    destination: int
    protocol: int
    identification: int


class Gone(NamedTuple):
    """Fragments that are held no longer: part of a datagram that goes on (`drop` None), or given
    up with it."""

    datagram: Key
    pieces: int
    drop: Drop | None


@dataclass(slots=True)
class FragmentLimits:
    """Seconds and bytes; how many datagrams may wait, in all and from one source address."""

    datagrams: int = 64
    per_host: int = 8
    pieces: int = 64
    bytes: int = 1 << 20
    seconds: float = 30.0


@dataclass(slots=True)
class _Waiting:
    """A datagram that is not whole yet. `condemned` ones only remember that they are."""

    started: float
    pieces: dict[int, bytes] = field(default_factory=dict)  # offset -> data
    header: bytes = b""
    end: int | None = None
    size: int = 0
    condemned: Drop | None = None


class Reassembler:
    """`gone` hears of fragments that stop being held, and when."""

    def __init__(self, limits: FragmentLimits, gone: Callable[[Gone, float], None]) -> None:
        self.limits = limits
        self._gone = gone
        self._waiting: dict[Key, _Waiting] = {}
        self._bytes = [0, 0]  # by side
        self.high_water = HighWater()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, packet: Packet, side: Side, now: float) -> Drop | bytes | None:
        """The whole datagram when this fragment completes it, None while the fragment is held."""
        key = Key(
            side,
            packet.source_address,
            packet.destination_address,
            packet.protocol,
            packet.identification,
        )
        waiting = self._waiting.get(key)
        if waiting is None:
            if self._is_full(key):
                return Drop.FRAGMENT_LIMIT
            waiting = self._waiting[key] = _Waiting(now)
            self.high_water.reach("fragments", len(self._waiting))
            self.high_water.reach("fragments_per_host", self._from_host(key))
        if waiting.condemned:
            return waiting.condemned
        refusal = self._insert(key, waiting, packet, now)
        if refusal:
            self._refuse(key, waiting, refusal, now)
            return refusal
        if waiting.end is None or waiting.size < waiting.end:
            return None
        return self._whole(key, waiting, now)

    def next_deadline(self) -> float:
        """When the first datagram has waited in vain."""
        first = next(iter(self._waiting.values()), None)
        return inf if first is None else first.started + self.limits.seconds

    def expire(self, now: float) -> None:
        """Give up what has waited too long (they stand in order of arrival)."""
        for key, waiting in list(self._waiting.items()):
            if waiting.started + self.limits.seconds > now:
                break
            self._release(key, waiting, Drop.FRAGMENT_TIMEOUT, now)
            del self._waiting[key]

    def _is_full(self, key: Key) -> bool:
        """Is there no room for one more datagram? What comes from outside has half at most."""
        limits = self.limits
        if len(self._waiting) >= limits.datagrams or self._from_host(key) >= limits.per_host:
            return True
        return key.side is Side.OUTSIDE and self._from_outside() >= max(1, limits.datagrams // 2)

    def _from_outside(self) -> int:
        return sum(other.side is Side.OUTSIDE for other in self._waiting)

    def _has_room_for(self, side: Side, size: int) -> bool:
        """Outside anybody can have any address: at most half of the store is for what comes from
        there, so that datagrams of the inside can always be put together."""
        used, most = self._bytes, self.limits.bytes
        if side is Side.OUTSIDE and used[side] + size > most // 2:
            return False
        return sum(used) + size <= most

    def _from_host(self, key: Key) -> int:
        """How many datagrams of the same source wait, on the same wire."""
        return sum(other[:2] == key[:2] for other in self._waiting)

    def usage(self) -> dict[str, int]:
        """How much waits, by the name of the limit."""
        pieces = (len(waiting.pieces) for waiting in self._waiting.values())
        return {
            "fragments_per_host": max(map(self._from_host, self._waiting), default=0),
            "fragment_pieces": max(pieces, default=0),
            "fragment_bytes": sum(self._bytes),
        }

    def _insert(self, key: Key, waiting: _Waiting, packet: Packet, now: float) -> Drop | None:
        """Add a piece, or say why not. Nothing is kept before all questions are answered."""
        flags = packet.flags_and_offset
        offset = (flags & FRAGMENT_OFFSET) * 8
        data = bytes(packet.buffer[packet.header_length : packet.length])
        end = offset + len(data)
        if flags & MORE_FRAGMENTS and len(data) % 8:
            return Drop.MALFORMED
        if not data or flags & DONT_FRAGMENT:
            return Drop.MALFORMED
        if end > MAXIMUM_LENGTH - MINIMUM_HEADER:
            return Drop.FRAGMENT_TOO_LONG
        if waiting.pieces.get(offset) == data:
            if self._contradicts(waiting, flags, end):
                return Drop.FRAGMENT_OVERLAP
            self._gone(Gone(key, 1, None), now)  # a duplicate: the one that is held will do
            return None
        if self._overlaps(waiting, offset, end, flags):
            return Drop.FRAGMENT_OVERLAP
        limits = self.limits
        if len(waiting.pieces) >= limits.pieces or not self._has_room_for(key.side, len(data)):
            return Drop.FRAGMENT_LIMIT
        if not flags & MORE_FRAGMENTS:
            waiting.end = end
        if offset == 0:
            waiting.header = bytes(packet.buffer[: packet.header_length])
        waiting.pieces[offset] = data
        waiting.size += len(data)
        self._bytes[key.side] += len(data)
        self.high_water.reach("fragment_pieces", len(waiting.pieces))
        self.high_water.reach("fragment_bytes", sum(self._bytes))
        return None

    @staticmethod
    def _contradicts(waiting: _Waiting, flags: int, end: int) -> bool:
        """Was the piece that stands at the same place the last one, and this is not, or the other
        way round?"""
        is_last = not flags & MORE_FRAGMENTS
        return is_last != (waiting.end == end)

    def _overlaps(self, waiting: _Waiting, offset: int, end: int, flags: int) -> bool:
        """Do two pieces claim the same place, or does one lie beyond the last?"""
        if waiting.end is not None and end > waiting.end:
            return True
        for start, data in waiting.pieces.items():
            if offset < start + len(data) and start < end:
                return True
            if not flags & MORE_FRAGMENTS and start + len(data) > end:
                return True
        return False

    def _refuse(self, key: Key, waiting: _Waiting, drop: Drop, now: float) -> None:
        """Condemn the datagram, unless it was only one fragment too many; what never held
        anything needs no room."""
        if drop is not Drop.FRAGMENT_LIMIT:
            self._release(key, waiting, drop, now)
            waiting.condemned = drop
        elif not waiting.pieces:
            del self._waiting[key]

    def _release(self, key: Key, waiting: _Waiting, drop: Drop | None, now: float) -> None:
        """Let go of all pieces and tell of it."""
        if waiting.pieces:
            self._gone(Gone(key, len(waiting.pieces), drop), now)
        self._bytes[key.side] -= waiting.size
        waiting.pieces = {}
        waiting.size = 0

    def _whole(self, key: Key, waiting: _Waiting, now: float) -> bytes | Drop:
        """The datagram, with the header of its first fragment as if it had never been cut."""
        body = b"".join(data for _, data in sorted(waiting.pieces.items()))
        header = bytearray(waiting.header)
        # The fragment in hand is not among those that were held: it goes on, and is counted so.
        last = waiting.pieces.popitem()
        waiting.size -= len(last[1])
        self._bytes[key.side] -= len(last[1])
        del self._waiting[key]
        if len(header) + len(body) > MAXIMUM_LENGTH:
            self._release(key, waiting, Drop.FRAGMENT_TOO_LONG, now)
            return Drop.FRAGMENT_TOO_LONG
        self._release(key, waiting, None, now)
        WORD.pack_into(header, 2, len(header) + len(body))
        WORD.pack_into(header, 6, 0)
        whole = Packet.of(bytes(header) + body)
        whole.finish_header()
        return whole.to_bytes()


def fragment(packet: Packet, mtu: int, identification: int) -> list[bytes]:
    """Cut a datagram into packets of `mtu` bytes at most, in order (RFC 791 3.2).

    All carry `identification`: fragments of different inside hosts leave from one address, and a
    remote could mix them up if they kept their own (RFC 6864, RFC 4787 REQ-13a).
    """
    header = bytes(packet.buffer[: packet.header_length])
    body = bytes(packet.buffer[packet.header_length : packet.length])
    pieces = []
    offset = 0
    while offset < len(body):
        size = mtu - len(header)
        if len(body) - offset > size:
            size -= size % 8
        more = MORE_FRAGMENTS if offset + size < len(body) else 0
        piece = Packet.of(header + body[offset : offset + size])
        WORD.pack_into(piece.buffer, 2, piece.length)
        WORD.pack_into(piece.buffer, 4, identification)
        WORD.pack_into(piece.buffer, 6, more | offset // 8)
        piece.finish_header()
        pieces.append(piece.to_bytes())
        if offset == 0:
            header = _header_of_later_fragments(header)
        offset += size
    return pieces


def _header_of_later_fragments(header: bytes) -> bytes:
    """Options that are not to be copied become "no operation"; the length stays."""
    later = bytearray(header)
    at = MINIMUM_HEADER
    while at < len(later) and later[at]:
        size = 1 if later[at] == NO_OPERATION else later[at + 1]
        if later[at] != NO_OPERATION and not later[at] & COPIED:
            later[at : at + size] = bytes((NO_OPERATION,)) * size
        at += size
    return bytes(later)
