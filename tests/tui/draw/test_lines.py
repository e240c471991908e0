"""Lines are cleaned where they are made, cut and wrapped without losing anything unsaid."""

from __future__ import annotations

import pytest

from tui.draw.lines import Line, Style, plain, wrap, wrap_words


def test_a_line_cleans_whatever_is_put_into_it() -> None:
    assert Line("\x1b[2J").add("\x07", Style.BAD).plain == "␛[2J␇"


def test_a_cut_line_says_that_there_was_more() -> None:
    assert Line("abcdef").cut(4).plain == "abc…"
    assert Line("abcd").cut(4).plain == "abcd"


def test_padding_fills_or_cuts_to_the_width() -> None:
    assert Line("ab").pad(4).plain == "ab  "
    assert Line("abcdef").pad(4).plain == "abc…"


def test_wrapping_loses_nothing() -> None:
    line = Line("abc").add("defgh", Style.PLAIN)
    assert [piece.plain for piece in wrap(line, 3)] == ["abc", "def", "gh"]
    assert plain(wrap(Line(), 3)) == [""]


def test_a_field_that_changed_is_not_torn_apart_where_a_row_can_hold_it() -> None:
    line = Line("Contact: ").add("«192.0.2.1»", Style.CHANGED)
    assert plain(wrap(line, 12)) == ["Contact:", "«192.0.2.1»"]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("one two three", ["one two", "three"]),
        ("incomprehensible", ["incompr", "ehensib", "le"]),
        ("", [""]),
        ("a incomprehensible", ["a", "incompr", "ehensib", "le"]),
    ],
)
def test_words_are_kept_whole_where_a_row_can_hold_them(text: str, rows: list[str]) -> None:
    assert wrap_words(text, 7) == rows


def test_a_click_finds_the_key_that_it_stands_for() -> None:
    line = Line("ab").add("p", Style.KEY, "p").add(" Pause")
    assert [line.key_at(column) for column in (0, 2, 3, 99)] == ["", "p", "", ""]


def test_lines_are_equal_when_they_look_the_same() -> None:
    assert Line("a", Style.BAD) == Line("a", Style.BAD)
    assert Line("a", Style.BAD) != Line("a")
