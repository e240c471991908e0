"""What has been said before, so that it is not said again and again.

    losses     packets that are lost second by second are told ever less often; what was counted and
               not told is told when it has stopped, so that the counts of all lines add up
    outcomes   told when it is known, and again only when it has changed; of several calls, each
    reasons    told in full once; from then on, when that was

Everything that is kept is bounded: of many things the oldest are told anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import msgspec

from appliance.journal.events import CallOutcome, Change, PacketDropped, PacketLost

Loss = PacketLost | PacketDropped
Key = TypeVar("Key")
Value = TypeVar("Value")

UNBROKEN = 1.5
"""Seconds between two events of one series at most: like losses are told of once a second."""
SAID_ANYWAY = 4
"""Events of a series that are told whatever comes, when it is a message that is lost: it is sent
again after half a second, one, two and four, and each time is a step of the story."""
MOST_SERIES = 64
MOST_REASONS = 512


class SoFar(NamedTuple):
    """Losses to be told: `event` with the packets that no line has told yet; `packets` of the
    whole series; is that over?"""

    event: Loss
    packets: int
    is_over: bool

    @property
    def in_words(self) -> str:
        """What goes behind the sentence, when that is not all there is to say."""
        if self.event.count == self.packets:
            return ""
        return f"; {self.packets:,} {'in all' if self.is_over else 'so far'}"


@dataclass(slots=True)
class _Series:
    """Packets that are lost in the same way, second by second: how many events there were of it,
    how many packets, how many of those nobody was told of, and the last event."""

    last: Loss
    events: int = 0
    packets: int = 0
    untold: int = 0

    def tell(self, is_over: bool = False) -> SoFar:
        event = msgspec.structs.replace(self.last, count=self.untold)
        self.untold = 0
        return SoFar(event, self.packets, is_over)


class Losses:
    """Of a series the first second is told, the second, the fourth, the eighth … and its end."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, ...], _Series] = {}
        self._crowded_out: list[_Series] = []

    def add(self, event: Loss) -> SoFar | None:
        """What to say of it now, if anything."""
        kind = _kind_of(event)
        series = self._series.pop(kind, None) or _Series(event)
        self._series[kind] = series
        if len(self._series) > MOST_SERIES:
            self._crowded_out.append(self._series.pop(next(iter(self._series))))
        series.last = event
        series.events += 1
        series.packets += event.count
        series.untold += event.count
        anyway = SAID_ANYWAY if event.summary else 1
        is_folded = series.events > anyway and series.events & (series.events - 1) != 0
        return None if is_folded else series.tell()

    def over(self, now: float) -> Iterator[SoFar]:
        """Series that have ended by then (seconds), where something of them was not told yet."""
        ended = [kind for kind, each in self._series.items() if now - each.last.t > UNBROKEN]
        gone = self._crowded_out + [self._series.pop(kind) for kind in ended]
        self._crowded_out.clear()
        for series in gone:
            if series.untold:
                yield series.tell(is_over=True)


class Outcomes:
    """The last word on each call, and on the whole."""

    def __init__(self) -> None:
        self._whole = ""
        self._calls: dict[int, str] = {}

    def news(self, event: CallOutcome) -> Iterator[tuple[str, str]]:
        """Sentences that say something new, each with the outcome that it takes the place of."""
        before, self._whole = self._whole, event.outcome
        whole = event.sentence if event.outcome != before else ""
        if whole:
            yield whole, before
        calls = list(calls_of(event))
        for number, word, sentence in calls:
            old = self._calls.get(number, "")
            _keep(self._calls, number, word, MOST_SERIES)
            is_told = len(calls) == 1 or any(f"call {number}{end}" in whole for end in ",)")
            if word not in ("", old) and not is_told:
                yield sentence, old


def calls_of(event: CallOutcome) -> Iterator[tuple[int, str, str]]:
    """Number, outcome and sentence of each call, as far as the evidence has them."""
    calls = event.evidence.get("calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            number, word, sentence = (call.get(key) for key in ("call", "outcome", "sentence"))
            if isinstance(number, int) and isinstance(word, str) and isinstance(sentence, str):
                yield number, word, sentence


class Reasons:
    """When each change and each reason was told in full (seconds), if anybody is to remember."""

    def __init__(self, is_remembered: bool) -> None:
        self._is_remembered = is_remembered
        self._changes: dict[tuple[str | None, ...], float] = {}
        self._reasons: dict[tuple[str, ...], float] = {}

    def of_change(self, change: Change, now: float) -> float | None:
        """When the very same was told; None if it was not, and it is going to be now."""
        values = change.before, change.after, change.expected
        key = change.verdict, change.field, *values, change.reason
        return self._first_told(self._changes, key, now)

    def of_reason(self, change: Change, now: float) -> float | None:
        """The same for its reason alone."""
        return self._first_told(self._reasons, (change.reason, change.rfc), now)

    def shortened(self, note: str, now: float) -> str:
        """A note, and its first part alone where the whole of it was told before."""
        was_told = self._first_told(self._reasons, (note,), now) is not None
        return note.partition("; ")[0] if was_told else note

    def _first_told(self, told: dict[Key, float], key: Key, now: float) -> float | None:
        at = told.get(key)
        if at is None and self._is_remembered:
            _keep(told, key, now, MOST_REASONS)
        return at


def _keep(kept: dict[Key, Value], key: Key, value: Value, most: int) -> None:
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]


def _kind_of(event: Loss) -> tuple[str, ...]:
    why = event.why if isinstance(event, PacketLost) else event.reason
    tag = str(event.__struct_config__.tag)
    return tag, why, event.source, event.destination, event.summary
