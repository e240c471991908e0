"""What a capture looks like on its way to who writes it: frames, each with its length before it.

    length (4 bytes) │ time, wire, way, number, bytes, comments, … in MessagePack

A frame without content is the last. Bytes travel as they are, super-packets whole: cutting them is
the writer's work.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

LENGTH = 4
LAST = bytes(LENGTH)


class Frame(NamedTuple):
    """A packet; `lost` is how many of each wire are missing before it. The rest is as in
    `appliance/journal/capture.py`, and in a packet."""

    t: float
    side: int
    has_left: bool
    number: int
    data: bytes
    partial: bool
    segment_size: int
    comments: tuple[str, ...]
    lost: tuple[int, int]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


def encode(frame: tuple[object, ...]) -> bytes:
    """What a `Frame` has, where the bytes may also be a view of a buffer."""
    body = _encoder.encode(frame)
    return len(body).to_bytes(LENGTH, "big") + body


def decode(body: bytes) -> Frame:
    """Raises msgspec.ValidationError or msgspec.DecodeError."""
    return _decoder.decode(body)
