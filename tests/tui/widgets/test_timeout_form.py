"""The timeouts' editor: what is not a number changes nothing."""

from __future__ import annotations

import pytest

from tests.support.sweep import sampled
from tests.tui.reading import screen_of
from tui.themes import Looks
from tui.widgets.timeout_form import ANSWERED, UNANSWERED, TimeoutForm


@pytest.mark.parametrize(
    ("keys", "answer"),
    sampled(
        [
            pytest.param("9 tab 8 enter", {ANSWERED: 9.0, UNANSWERED: 8.0}),
            pytest.param("7 enter", {ANSWERED: 7.0}),
            pytest.param("delete enter", None),
            pytest.param("up enter", None),  # 300 is the largest preset already
        ],
        4,
    ),
)
async def test_the_form_answers_what_is_to_change(
    keys: str, answer: dict[str, float] | None
) -> None:
    app: Looks[None] = Looks()
    answers: list[dict[str, float] | None] = []
    async with app.run_test() as pilot:
        form = TimeoutForm({ANSWERED: 300.0, UNANSWERED: 120.0}, lambda wanted: [])
        await app.push_screen(form, answers.append)
        await pilot.press(*keys.split())
        await pilot.pause()
    assert answers == [answer]


async def test_what_a_timeout_ends_stands_there_before_enter() -> None:
    app: Looks[None] = Looks()

    def ended(wanted: dict[str, float]) -> list[str]:
        return [f"flow {number}" for number in range(5 if wanted.get(ANSWERED) == 7.0 else 0)]

    async with app.run_test() as pilot:
        await app.push_screen(TimeoutForm({ANSWERED: 300.0, UNANSWERED: 120.0}, ended))
        await pilot.pause()
        assert "Ends no flow at once." in screen_of(app)
        await pilot.press("7")
        said = screen_of(app)
    assert "silent for longer" in said
    assert "✗ flow 2" in said
    assert "… and 2 more" in said
