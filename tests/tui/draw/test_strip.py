"""Which ALG is active can be read at any moment, at any width."""

from __future__ import annotations

import pytest

from tests.tui.stories import SETTINGS, one_way_audio, started
from tests.tui.test_model import told
from tui.draw.strip import Clock, keys, strip, tabs
from tui.keys import hints
from tui.look import Look
from tui.model import Model

RUNNING = Clock(live=False, paused=False, ended=False, speed=1.0)

LABELS = ("NAT", "Call", "Before/after", "Events")


def story(mode: str = "simulation") -> Model:
    model = told(started(mode))
    model.settings = SETTINGS
    model.now = 72.48
    return model


def test_the_whole_strip_at_120_columns() -> None:
    assert strip(story(), RUNNING, 120).plain == (
        " SIM one-way-audio │ ALG [off] │ UDP [120s new · 300s] │ map EI filt AD │ T+1:12.5 ► x1"
    )


def test_at_80_columns_the_alg_is_still_there() -> None:
    assert strip(story(), RUNNING, 80).plain == (
        " SIM one-way-audio │ ALG [off] │ UDP [120/300s] │ T+1:12.5 ► x1"
    )


def test_a_long_alg_shortens_the_name_of_the_scenario() -> None:
    model = story()
    model.settings = SETTINGS | {"alg.sip.module": "sip-poor:prack-update-blind"}
    text = strip(model, RUNNING, 80).plain
    assert "ALG [sip-poor:prack-update-blind]" in text
    assert text.endswith("► x1")
    assert len(text) <= 80


def test_of_many_faults_the_first_is_named_where_there_is_little_room() -> None:
    model = story()
    model.settings = SETTINGS | {"alg.sip.module": "sip-poor:no-sdp,callid-oneway,c-only"}
    assert "ALG [sip-poor:no-sdp +2]" in strip(model, RUNNING, 80).plain
    assert "ALG [sip-poor:no-sdp,callid-oneway,c-only]" in strip(model, RUNNING, 140).plain
    assert strip(model, RUNNING, 80).plain.endswith("► x1")


@pytest.mark.parametrize(
    ("sip", "ftp", "shown"),
    [
        ("off", "off", "off"),
        ("off", "ftp", "ftp"),
        ("sip", "off", "sip"),
        ("sip", "ftp-poor:split-miss", "sip · ftp-poor:split-miss"),
        ("sip-poor:no-sdp,c-only", "ftp", "sip-poor:no-sdp +1 · ftp"),
    ],
)
def test_every_module_that_is_not_off_is_shown(sip: str, ftp: str, shown: str) -> None:
    model = story()
    model.settings = SETTINGS | {"alg.sip.module": sip, "alg.ftp.module": ftp}
    assert f"ALG [{shown}]" in strip(model, RUNNING, 80).plain


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        (Clock(False, True, False, 1.0), "|| paused x1"),
        (Clock(False, False, True, 1.0), "end"),
        (Clock(False, False, False, 0.25), "► x0.25"),
        (Clock(True, False, False, 1.0), "live"),
        (Clock(True, True, False, 1.0), "DISPLAY FROZEN, traffic goes on"),
        (Clock(True, False, False, 1.0, "the appliance has ended"), "NO CONNECTION: the appliance"),
        (Clock(True, False, False, 1.0), " LIVE one-way-audio "),
        (Clock(True, False, False, 1.0, read_only=True), " LIVE read-only one-way-audio "),
    ],
)
def test_how_time_runs_is_said_in_words(clock: Clock, words: str) -> None:
    mode = "appliance" if clock.live else "simulation"
    assert words in strip(story(mode), clock, 120).plain


def test_while_one_predicts_the_tabs_do_not_tell_the_outcome() -> None:
    assert tabs(Look(told(*one_way_audio()), hidden=True), LABELS, 2, 80).plain.endswith("predict")


def test_a_recording_is_called_so() -> None:
    clock = Clock(False, True, False, 1.0, kind="REC")
    assert strip(story("appliance"), clock, 120).plain.startswith(" REC ")


def test_the_tabs_show_the_open_view_and_the_outcome() -> None:
    text = tabs(Look(told(*one_way_audio())), LABELS, 2, 80).plain
    assert text.startswith("  1 NAT [2 Call] 3 Before/after  4 Events ")
    assert text.endswith("ONE-WAY AUDIO")
    assert tabs(Look(told()), LABELS, 1, 80).key_at(12) == "2"


@pytest.mark.parametrize("live", [False, True])
def test_help_and_the_way_out_are_always_in_the_footer(live: bool) -> None:
    text = keys(hints(live), 80).plain
    assert "? Help" in text
    assert "q Quit" in text
    assert len(text) <= 80


@pytest.mark.parametrize("live", [False, True])
def test_where_nothing_can_be_turned_the_footer_offers_nothing_to_turn(live: bool) -> None:
    assert not {"a", "t", "g"} & {key for key, _ in hints(live, is_fixed=True)}
    assert {"p", "n", "b", "h"} <= {key for key, _ in hints(live, is_fixed=True)}


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        (Clock(True, True, False, 1.0), "DISPLAY FROZEN, traffic goes on"),
        (
            Clock(True, False, False, 1.0, "the appliance has ended"),
            "NO CONNECTION: the appliance has ended",
        ),
    ],
)
def test_a_display_that_stands_still_says_so_in_full_also_in_80_columns(
    clock: Clock, words: str
) -> None:
    """The settings can wait; the ALG stays."""
    model = story("appliance")
    model.settings = SETTINGS | {"alg.sip.module": "sip-poor:no-sdp,callid-oneway,c-only"}
    text = strip(model, clock, 80).plain
    assert text.endswith(words)
    assert "ALG [sip-poor:no-sdp +2]" in text
    assert len(text) <= 80
