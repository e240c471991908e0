"""The table and its cursor."""

from __future__ import annotations

from typing import Any

from tests.tui.rows import dropped
from tests.tui.stories import SETTINGS, flow
from tui.draw.lines import plain
from tui.look import Look
from tui.model import Frame, Model
from tui.views.nat import ROWS_SHOWN, NatView


def view(*flows: dict[str, Any]) -> NatView:
    made = NatView(Look(Model()))
    show(made, *flows)
    return made


def show(shown: NatView, *flows: dict[str, Any]) -> None:
    shown.look.model.take(Frame(0.0, (), flows, (), SETTINGS))


def many(count: int) -> list[dict[str, Any]]:
    return [flow(number, remote=f"203.0.113.9:{number}") for number in range(1, count + 1)]


def selected(shown: NatView) -> str:
    return shown.look.translation


def test_the_cursor_stays_on_its_row_while_others_come_and_go() -> None:
    shown = view(*many(3))
    assert shown.page(80, 24).span == (0, 0)
    shown.move(1)
    assert selected(shown) == "flow 2"
    show(shown, *many(5)[1:])
    page = shown.page(80, 24)
    assert (page.span, selected(shown)) == ((0, 0), "flow 2")
    assert plain(page.body)[0].startswith("▸udp")
    assert len(page.body) == 4


def test_the_columns_have_room_for_a_longer_endpoint_as_soon_as_it_comes() -> None:
    long = "203.0.113.109:50600"
    shown = view(*many(1))
    assert long not in plain(shown.page(80, 24).body)[0]
    show(shown, flow(1, remote=long))
    assert long in plain(shown.page(80, 24).body)[0]


def test_the_cursor_stops_at_both_ends_and_the_mouse_puts_it_anywhere() -> None:
    shown = view(*many(3))
    places = []
    for act, value in (("move", -1), ("move", 9), ("click", 1), ("click", 99)):
        getattr(shown, act)(value)
        places.append((shown.page(80, 24).span or (None,))[0])
    assert places == [0, 2, 1, 1]


def test_a_flood_of_flows_is_cut_and_counted() -> None:
    page = view(*many(ROWS_SHOWN + 5)).page(80, 24)
    assert len(page.body) == ROWS_SHOWN
    assert page.title.plain == f"Translations {ROWS_SHOWN + 5} · external 203.0.113.1"


def test_the_selected_row_is_told_in_sentences_while_somebody_is_at_the_table() -> None:
    shown = view(flow())
    assert shown.page(80, 24).foot == []
    shown.look.view = "nat"
    shown.look.model.names = {"192.168.20.100": "alice", "203.0.113.9": "pbx"}
    shown.page(80, 24)
    said = " ".join(row.strip() for row in plain(shown.page(80, 24).foot)[1:])
    assert said == (
        "A packet of alice opened this. 203.0.113.9:5060 sees 192.168.20.100:5060 as "
        "203.0.113.1:5060. A packet of alice keeps it; without one it ends in 288s. "
        "When it ends, what pbx sends to :5060 reaches nobody."
    )


def test_enter_goes_to_the_packets_of_the_selected_row() -> None:
    shown = view(flow())
    shown.page(80, 24)
    shown.open()
    assert (shown.look.view, shown.look.translation) == ("points", "flow 1")


def test_an_empty_table_has_no_cursor() -> None:
    shown = view()
    assert shown.page(80, 24).span is None
    assert shown.move(1)


def test_a_narrow_place_has_fewer_columns() -> None:
    assert "Prot" not in view(flow()).page(64, 24).head[0].plain
    assert "Prot" in view(flow()).page(90, 24).head[0].plain


def test_what_was_refused_for_an_endpoint_without_a_row_stands_above_the_table() -> None:
    shown = view()
    shown.look.model.fold(dropped("no-mapping", 0.0))
    assert shown.page(63, 24).title.plain.endswith("· ✗ :5060 no-mapping")
