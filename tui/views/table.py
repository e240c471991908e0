"""The one table of views: their order is that of the tabs and of the keys 1, 2, 3 …"""

from __future__ import annotations

from tui.views.call import CallView
from tui.views.calls import CallsView
from tui.views.diff import DiffView
from tui.views.events import EventsView
from tui.views.guide import GuideView
from tui.views.nat import NatView
from tui.views.points import PointsView
from tui.views.view import View

VIEWS: tuple[type[View], ...] = (
    NatView,
    CallView,
    DiffView,
    EventsView,
    GuideView,
    CallsView,
    PointsView,
)


def number(name: str) -> int:
    """What a view of this name is called on its tab, from 1."""
    return 1 + next(place for place, view in enumerate(VIEWS) if view.name == name)
