"""Packets of the selected flow at the four points of their way, the newest last."""

from __future__ import annotations

from tui.draw import points
from tui.draw.hiding import HIDDEN
from tui.draw.lines import Line, Style, wrap_words
from tui.translations import flow_of
from tui.views.view import Lazy, Page, View

_NONE_YET = (
    "No packet has come by since this view was opened. Shown are those of the flow that is "
    "selected among the translations: 1, and the arrows choose another."
)
_NONE_AT_ALL = (
    "A recording has no packets, only what became of them. A simulation and a running appliance "
    "have them, and a capture keeps them."
)


class PointsView(View):
    """View 7. While it is open packets are looked at; otherwise they are not."""

    name = "points"
    label = "Points"
    does = "packets of the selected flow at four points"

    def page(self, width: int, height: int) -> Page:
        look = self.look
        row = look.model.translations.find(look.translation)
        flow = None if row is None else flow_of(row.key)
        title = Line("Points · ")
        if look.hidden:
            return Page(title, [Line(HIDDEN)])
        if row is None or flow is None:
            title.add("all flows")
        else:
            title.add(f"{row.internal} as {row.external} to {row.remote}", Style.STRONG)
        ways = look.model.points.ways(flow, () if row is None else (row.internal, row.external))
        if not ways:
            said = _NONE_YET if look.has_packets else _NONE_AT_ALL
            return Page(title, [Line(each) for each in wrap_words(said, width)])
        skipped = look.model.points.skipped
        title.add(f" · {skipped} too many to be shown" if skipped else "", Style.BAD)

        def line(place: int) -> Line:
            number, at = divmod(place, points.ROWS)
            return points.rows(ways[number], width)[at]

        return Page(title, Lazy(len(ways) * points.ROWS, line), about=flow, tail=True)
