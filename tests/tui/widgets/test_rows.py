"""Rows that scroll only as far as they must, and of which only those in sight are looked at."""

from __future__ import annotations

from textual.app import ComposeResult

from tests.tui.reading import screen_of
from tui.draw.lines import Line
from tui.faults import FaultRow
from tui.themes import Looks
from tui.turning import Knob
from tui.views.view import Lazy, Page
from tui.widgets.alg_menu import AlgMenu, Choices
from tui.widgets.knob_menu import KnobMenu
from tui.widgets.rows import Rows

TITLE = Line("title")


class Screen(Looks[None]):
    def compose(self) -> ComposeResult:
        yield Rows()


def lines(count: int) -> list[Line]:
    return [Line(f"row {number}.") for number in range(count)]


async def test_they_scroll_just_so_far_that_a_row_can_be_seen() -> None:
    async with Screen().run_test(size=(40, 10)) as pilot:
        rows = pilot.app.query_one(Rows)
        places = []
        for row in (5, 20, 15, 3):
            rows.show(Page(TITLE, lines(50), span=(row, row)))
            await pilot.pause()
            places.append(rows.scroll_offset.y)
        assert places == [0, 11, 11, 3]


async def test_another_page_begins_at_its_top_and_with_a_beginning() -> None:
    async with Screen().run_test(size=(40, 10)) as pilot:
        rows = pilot.app.query_one(Rows)
        places = []
        for about, span, starts in (
            (1, (30, 32), None),
            (1, (30, 32), None),
            (2, (0, 0), None),
            (3, (30, 32), (0, 20, 25, 30)),
        ):
            rows.show(Page(TITLE, lines(50), span=span, starts=starts, about=about))
            await pilot.pause()
            places.append(rows.scroll_offset.y)
        assert places == [23, 23, 0, 25]


async def test_who_looks_at_the_end_goes_on_looking_at_it_and_who_does_not_stays() -> None:
    async with Screen().run_test(size=(40, 10)) as pilot:
        rows = pilot.app.query_one(Rows)
        rows.show(Page(TITLE, lines(50), tail=True))
        await pilot.pause()
        rows.show(Page(TITLE, lines(60), tail=True))
        await pilot.pause()
        assert "row 59." in screen_of(pilot.app)
        rows.scroll_to(y=20, animate=False)
        await pilot.pause()
        rows.show(Page(TITLE, lines(70), tail=True))
        await pilot.pause()
        assert rows.scroll_offset.y == 20


async def test_of_ten_thousand_rows_only_a_screenful_is_made() -> None:
    async with Screen().run_test(size=(40, 10)) as pilot:
        rows = pilot.app.query_one(Rows)
        made: set[int] = set()

        def make(at: int) -> Line:
            made.add(at)
            return Line(f"row {at}.")

        rows.show(Page(TITLE, Lazy(10_000, make)))
        await pilot.pause()
        assert "row 3." in screen_of(pilot.app)
        assert len(made) <= 10


async def test_rows_that_stand_there_already_are_not_drawn_again() -> None:
    async with Screen().run_test(size=(40, 10)) as pilot:
        rows = pilot.app.query_one(Rows)
        for _before_and_after_the_layout in range(2):
            rows.show(Page(TITLE, lines(50)))
            await pilot.pause()
        drawn: list[None] = []
        rows.refresh = lambda *a, **k: drawn.append(None)  # type: ignore[assignment, method-assign]
        rows.show(Page(TITLE, lines(50)))
        assert drawn == []
        rows.show(Page(TITLE, [Line("other"), *lines(49)]))
        assert drawn


async def test_a_click_on_a_menu_goes_to_a_row_and_a_second_one_takes_it() -> None:
    """The mouse is needed nowhere and works everywhere."""
    app: Looks[None] = Looks()
    answers: list[object] = []
    faults = [FaultRow("no-sdp", "First."), FaultRow("callid-oneway", "Second.")]
    knobs = [Knob("nat.timeouts.udp", 30.0, False), Knob("nat.hairpin", True, False)]
    async with app.run_test(size=(80, 24)) as pilot:
        menu = AlgMenu([Choices("sip", "RTP ports", "sip-poor", faults)], {}, "sip", False)
        await app.push_screen(menu, answers.append)
        await pilot.pause()
        for _click in range(2):
            await pilot.click("AlgMenu Rows", offset=(5, 1))
        await pilot.press("p")
        await app.push_screen(KnobMenu(knobs), answers.append)
        await pilot.pause()
        for _click in range(2):
            await pilot.click("KnobMenu Rows", offset=(5, 1))
        await pilot.pause()
    assert answers == [("sip", "sip-poor:callid-oneway"), ("nat.hairpin", False)]
