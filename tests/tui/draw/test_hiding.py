"""What is left of a message while one predicts."""

from __future__ import annotations

from tests.tui.stories import invite
from tui.draw.hiding import without_verdicts


def test_changes_that_were_made_stay_and_nothing_is_said_of_them() -> None:
    event = invite("sip")
    bare = without_verdicts(event)
    assert (bare.before, bare.after) == (event.before, event.after)
    assert {(each.verdict, each.reason, each.expected) for each in bare.changes} == {
        ("info", "", None)
    }
    assert event.changes[0].verdict == "ok"


def test_what_was_missed_is_not_even_mentioned() -> None:
    assert without_verdicts(invite("off")).changes == []
