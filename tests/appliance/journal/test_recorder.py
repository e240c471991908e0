"""Recordings are whole lines, whatever happens to the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.journal.events import SettingChanged, decode, encode
from appliance.journal.log import EventLog
from appliance.journal.recorder import Recorder
from tests.support.limits import no_file_beyond


def change(number: int) -> SettingChanged:
    return SettingChanged(key="nat.timeouts.udp", old=number, new=number + 1, who="test")


def test_all_that_was_and_all_that_follows_is_recorded(tmp_path: Path) -> None:
    log = EventLog(0.0)
    log.emit(change(1), 1.0)
    recorder = Recorder(tmp_path / "run.jsonl", pytest.fail)
    recorder.attach(log)
    log.emit(change(2), 2.0)
    recorder.close()
    log.emit(change(3), 3.0)
    lines = (tmp_path / "run.jsonl").read_bytes().splitlines()
    assert [decode(line).t for line in lines] == [1.0, 2.0]


def test_a_file_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Recorder(tmp_path / "nothing" / "run.jsonl", pytest.fail)


def test_a_full_disk_ends_the_recording_with_one_warning() -> None:
    warnings: list[str] = []
    recorder = Recorder("/dev/full", warnings.append)
    recorder.write(change(1))
    recorder.write(change(2))
    recorder.close()
    assert len(warnings) == 1
    assert "No space left" in warnings[0]


def test_a_recording_becomes_no_longer_than_it_may(tmp_path: Path) -> None:
    warnings: list[str] = []
    path, line = tmp_path / "run.jsonl", len(encode(change(1))) + 1
    recorder = Recorder(path, warnings.append, most_bytes=3 * line)
    for _ in range(5):
        recorder.write(change(1))
    assert len(path.read_bytes()) == 3 * line
    assert recorder.use() == (3 * line, 3 * line, 3 * line)
    (warning,) = warnings
    assert "as long as it may be" in warning
    assert "record.bytes" in warning


def test_half_a_line_is_cut_off_again(tmp_path: Path) -> None:
    """A disk with room for half of the second line: the kernel writes what fits."""
    warnings: list[str] = []
    path = tmp_path / "run.jsonl"
    recorder = Recorder(path, warnings.append)
    with no_file_beyond(len(encode(change(1))) * 3 // 2):
        recorder.write(change(1))
        recorder.write(change(2))
    assert path.read_bytes() == encode(change(1)) + b"\n"
    assert warnings == [f"recording to {path} ended: no space left"]
