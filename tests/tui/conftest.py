"""The screen's tests wait, after each key, until Textual is at rest.

Textual's own test pilot guesses that from the processor time that the process uses, which a busy
machine makes wrong; here it is asked what it has still to do.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual._compositor import Compositor
from textual.app import App
from textual.pilot import Pilot
from textual.widget import Widget

MOST_ROUNDS = 1000
QUIET_ROUNDS = 3  # a message goes from the app to the screen to a widget


def _has_work(app: App[Any]) -> bool:
    """Is something to be read, laid out, drawn, or called after a drawing?"""
    screen = app.screen
    widgets: list[Widget] = [screen, *screen.walk_children()]
    return bool(
        any(not pump._message_queue.empty() or pump._next_callbacks for pump in (app, *widgets))
        or any(
            widget._layout_required
            or widget._scroll_required
            or widget._repaint_required
            or widget._recompose_required
            for widget in widgets
        )
        or app._resize_timer
        or screen._dirty_widgets
        or screen._callbacks
    )


async def _rest(pilot: Pilot[Any]) -> None:
    """Until all messages are read and all is drawn, and stays so; or the program has ended."""
    quiet = 0
    for _round in range(MOST_ROUNDS):
        await pilot._wait_for_screen()
        if pilot.app._exit:
            return
        quiet = 0 if _has_work(pilot.app) else quiet + 1
        if quiet == QUIET_ROUNDS:
            return
        await asyncio.sleep(0.001 if pilot.app._resize_timer else 0)
        pilot.app.screen._on_timer_update()
    raise AssertionError("the screen does not come to rest")


@pytest.fixture(autouse=True)
def at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and pauses end when the screen is at rest; it does not glide to where it scrolls, and is
    drawn only for who asks what stands on it: there is no terminal that would show it. (What one is
    told: `test_terminal.py`.)"""

    async def no_guess(min_sleep: float = 0, max_sleep: float = 0) -> None:
        await asyncio.sleep(0)

    async def press(self: Pilot[Any], *keys: str) -> None:
        for key in keys:
            await self.app._press_keys([key])
            await _rest(self)

    async def pause(self: Pilot[Any], delay: float | None = None) -> None:
        await asyncio.sleep(delay or 0)
        await _rest(self)

    drawn = Compositor.render_update

    def no_terminal(self: Compositor, full: bool = False, **others: Any) -> object:
        if full:  # somebody takes a picture
            return drawn(self, full=True, **others)
        self._dirty_regions.clear()  # what a drawing would have done
        return None

    monkeypatch.setattr(Compositor, "render_update", no_terminal)
    monkeypatch.setattr("textual.app.wait_for_idle", no_guess)
    monkeypatch.setattr("textual.pilot.wait_for_idle", no_guess)
    monkeypatch.setattr(Pilot, "press", press)
    monkeypatch.setattr(Pilot, "pause", pause)
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")
