"""The conversations (calls, registrations) of all slots, whoever follows them.

What a message does to its conversation is told when the message passes (`inspection.py`); what
time alone does to it is told here: the time that a registrar granted is over, nobody answers, and
of a call that was answered nothing comes back (`silence.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from alg.base import Conversation, Follower, Progress
from appliance.gateway.silence import Silence, Watch, inferred
from appliance.gateway.slot import Slot
from appliance.journal.events import CallState, SilenceInferred
from appliance.journal.log import SMALL, EventLog
from appliance.journal.weight import weight_of
from nat.conntrack import Conntrack


def tell_progress(log: EventLog, progress: Progress, now: float, cause: int | None = None) -> None:
    """Emit that a conversation came to another state."""
    name, kind, state, caller, callee, detail = progress
    event = CallState(
        call=name, kind=kind, state=state, caller=caller, callee=callee, detail=detail
    )
    log.emit(event, now, cause, size=SMALL + weight_of(event))


class Conversations:
    """Those of all slots together. Times are in seconds on the caller's clock."""

    def __init__(
        self, slots: Mapping[str, Slot], log: EventLog, table: Conntrack, infers: bool
    ) -> None:
        """`infers`: is to be told what the counters of `table` say of calls. (In a simulation the
        parties themselves say what they hear.)"""
        followers: list[Follower | None] = [slot.follower for slot in slots.values()]
        self._followers = [each for each in followers if each is not None]
        self._moved = [slot.moved for slot in slots.values()] if infers else []
        self._log = log
        self._table = table
        self._watch = Watch()

    def next_deadline(self) -> float:
        """When `expire` has something to tell."""
        soonest = inf
        for each in self._followers:
            soonest = min(soonest, each.next_deadline())
        if not self._moved:
            return soonest
        return 0.0 if any(self._moved) else min(soonest, self._watch.next_look())

    def expire(self, now: float) -> None:
        """Tell what time alone has changed."""
        for follower in self._followers:
            for progress in follower.expire(now):
                tell_progress(self._log, progress, now)
        for moved in self._moved:
            while moved:
                self._follow(moved.popleft(), now)
        for name, waited in self._watch.due(now):
            self._look(name, waited, now)

    def _follow(self, name: str, now: float) -> None:
        """A conversation has moved: a call that was answered is to be looked at."""
        if self._talking(name, now) is None:
            self._watch.forget(name)
        else:
            self._watch.begin(name, now)

    def _look(self, name: str, waited: float, now: float) -> None:
        found = self._talking(name, now)
        if found is None:
            self._watch.forget(name)
            return
        silent = inferred(self._table, found, now)
        for each in self._watch.note(name, silent, waited, now):
            event = SilenceInferred(call=name, **each._asdict())
            self._log.emit(event, now, size=SMALL + weight_of(event))

    def _talking(self, name: str, now: float) -> Conversation | None:
        """The call of exactly this name, if it has been answered and is not over."""
        found = self.find(name, now)
        is_it = found is not None and found.row["call"] == name
        return found if found and is_it and found.talking_since is not None else None

    def inferred(self, found: Conversation, now: float) -> list[Silence]:
        """What the counters say of a call now."""
        return inferred(self._table, found, now)

    def document(self, now: float) -> list[dict[str, object]]:
        """As in `show calls`."""
        zero = self._log.zero
        said = self._watch.said
        rows = [row for follower in self._followers for row in follower.document(zero, now)]
        return [{**row, "inferred": said.get(str(row["call"]), "")} for row in rows]

    def find(self, name: str, now: float) -> Conversation | None:
        """The conversation of this name, or the only one whose name begins so."""
        for follower in self._followers:
            found = follower.find(name, self._log.zero, now)
            if found is not None:
                return found
        return None
