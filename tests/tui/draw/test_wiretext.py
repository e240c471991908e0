"""Text from the network cannot do anything but be read."""

from __future__ import annotations

import pytest

from tui.draw.wiretext import SHOWN, WireText, wire_text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("INVITE sip:bob@example.com", "INVITE sip:bob@example.com"),
        ("\x1b[2J", "␛[2J"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("a\r\nb\tc\x00", "a␍␊b␉c␀"),
        ("\x7f", "␡"),
        ("\x9b31m", "␦31m"),
        ("\u202eevil\u2066", "␦evil␦"),
        ("zero\u200bwidth\ufeff", "zero␦width␦"),
        ("\ud800", "␦"),
    ],
)
def test_what_is_not_plain_ink_becomes_a_picture(raw: str, shown: str) -> None:
    assert wire_text(raw) == shown


@pytest.mark.parametrize("markup", ["[bold]", "[@click=app.quit]z[/]", "[/]", "\\[", "[$error]"])
def test_markup_is_ordinary_text(markup: str) -> None:
    assert wire_text(markup) == markup


def test_every_byte_stays_one_character_so_that_offsets_still_count() -> None:
    every_byte = bytes(range(256)).decode("latin-1")
    assert len(wire_text(every_byte)) == 256
    assert wire_text(every_byte).isprintable()


def test_long_text_is_cut_and_says_so() -> None:
    assert wire_text("x" * 1000) == "x" * (SHOWN - 1) + "…"
    assert wire_text("abcdef", 3) == "ab…"


def test_cleaning_twice_changes_nothing() -> None:
    once = wire_text("\x1b[1m")
    assert isinstance(once, WireText)
    assert wire_text(once) is once
