"""The conversations (calls, registrations) of all slots, whoever follows them.

What a message does to its conversation is told when the message passes (`inspection.py`); what
time alone does to it is told here: the time that a registrar granted is over, nobody answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from alg.base import Conversation, Follower, Progress
from appliance.gateway.slot import Slot
from appliance.journal.events import CallState
from appliance.journal.log import SMALL, EventLog
from appliance.journal.weight import weight_of


def tell_progress(log: EventLog, progress: Progress, now: float, cause: int | None = None) -> None:
    """Emit that a conversation came to another state."""
    name, kind, state, caller, callee, detail = progress
    event = CallState(
        call=name, kind=kind, state=state, caller=caller, callee=callee, detail=detail
    )
    log.emit(event, now, cause, size=SMALL + weight_of(event))


class Conversations:
    """Those of all slots together. Times are in seconds on the caller's clock."""

    def __init__(self, slots: Mapping[str, Slot], log: EventLog) -> None:
        followers: list[Follower | None] = [slot.follower for slot in slots.values()]
        self._followers = [each for each in followers if each is not None]
        self._log = log

    def next_deadline(self) -> float:
        """When `expire` has something to tell."""
        soonest = inf
        for each in self._followers:
            soonest = min(soonest, each.next_deadline())
        return soonest

    def expire(self, now: float) -> None:
        """Tell what time alone has changed."""
        for follower in self._followers:
            for progress in follower.expire(now):
                tell_progress(self._log, progress, now)

    def document(self, now: float) -> list[dict[str, object]]:
        """As in `show calls`."""
        zero = self._log.zero
        return [row for follower in self._followers for row in follower.document(zero, now)]

    def find(self, name: str, now: float) -> Conversation | None:
        """The conversation of this name, or the only one whose name begins so."""
        for follower in self._followers:
            found = follower.find(name, self._log.zero, now)
            if found is not None:
                return found
        return None
