"""Packets on their way to who writes them down."""

from __future__ import annotations

import msgspec
import pytest

from appliance.control.frames import LAST, LENGTH, Frame, decode, encode

FRAME = Frame(1.5, 1, True, 7, b"\x45\x00packet", True, 1448, ("dropped: why", "é"), (0, 3))


def test_a_frame_comes_out_as_it_went_in() -> None:
    sent = encode(FRAME)
    assert int.from_bytes(sent[:LENGTH], "big") == len(sent) - LENGTH
    assert decode(sent[LENGTH:]) == FRAME


def test_the_bytes_may_be_a_view_of_a_wires_buffer() -> None:
    buffer = memoryview(bytearray(FRAME.data + b"rubbish"))[: len(FRAME.data)]
    assert encode((*FRAME[:4], buffer, *FRAME[5:])) == encode(FRAME)


def test_the_last_one_is_empty() -> None:
    assert bytes(LENGTH) == LAST


@pytest.mark.parametrize("body", [b"", b"\x00", encode(FRAME)[LENGTH:-1]])
def test_what_is_no_frame_is_refused(body: bytes) -> None:
    with pytest.raises((msgspec.ValidationError, msgspec.DecodeError)):
        decode(body)
