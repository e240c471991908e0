"""The timeouts' editor: what is not a number changes nothing."""

from __future__ import annotations

import pytest

from tui.themes import Looks
from tui.widgets.timeout_form import ANSWERED, UNANSWERED, TimeoutForm


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("7 enter", {ANSWERED: 7.0}),
        ("9 tab 8 enter", {ANSWERED: 9.0, UNANSWERED: 8.0}),
        ("delete enter", None),
        ("up enter", None),  # 300 is the largest preset already
    ],
)
async def test_the_form_answers_what_is_to_change(
    keys: str, answer: dict[str, float] | None
) -> None:
    app: Looks[None] = Looks()
    answers: list[dict[str, float] | None] = []
    async with app.run_test() as pilot:
        form = TimeoutForm({ANSWERED: 300.0, UNANSWERED: 120.0})
        await app.push_screen(form, answers.append)
        await pilot.press(*keys.split())
        await pilot.pause()
    assert answers == [answer]
