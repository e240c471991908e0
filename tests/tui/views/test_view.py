"""What every view has."""

from __future__ import annotations

import pytest

from tui.draw.lines import Line
from tui.look import Look
from tui.views.view import Lazy, View


def test_lazy_lines_are_made_when_they_are_looked_at() -> None:
    made: list[int] = []

    def make(at: int) -> Line:
        made.append(at)
        return Line(str(at))

    lines = Lazy(10_000, make)
    assert len(lines) == 10_000
    assert [line.plain for line in lines[5:7]] == ["5", "6"]
    assert lines[-1].plain == "9999"
    assert made == [5, 6, 9999]
    with pytest.raises(IndexError):
        lines[10_000]
    assert [line.plain for line in Lazy(2, make)] == ["0", "1"]


def test_a_view_that_selects_nothing_leaves_the_arrows_to_its_pane() -> None:
    view = View(Look())
    assert not view.move(1)
    with pytest.raises(NotImplementedError):
        view.page(80, 24)
