"""The run on one line."""

from __future__ import annotations

import pytest

from tests.tui.stories import event_in_version_6, one_way_audio
from tests.tui.test_model import told
from tui.draw.timeline import row, scale
from tui.ticks import Tick, mark


def test_a_simulation_shows_what_passed_and_what_is_to_come() -> None:
    model = told(*one_way_audio())
    drawn = row(model.ticks, (4.0, 12.0), 12.0, 60.0, 72).plain
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


@pytest.mark.parametrize("width", [10, 20, 80])
def test_no_width_breaks_the_line(width: int) -> None:
    assert len(row([Tick(1.0, "I")], (0.5, 2.0), 2.0, 60.0, width).plain) <= width


def test_the_line_is_the_same_between_hosts_with_ipv6_addresses() -> None:
    marks = [mark(event) for event in one_way_audio()]
    assert [mark(event_in_version_6(event)) for event in one_way_audio()] == marks


def test_audio_stays_on_the_line_after_the_call() -> None:
    """Else nobody could see afterwards when there was some."""
    drawn = row([], (10.0, 30.0), 60.0, 60.0, 72).plain
    assert 18 <= drawn.count("═") <= 22
    assert drawn.endswith("●┤ 60s")


def test_a_column_is_the_moment_that_it_was_drawn_for() -> None:
    shown = scale(20.0, 60.0, 80)
    for column in range(shown.left, shown.left + shown.room):
        moment = shown.moment(column)
        assert moment is not None
        assert shown.left + shown.column(moment) == column
    assert (shown.moment(shown.left - 1), shown.moment(79)) == (None, None)
