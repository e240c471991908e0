"""The screen's tests wait for Textual to come to rest after each key: short looks are enough."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual sleeps 20 ms, twice a key, before it looks whether the program is idle, and glides to
    where it scrolls."""
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 0.01)
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")
