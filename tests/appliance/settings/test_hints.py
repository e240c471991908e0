"""What is said of a wrong value: harmless, short, with the right one nearest to it."""

from __future__ import annotations

import pytest

from appliance.settings.hints import counted, nearest, one_of, shown


def test_values_in_messages_are_short_and_on_one_line() -> None:
    assert shown("a\nb\x1b[2J") == '"a\\nb\\u001b[2J"'
    assert len(shown("x" * 1000)) == 60
    assert shown(16**9999) == "this"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("udpp", '; did you mean "udp"?'),
        ("UDP", '; did you mean "udp"?'),
        ("quic", ""),
        ("", ""),
        ("u" * 10_000, ""),
    ],
)
def test_the_nearest_word_is_named_if_there_is_one_at_all(word: str, hint: str) -> None:
    assert nearest(word, ["udp", "tcp"]) == hint


WORDS_OF_A_STORY = ["title", "lesson", "duration", "parties", "script", "symptom", "settings"]
WORDS_OF_A_PHONE = ["registrar", "expires", "register_every", "rtp_port", "transport", "comedia"]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("titel", "title"),
        ("durtion", "duration"),
        ("setings", "settings"),
        ("party", "parties"),
        ("simptom", "symptom"),
        ("regsitrar", "registrar"),
        ("register-every", "register_every"),
        ("expiry", "expires"),
        ("rtpport", "rtp_port"),
        ("comdia", "comedia"),
    ],
)
def test_a_slip_finds_what_was_meant(slip: str, meant: str) -> None:
    assert nearest(slip, WORDS_OF_A_STORY + WORDS_OF_A_PHONE) == f'; did you mean "{meant}"?'


@pytest.mark.parametrize("word", ["profile", "author", "colour", "host", "version"])
def test_a_word_that_looks_like_none_of_them_gets_none(word: str) -> None:
    assert nearest(word, WORDS_OF_A_STORY + WORDS_OF_A_PHONE) == ""


def test_what_is_not_among_the_choices_is_answered_with_all_of_them() -> None:
    assert one_of("tpc", ["udp", "tcp"]) == (
        '"tpc" is not known; one of: udp, tcp; did you mean "tcp"?'
    )
    assert one_of(7, ["udp", "tcp"]) == "7 is not known; one of: udp, tcp"


@pytest.mark.parametrize(("count", "text"), [(0, "0 flows"), (1, "1 flow"), (2, "2 flows")])
def test_one_is_not_many(count: int, text: str) -> None:
    assert counted(count, "flow") == text
