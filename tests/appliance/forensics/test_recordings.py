"""A recording is read as it was written, also when it was cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.forensics.recordings import RecordingUnreadable, read
from appliance.journal.events import Event, SettingChanged, Started, encode

STARTED = Started(id=1, wall=5.0, name="lab", mode="appliance")
CHANGED = SettingChanged(id=2, t=1.0, key="a", old=1, new=2, who="me")


def written(folder: Path, *events: Event, more: bytes = b"") -> Path:
    path = folder / "run.jsonl"
    path.write_bytes(b"".join(encode(event) + b"\n" for event in events) + more)
    return path


def test_all_events_come_back(tmp_path: Path) -> None:
    found = read(written(tmp_path, STARTED, CHANGED))
    assert (found.started, found.events, found.note) == (STARTED, [STARTED, CHANGED], "")


def test_one_that_was_cut_off_has_all_but_its_last_line(tmp_path: Path) -> None:
    found = read(written(tmp_path, STARTED, more=encode(CHANGED)[:-5]))
    assert found.events == [STARTED]
    assert "cut off" in found.note


@pytest.mark.parametrize(
    ("more", "said"),
    [(b"{}\n", "line 2: "), (b"\n", "line 2: "), (b"\xff\n", "line 2: ")],
)
def test_what_is_no_event_is_named_by_its_line(tmp_path: Path, more: bytes, said: str) -> None:
    with pytest.raises(RecordingUnreadable, match=said):
        read(written(tmp_path, STARTED, more=more))


def test_what_does_not_begin_at_the_start_is_no_recording(tmp_path: Path) -> None:
    for path in (written(tmp_path, CHANGED), written(tmp_path)):
        with pytest.raises(RecordingUnreadable, match="begins with"):
            read(path)
