"""A row of the table: its default and its sample are values that a file may have."""

from __future__ import annotations

from appliance.settings.kinds import Flag
from appliance.settings.setting import Setting, live
from appliance.settings.table import SETTINGS


def test_a_setting_waits_for_a_restart_unless_it_is_said_to_be_live() -> None:
    row = ("nat.parity", Flag(), True, "help", "RFC 4787 REQ-4")
    assert not Setting(*row).live
    assert live(*row) == Setting(*row, live=True)


def test_what_a_row_shows_can_be_written_and_is_shown_as_it_was_written() -> None:
    for key, setting in SETTINGS.items():
        assert setting.help, key
        for value in (setting.default, setting.sample):
            if value is not None:
                assert setting.kind.plain(setting.kind.parse(value)) == value, key
