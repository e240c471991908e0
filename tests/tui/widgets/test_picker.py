"""The first screen of `glassnat` alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from appliance.sim.scenario import Scenario
from tests.support.sweep import sampled
from tests.tui.reading import screen_of
from tests.tui.test_shelf import titled
from tests.tui.views.test_guide import STORY
from tui.shelf import shelf_of
from tui.widgets.picker import Picker, run_picker

EVIL = Scenario(name="evil", title="[bold]\x1b[2J", lesson="", duration=1.0, parties={}, script=[])
STORIES = {"mine": replace(STORY, name="mine"), "evil": EVIL}


def picker(appliances: Sequence[str] = ("classroom",)) -> Picker:
    told = [titled(each) for each in STORIES.values()]
    return Picker(shelf_of(told, appliances, STORIES.__getitem__))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "answer"),
    sampled(
        [
            pytest.param("enter", ("appliance", "classroom")),
            pytest.param("down enter", ("story", "mine")),
            pytest.param("down down up enter", ("story", "mine")),
            pytest.param("slash e v i l enter enter", ("story", "evil")),
            pytest.param("slash z escape enter", ("appliance", "classroom")),
            pytest.param("o m y full_stop t o m l enter", ("story", "./my.toml")),
            pytest.param("o escape q", None),
            pytest.param("q", None),
        ],
        3,
    ),
)
async def test_the_picker_answers_what_was_chosen(
    keys: str, answer: tuple[str, str] | None
) -> None:
    app = picker()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        text = screen_of(app)
        assert "mine                     One-way audio" in text
        assert "[bold]␛[2J" in text
        await pilot.press(*keys.split())
    assert app.return_value == answer


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_what_is_to_be_known_stands_beside_or_beneath(size: tuple[int, int]) -> None:
    app = picker()
    async with app.run_test(size=size) as pilot:
        await pilot.press("down")
        await pilot.pause()
        rows = screen_of(app).splitlines()
        at = next(row for row, text in enumerate(rows) if "“I hear nothing”" in text)
        assert (at > 4) is (size[0] < 110)


async def test_where_there_is_little_to_be_known_the_list_has_the_room() -> None:
    """And is leafed through by its own height."""
    app = picker(appliances=[f"lab-{number:02}" for number in range(40)])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        seen = [f"lab-{number:02}" for number in range(40) if f"lab-{number:02}" in screen_of(app)]
        assert len(seen) >= 20
        await pilot.press("pagedown")
        await pilot.pause()
        assert f"▸{seen[-1]}" in screen_of(app)
        await pilot.press("end", "up", "home", "end", "enter")
    assert app.return_value == ("story", "evil")


async def test_ctrl_c_leaves_it() -> None:
    app = picker()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+c")
    assert app.return_code == 130


def test_the_command_line_is_told_of_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Picker, "run", lambda picker: picker.action_interrupt())
    with pytest.raises(KeyboardInterrupt):
        run_picker([], [], STORIES.__getitem__)
