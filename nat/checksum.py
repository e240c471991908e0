"""The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

One idea carries this file: one's complement addition of 16-bit words is arithmetic modulo 65,535,
and modulo 65,535 a longer number weighs the same as its 16-bit digits added up, because 65,536
leaves the rest 1. So a whole buffer, read as one big number, can be summed by one `%`, and a
changed address changes the checksum by a difference that is known before the packet comes.

In decimal the same is the casting out of nines: 10 leaves the rest 1, so 4,711 and 4 + 7 + 1 + 1
leave the same rest when they are divided by 9. A worked example with addresses and ports is at the
top of `patch.py`.
"""

from __future__ import annotations

MODULUS = 0xFFFF

Bytes = bytes | bytearray | memoryview


def checksum(data: Bytes) -> int:
    """The checksum field (0..0xFFFF) that makes `data` sum up right, its own field being 0.

    An odd last byte counts as the high half of a word. All-zero data has the checksum 0xFFFF.
    """
    if len(data) & 1:
        data = bytes(data) + b"\0"
    number = int.from_bytes(data, "big")
    return -number % MODULUS if number else MODULUS


def sums_up(data: Bytes) -> bool:
    """Is the checksum inside `data` right? (The sum of all words, the checksum among them.)"""
    if len(data) & 1:
        data = bytes(data) + b"\0"
    return int.from_bytes(data, "big") % MODULUS == 0


def adjusted(old: int, change: int) -> int:
    """A checksum field after the words it covers lost `change` (old minus new, modulo 65,535)."""
    return (old + change) % MODULUS


def pseudo_header(source: int, destination: int, protocol: int, length: int) -> bytes:
    """What a TCP or UDP checksum covers besides the segment itself (RFC 9293 3.1, RFC 768)."""
    return (
        source.to_bytes(4, "big")
        + destination.to_bytes(4, "big")
        + bytes((0, protocol))
        + length.to_bytes(2, "big")
    )
