"""The part that all parties share: timers, and the list of actions that grows while they think."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import ClassVar

from appliance.parties.party import Action, Ground, Order, Report, Send, Wake, What, Write
from appliance.parties.rtp import Stream
from nat.endpoint import Endpoint

Callback = Callable[[float], None]

OBJECTIONS = (What.MESSAGE_DISCARDED, What.MESSAGE_REFUSED)
SAID_OF_A_MESSAGE = (*OBJECTIONS, What.MESSAGE_ACCEPTED, What.LEARNT)
_SAID = re.compile(rb"(?:SIP/2\.0 )?([1-6][0-9]{2}|[A-Z]{3,10})(?= |\r\n)")
"""What a message of SIP or FTP is in a word: a status code, or what is asked."""


class Timer:
    """One appointment. Cancelling leaves it in the heap, where it is passed over."""

    __slots__ = ("at", "callback")

    def __init__(self, at: float, callback: Callback) -> None:
        self.at = at
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        self.callback = None


class Timers:
    """Appointments by time; those of the same time in the order in which they were made."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._serial = count()

    def at(self, when: float, callback: Callback) -> Timer:
        timer = Timer(when, callback)
        heappush(self._heap, (when, next(self._serial), timer))
        return timer

    def again(self, timer: Timer, when: float) -> None:
        """The same appointment once more, after it has been kept."""
        timer.at = when
        heappush(self._heap, (when, next(self._serial), timer))

    def every(self, seconds: float, callback: Callback, now: float) -> Timer:
        """The same appointment again and again, until it is cancelled."""

        def repeat(at: float) -> None:
            self.again(timer, at + seconds)
            callback(at)

        timer = self.at(now + seconds, repeat)
        return timer

    def next(self) -> float | None:
        """When the earliest one is due (seconds)."""
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heappop(heap)
        return heap[0][0] if heap else None

    def keep(self, now: float) -> None:
        """Keep all appointments that are due, one at a time, because each may cancel or make
        others."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            callback = heappop(heap)[2].callback
            if callback is not None:
                callback(now)


class Machine:
    """Collects actions while a party thinks and hands them over at the end of each step."""

    ORDERS: ClassVar[Mapping[str, Order]] = {}
    """What people can tell a party of this kind to do."""
    name: str

    def __init__(self) -> None:
        self.timers = Timers()
        self._actions: list[Action] = []
        self._announced: float | None = None
        self._undecided = b""

    def do(self, action: Action) -> None:
        self._actions.append(action)

    def send(self, source: Endpoint, destination: Endpoint, payload: bytes) -> None:
        self._actions.append(Send(source, destination, payload))

    def report(
        self, what: What, who: str, peer: str = "", detail: str = "", stream: Stream | None = None
    ) -> None:
        self.do(Report(what, who, peer, detail, stream))

    def learn(self, who: str, detail: str, target: Endpoint, ground: Ground) -> None:
        """From now on `who` does what `detail` says, to `target`."""
        self.do(Report(What.LEARNT, who, "", detail, None, target, ground))

    def object_to(self, what: What, who: str, detail: str, ground: Ground) -> None:
        """A message was discarded or refused. Once is enough: the first reason is the one."""
        if not ground.message or not any(_objects_to(ground.message, a) for a in self._actions):
            self.do(Report(what, who, "", detail, None, None, ground))

    @property
    def thought(self) -> int:
        """How many actions this step has come to so far."""
        return len(self._actions)

    def accept(self, message: bytes, since: int = 0) -> None:
        """Say that a message was taken for what it is, and what came of it `since` then (as
        `thought` was); unless something was said against it, or that is to be seen."""
        actions = self._actions[since:]
        if self._undecided == message:
            self._undecided = b""
        elif not any(_objects_to(message, action) for action in actions):
            does = _in_words(actions)
            self.do(Report(What.MESSAGE_ACCEPTED, self.name, "", does, None, None, Ground(message)))

    def decide_later(self, message: bytes) -> None:
        """What this step makes of it is not known when it ends; `accept` comes once more."""
        self._undecided = message

    def tell(self, order: str, whom: str, now: float) -> Sequence[Action]:
        known = self.ORDERS.get(order)
        if known is None:
            raise ValueError(f"{self.name} does not know how to {order!r}")
        known.carry_out(self, whom, now)
        return self.actions()

    def wake(self, now: float) -> Sequence[Action]:
        self.timers.keep(now)
        return self.actions()

    def actions(self) -> Sequence[Action]:
        """What is to be done after this step. A Wake is among it only when the time has changed."""
        actions, self._actions = self._actions, []
        due = self.timers.next()
        if due != self._announced:
            self._announced = due
            if due is not None:
                actions.append(Wake(due))
        return actions


def _objects_to(message: bytes, action: Action) -> bool:
    return (
        isinstance(action, Report)
        and action.what in OBJECTIONS
        and action.ground is not None
        and action.ground.message == message
    )


def _in_words(actions: Sequence[Action]) -> str:
    """What is said ("sends 100, 180"); if that is nothing, what is reported of it."""
    said = (_SAID.match(each.payload) for each in actions if isinstance(each, Send | Write))
    words = dict.fromkeys(found[1].decode("ascii") for found in said if found)
    if words:
        return f"sends {', '.join(words)}"
    reported = (each.what for each in actions if isinstance(each, Report))
    return next((each.value for each in reported if each not in SAID_OF_A_MESSAGE), "")
