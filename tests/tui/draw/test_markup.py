"""Guides are written in Markdown; the screen draws what they use of it."""

from __future__ import annotations

from tui.draw.lines import Style, plain
from tui.draw.markup import drawn

TEXT = """# One-way audio

**Look at first:** the `c=` line
of the INVITE.

    alice ── [ NAT ] ── bob

1. First this
   and that.
2. Then *this*.
"""


def test_headings_paragraphs_lists_and_code() -> None:
    assert plain(drawn(TEXT, 30)) == [
        "One-way audio",
        "",
        "Look at first: the c= line of",
        "the INVITE.",
        "",
        "    alice ── [ NAT ] ── bob",
        "",
        "1. First this and that.",
        "2. Then this.",
    ]


def test_what_is_emphasised_has_a_style_and_no_asterisks() -> None:
    line = next(iter(drawn("**bold** and `code` and **open", 60)))
    assert line.plain == "bold and code and **open"
    assert [span.style for span in line.spans] == [
        Style.STRONG,
        Style.PLAIN,
        Style.KEY,
        Style.PLAIN,
    ]


def test_an_item_hangs_below_its_beginning_and_markup_of_others_is_text() -> None:
    assert plain(drawn("1. one two three [@click=app.quit]", 12)) == [
        "1. one two",
        "   three",
        "   [@click=a",
        "   pp.quit]",
    ]
