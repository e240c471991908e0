"""`S` writes a picture and a page, and over nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.stories import one_way_audio
from tests.tui.test_app import screen


@pytest.mark.slow
async def test_a_picture_and_a_page_are_saved_each_time_under_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is the story's, whatever a recording says that it is."""
    monkeypatch.chdir(tmp_path)
    events = one_way_audio()
    events[0].scenario = "../one way\x1b"  # type: ignore[attr-defined]
    async with screen(events=events) as (app, pilot, _):
        await pilot.press("S")
        assert app.look.said.startswith("Saved: one-way-1.svg")
        await pilot.press("S")
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "one-way-1.md", "one-way-1.svg", "one-way-2.md", "one-way-2.svg",
        ]  # fmt: skip
        assert "│──INVITE (SDP)──" in (tmp_path / "one-way-1.md").read_text(encoding="utf-8")
        assert "ONE-WAY" in (tmp_path / "one-way-1.svg").read_text(encoding="utf-8")
        monkeypatch.setattr("tui.saving._write", _cannot)
        await pilot.press("S")
        assert app.look.said == "Not saved: No space left on device."


def _cannot(*_: object) -> str:
    raise OSError(28, "No space left on device")


async def test_before_anything_has_happened_there_is_nothing_to_save() -> None:
    async with screen(events=[]) as (app, pilot, _):
        await pilot.press("S")
        assert app.look.said == "Nothing has happened yet that could be saved."
