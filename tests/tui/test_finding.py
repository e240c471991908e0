"""What is typed after `/`."""

from __future__ import annotations

from tui.finding import fits


def test_all_words_must_occur_and_those_with_a_mark_must_not() -> None:
    text = "INVITE out, alice to 203.0.113.9:5060: rewritten"
    wanted = {
        "": True,
        "alice invite": True,
        "bob": False,
        "alice !bob": True,
        "alice !rewritten": False,
        "!": False,
        ":5060": True,
    }
    assert {words: fits(text, words) for words in wanted} == wanted
