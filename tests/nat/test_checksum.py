"""One `%` and the slow loop of RFC 1071 agree, and a difference is as good as a new sum."""

from __future__ import annotations

import random

import pytest

from nat.checksum import adjusted, checksum, pseudo_header, sums_up
from tests.support.packets import slow_checksum

RNG = random.Random(7)

WORDS = [
    (b"\x00\x01\xf2\x03\xf4\xf5\xf6\xf7", 0x220D),  # the example of RFC 1071 3
    (b"", 0xFFFF),
    (b"\x00\x00", 0xFFFF),
    (b"\xff\xff", 0x0000),
    (b"\x01", 0xFEFF),  # an odd byte is the high half of a word
]


@pytest.mark.parametrize(("data", "expected"), WORDS)
def test_the_checksum_of_known_words(data: bytes, expected: int) -> None:
    assert checksum(data) == expected == slow_checksum(data)


def test_it_equals_the_slow_loop_for_any_bytes_and_any_length() -> None:
    for length in range(200):
        data = RNG.randbytes(length)
        assert checksum(data) == slow_checksum(data), data.hex()
        assert checksum(bytearray(data)) == slow_checksum(data)


def test_data_with_its_checksum_in_it_sums_up() -> None:
    for length in range(2, 100, 2):
        data = RNG.randbytes(length)
        assert sums_up(data + checksum(data).to_bytes(2, "big"))


def test_one_wrong_bit_does_not_sum_up() -> None:
    data = RNG.randbytes(40)
    whole = bytearray(data + checksum(data).to_bytes(2, "big"))
    for bit in range(len(whole) * 8):
        whole[bit // 8] ^= 1 << bit % 8
        assert not sums_up(whole)
        whole[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize("new", [0, 1, 0xFFFF, 0x1234])
@pytest.mark.parametrize("old", [0, 1, 0xFFFF, 0xABCD])
def test_a_changed_word_changes_the_checksum_by_its_difference(old: int, new: int) -> None:
    """RFC 1624 3: the trap is the pair 0 and 0xFFFF."""
    rest = b"\x45\x00\x12\x34"
    before = checksum(rest + old.to_bytes(2, "big"))
    after = checksum(rest + new.to_bytes(2, "big"))
    assert adjusted(before, old - new) % 0xFFFF == after % 0xFFFF


def test_the_pseudo_header_is_as_in_rfc_768() -> None:
    assert pseudo_header(0xC0A8140A, 0xCB007101, 17, 13) == bytes.fromhex(
        "c0a8140a cb007101 0011 000d"
    )
