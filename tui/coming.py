"""A story that stands on the screen before what plays it has been loaded.

To load it takes as long as to open a screen, and nothing of it is needed to see who is there and
what they will do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from appliance.sim.scenario import Scenario
from tui.feed import Feed, FeedError, Wanted
from tui.model import Frame
from tui.widgets.alg_menu import Choices

Arrived = tuple[Feed, Sequence[Choices]]
"""What plays the story, and what may stand in the slot of each application."""


class Coming:
    """Holds the place of a feed, and has no news. `story`: as it is announced; `arrive` loads what
    plays it, and may raise anything that is wrong with it."""

    live = False
    read_only = False
    kind = "SIM"
    lost = ""
    ended = False
    has_packets = True

    def __init__(self, story: Scenario, arrive: Callable[[], Arrived]) -> None:
        self.story = story
        self.arrive = arrive
        self.duration: float | None = story.duration
        self.wanted = Wanted()

    async def next_frame(self, elapsed: float, running: bool) -> Frame:
        return Frame(0.0)

    async def set(self, key: str, value: Any) -> None:
        raise FeedError("nothing has been loaded yet")

    async def flush(self) -> int:
        raise FeedError("nothing has been loaded yet")

    async def close(self) -> None:
        """There is nothing to end."""
