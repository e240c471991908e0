"""Who hears whom, in words and bars."""

from __future__ import annotations

import pytest

from appliance.journal.events import CallOutcome
from tests.tui.stories import ended, media, one_way_audio, state
from tests.tui.test_model import told
from tui.draw.lines import Style, plain
from tui.draw.outcome import headline, rows


def test_one_way_audio_in_two_sentences_with_two_bars() -> None:
    assert plain(rows(told(*one_way_audio(), ended()), 48)) == [
        " OUTCOME  ONE-WAY AUDIO",
        "   bob hears alice 498 of 498 ██████████ 100%",
        "   alice hears bob   0 of 496 ░░░░░░░░░░   0%",
    ]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["both-ways"], ""),
        (["not-reached", "not-reached", "both-ways"], " · call 1-2 NOT REACHED · 3 BOTH"),
        (["one-way-audio", ""], " · call 1 ONE-WAY · 2 ·"),
    ],
)
def test_of_several_calls_each_has_its_word(words: list[str], shown: str) -> None:
    calls = [{"call": at, "outcome": word, "sentence": ""} for at, word in enumerate(words, 1)]
    event = CallOutcome(outcome="no-audio", sentence="no audio: x", evidence={"calls": calls})
    assert plain(rows(told(event), 65))[0] == f" OUTCOME  NO AUDIO{shown}"


def test_an_outcome_without_audio_is_a_sentence() -> None:
    sentence = "not reached: bob called alice: no answer to INVITE in 32 s"
    event = CallOutcome(outcome="not-reached", sentence=sentence, evidence={})
    assert plain(rows(told(event), 48)) == [
        " OUTCOME  NOT REACHED",
        "   not reached: bob called alice: no answer to",
        "   INVITE in 32 s",
    ]


def test_of_a_long_outcome_whole_parts_are_shown_and_the_others_counted() -> None:
    sentence = "no audio: nobody hears anybody; alice was refused; RTCP: 2 reports"
    event = CallOutcome(outcome="no-audio", sentence=sentence, evidence={})
    first, *others = ["no audio: nobody hears", "anybody", "alice was refused", "RTCP: 2 reports"]
    shown = [row.strip() for row in plain(rows(told(event), 27))[1:]]
    assert shown == [first, others[0], "… and 2 more: w"]
    assert [row.strip() for row in plain(rows(told(event), 27, most=9))[1:]] == [first, *others]


@pytest.mark.parametrize(
    ("heard", "word"),
    [((498, 0), "ONE-WAY AUDIO"), ((498, 497), "BOTH WAYS"), ((0, 0), "NO AUDIO")],
)
def test_while_the_call_lasts_the_counts_speak(heard: tuple[int, int], word: str) -> None:
    story = told(media("alice", "bob", heard[0]), media("bob", "alice", heard[1]))
    assert headline(story)[0] == word
    assert plain(rows(story, 48))[0] == f" SO FAR   {word}"


def test_before_any_audio_the_call_s_state_speaks() -> None:
    assert headline(told())[0] == "nothing yet"
    assert headline(told(state("ringing", 1.0, 2))) == ("call ringing", Style.PLAIN)
    registration = state("registered", 1.0, 2)
    registration.kind = "registration"
    assert headline(told(registration))[0] == "registered"
    assert headline(told(state("failed", 1.0, 2))) == ("call failed", Style.BAD)


@pytest.mark.parametrize(
    ("outcome", "word", "style"),
    [
        ("both-ways", "BOTH WAYS", Style.GOOD),
        ("call-dropped", "CALL DROPPED", Style.BAD),
        ("registration-failed", "REGISTRATION FAILED", Style.BAD),
    ],
)
def test_the_parties_have_the_last_word(outcome: str, word: str, style: Style) -> None:
    event = CallOutcome(outcome=outcome, sentence="", evidence={})
    assert headline(told(event)) == (word, style)


def test_parties_without_a_name_share_what_room_there_is() -> None:
    """Whoever has no name is called by an address, and one of IPv6 takes up to 39 characters."""
    lengthy = "2001:db8:20:aaaa:bbbb:cccc:dddd:100"
    drawn = plain(rows(told(media(lengthy, "bob", 498), media("bob", lengthy, 0)), 48))
    assert drawn[1].split()[2].endswith(":100")
    assert drawn[1].endswith(" 498 of 498 ██████████ 100%")
    assert all(len(row) <= 48 for row in drawn)
