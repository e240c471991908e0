"""What the kernel has dropped at a device, from the device's own counters."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.wires.statistics import FOLDER, DeviceStatistics


@pytest.fixture
def statistics(tmp_path: Path) -> DeviceStatistics:
    """Of a device that is older than the program."""
    write(tmp_path, before=100, after=7)
    return DeviceStatistics(os.open(tmp_path, FOLDER))


def write(folder: Path, before: int, after: int) -> None:
    (folder / "tx_dropped").write_text(f"{before}\n")
    (folder / "rx_dropped").write_text(f"{after}\n")


def test_what_was_dropped_before_the_start_is_not_ours(
    statistics: DeviceStatistics, tmp_path: Path
) -> None:
    assert statistics.dropped() == (0, 0)
    write(tmp_path, before=575, after=9)
    assert statistics.dropped() == (475, 2)


def test_a_device_that_has_gone_away_tells_nothing(
    statistics: DeviceStatistics, tmp_path: Path
) -> None:
    (tmp_path / "rx_dropped").unlink()
    assert statistics.dropped() is None
    statistics.close()
    statistics.close()
    assert statistics.dropped() is None


def test_a_device_that_cannot_be_looked_at_tells_nothing() -> None:
    assert DeviceStatistics.of("no-such-device", "").dropped() is None
    assert DeviceStatistics.of("lo", "/no/such/namespace").dropped() is None
