"""Frames of pcap and pcapng, of either byte order; a file that ends too early has the others."""

from __future__ import annotations

from struct import pack

import pytest

from appliance.forensics.messages.capture import Frame, frames, is_capture
from tests.support.excerpts import block, pcap, pcapng

FRAMES = [(1, b"one"), (113, b"three bytes"), (1, b"")]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
def test_a_pcap_of_either_order_and_either_clock(order: str, magic: int) -> None:
    data = pcap([b"one", b"two"], 1, order, magic)
    assert is_capture(data)
    assert [*frames(data)] == [
        Frame(1, 1, b"one", False, 0.0),
        Frame(2, 1, b"two", False, 1.0),
    ]


@pytest.mark.parametrize("order", ["<", ">"])
def test_each_interface_of_a_pcapng_has_a_link_layer_of_its_own(order: str) -> None:
    data = pcapng(FRAMES, order)
    assert is_capture(data)
    assert [(each.link, each.data) for each in frames(data)] == FRAMES
    assert [each.number for each in frames(data)] == [1, 2, 3]


def test_each_section_has_its_own_byte_order_and_interfaces() -> None:
    data = pcapng(FRAMES[:1], "<") + pcapng(FRAMES[1:2], ">")
    assert [(each.link, each.data) for each in frames(data)] == FRAMES[:2]


def test_simple_and_old_packets_are_packets() -> None:
    """A simple one has no length of its own: it is cut where its interface cuts."""
    head = pcapng([(101, b"")])
    start = head[: head.index(block(5, pack("<III", 0, 0, 0)))]
    interface = block(1, pack("<HHI", 101, 0, 4))
    simple = block(3, pack("<I", 6) + b"123456"[:4])
    old = block(2, pack("<HHIIII", 0, 0, 0, 0, 3, 9) + b"abc")
    section = start[:28] + interface + simple + old
    assert [*frames(section)] == [Frame(1, 101, b"1234", True), Frame(2, 101, b"abc", True)]


@pytest.mark.parametrize("data", [pcap([b"one", b"two"]), pcapng([(1, b"one"), (1, b"two")])])
def test_a_file_that_ends_too_early_is_read_to_its_last_whole_record(data: bytes) -> None:
    counts = [len([*frames(data[:size])]) for size in range(24, len(data) + 1)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-2], counts[-1]) == (0, 1, 2)


@pytest.mark.parametrize(
    "damage",
    [
        block(6, b""),
        block(6, pack("<IIIII", 7, 0, 0, 3, 3) + b"abc"),
        block(1, b"x"),
        pack("<II", 6, 0) * 4,
    ],
)
def test_a_damaged_block_is_no_frame(damage: bytes) -> None:
    assert len([*frames(pcapng([(1, b"one")]) + damage)]) == 1


@pytest.mark.parametrize("data", [b"", b"\n\r", b"INVITE sip:a SIP/2.0\r\n", b"\xa1\xb2\xc3\xd4"])
def test_other_files_are_none(data: bytes) -> None:
    assert not is_capture(data)
