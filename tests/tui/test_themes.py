"""Everything that is drawn can be read, also from the last row of a lecture hall.

The contrast is that of WCAG 2: (lighter + 0.05) / (darker + 0.05) of the relative luminances.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.color import Color
from rich.segment import Segment
from textual.app import App

from tests.tui.test_app import screen
from tui.themes import DARK_SIGNS, LIGHT_SIGNS, OWN

ENOUGH = 7.0
DRAWN_LINES = "─│╭╮╰╯━┃┏┓┗┛┄┈═║▓░█▁▂▃▄▅▆▇"


def luminance(color: Color) -> float:
    parts = [each / 255 for each in color.get_truecolor()]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Color, other: Color) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def words(app: App[None]) -> Iterator[Segment]:
    """What stands on the screen as text, with its style; frames and bars are no text."""
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            if segment.text.strip(DRAWN_LINES + " "):
                yield segment


def faint(app: App[None]) -> dict[str, float]:
    """Text that cannot be read well, with its contrast."""
    found = {}
    for text, style, _ in words(app):
        assert style is not None
        front, back = style.color, style.bgcolor
        assert front is not None, text
        assert back is not None, text
        assert not style.dim, text
        if (ratio := contrast(front, back)) < ENOUGH:
            found[text.strip()] = round(ratio, 1)
    return found


def test_black_on_white_is_21_and_a_colour_on_itself_is_1() -> None:
    black, white = Color.from_rgb(0, 0, 0), Color.from_rgb(255, 255, 255)
    assert round(contrast(black, white), 1) == 21.0
    assert contrast(white, white) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("theme", [theme.name for theme in OWN])
async def test_every_word_of_every_view_and_dialogue_has_a_contrast_of_7_to_1(theme: str) -> None:
    async with screen((120, 36)) as (app, pilot, _):
        app.theme = theme
        for keys in ("1", "2", "3", "4", "5", "h h", "a", "escape t", "escape question_mark"):
            await pilot.press(*keys.split())
            await app.advance(0.0)
            await pilot.pause()
            assert len(list(words(app))) > 5
            assert faint(app) == {}, keys
        await pilot.press("escape")


@pytest.mark.parametrize("signs", [DARK_SIGNS, LIGHT_SIGNS])
def test_what_is_wanted_what_is_not_and_what_to_press_have_three_colours(
    signs: dict[str, str],
) -> None:
    assert len({signs[name] for name in ("sign-good", "sign-bad", "sign-key")}) == 3
