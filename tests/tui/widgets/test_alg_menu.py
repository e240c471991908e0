"""The ALG menu answers a SPEC, and explains the fault under the cursor."""

from __future__ import annotations

from textual.app import App

from tests.tui.reading import screen_of
from tui.widgets.alg_menu import AlgMenu

FAULTS = [("no-sdp", "Leaves the body alone. " * 8), ("callid-oneway", "Second.")]


async def test_the_active_faults_are_ticked_and_the_one_under_the_cursor_is_explained() -> None:
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(AlgMenu("sip-poor:callid-oneway", FAULTS, simulation=True))
        await pilot.pause()
        text = screen_of(app)
        assert "[ ] no-sdp" in text
        assert "[x] callid-oneway" in text
        assert text.count("Leaves the body alone.") >= 6
        await pilot.press("down")
        await pilot.pause()
        assert "┃ Second." in screen_of(app)


async def test_without_any_fault_there_is_nothing_to_apply() -> None:
    app: App[None] = App()
    answers: list[str | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(AlgMenu("off", [], simulation=False), answers.append)
        await pilot.press("space", "p")
        await pilot.pause()
    assert answers == [None]
