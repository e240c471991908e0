"""What a message means is read, and what its bytes could do to a row is seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.journal.readable import readable


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ("Jürgen Weiß".encode(), "Jürgen Weiß"),  # RFC 3261 25.1
        ("東京 Ångström".encode(), "東京 Ångström"),
        ("Jürgen".encode("latin-1"), "Jürgen"),
        ("é".encode() + b"\xe9\xc3", "éé\xc3"),  # one right, one of an older alphabet, half of one
        (b"\xc0\x80\xed\xa0\x80", "\xc0\x80\xed\xa0\x80"),  # RFC 3629 3: too long, and no character
        ("\u0301\u20dd\u3164".encode(), "␦␦␦"),
        ("\u05d0\u0627\u0661".encode(), "␦␦␦"),
        ("Ã¼".encode(), "Ã¼"),  # encoded twice on the wire, which is to be seen
    ],
)
def test_bytes_that_are_utf_8_are_the_characters_that_they_mean(data: bytes, shown: str) -> None:
    assert readable(data.decode("latin-1")) == shown


def test_what_is_no_text_of_bytes_stays_as_it_is() -> None:
    assert readable("a → b") == "a → b"


@given(st.binary())
def test_no_bytes_raise_anything_and_none_is_lost(data: bytes) -> None:
    shown = readable(data.decode("latin-1"))
    assert len(shown) <= len(data)
    assert bool(shown) == bool(data)
