"""`[memory]` and `[record]`: each bound can be set, and no bound can be taken away."""

from __future__ import annotations

import pytest

from appliance.settings.table import SETTINGS, SettingError, Settings

KEYS = [key for key in SETTINGS if key.startswith("memory.")]


def test_everything_kept_has_its_bound() -> None:
    assert KEYS == [
        "memory.events",
        "memory.watcher",
        "memory.watchers",
        "memory.capture",
        "memory.modules",
        "memory.modules_per_host",
    ]
    assert Settings()["record.bytes"] > 0


@pytest.mark.parametrize("key", KEYS)
def test_a_bound_can_be_changed_while_it_runs(key: str) -> None:
    settings = Settings()
    settings.change(key, 100_000)
    assert settings[key] == 100_000


@pytest.mark.parametrize("key", [*KEYS, "record.bytes"])
@pytest.mark.parametrize("value", [0, -1, "16MiB"])
def test_no_bound_is_no_value(key: str, value: object) -> None:
    with pytest.raises(SettingError):
        Settings().assign(key, value, "test")


def test_all_of_it_together_leaves_room_for_the_program() -> None:
    """150 MB for the whole process; the program itself takes 30."""
    lasting = "memory.events", "memory.watchers", "memory.capture"
    mebibytes = sum(Settings()[key] for key in lasting) >> 20
    mebibytes += 2 * Settings()["memory.modules"] >> 20  # SIP and FTP
    mebibytes += 16  # streams
    assert mebibytes <= 80
