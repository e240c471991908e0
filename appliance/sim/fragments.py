"""Datagrams that are too long for a link: a host cuts them, and a host puts them together (RFC 791
3.2).

As with `packets.py` none of the NAT's code is used: what it makes of fragments must be found out
by somebody who has an opinion of his own.

    datagram   20 │ 8 │ 1,600 bytes
    fragments  20 │ 8 │ 1,472 bytes, more follows        the ports are here,
               20 │ 128 bytes, from 1,480 on             and here are none
"""

from __future__ import annotations

from typing import NamedTuple

from appliance.sim.packets import IPV4, OFFSET, checksum
from nat.packet import Packet

MTU = 1500  # bytes; Ethernet's
MORE = 0x2000  # fragments follow
UNIT = 8  # bytes of an offset
PATIENCE = 30.0  # seconds; RFC 1122 3.3.2 asks for 60 to 120, Linux takes 30
MOST_WAITING = 64  # datagrams


def cut(packet: Packet) -> list[Packet]:
    """The fragments of a packet without options."""
    body = bytes(packet.buffer[IPV4.size : packet.total_length])
    step = (MTU - IPV4.size) // UNIT * UNIT
    pieces = []
    for at in range(0, len(body), step):
        more = MORE if at + step < len(body) else 0
        pieces.append(_with(packet, at // UNIT | more, body[at : at + step]))
    return pieces


def _with(packet: Packet, flags_and_offset: int, body: bytes) -> Packet:
    """The packet's header before another body."""
    fields = list(IPV4.unpack_from(packet.buffer))
    fields[2], fields[4], fields[7] = IPV4.size + len(body), flags_and_offset, 0
    header = bytearray(IPV4.pack(*fields))
    header[10:12] = checksum(bytes(header))
    return Packet(header + body, len(header) + len(body))


class _Name(NamedTuple):
    """Fragments with the same name belong together (RFC 791 3.2)."""

    source: int
    destination: int
    protocol: int
    identification: int


class Pieces:
    """What a host has of datagrams that are not whole yet."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[_Name, tuple[float, dict[int, Packet]]] = {}

    def add(self, packet: Packet, now: float) -> Packet | None:
        """The whole packet, if this fragment was the one that was missing."""
        fields = IPV4.unpack_from(packet.buffer)
        name = _Name(fields[8], fields[9], fields[6], fields[3])
        since, pieces = self._waiting.pop(name, (now, {}))
        if now - since > PATIENCE:
            since, pieces = now, {}
        pieces[(packet.flags_and_offset & OFFSET) * UNIT] = packet
        body = _together(pieces)
        if body is not None:
            return _with(packet, 0, body)
        self._waiting[name] = (since, pieces)
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        return None


def _together(pieces: dict[int, Packet]) -> bytes | None:
    """The body, if there is no hole in it and its end is there."""
    body = b""
    while True:
        piece = pieces.get(len(body))
        if piece is None:
            return None
        body += bytes(piece.buffer[IPV4.size : piece.total_length])
        if not piece.flags_and_offset & MORE:
            return body
