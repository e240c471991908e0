"""Before and after as a view: its switches, and where it looks."""

from __future__ import annotations

from tests.tui.stories import invite, started
from tests.tui.test_model import told
from tui.draw.lines import plain
from tui.look import Look
from tui.views.diff import DiffView


def view() -> DiffView:
    return DiffView(Look(told(started(), invite("off"))))


def test_the_switches_turn_what_is_shown_on_and_off() -> None:
    shown = view()
    for key, text in (("unchanged", "Max-Forwards: 70"), ("expected", "a correct ALG writes")):
        for wanted in (False, True, False):
            assert any(text in row for row in plain(shown.page(118, 20).body)) is wanted, key
            getattr(shown, key)()
        getattr(shown, key)()


def test_the_two_forms_have_two_headings() -> None:
    shown = view()
    before = len(shown.page(118, 20).head)
    shown.split()
    assert {before, len(shown.page(118, 20).head)} == {1, 2}


def test_a_page_is_drawn_once_and_kept() -> None:
    shown = view()
    assert shown.page(118, 20) is shown.page(118, 20)
    assert shown.page(118, 20) is not shown.page(80, 20)


def test_without_a_message_it_says_so() -> None:
    assert plain(DiffView(Look()).page(80, 20).body) == ["No message has passed an ALG yet."]
