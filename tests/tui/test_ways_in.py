"""How the screen is opened on a story."""

from __future__ import annotations

import pytest

from appliance.sim.announced import announced
from tests.tui.test_simulated import simulation
from tui import ways_in
from tui.app import GlassnatApp
from tui.coming import Coming
from tui.simulated import Factory, SimulationFeed


def _opened(monkeypatch: pytest.MonkeyPatch) -> list[GlassnatApp]:
    opened: list[GlassnatApp] = []
    monkeypatch.setattr(GlassnatApp, "run", lambda app: opened.append(app))
    return opened


def test_an_announced_story_is_on_the_screen_before_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened, loaded = _opened(monkeypatch), []

    def load() -> Factory:
        loaded.append(True)
        return simulation

    assert ways_in.run_simulation(load, 4.0, announced("one-way-audio")) == 0
    coming = opened[0].feed
    assert isinstance(coming, Coming)
    assert not loaded
    feed, choices = coming.arrive()
    assert isinstance(feed, SimulationFeed)
    assert feed.speed == 4.0
    assert [each.application for each in choices] == ["sip", "ftp", "dns"]


def test_another_one_is_loaded_first_and_its_mistakes_open_no_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = _opened(monkeypatch)

    def load() -> Factory:
        raise LookupError("no such story")

    with pytest.raises(LookupError, match="no such story"):
        ways_in.run_simulation(load)
    assert not opened
