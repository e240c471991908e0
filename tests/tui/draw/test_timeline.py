"""The run on one line."""

from __future__ import annotations

import pytest

from appliance.journal.events import Event, SettingChanged
from tests.tui.draw.test_translations import dropped, expired
from tests.tui.stories import event_in_version_6, message, one_way_audio
from tests.tui.test_model import told
from tui.draw.timeline import Tick, mark, row


def test_a_simulation_shows_what_passed_and_what_is_to_come() -> None:
    model = told(*one_way_audio())
    drawn = row(model.ticks, 4.0, 12.0, 60.0, 72).plain
    assert drawn == " 0s ├─I12A═══════●┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┤ 60s"


def test_a_running_appliance_shows_its_last_two_minutes() -> None:
    ticks = [Tick(100.0, "I"), Tick(450.0, "S")]
    drawn = row(ticks, None, 500.0, None, 50).plain
    assert drawn.startswith(" 380s ├─")
    assert "I" not in drawn
    assert "S" in drawn
    assert drawn.endswith("●┤ 500s")


def test_marks_that_crowd_stand_side_by_side() -> None:
    ticks = [Tick(1.0, letter) for letter in "I12A"]
    assert "I12" in row(ticks, None, 30.0, 60.0, 72).plain


@pytest.mark.parametrize(
    ("event", "letter"),
    [
        (message("x", "REGISTER", "out"), "R"),
        (message("x", "INVITE", "out"), "I"),
        (message("x", "100 Trying (INVITE)", "in"), ""),
        (message("x", "180 Ringing (INVITE)", "in"), "1"),
        (message("x", "200 OK (INVITE)", "in"), "2"),
        (message("x", "486 Busy Here (INVITE)", "in"), "4"),
        (message("x", "200 OK (BYE)", "in"), ""),
        (message("x", "ACK", "out"), "A"),
        (message("x", "BYE", "out"), "B"),
        (message("x", "BYE", "out", verdict="dropped"), "X"),
        (message("\x1b]0;", "\x1b[2J", "out"), ""),
        (expired(1.0), "E"),
        (expired(1.0, "flushed"), ""),
        (dropped("FILTERED", 1.0), "X"),
        (SettingChanged(key="k", old=1, new=2, who="x"), "S"),
    ],
)
def test_each_kind_of_event_has_its_letter(event: Event, letter: str) -> None:
    assert mark(event) == letter


@pytest.mark.parametrize("width", [10, 20, 80])
def test_no_width_breaks_the_line(width: int) -> None:
    assert len(row([Tick(1.0, "I")], 0.5, 2.0, 60.0, width).plain) <= width


def test_the_line_is_the_same_between_hosts_with_ipv6_addresses() -> None:
    marks = [mark(event) for event in one_way_audio()]
    assert [mark(event_in_version_6(event)) for event in one_way_audio()] == marks
