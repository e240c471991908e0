"""Blocks of a pcapng file, as the draft draws them; a reader that shares nothing with the writer
finds in them what was put in."""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from

import pytest

from appliance.forensics.messages.capture import frames
from appliance.journal import pcapng

HEAD = pcapng.section("glassnat 1", ["a lesson"]) + pcapng.interface("inside", "a wire")


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and content of each; its length stands at both ends and counts whole words (3.1)."""
    at = 0
    while at < len(data):
        kind, length = unpack_from("<II", data, at)
        assert length % 4 == 0
        assert unpack_from("<I", data, at + length - 4) == (length,)
        yield kind, data[at + 8 : at + length - 4]
        at += length


def options(data: bytes) -> list[tuple[int, bytes]]:
    """Code and value of each; the last one has code 0 and no length (3.5)."""
    found, at = [], 0
    while True:
        code, length = unpack_from("<HH", data, at)
        if code == 0:
            assert (length, len(data)) == (0, at + 4)
            return found
        found.append((code, data[at + 4 : at + 4 + length]))
        at += 4 + -(-length // 4) * 4


def options_of(block: bytes, start: int) -> list[tuple[int, bytes]]:
    """Of the one block that is given, behind the first `start` bytes of its content."""
    ((_, content),) = blocks(block)
    return options(content[start:])


def test_a_section_says_who_wrote_it() -> None:
    """4.1: byte order, version 1.0, a length that is not known yet, options."""
    ((kind, content),) = blocks(pcapng.section("glassnat 1", ["a lesson", "a = 1"]))
    assert kind == 0x0A0D0D0A
    assert unpack_from("<IHHq", content) == (0x1A2B3C4D, 1, 0, -1)
    assert options(content[16:]) == [(1, b"a lesson"), (1, b"a = 1"), (4, b"glassnat 1")]


def test_an_interface_carries_packets_with_nothing_before_them() -> None:
    """4.2, and LINKTYPE_RAW."""
    ((kind, content),) = blocks(pcapng.interface("inside", "a wire"))
    assert (kind, *unpack_from("<HHI", content)) == (1, 101, 0, 0)
    assert options(content[8:]) == [(2, b"inside"), (3, b"a wire")]


def test_names_are_records_of_an_address_and_a_text() -> None:
    """4.5: each record ends at a word, the last one is empty."""
    ((kind, content),) = blocks(pcapng.names({0xC0A81464: "alice", 0xCB007109: "pbx"}))
    assert kind == 4
    assert options(content) == [(1, b"\xc0\xa8\x14\x64alice\0"), (1, b"\xcb\0\x71\x09pbx\0")]


@pytest.mark.parametrize("size", range(5))
def test_a_packet_has_its_time_its_way_its_number_and_all_its_bytes(size: int) -> None:
    """4.3: bytes are filled up to a word, and the length says how many there are."""
    data, time = b"abcd"[:size], 1_735_689_600_000_001
    ((kind, content),) = blocks(pcapng.packet(1, time, data, True, 7, ["why"]))
    wire, high, low, captured, original = unpack_from("<IIIII", content)
    assert (kind, wire, high << 32 | low, captured, original) == (6, 1, time, size, size)
    outbound, number = (2).to_bytes(4, "little"), (7).to_bytes(8, "little")
    behind = 20 + -(-size // 4) * 4
    assert options(content[behind:]) == [(1, b"why"), (2, outbound), (5, number)]


def test_what_was_lost_before_a_packet_is_said_at_it() -> None:
    block = pcapng.packet(0, 0, b"", False, 1, lost_before=3)
    inbound, lost = (1).to_bytes(4, "little"), (3).to_bytes(8, "little")
    assert [each for each in options_of(block, 20) if each[0] != 5] == [(2, inbound), (4, lost)]


def test_statistics_say_how_many_were_written_and_lost() -> None:
    """4.6, where a time is two words with the more significant one first."""
    ((kind, content),) = blocks(pcapng.statistics(1, 5 << 32, 6 << 32 | 1, 9, 2))
    assert (kind, *unpack_from("<III", content)) == (5, 1, 6, 1)
    assert [(code, int.from_bytes(value[-8:], "little")) for code, value in options(content[12:])][
        2:
    ] == [(4, 9), (5, 2)]


def test_a_comment_that_is_too_long_is_cut_between_characters() -> None:
    ((code, value),) = options_of(pcapng.section("", ["ü" * 40_000]), 16)[:1]
    assert code == 1
    assert len(value) <= 65_535
    assert value.decode().lstrip("ü") == "…"


def test_a_reader_finds_every_packet() -> None:
    written = [b"one", b"three bytes", b""]
    body = b"".join(
        pcapng.packet(0, at, data, False, at, ["some", "words"]) for at, data in enumerate(written)
    )
    names = pcapng.names({1: "alice"})
    found = [*frames(HEAD + names + body + pcapng.statistics(0, 0, 1, 3, 0))]
    assert [(each.link, each.data, each.is_cut) for each in found] == [
        (pcapng.RAW_IP, data, False) for data in written
    ]
