"""The screen's tests wait for Textual to come to rest after each key: shorter looks are enough."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual looks every 20 ms whether the program is idle, twice a key, and draws every 16 ms.
    What is looked at in these tests takes a few."""
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 0.008)
    monkeypatch.setattr("textual.screen.UPDATE_PERIOD", 0.002)
