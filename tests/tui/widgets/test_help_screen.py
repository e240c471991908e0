"""Help is made from the one table of keys."""

from __future__ import annotations

import pytest

from tests.source import ROOT
from tests.tui.reading import screen_of
from tui.keys import for_mode
from tui.themes import Looks
from tui.widgets.help_screen import PAGES, HelpScreen


@pytest.mark.parametrize("live", [False, True])
async def test_help_has_every_key_that_does_something_here(live: bool) -> None:
    app: Looks[None] = Looks()
    async with app.run_test(size=(80, 100)) as pilot:
        await app.push_screen(HelpScreen(live))
        await pilot.pause()
        text = screen_of(app)
        assert all(key.does in text for key in for_mode(live))
        assert ("run again" in text) is not live
        assert all(where in text and (ROOT / where.split()[-1]).is_file() for _, where in PAGES)
