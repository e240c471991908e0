"""Outcome, WHY and TRY in the rows that there are."""

from __future__ import annotations

from tests.tui.stories import SETTINGS, ended, one_way_audio
from tests.tui.test_model import told
from tui.draw.lines import plain
from tui.draw.told import apart, rows
from tui.look import Look, Run


def look() -> Look:
    model = told(*one_way_audio())
    model.settings = SETTINGS
    return Look(model)


def test_beneath_a_view_why_and_try_share_the_rows() -> None:
    drawn = plain(rows(look(), False, 80, 5))
    assert drawn[0].startswith("▌WHY The ALG is off: ")
    assert drawn[-1] == "▌TRY a c puts the correct ALG in, then r runs it again."
    assert len(drawn) <= 5


def test_apart_the_outcome_stands_above_them() -> None:
    drawn = plain(apart(look(), False, 60, 14))
    assert drawn[0] == " SO FAR   ONE-WAY AUDIO"
    assert drawn[3] == ""
    assert drawn[4].startswith("▌WHY")
    assert "" not in plain(apart(look(), False, 60, 8))


def test_where_rows_are_few_the_bars_go_before_any_sentence_is_cut() -> None:
    some = look()
    drawn = [row for row in plain(apart(some, False, 60, 7)) if row]
    assert drawn[0] == " SO FAR   ONE-WAY AUDIO"
    assert drawn[1].startswith("▌WHY The ALG is off: ")
    assert [row[-1] for row in drawn[-2:]] == [".", "."]
    some.in_full = True
    assert sum("hears" in row for row in plain(apart(some, False, 60, 7))) == 2


def test_a_sentence_that_was_said_takes_the_place_of_the_advice() -> None:
    some = look()
    some.said = "2 flows forgotten."
    assert plain(rows(some, False, 80, 5))[-1] == "▌    2 flows forgotten."


def test_where_nothing_can_be_turned_nothing_to_turn_is_advised() -> None:
    some = look()
    some.is_fixed = True
    said = plain(rows(some, False, 80, 5))[-1]
    assert said == "▌TRY n b messages   3 before and after   4 events"


def test_nothing_tells_how_it_went_while_one_predicts() -> None:
    some = look()
    some.hidden = True
    assert plain(rows(some, False, 80, 5)) == ["▌WHY Hidden while you predict: h shows it.", "▌"]
    assert not any("AUDIO" in row for row in plain(apart(some, False, 80, 15)))


def test_runs_stand_side_by_side_as_many_as_fit() -> None:
    some = look()
    some.model.fold(ended())
    some.runs = [Run("off", "one-way-audio"), Run("sip", "both-ways")]
    assert plain(rows(some, False, 80, 6))[-1] == "▌RUNS off ONE-WAY · sip BOTH"
    assert plain(rows(some, False, 20, 30))[-1] == "▌RUNS sip BOTH"


def test_one_long_label_does_not_push_out_the_runs_before_it() -> None:
    some = look()
    some.model.fold(ended())
    long = "sip-poor:no-sdp,callid-oneway,contact-only, no comedia at the server"
    some.runs = [Run(each, "one-way-audio") for each in ("first", "off", "sip", long)]
    (drawn,) = [row for row in plain(rows(some, False, 80, 6)) if row.startswith("▌RUNS")]
    assert drawn.startswith("▌RUNS off ONE-WAY · sip ONE-WAY · sip-poor:")
    assert drawn.endswith("comedia at the server ONE-WAY")
    assert len(drawn) == 80


def test_long_advice_is_folded_and_not_cut() -> None:
    drawn = plain(rows(look(), False, 30, 12))
    assert drawn[-2:] == ["▌TRY a c puts the correct ALG", "▌    in, then r runs it again."]
