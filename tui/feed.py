"""Where the screen's news comes from: what a simulation, a recording and a running appliance share.

All of them answer with the same `Frame`s, so no view knows which it is. The clock of a simulation
(`tui/simulated.py`) and of a recording (`tui/recording.py`) is advanced by the screen's own timer,
and can be paused, stepped, turned back and started again. That of a running appliance
(`tui/attached.py`) cannot: pausing it would pause its users, so there only the display stands
still.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from appliance.journal.events import Event
from tui.model import Frame

SLOWEST, FASTEST = 0.25, 60.0
READ_ONLY = "this screen is attached read-only"


class FeedError(Exception):
    """Something that was asked for was refused. The text is a sentence."""


class Wanted(NamedTuple):
    """What those in front of the screen look at: one call, by its name; packets on their way."""

    call: str = ""
    points: bool = False


class Feed(Protocol):
    """What the screen needs of its source."""

    live: bool
    read_only: bool
    kind: str
    """What it is, in a word for the strip."""
    lost: str
    """Why there is no more news; empty while there is."""
    wanted: Wanted
    """What is to be told besides, by who can: set before a frame is asked for."""

    has_packets: bool
    """Can packets be looked at?"""

    @property
    def ended(self) -> bool:
        """Is there nothing more to come?"""

    @property
    def duration(self) -> float | None:
        """When it will be over (seconds); None for what is not known to end."""

    async def next_frame(self, elapsed: float, running: bool) -> Frame:
        """The news after `elapsed` wall seconds. `running`: may a virtual clock go on?"""

    async def set(self, key: str, value: Any) -> None:
        """Change a setting at once. Raises FeedError."""

    async def flush(self) -> int:
        """Forget all flows; answers how many. Raises FeedError."""

    async def close(self) -> None:
        """End the connection, if there is one."""


Awaited = Callable[[Event], bool]
"""Is this what somebody wants to get to?"""


class Clockwork(ABC):
    """A feed whose clock can be turned: a simulation, or a recording."""

    speed: float
    wanted = Wanted()

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Is there nothing more to come?"""

    @abstractmethod
    def step(self, awaited: Awaited) -> Event | None:
        """Go on until the next event that is awaited, and answer it; None: to the end."""

    @abstractmethod
    def back(self, awaited: Awaited) -> Event | None:
        """Go back to just after the last event that is awaited before this moment, and answer it;
        None: to the beginning. Whoever shows it begins again, and is told everything up to
        there."""

    @abstractmethod
    def go_to(self, t: float) -> bool:
        """Be at this moment (seconds). True: that was back, so that whoever shows it begins again,
        and is told everything up to there."""

    @abstractmethod
    def restart(self) -> None:
        """Begin again at T+0."""

    @abstractmethod
    def finish(self) -> None:
        """Run to the end at once."""


def setting_values(document: Any) -> Mapping[str, Any]:
    """Key to value, from the document `show settings`."""
    return {key: entry["value"] for key, entry in document.items()}
