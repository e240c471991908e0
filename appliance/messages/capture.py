"""The frames of a capture: a pcap or a pcapng file, by anybody, of either byte order.

Strategy: a block or record is a header with its length and then bytes, so the file is walked from
one to the next, and everything that is not a frame is stepped over. A file whose end is missing
(the capture was killed, the disk was full) is read up to its last whole record.

    pcap     │ header, 24 bytes: magic … link type │ 16: … length, original length │ frame │ 16 │ …
    pcapng   │ type, length │ body │ length │ type, length │ body │ length │ …

Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

_MAGIC_BYTES = 4
_PCAP_MAGICS = (0xA1B2C3D4, 0xA1B23C4D)
"""With times in microseconds, and in nanoseconds."""
_PCAP_HEADER, _PCAP_RECORD = 24, 16
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_BYTE_ORDER = 0x1A2B3C4D
_SMALLEST_BLOCK = 12


class Frame(NamedTuple):
    """`number` counts from 1, as Wireshark does; `link` is the type of its link layer (LINKTYPE_ in
    tcpdump's registry); `is_cut` if the capture has not all of its bytes."""

    number: int
    link: int
    data: bytes
    is_cut: bool


def is_capture(data: bytes) -> bool:
    """Does a file begin like one?"""
    return _pcap_order(data) is not None or data[:_MAGIC_BYTES] == b"\n\r\r\n"


def frames(data: bytes) -> Iterator[Frame]:
    """All frames, in the order of the file."""
    order = _pcap_order(data)
    return _of_pcapng(data) if order is None else _of_pcap(data, order)


def _pcap_order(data: bytes) -> str | None:
    """The byte order, as `struct` writes it; None for what is no pcap."""
    for order in "<>":
        if len(data) >= _PCAP_HEADER and _word(order, data, 0) in _PCAP_MAGICS:
            return order
    return None


def _of_pcap(data: bytes, order: str) -> Iterator[Frame]:
    link = _word(order, data, 20) & 0xFFFF  # above stand the bits about a check sequence
    at, number = _PCAP_HEADER, 0
    while at + _PCAP_RECORD <= len(data):
        length, original = _word(order, data, at + 8), _word(order, data, at + 12)
        at += _PCAP_RECORD + length
        if at > len(data):
            return
        number += 1
        yield Frame(number, link, data[at - length : at], length < original)


def _of_pcapng(data: bytes) -> Iterator[Frame]:
    order, links, number = "<", list[tuple[int, int]](), 0
    for kind, order, body in _blocks(data):
        if kind == _SECTION:
            links = []
        elif kind == _INTERFACE and len(body) >= 8:
            links.append((_half(order, body, 0), _word(order, body, 4)))
        elif kind in (_PACKET, _OLD_PACKET, _SIMPLE_PACKET):
            number += 1
            if found := _packet(kind, order, body, links):
                link, length, original, start = found
                yield Frame(number, link, body[start : start + length], length < original)


def _blocks(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """The type, the byte order and the body of each block. Each section has its own byte order."""
    at, order = 0, "<"
    while at + _SMALLEST_BLOCK <= len(data):
        kind = _word(order, data, at)
        if kind == _SECTION:
            order = "<" if _word("<", data, at + 8) == _BYTE_ORDER else ">"
        length = _word(order, data, at + 4)
        if length < _SMALLEST_BLOCK or at + length > len(data):
            return
        yield kind, order, data[at + 8 : at + length - 4]
        at += length


def _packet(
    kind: int, order: str, body: bytes, links: list[tuple[int, int]]
) -> tuple[int, int, int, int] | None:
    """Link type, length, original length, and where the frame begins in the body of a block; None
    if the block is too short or its interface was not described."""
    start = 4 if kind == _SIMPLE_PACKET else 20
    if len(body) < start:
        return None
    interface = 0
    if kind == _PACKET:
        interface = _word(order, body, 0)
    elif kind == _OLD_PACKET:
        interface = _half(order, body, 0)
    if interface >= len(links):
        return None
    link, longest = links[interface]
    if kind == _SIMPLE_PACKET:
        original = _word(order, body, 0)
        return link, min(original, longest or original, len(body) - start), original, start
    return link, min(_word(order, body, 12), len(body) - start), _word(order, body, 16), start


_WORDS = {order: Struct(f"{order}I") for order in "<>"}
_HALVES = {order: Struct(f"{order}H") for order in "<>"}


def _word(order: str, data: bytes, at: int) -> int:
    return int(_WORDS[order].unpack_from(data, at)[0])


def _half(order: str, data: bytes, at: int) -> int:
    return int(_HALVES[order].unpack_from(data, at)[0])
