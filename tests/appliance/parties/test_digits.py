"""Keys as packets (RFC 4733)."""

from __future__ import annotations

import pytest

from appliance.parties.digits import DIGITS, payloads, read


def test_a_key_is_held_for_a_tenth_of_a_second_and_its_end_is_said_three_times() -> None:
    """RFC 4733 2.5.1.3: the duration grows; 2.5.1.4: the last packet is repeated."""
    said = payloads("5")
    assert [int.from_bytes(each[2:]) for each in said] == [160, 320, 480, 640, 800, 800, 800]
    assert [read(each) for each in said] == [("5", False)] * 4 + [("5", True)] * 3


@pytest.mark.parametrize("digit", DIGITS)
def test_each_key_is_read_as_it_was_pressed(digit: str) -> None:
    assert read(payloads(digit)[-1]) == (digit, True)


@pytest.mark.parametrize("payload", [b"", b"\x05\x80\x00", b"\x10\x80\x00\xa0", b"\x05" * 160])
def test_what_is_no_key_is_not_read(payload: bytes) -> None:
    """RFC 4733 3.2: other events have higher numbers."""
    assert read(payload) is None


def test_what_is_on_no_telephone_cannot_be_pressed() -> None:
    with pytest.raises(ValueError, match="not found"):
        payloads("x")
