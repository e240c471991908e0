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
_NAME, _RESOLUTION = 2, 9
"""Options of an interface."""


class Frame(NamedTuple):
    """`number` counts from 1, as Wireshark does; `link` is the type of its link layer (LINKTYPE_ in
    tcpdump's registry); `is_cut` if the capture has not all of its bytes. `time` is in seconds
    since 1970 (0: the capture does not say), `wire` the name of the interface, if it has one."""

    number: int
    link: int
    data: bytes
    is_cut: bool
    time: float = 0.0
    wire: str = ""


class _Interface(NamedTuple):
    """As a pcapng describes it: `longest` is where it cuts frames (0: nowhere), `unit` what it
    counts time in (seconds)."""

    link: int
    longest: int
    name: str = ""
    unit: float = 1e-6


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
    unit = 1e-9 if _word(order, data, 0) == _PCAP_MAGICS[1] else 1e-6
    at, number = _PCAP_HEADER, 0
    while at + _PCAP_RECORD <= len(data):
        length, original = _word(order, data, at + 8), _word(order, data, at + 12)
        time = _word(order, data, at) + _word(order, data, at + 4) * unit
        at += _PCAP_RECORD + length
        if at > len(data):
            return
        number += 1
        yield Frame(number, link, data[at - length : at], length < original, time)


def _of_pcapng(data: bytes) -> Iterator[Frame]:
    order, interfaces, number = "<", list[_Interface](), 0
    for kind, order, body in _blocks(data):
        if kind == _SECTION:
            interfaces = []
        elif kind == _INTERFACE and len(body) >= 8:
            interfaces.append(_interface(order, body))
        elif kind in (_PACKET, _OLD_PACKET, _SIMPLE_PACKET):
            number += 1
            if frame := _packet(kind, order, body, interfaces, number):
                yield frame


def _blocks(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """The type, the byte order and the body of each block. Each section has its own byte order."""
    at, order = 0, "<"
    while at + _SMALLEST_BLOCK <= len(data):
        kind, length = _BLOCKS[order].unpack_from(data, at)
        if kind == _SECTION:
            order = "<" if _word("<", data, at + 8) == _BYTE_ORDER else ">"
            length = _word(order, data, at + 4)
        if length < _SMALLEST_BLOCK or at + length > len(data):
            return
        yield kind, order, data[at + 8 : at + length - 4]
        at += length


def _interface(order: str, body: bytes) -> _Interface:
    name, unit, at = "", 1e-6, 8
    while at + 4 <= len(body):
        code, size = _half(order, body, at), _half(order, body, at + 2)
        value = body[at + 4 : at + 4 + size]
        if code == _NAME:
            name = value.decode("utf-8", "replace")
        elif code == _RESOLUTION and value:
            unit = 2.0 ** -(value[0] & 127) if value[0] & 128 else 10.0 ** -value[0]
        at += 4 + -(-size // 4) * 4
    return _Interface(_half(order, body, 0), _word(order, body, 4), name, unit)


def _packet(
    kind: int, order: str, body: bytes, interfaces: list[_Interface], number: int
) -> Frame | None:
    """The frame in a block; None if the block is too short or its interface was not described."""
    start = 4 if kind == _SIMPLE_PACKET else 20
    if len(body) < start:
        return None
    place = 0
    if kind == _PACKET:
        place = _word(order, body, 0)
    elif kind == _OLD_PACKET:
        place = _half(order, body, 0)
    if place >= len(interfaces):
        return None
    link, longest, name, unit = interfaces[place]
    if kind == _SIMPLE_PACKET:
        original, time = _word(order, body, 0), 0.0
        length = min(original, longest or original)
    else:
        _, high, low, length, original = _PACKETS[order].unpack_from(body)
        time = (high << 32 | low) * unit
    data = body[start : start + length]
    return Frame(number, link, data, len(data) < original, time, name)


_WORDS = {order: Struct(f"{order}I") for order in "<>"}
_BLOCKS = {order: Struct(f"{order}II") for order in "<>"}
_PACKETS = {order: Struct(f"{order}5I") for order in "<>"}
_HALVES = {order: Struct(f"{order}H") for order in "<>"}


def _word(order: str, data: bytes, at: int) -> int:
    return int(_WORDS[order].unpack_from(data, at)[0])


def _half(order: str, data: bytes, at: int) -> int:
    return int(_HALVES[order].unpack_from(data, at)[0])
