"""The one way to Textual: text goes through unread, and only when it is new."""

from __future__ import annotations

from pathlib import Path

from rich.style import Style as RichStyle
from textual.app import ComposeResult

from tests.tui.reading import screen_of
from tui.draw.lines import Line, Style
from tui.themes import Looks
from tui.widgets.drawn import Drawn, content, entitle, strip_of

TUI = Path(__file__).resolve().parents[3] / "tui"
MARKUP = "[bold]x[/bold] [@click=app.quit]z[/] [fd00::1]:5060"


class Page(Looks[None]):
    pressed = ""

    def compose(self) -> ComposeResult:
        yield Drawn(id="one")

    def action_pressed(self) -> None:
        self.pressed = "k"


def test_markup_is_not_read() -> None:
    made = content([Line(MARKUP, Style.BAD), Line("second")])
    assert made.plain == f"{MARKUP}\nsecond"
    assert [span.style for span in made.spans] == ["bold $sign-bad"]


async def test_a_strip_is_not_read_either() -> None:
    async with Page().run_test():
        drawn = strip_of(Line(MARKUP, Style.GOOD), RichStyle(), 60, "glassnat")
        assert drawn.text == MARKUP.ljust(60)


async def test_every_style_can_be_drawn() -> None:
    async with Page().run_test() as pilot:
        drawn = pilot.app.query_one(Drawn)
        drawn.show([Line(style.name, style) for style in Style])
        await pilot.pause()
        assert all(style.name in screen_of(pilot.app) for style in Style)
        for style in Style:
            strip = strip_of(Line(style.name, style), RichStyle(), 10, "glassnat")
            assert strip.text.rstrip() == style.name


async def test_lines_that_stand_there_already_cost_nothing() -> None:
    async with Page().run_test() as pilot:
        drawn = pilot.app.query_one(Drawn)
        drawn.show([Line("same")])
        updates = []
        drawn.update = updates.append  # type: ignore[assignment, method-assign]
        drawn.show([Line("same")])
        entitle(drawn, Line("title [x]"))
        assert updates == []
        drawn.show([Line("other")])
        assert len(updates) == 1


async def test_a_click_beside_a_key_is_nothing() -> None:
    async with Page().run_test() as pilot:
        page = pilot.app
        assert isinstance(page, Page)
        page.bind("k", "pressed")
        page.query_one(Drawn).show([Line("ab ").add("k", Style.KEY, "k")])
        await pilot.click("#one", offset=(0, 0))
        assert page.pressed == ""
        await pilot.click("#one", offset=(3, 0))
        await pilot.pause()
        assert page.pressed == "k"


def test_nothing_else_makes_what_textual_draws() -> None:
    """Views accept only lines, so no view can hand raw text to Textual."""
    forbidden = ("Text(", "Content(", "Content.from", "Segment(", "Static(", "Label(", "notify(")
    for path in TUI.rglob("*.py"):
        if path.name != "drawn.py":
            source = path.read_text(encoding="utf-8").replace("WireText(", "")
            found = [word for word in forbidden if word in source]
            assert not found, f"{path.name} uses {found}"
