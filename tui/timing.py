"""The keys of time: the clock of a simulation or a recording can be held, stepped, turned back and
begun again.

Back is real: the same run once more from its start, up to where one wants to be. A live clock
cannot be turned; there the keys for messages go through those that have passed.
"""

from __future__ import annotations

from appliance.journal.events import (
    Event,
    ExpectationClosed,
    FlowExpired,
    MappingExpired,
    MappingRefreshed,
    MediaStats,
    MessagePassed,
    PacketDropped,
    PacketLost,
    Started,
)
from appliance.journal.sentences import Teller
from tui.feed import FASTEST, SLOWEST, Awaited, Clockwork, FeedError
from tui.keys import TIME
from tui.simulated import SimulationFeed
from tui.stage import Stage


def is_message(event: Event) -> bool:
    """Has a message passed, or been refused by the NAT?"""
    if isinstance(event, PacketDropped):
        return bool(event.summary) and is_news(event)
    return isinstance(event, MessagePassed)


def is_expiry(event: Event) -> bool:
    """Has a timer run out? What a BYE closes, or somebody flushes, ends by no timer."""
    if not isinstance(event, FlowExpired | MappingExpired | ExpectationClosed):
        return False
    return event.why == "expired"


def is_news(event: Event) -> bool:
    """Is it worth a step? One more second of what was before is not."""
    if isinstance(event, PacketLost | PacketDropped):
        return event.count == 1
    return not isinstance(event, Started | MediaStats | MappingRefreshed)


class Timing:
    """Turns the clock of the screen's feed."""

    keys = TIME

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def pause(self) -> None:
        self._stage.paused = not self._stage.paused

    def _clockwork(self) -> Clockwork | None:
        """A clock that can be turned, or a sentence on why there is none."""
        if isinstance(self._stage.feed, Clockwork):
            return self._stage.feed
        self._stage.say("This NAT is live: its packets cannot be held, stepped or run again.")
        return None

    # --- from message to message -----------------------------------------------------------------

    async def next_message(self) -> None:
        feed = self._stage.feed
        if isinstance(feed, Clockwork) and not feed.ended:
            await self._on(is_message, "No message comes any more before the end.")
            self._look_at_the_newest()
        else:
            self._stage.look.step(1)

    async def last_message(self) -> None:
        if isinstance(self._stage.feed, Clockwork):
            await self._back(is_message)
            self._look_at_the_newest()
        else:
            self._stage.look.step(-1)

    def _look_at_the_newest(self) -> None:
        look = self._stage.look
        look.chosen = look.model.messages[-1].number if look.model.messages else None

    # --- from event to event ---------------------------------------------------------------------

    async def next_event(self) -> None:
        await self._on(is_news, "Nothing happens any more before the end.")

    async def last_event(self) -> None:
        await self._back(is_news)

    async def next_expiry(self) -> None:
        await self._on(is_expiry, "No timer runs out any more before the end.")

    async def _on(self, awaited: Awaited, otherwise: str) -> None:
        """Hold the clock at the next of these, and say what it is."""
        if clockwork := self._clockwork():
            self._stage.paused = True
            event = clockwork.step(awaited)
            await self._stage.advance(0.0)
            self._stage.say(otherwise if event is None else self._told(event))

    async def _back(self, awaited: Awaited) -> None:
        if clockwork := self._clockwork():
            self._stage.paused = True
            event = clockwork.back(awaited)
            self._stage.look.begin_again()
            await self._stage.advance(0.0)
            self._stage.say("This is the beginning." if event is None else self._told(event))

    def _told(self, event: Event) -> str:
        teller = Teller(each=True)
        if (started := self._stage.look.model.started) is not None:
            teller.tell(started)
        return " ".join(teller.tell(event)[0].split())

    # --- to a moment -----------------------------------------------------------------------------

    async def go_to(self, moment: float) -> None:
        """Hold the clock at a moment (seconds); where it cannot be held, look at the message that
        is nearest to it."""
        feed, look = self._stage.feed, self._stage.look
        if isinstance(feed, Clockwork):
            self._stage.paused = True
            if feed.go_to(moment):
                look.begin_again()
            await self._stage.advance(0.0)
        elif messages := look.model.messages:
            look.look_at(min(messages, key=lambda each: abs(each.event.t - moment)))
            self._stage.draw()

    # --- as a whole ------------------------------------------------------------------------------

    def faster(self, factor: float) -> None:
        """Faster or slower; 0: as fast as the wall clock."""
        if clockwork := self._clockwork():
            speed = clockwork.speed * factor if factor else 1.0
            clockwork.speed = min(max(speed, SLOWEST), FASTEST)

    async def run_as_at_first(self) -> None:
        if clockwork := self._clockwork():
            if isinstance(clockwork, SimulationFeed):
                clockwork.knobs.clear()
            await self.run_again()

    async def run_saved(self, name: str) -> None:
        """Somebody has saved a module that is in use: run again, to the end if it was there."""
        feed = self._stage.feed
        if isinstance(feed, SimulationFeed):
            was_at_the_end = feed.ended
            await self.run_again()
            if was_at_the_end and not self._stage.look.said:
                feed.finish()
                await self._stage.advance(0.0)
            self._stage.say(self._stage.look.said or f"{name} was saved, and the story runs again.")

    async def run_again(self) -> None:
        if clockwork := self._clockwork():
            try:
                clockwork.restart()
            except FeedError as error:
                self._stage.say(str(error))
                return
            self._stage.look.begin_again()
            self._stage.paused = False
            await self._stage.advance(0.0)
