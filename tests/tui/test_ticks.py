"""Which events are worth a mark on the timeline, and which one."""

from __future__ import annotations

import pytest

from appliance.journal.events import Event, SettingChanged
from tests.tui.draw.test_translations import dropped, expired
from tests.tui.stories import message
from tui.ticks import mark


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
        (expired(1.0, "flushed"), "F"),
        (expired(1.0, "closed"), ""),
        (dropped("FILTERED", 1.0), "X"),
        (SettingChanged(key="k", old=1, new=2, who="x"), "S"),
    ],
)
def test_each_kind_of_event_has_its_letter(event: Event, letter: str) -> None:
    assert mark(event) == letter
