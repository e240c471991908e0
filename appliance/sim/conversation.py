"""A call as both its ends saw it, in parts: while it rings, talking, on hold, resumed.

    ├─ while it rings ─┼─ talking ─────┼─ on hold ─────────┼─ resumed ─────┤
      bob's ring-back    both are heard  whoever plays music  both are heard

A new part begins whenever the two agree anew on who talks. Each is judged by itself, because what
was heard before a hold says nothing about what is heard after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from appliance.parties.rtcp import Control
from appliance.parties.rtp import Stream

SPOKEN_ENOUGH = 50
"""Packets, one second: no judgement on audio before, unless the part is over."""
LONG_ENOUGH = 1.0
"""Seconds: a part that was over sooner, and was not the only one, is not judged."""

ON_HOLD = "on hold"
ON_ITS_WAY = 10
"""Packets that may still arrive after a change."""


class Direction(NamedTuple):
    """One direction of a call's audio, or of what is reported on it: who talks to whom, and the two
    ends of the stream."""

    talker: str
    listener: str
    said: Stream | Control
    heard: Stream | Control
    what: str = "audio"


class Count(NamedTuple):
    """Packets of one direction."""

    sent: int
    heard: int

    def since(self, before: Count) -> Count:
        """What was on its way when a part began was said in the one before."""
        sent = self.sent - before.sent
        return Count(sent, min(sent, self.heard - before.heard))


NOTHING = Count(0, 0)
State = tuple[int, float | None, list[tuple[Stream, int, int, bool]]]


@dataclass(slots=True)
class Part:
    """A part of a call in which the same people talk (`talkers`), from `at` on (seconds). `before`
    and `after` are the counts at its ends, by talker."""

    name: str
    at: float
    talkers: frozenset[str]
    before: dict[str, Count]
    after: dict[str, Count] | None = None
    over_at: float | None = None


class Judgement(NamedTuple):
    """Is there audio that can be judged, and where did it fail first? (See `failed`.)"""

    has_audio: bool
    failed: tuple[Part, tuple[Direction, ...]] | None


NO_JUDGEMENT = Judgement(has_audio=False, failed=None)


@dataclass(slots=True)
class Conversation:
    """`streams` are the ends' audio counters, by name, once they talk; `listens` is the caller's
    until then. `number` counts the calls of a story from one."""

    caller: str
    callee: str
    number: int = 0
    reached: bool = False
    answered_at: float | None = None
    over_at: float | None = None
    listens: Stream | None = None
    streams: dict[str, Stream] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    _judged: tuple[State, Judgement] | None = field(default=None, repr=False, compare=False)

    @property
    def over(self) -> bool:
        return self.over_at is not None

    def begin(self, name: str, at: float, *talkers: str) -> None:
        """From now on these talk, and nobody else."""
        counts = self._counts()
        if self.parts:
            self.parts[-1].after, self.parts[-1].over_at = counts, at
        self.parts.append(Part(name, at, frozenset(talkers), counts if self.parts else {}))

    def end(self, at: float) -> None:
        if self.over_at is None:
            self.over_at = at

    def directions(self) -> Iterator[Direction]:
        """Both directions, once both ends have audio."""
        for talker, listener, said, heard in self._ends():
            yield Direction(talker, listener, said, heard, "fax" if said.faxes else "audio")

    def reports(self) -> Iterator[Direction]:
        """RTCP in both directions, as far as there is any."""
        for talker, listener, said, heard in self._ends():
            if said.control is not None and heard.control is not None:
                yield Direction(talker, listener, said.control, heard.control, "RTCP")

    def state(self) -> State:
        """What is different as soon as anything is said, heard or agreed upon."""
        ends = [(each, each.sent, each.heard, each.faxes) for each in self.streams.values()]
        return len(self.parts), self.over_at, ends

    def count(self, part: Part, direction: Direction) -> Count:
        """What was said and heard of a direction in a part."""
        return _in_part(part, self._counts())[direction.talker]

    def failed(self) -> tuple[Part, tuple[Direction, ...]] | None:
        """The first part in which somebody was not heard who should have been: less than half of
        what was said, or nothing was said."""
        return self._judgement().failed

    def unreported(self, listener: str) -> tuple[Direction, ...]:
        """Where reports for a listener were lost."""
        return tuple(
            each for each in self.reports() if each.listener == listener and not each.heard.heard
        )

    def leaks(self) -> Iterator[tuple[Part, Direction, Count]]:
        """Who was heard all the same while somebody was on hold."""
        for part in (each for each in self.parts if each.name == ON_HOLD):
            for each in self.directions():
                count = self.count(part, each)
                if each.talker not in part.talkers and count.heard > ON_ITS_WAY:
                    yield part, each, count

    def was_heard(self) -> bool:
        """Was there audio, and nothing wrong with it?"""
        has_audio, failed = self._judgement()
        return has_audio and failed is None

    def _judgement(self) -> Judgement:
        """It is asked for every second, of calls too that are long over: what has not changed is
        not judged again."""
        state = self.state()
        if self._judged is None or self._judged[0] != state:
            self._judged = state, self._judge()
        return self._judged[1]

    def _judge(self) -> Judgement:
        directions, counts = list(self.directions()), self._counts()
        if not directions:
            return NO_JUDGEMENT
        has_audio = False
        for part in self.parts:
            spoken = _in_part(part, counts)
            if not self._can_be_judged(part, spoken):
                continue
            has_audio = has_audio or bool(part.talkers)
            silent = tuple(
                each
                for each in directions
                if each.talker in part.talkers and not _is_heard(spoken[each.talker])
            )
            if silent:
                return Judgement(has_audio, (part, silent))
        return Judgement(has_audio, None)

    def _can_be_judged(self, part: Part, spoken: Mapping[str, Count]) -> bool:
        if max(count.sent for count in spoken.values()) >= SPOKEN_ENOUGH:
            return True
        over_at = part.over_at if part.over_at is not None else self.over_at
        if over_at is None:
            return False
        return len(self.parts) == 1 or over_at - part.at >= LONG_ENOUGH

    def _ends(self) -> Iterator[tuple[str, str, Stream, Stream]]:
        """Who talks, to whom, and both ends of the stream, in both directions."""
        caller, callee = self.streams.get(self.caller), self.streams.get(self.callee)
        if caller is not None and callee is not None:
            yield self.caller, self.callee, caller, callee
            yield self.callee, self.caller, callee, caller

    def _counts(self) -> dict[str, Count]:
        return {talker: Count(said.sent, heard.heard) for talker, _, said, heard in self._ends()}


def _in_part(part: Part, counts: Mapping[str, Count]) -> dict[str, Count]:
    """What was said and heard in a part, by talker; `counts` is all until now."""
    after = counts if part.after is None else part.after
    return {
        talker: after.get(talker, NOTHING).since(part.before.get(talker, NOTHING))
        for talker in counts
    }


def _is_heard(count: Count) -> bool:
    return 0 < count.sent <= 2 * count.heard
