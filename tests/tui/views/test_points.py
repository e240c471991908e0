"""The four points as a view: of the flow that is selected."""

from __future__ import annotations

from tests.tui.stories import AUDIO, SETTINGS, flow, started
from tests.tui.test_model import told
from tests.tui.test_points import way
from tui.draw.lines import plain
from tui.look import Look
from tui.model import Frame
from tui.views.points import PointsView


def view() -> PointsView:
    look = Look(told(started()))
    seen = [*way(1, flow=1), *way(2, flow=2)]
    look.model.take(Frame(3.0, (), [flow(), AUDIO], (), SETTINGS, points=seen))
    return PointsView(look)


def test_the_packets_are_those_of_the_selected_flow() -> None:
    shown = view()
    shown.look.translation = "flow 2"
    page = shown.page(78, 20)
    assert page.title.plain.startswith("Points · 192.168.20.100:4000 as 203.0.113.1:4000 to")
    assert plain(page.body)[0] == "    2.000  packet 2, udp, 200 bytes"
    assert len(page.body) == 5
    shown.look.translation = ""
    assert (len(shown.page(78, 20).body), shown.page(78, 20).title.plain) == (
        10,
        "Points · all flows",
    )


def test_where_there_are_none_it_says_why() -> None:
    shown = PointsView(Look())
    assert plain(shown.page(78, 20).body)[0].startswith("No packet has come by")
    shown.look.has_packets = False
    assert plain(shown.page(78, 20).body)[0].startswith("A recording has no packets")
