"""The memory of runs: Enter sets two of them side by side."""

from __future__ import annotations

from tests.tui.reading import screen_of
from tui.draw.beside import Compared, Said
from tui.look import Run
from tui.themes import Looks
from tui.widgets.run_menu import RunMenu


def nothing() -> None:
    """Stands for a run that could be played again."""


RUNS = [Run("off", "one-way-audio", nothing), Run("my.py:X", "no-audio"), Run("sip", "", nothing)]


async def test_the_run_under_the_cursor_stands_beside_the_last_one() -> None:
    asked: list[tuple[str, str]] = []

    async def compare(one: Run, other: Run) -> Compared:
        asked.append((one.label, other.label))
        return Compared((one, other), None, ([Said(1.0, "lost")], [Said(1.0, "heard")]))

    app: Looks[None] = Looks()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(RunMenu(RUNS, compare))
        await pilot.press("enter")
        assert "has one process" in screen_of(app), "a module of somebody's own"
        await pilot.press("up", "enter")
        assert "1.000  lost" in screen_of(app)
        await pilot.press("down", "escape")
        assert "▸off ONE-WAY" in screen_of(app)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1
    assert asked == [("off", "sip")]
