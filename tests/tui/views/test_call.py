"""The ladder as a view: what is selected, and what stands around it."""

from __future__ import annotations

from appliance.sim.stories import load_scenario
from tests.tui.stories import one_way_audio, started
from tests.tui.test_model import told
from tui.draw.lines import plain
from tui.look import Look
from tui.views.call import CallView


def view() -> CallView:
    return CallView(Look(told(*one_way_audio()), view="call"))


def test_names_stand_above_and_the_outcome_below() -> None:
    page = view().page(78, 20)
    assert page.title.plain == "Call alice > bob · call: answered"
    assert plain(page.head)[0].split() == ["alice", "NAT", "bob"]
    assert "ONE-WAY AUDIO" in plain(page.foot)[0]


def test_before_anything_has_happened_the_plan_stands_there() -> None:
    """A class that is to predict sees who is there, and what they will do."""
    look = Look(story=load_scenario("one-way-audio"), view="call")
    page = CallView(look).page(78, 20)
    assert plain(page.head)[0].split() == ["alice", "NAT", "pbx"]
    assert plain(page.body)[1] == "    2.000 ┊ alice: call bob"
    assert any("[ NAT ]" in row for row in plain(page.body))
    look.is_beside = True
    beside = plain(CallView(look).page(98, 11).body)
    assert not any("[ NAT ]" in row for row in beside), "it stands in before and after"


def test_the_newest_is_in_sight_until_a_message_is_chosen() -> None:
    shown = view()
    assert shown.page(78, 20).span == (6, 7)
    shown.move(1)
    assert shown.page(78, 20).span == (1, 1)


def test_when_all_is_over_the_message_that_matters_is_in_sight() -> None:
    view = CallView(Look(told(*one_way_audio()), "call", is_over=True))
    page = view.page(78, 8)
    assert page.span is not None
    assert page.body[page.span[0]].plain.startswith("▸")


def test_enter_looks_into_the_message() -> None:
    shown = view()
    shown.open()
    assert shown.look.view == "diff"


def test_a_click_selects_a_message_and_nothing_else() -> None:
    shown = view()
    shown.page(78, 20)
    for row, chosen in ((3, 4), (6, 4), (7, 4), (99, 4)):
        shown.click(row)
        assert shown.look.chosen == chosen


def test_where_there_is_little_room_or_a_place_of_its_own_the_bars_are_spared() -> None:
    shown = view()
    assert [len(shown.page(78, height).foot) for height in (20, 12)] == [3, 1]
    shown.look.is_told_apart = True
    assert shown.page(78, 20).foot == []


def test_before_anything_happened_there_is_an_empty_ladder() -> None:
    page = CallView(Look(told(started()))).page(78, 20)
    assert page.title.plain == "Call "
    assert list(page.body) == []
