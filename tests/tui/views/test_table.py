"""One row for each view."""

from __future__ import annotations

from tui.views.table import VIEWS, number


def test_every_view_has_a_name_of_its_own_and_a_number() -> None:
    assert [number(view.name) for view in VIEWS] == list(range(1, len(VIEWS) + 1))
    assert len({view.name for view in VIEWS}) == len(VIEWS)
    assert all(view.label and view.does for view in VIEWS)


def test_no_two_views_have_the_same_key() -> None:
    keys = [key.key for view in VIEWS for key in view.keys]
    assert len(set(keys)) == len(keys)
