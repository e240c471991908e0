"""The calls and registrations that are known, how each stands, and what of its audio is counted.

States come from events, in a simulation as in a running appliance. Only an appliance is asked for
more: `show calls` says what follows of each call from the NAT's counters, and `show call ID` what
was counted of the one that somebody looks at. A simulation's parties say themselves what they hear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from appliance.journal.events import CallState, SilenceInferred

CALLS_KEPT = 1_000
"""Calls that are remembered; of too many the one that has not moved for longest goes first."""
OVER = ("ended", "failed", "busy", "cancelled", "unanswered")
BAD = ("failed", "busy", "cancelled", "unanswered", "refused", "expired")
"""States that nobody wants."""
_SIGNALLING = "signalling"


class Carried(NamedTuple):
    """One stream of a call as the NAT counts it: packets from the inside, and back to it."""

    media: str
    inside: str
    outside: str
    packets_out: int
    packets_in: int

    @property
    def is_one_way(self) -> bool:
        return not self.packets_in or not self.packets_out


class Counted(NamedTuple):
    """What `show call ID` says of one call. `verdict`: how it stands, in a sentence."""

    call: str
    verdict: str = ""
    carried: tuple[Carried, ...] = ()

    @property
    def goes_both_ways(self) -> bool:
        """Is something counted of each stream, in each direction?"""
        return bool(self.carried) and not any(each.is_one_way for each in self.carried)


class Calls:
    """All that are known, in the order in which they began."""

    def __init__(self) -> None:
        self._rows: dict[str, CallState] = {}
        self._inferred: dict[str, str] = {}
        self.counted = Counted("")
        self.messages: Mapping[str, int] = {}
        """How many of each call a running appliance has seen, also before anybody looked."""

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[CallState]:
        return iter(self._rows.values())

    def find(self, name: str) -> CallState | None:
        return self._rows.get(name)

    def fold(self, event: CallState | SilenceInferred) -> None:
        """A call moved on, or something follows for one that was answered."""
        if isinstance(event, SilenceInferred):
            self._inferred[event.call] = event.sentence
            return
        if event.state not in OVER:  # what a call has come to stays with it
            self._inferred.pop(event.call, None)
        self._keep(event)

    def take(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """What `show calls` says now: also of calls whose events are remembered no more."""
        for row in rows:
            known = self._rows.get(row["call"])
            if known is None or known.state != row["state"]:
                self._keep(_state_of(row))
        over = {each.call for each in self if each.state in OVER}
        kept = {name: said for name, said in self._inferred.items() if name in over}
        self.messages = {row["call"]: row["messages"] for row in rows}
        told = {row["call"]: row["inferred"] for row in rows if row.get("inferred")}
        self._inferred = kept | told

    def look_into(self, document: Mapping[str, Any] | None) -> None:
        """What `show call ID` says of the call that is looked at; None: nothing is known."""
        self.counted = Counted("") if document is None else _counted(document)

    def inferred(self, name: str) -> str:
        """What follows from the counters for a call, in a sentence; empty where nothing does."""
        return self._inferred.get(name, "")

    def current(self) -> CallState | None:
        """The newest call; while there is none, the newest registration."""
        found: CallState | None = None
        for state in self:
            if state.kind == "call" or found is None or found.kind != "call":
                found = state
        return found

    def _keep(self, state: CallState) -> None:
        self._rows[state.call] = state
        while len(self._rows) > CALLS_KEPT:
            gone = min(self, key=lambda each: (each.state not in OVER, each.t))
            del self._rows[gone.call]
            self._inferred.pop(gone.call, None)


def in_few_words(sentence: str) -> str:
    """`"440 packets out, 0 back in 8 s: one-way, inferred"`, of the sentence that says why."""
    counts = re.sub(" packets? out", " out", sentence.partition(": ")[0])
    return f"{counts}: {in_a_word(sentence)}"


def in_a_word(sentence: str) -> str:
    """The outcome that it speaks of."""
    return "no audio, inferred" if sentence.startswith("0 ") else "one-way, inferred"


def _state_of(row: Mapping[str, Any]) -> CallState:
    return CallState(
        t=row["since"],
        call=row["call"],
        kind=row["kind"],
        state=row["state"],
        caller=row["caller"],
        callee=row["callee"],
    )


def _counted(document: Mapping[str, Any]) -> Counted:
    return Counted(
        document["call"],
        document["verdict"],
        tuple(_carried(document)),
    )


def _carried(document: Mapping[str, Any]) -> Iterator[Carried]:
    """The streams that a flow carries; control of a stream that has nothing to count is none."""
    announced = document["announced"]
    for flow in document["flows"]:
        media = flow["carries"]
        if media == _SIGNALLING:
            continue
        mine = [each["party"] for each in announced if each["own"] == flow["internal"]]
        theirs = [each["party"] for each in announced if each["shown"] == flow["remote"]]
        yield Carried(
            media,
            next(filter(None, mine), flow["internal"]),
            next(filter(None, theirs), flow["remote"]),
            flow["packets_out"],
            flow["packets_in"],
        )
