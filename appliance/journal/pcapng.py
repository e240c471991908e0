"""A capture as a pcapng file has it: blocks, as bytes.

    section │ interface "inside" │ interface "outside" │ names │ packet │ packet │ … │ statistics

    a block     type, length │ body, filled up to words │ length
    an option   code, length │ value, filled up to words            the last one has code 0

Every packet says which way it went, which other packet of the file it is (the same one behind the
NAT has the same number, `frame.packet_id` in Wireshark), and in comments what was made of it and
why. The bytes depend on nothing but what is handed over, so the same run gives the same file.

Format: draft-ietf-opsawg-pcapng (the section of each block and option is named where it is made).
How a file is read again: `appliance/forensics/messages/capture.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from struct import Struct

RAW_IP = 101
"""The link type of a wire that carries packets with nothing before them (LINKTYPE_RAW)."""
MICROSECOND = 1e-6
"""What times are counted in: a file that does not say otherwise has this unit."""

_SECTION, _INTERFACE, _NAMES, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 4, 5, 6
_BYTE_ORDER = 0x1A2B3C4D
_LENGTH_UNKNOWN = 0xFFFFFFFFFFFFFFFF
_LONGEST_VALUE = 65535
_COMMENT = 1  # of any block (4.1)
_PROGRAM = 4  # of a section
_NAME, _DESCRIPTION = 2, 3  # of an interface
_FLAGS, _LOST_BEFORE, _NUMBER = 2, 4, 5  # of a packet
_START, _END, _RECEIVED, _LOST = 2, 3, 4, 5  # of statistics
_IPV4_NAME = 1  # of names
_ARRIVED, _LEFT = 1, 2  # in the flags of a packet

_HEAD = Struct("<II")
_WORD = Struct("<I")
_OPTION = Struct("<HH")
_LONG = Struct("<Q")
_END_OF_OPTIONS = _OPTION.pack(0, 0)
_SECTION_BODY = Struct("<IHHQ")
_INTERFACE_BODY = Struct("<HHI")
_PACKET_BODY = Struct("<IIIII")
_FACTS = Struct("<HHIHHQ")
"""The two options that every packet has: flags and number."""


def section(program: str, comments: Iterable[str]) -> bytes:
    """What a file begins with: who wrote it, and whatever there is to say of all of it (4.1)."""
    body = _SECTION_BODY.pack(_BYTE_ORDER, 1, 0, _LENGTH_UNKNOWN)
    said = (_text(_COMMENT, comment) for comment in comments)
    return _block(_SECTION, body, (*said, _text(_PROGRAM, program)))


def interface(name: str, description: str) -> bytes:
    """A wire; packets name it by its place among the interfaces of the section (4.2)."""
    body = _INTERFACE_BODY.pack(RAW_IP, 0, 0)
    return _block(_INTERFACE, body, (_text(_NAME, name), _text(_DESCRIPTION, description)))


def names(hosts: Mapping[int, str]) -> bytes:
    """Who has which IPv4 address (4.5)."""
    records = [
        _option(_IPV4_NAME, address.to_bytes(4, "big") + name.encode() + b"\0")
        for address, name in hosts.items()
    ]
    return _block(_NAMES, b"".join(records) + _END_OF_OPTIONS, ())


def packet(
    wire: int,
    time: int,
    data: bytes,
    has_left: bool,
    number: int,
    comments: Iterable[str] = (),
    lost_before: int = 0,
) -> bytes:
    """A packet at `time` (microseconds since 1970) on the interface `wire`, all of it (4.3).
    `lost_before`: packets between this one and the last that could not be kept."""
    size = len(data)
    facts = _FACTS.pack(_FLAGS, 4, _LEFT if has_left else _ARRIVED, _NUMBER, 8, number)
    options = b"".join(
        (
            *(_text(_COMMENT, comment) for comment in comments),
            facts,
            _option(_LOST_BEFORE, _LONG.pack(lost_before)) if lost_before else b"",
            _END_OF_OPTIONS,
        )
    )
    body = _PACKET_BODY.pack(wire, time >> 32, time & 0xFFFFFFFF, size, size)
    fill = -size % 4
    length = len(body) + size + fill + len(options) + 12
    return b"".join(
        (_HEAD.pack(_PACKET, length), body, data, bytes(fill), options, _WORD.pack(length))
    )


def statistics(wire: int, start: int, end: int, received: int, lost: int) -> bytes:
    """How many packets of an interface were written, and how many could not be kept (4.6). Times
    as of `packet`."""
    body = _WORD.pack(wire) + _time(end)
    return _block(
        _STATISTICS,
        body,
        (
            _option(_START, _time(start)),
            _option(_END, _time(end)),
            _option(_RECEIVED, _LONG.pack(received)),
            _option(_LOST, _LONG.pack(lost)),
        ),
    )


def _time(microseconds: int) -> bytes:
    """The more significant half comes first."""
    return _HEAD.pack(microseconds >> 32, microseconds & 0xFFFFFFFF)


def _block(kind: int, body: bytes, options: Iterable[bytes]) -> bytes:
    content = body + b"".join(options)
    if content != body:
        content += _END_OF_OPTIONS
    length = len(content) + 12
    return _HEAD.pack(kind, length) + content + _WORD.pack(length)


def _text(code: int, text: str) -> bytes:
    """An option in UTF-8. What is longer than an option can be is cut between two characters."""
    value = text.encode("utf-8", "replace")
    if len(value) > _LONGEST_VALUE:
        value = value[: _LONGEST_VALUE - 3].decode("utf-8", "ignore").encode() + "…".encode()
    return _option(code, value)


def _option(code: int, value: bytes) -> bytes:
    return _OPTION.pack(code, len(value)) + value + bytes(-len(value) % 4)
