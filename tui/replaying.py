"""Captured packets through a NAT of one's choice as a source of news, forth and back.

The replay is over before it is shown: what is looked at is its recording. To change a setting is to
replay the packets again, in which it changes at this moment; all that came before is as it was,
since the same packets and settings give the same events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from appliance.forensics.replaying import Turn
from appliance.journal.events import Event
from tui.feed import FeedError
from tui.recording import RecordingFeed

Replayed = Callable[[Mapping[str, Any], Sequence[Turn]], Sequence[Event]]
"""All events of a whole replay with these settings (key to value) and turns. Raises ValueError for
one that is refused."""


class ReplayFeed(RecordingFeed):
    """A replay whose settings can be turned."""

    read_only = False
    kind = "REPLAY"

    def __init__(self, replayed: Replayed, speed: float = 1.0) -> None:
        self._replayed = replayed
        self._at_first: dict[str, Any] = {}
        self._turns: list[Turn] = []
        super().__init__(replayed({}, ()), speed)

    def restart(self) -> None:
        """Replay from the first packet; what was turned by hand is so from there on."""
        if self._turns:
            self._at_first |= {turn.key: turn.value for turn in self._turns}
            self._turns.clear()
            self._events = self._replayed(self._at_first, ())
        super().restart()

    async def set(self, key: str, value: Any) -> None:
        turns = [turn for turn in self._turns if turn.t <= self.now]
        turns.append(Turn(self.now, key, value))
        try:
            self._events = await asyncio.to_thread(self._replayed, self._at_first, turns)
        except ValueError as error:  # SettingError and SpecError: the text is a sentence
            raise FeedError(str(error)) from error
        self._turns = turns
        self._play_until(self.now)

    async def flush(self) -> int:
        raise FeedError("This is a replay: settings can be changed; flows end by their timers.")
