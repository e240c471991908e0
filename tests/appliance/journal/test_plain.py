"""Whatever a text says, it moves no cursor and is no longer than it may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.journal.plain import clean, continued, printable, split_endpoint


@given(st.text())
def test_cleaned_text_is_plain_ink_of_the_same_length(text: str) -> None:
    shown = clean(text, 1000)
    assert shown.isprintable()
    assert len(shown) == len(text)


def test_ten_megabytes_are_cut() -> None:
    assert len(clean("x" * 10_000_000)) == 256
    assert clean("x" * 300).endswith("…")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("a\r\nb", "a␍␊b"),
        ("\x7f", "␡"),
        ("\x9b\u202e\u200b", "␦␦␦"),
        ("[bold] é → ü", "[bold] é → ü"),
    ],
)
def test_controls_become_pictures(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.1:5060", "192.0.2.1", "5060"),
        ("192.0.2.1", "192.0.2.1", None),
        ("192.0.2.1:", "192.0.2.1", ""),
        (":5060", "", "5060"),
        ("[2001:db8::1]:5060", "2001:db8::1", "5060"),
        ("2001:db8::1", "2001:db8::1", None),
        ("::1", "::1", None),
        ("", "", None),
    ],
)
def test_an_endpoint_of_either_family_is_an_address_and_a_port(
    text: str, address: str, port: str | None
) -> None:
    assert split_endpoint(text) == (address, port)


def test_delete_does_not_stand_raw_in_json() -> None:
    """RFC 8259 7 lets it."""
    assert printable('"\x7f"') == '"\\u007f"'


def test_a_sentence_goes_on_behind_a_colon_with_a_small_letter() -> None:
    """What is spelled in capitals keeps them."""
    said = [
        continued(each) for each in ("Nothing is left.", "TCP ends.", "A flow ends.", "", "1 ms")
    ]
    assert said == ["nothing is left.", "TCP ends.", "a flow ends.", "", "1 ms"]
