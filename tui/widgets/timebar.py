"""The timeline, which can be pointed at: a click goes to that moment."""

from __future__ import annotations

from textual.events import Click

from tui.messages import PointedAt
from tui.widgets.drawn import Drawn


class Timebar(Drawn):
    """One line; tells which column of it is clicked."""

    def on_click(self, event: Click) -> None:
        event.prevent_default()
        self.post_message(PointedAt(event.x))
