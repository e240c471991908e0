"""MSS clamping: one number in a SYN is lowered, and nothing else moves."""

from __future__ import annotations

import pytest

from nat.endpoint import Endpoint
from nat.mss import clamp
from nat.packet import Packet
from tests.support.packets import SYN, Seen, tcp

HERE = Endpoint.parse("192.168.20.10:4000")
THERE = Endpoint.parse("203.0.113.9:80")
MSS_1460 = bytes((2, 4)) + (1460).to_bytes(2, "big")
NO_OPERATION = b"\x01"


def syn(options: bytes) -> Packet:
    data = tcp(HERE, THERE, SYN, options=options)
    return Packet(bytearray(data) + bytearray(b"\xa5" * 50), len(data))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),  # at an even place
        (NO_OPERATION, b"\0\0\0"),  # at an odd place: the number stands across two words
        (NO_OPERATION * 2, b"\0\0"),
        (b"\x03\x03\x07", NO_OPERATION),  # behind another option
    ],
)
def test_the_number_is_lowered_and_the_checksum_stays_right(before: bytes, after: bytes) -> None:
    packet = syn(before + MSS_1460 + after)
    clamp(packet, 1400)
    seen = Seen(packet.to_bytes())  # adds up the checksums by itself
    lowered = bytes((2, 4)) + (1360).to_bytes(2, "big")
    assert seen.body[20:] == before + lowered + after


@pytest.mark.parametrize(
    "options",
    [
        b"",
        bytes((2, 4)) + (1200).to_bytes(2, "big"),  # is low enough
        b"\x00" + MSS_1460 + b"\0\0\0",  # behind the end of the options
        bytes((2, 3, 5, 0)),  # no MSS option has three bytes
        bytes((3, 40, 1, 1)),  # an option that ends beyond the header
        bytes((3, 0, 1, 1)),  # an option without length
        NO_OPERATION * 3 + b"\x02",  # an option cut off
    ],
)
def test_what_needs_no_lowering_or_cannot_be_read_stays_as_it_is(options: bytes) -> None:
    packet = syn(options)
    before = packet.to_bytes()
    clamp(packet, 1400)
    assert packet.to_bytes() == before


def test_a_checksum_that_the_kernel_will_complete_is_left_to_it() -> None:
    """A partial checksum covers the pseudo header alone."""
    packet = syn(MSS_1460)
    packet.partial = True
    before = packet.to_bytes()
    clamp(packet, 1400)
    assert packet.to_bytes() == before.replace(MSS_1460, bytes((2, 4)) + b"\x05\x50")
