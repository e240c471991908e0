"""One row for each view."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tui.app
from tests.tui.reading import screen_of
from tests.tui.stories import FakeFeed, one_way_audio
from tui.draw.lines import Line
from tui.views import table
from tui.views.table import VIEWS, number
from tui.views.view import Page, View


def test_every_view_has_a_name_of_its_own_and_a_number() -> None:
    assert [number(view.name) for view in VIEWS] == list(range(1, len(VIEWS) + 1))
    assert len({view.name for view in VIEWS}) == len(VIEWS)
    assert all(view.label and view.does for view in VIEWS)


def test_no_two_views_have_the_same_key() -> None:
    keys = [key.key for view in VIEWS for key in view.keys]
    assert len(set(keys)) == len(keys)


class Added(View):
    """A view that nothing but the table knows of."""

    name, label, does = "added", "Added", "what somebody has added"

    def page(self, width: int, height: int) -> Page:
        return Page(Line("Added"), [Line("here it is")])


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36)])
async def test_a_new_view_is_its_file_and_its_row(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """It has a tab, a place at each size, and hands it back."""
    for module in (table, tui.app):
        monkeypatch.setattr(module, "VIEWS", (*VIEWS, Added))
    app = tui.app.GlassnatApp(FakeFeed(one_way_audio()), (), refresh=None)
    async with app.run_test(size=size) as pilot:
        await app.advance(0.0)
        for view, is_there in (("added", True), ("diff", False), ("added", True), ("call", False)):
            app.action_view(view)
            await pilot.pause()
            assert ("here it is" in screen_of(app)) is is_there


def test_how_it_looks_is_written_for_places_and_for_no_view_but_the_workbenchs() -> None:
    text = Path(tui.app.__file__).with_name("app.tcss").read_text()
    named = set(re.findall(r"[#-](\w+)", text)) & {view.name for view in VIEWS}
    assert named == {"nat", "call", "diff"}
