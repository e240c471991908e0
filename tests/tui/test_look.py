"""One selection for all views."""

from __future__ import annotations

from tests.tui.stories import ended, one_way_audio
from tests.tui.test_model import told
from tui.look import Look


def number(look: Look) -> int | None:
    return look.message.number if look.message else None


def test_the_message_that_matters_is_looked_at_until_another_one_is_chosen() -> None:
    look = Look(told(*one_way_audio()))
    seen = [number(look)]
    for step in (1, 1, -1, 9, 1, -9):
        look.step(step)
        seen.append(number(look))
    look.follow()
    assert [*seen, number(look)] == [1, 2, 3, 2, 5, 5, 1, 1]


def test_with_no_message_there_is_nothing_to_choose() -> None:
    look = Look()
    look.step(1)
    assert look.message is None


def test_a_run_is_remembered_by_its_label_once_it_has_an_outcome() -> None:
    look = Look(told(*one_way_audio()))
    look.remember("off")
    assert look.runs == []
    look.model.fold(ended())
    for label in ("off", "off pbx.comedia true", "off"):
        look.remember(label)
    assert [run.label for run in look.runs] == ["off pbx.comedia true", "off"]


def test_another_run_forgets_what_was_chosen_and_keeps_the_view() -> None:
    look = Look(told(*one_way_audio()), view="diff", chosen=3, translation="flow 1")
    look.begin_again()
    assert (look.view, look.chosen, look.translation, look.message) == ("diff", None, "", None)
