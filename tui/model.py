"""What the screen knows: events and snapshots folded into a few things that can be drawn.

The model is a reader. It never asks the engine anything; a `Frame` of news goes in (from a
simulation, a running appliance or a test), and the drawing modules (`translations`, `ladder`,
`diff`, `outcome`, `why`) turn what it holds into lines. No Textual here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from appliance.journal.events import (
    AlgError,
    CallOutcome,
    CallState,
    Event,
    FlowExpired,
    HintGiven,
    MediaStats,
    MessageAccepted,
    MessageDiscarded,
    MessagePassed,
    PacketDropped,
    PacketLost,
    PacketSeen,
    SettingChanged,
    SilenceInferred,
    Started,
)
from appliance.journal.noise import noise
from appliance.journal.rows import FAULTS
from appliance.settings.hints import counted
from appliance.settings.values import short_value
from appliance.sim.knobs import PREFIX
from nat.drop import Drop
from tui.calls import OVER, Calls
from tui.endpoint import address_of
from tui.points import Points
from tui.ticks import FLUSHED, Tick, mark
from tui.translations import Translations

BY_THE_STORY = "script"
"""Who changes a setting that the story changes."""
MESSAGES_KEPT = 2_000
"""Messages that can be looked back at; the oldest go first."""
EVENTS_KEPT = 5_000
MODULE_KEYS = "alg.*.module"
"""The settings that say which module stands in the slot of an application."""


@dataclass(frozen=True)
class Frame:
    """The news since the last frame, and how things stand. Documents are as `glassnat show` has
    them; times are seconds on the appliance's clock. None: not asked this time.

    `call`: the document of the one call that somebody looks at. `anew`: a sentence on why all that
    was told before is over; empty while it goes on. `points`: packets that were looked at."""

    now: float
    events: Sequence[Event] = ()
    flows: Sequence[Mapping[str, Any]] | None = None
    expectations: Sequence[Mapping[str, Any]] | None = None
    settings: Mapping[str, Any] | None = None
    calls: Sequence[Mapping[str, Any]] | None = None
    call: Mapping[str, Any] | None = None
    anew: str = ""
    points: Sequence[PacketSeen] = ()


@dataclass(frozen=True)
class Message:
    """A message with the number that it has on the screen."""

    number: int
    event: MessagePassed


BOTH_WAYS = "both-ways"


@dataclass(frozen=True)
class Stream:
    """One direction of audio, as far as it has been counted."""

    talker: str
    listener: str
    sent: int
    heard: int
    lost_at: str
    began: float
    until: float

    @property
    def in_trouble(self) -> bool:
        """Has enough been sent, and nearly nothing heard?"""
        return self.sent >= 10 and self.heard * 20 < self.sent


@dataclass(frozen=True)
class Mark:
    """Something worth a line between the messages: somebody turned a knob, or (`bad`) a message
    never came to the NAT. `forgotten`: how many flows a flush has ended so far."""

    t: float
    text: str
    bad: bool = False
    forgotten: int = 0


@dataclass(frozen=True)
class Refusal:
    """A message that the NAT dropped, and how often it was sent so far."""

    event: PacketDropped
    count: int

    @property
    def t(self) -> float:
        return self.event.t

    def is_of(self, other: PacketDropped) -> bool:
        """Is the other one the same message, sent again?"""
        mine = self.event
        return (mine.summary, mine.call_id, mine.reason, mine.source, mine.destination) == (
            other.summary,
            other.call_id,
            other.reason,
            other.source,
            other.destination,
        )


LadderEntry = Message | Refusal | Mark | str
"""What happened, in order: a message that passed or was refused, a mark, or the key of a stream of
audio."""


@dataclass
class Model:
    """Everything that the views draw."""

    now: float = 0.0
    started: Started | None = None
    names: dict[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    translations: Translations = field(default_factory=Translations)
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=MESSAGES_KEPT))
    ladder: deque[LadderEntry] = field(default_factory=lambda: deque(maxlen=MESSAGES_KEPT))
    streams: dict[str, Stream] = field(default_factory=dict)
    calls: Calls = field(default_factory=Calls)
    points: Points = field(default_factory=Points)
    fates: dict[int, str] = field(default_factory=dict)
    """What became of a message behind the NAT, by its event, where that was not what it was for."""
    accepted: dict[int, str] = field(default_factory=dict)
    """Who took a message for what it is, and what they did about it, by its event."""
    outcome: CallOutcome | None = None
    last_drop: PacketDropped | None = None
    last_error: AlgError | None = None
    hints: dict[str, HintGiven] = field(default_factory=dict)
    """The first flow of each kind that nobody reads, by whose sign it was."""
    turned: dict[str, Any] = field(default_factory=dict)
    """Settings that somebody has changed since the start, with their values: what "run again" would
    keep, and what it would not have done anyway."""
    ticks: deque[Tick] = field(default_factory=lambda: deque(maxlen=MESSAGES_KEPT))
    log: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    seen: int = 0
    """Events folded so far, for views that append."""
    noise: dict[str, int] = field(default_factory=dict)
    """Packets of each kind that nobody means anything by."""
    _numbers: dict[int, int] = field(default_factory=dict)
    """The number of each message that is kept, by its event."""
    _best: Message | None = None
    _best_of: dict[str, Message] = field(default_factory=dict)
    """The same within each call."""
    _without_service: set[str] = field(default_factory=set)

    def take(self, frame: Frame) -> None:
        """Fold one frame."""
        self.now = frame.now
        for event in frame.events:
            self.fold(event)
        self.points.fold(frame.points)
        if frame.settings is not None:
            self.settings = frame.settings
        if frame.calls is not None:
            self.calls.take(frame.calls)
            self.calls.look_into(frame.call)
        if frame.flows is not None and frame.expectations is not None:
            self.translations.take(frame.flows, frame.expectations, frame.now)

    def fold(self, event: Event) -> None:
        """Fold one event. A type without a handler is only kept in the log."""
        self.log.append(event)
        self.seen += 1
        if kind := noise(event):
            self.noise[kind] = self.noise.get(kind, 0) + getattr(event, "count", 1)
            return
        self.translations.fold(event)
        self._tick(event)
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def _tick(self, event: Event) -> None:
        letter = mark(event)
        if letter and not (letter == FLUSHED and self.ticks and self.ticks[-1].mark == FLUSHED):
            self.ticks.append(Tick(event.t, letter))

    # --- handlers, one for each type of event that more than the log cares for -------------------

    def _started(self, event: Started) -> None:
        self.started = event
        self.names = dict(event.parties)

    def _message(self, event: MessagePassed) -> None:
        number = self.messages[-1].number + 1 if self.messages else 1
        message = Message(number, event)
        if len(self.messages) == MESSAGES_KEPT:
            self._numbers.pop(self.messages[0].event.id, None)
        self.messages.append(message)
        self._numbers[event.id] = number
        self._best = _better(self._best, message)
        if event.call_id:
            self._best_of[event.call_id] = _better(self._best_of.get(event.call_id), message)
            if len(self._best_of) > MESSAGES_KEPT:
                del self._best_of[next(iter(self._best_of))]
        self.ladder.append(message)

    def _media(self, event: MediaStats) -> None:
        key = f"{event.stream} {event.talker} {event.listener}"
        was = self.streams.get(key)
        if was is None:
            self.ladder.append(key)
        self.streams[key] = Stream(
            event.talker,
            event.listener,
            event.sent,
            event.heard,
            event.lost_at or (was.lost_at if was else ""),
            was.began if was else event.t,
            event.t,
        )

    def _call(self, event: CallState | SilenceInferred) -> None:
        self.calls.fold(event)

    def _flow_ended(self, event: FlowExpired) -> None:
        """Those that a flush has ended are one line together."""
        if event.why != "flushed":
            return
        last = self.ladder[-1] if self.ladder else None
        number = 1
        if isinstance(last, Mark) and last.forgotten and last.t == event.t:
            number += last.forgotten
            self.ladder.pop()
        text = f"flush: {counted(number, 'flow')} forgotten"
        self.ladder.append(Mark(event.t, text, forgotten=number))

    def _outcome(self, event: CallOutcome) -> None:
        self.outcome = event

    def _dropped(self, event: PacketDropped) -> None:
        """A message that a module refuses has been told of as a message."""
        self.last_drop = event
        if not event.summary or event.reason == Drop.REFUSED_BY_ALG.reason:
            return
        last, refusal = self.ladder[-1] if self.ladder else None, Refusal(event, event.count)
        if isinstance(last, Refusal) and last.is_of(event):
            refusal = Refusal(last.event, last.count + event.count)
            self.ladder.pop()
        self.ladder.append(refusal)

    def _lost(self, event: PacketLost) -> None:
        """A message that passed gets a fate; one that never came to the NAT, a line of its own."""
        if event.cause in self._numbers:
            _keep(self.fates, event.cause, f"✗ {event.why}")
        elif event.summary and event.count == 1:
            self.ladder.append(Mark(event.t, f"✗ {event.summary}: {event.why}", bad=True))

    def _discarded(self, event: MessageDiscarded) -> None:
        verb = "refused" if event.is_refusal else "discarded"
        _keep(self.fates, event.cause, f"✗ {verb} by {event.party}: {event.reason}")
        if event.summary.endswith("(REGISTER)"):
            self._without_service.add(event.party)

    def _accepted(self, event: MessageAccepted) -> None:
        does = f": {event.does}" if event.does else ""
        _keep(self.accepted, event.cause, f"{event.party} accepts it{does}")

    def state_of(self, call: CallState) -> str:
        """How a call or registration stands for its parties, as far as that is known."""
        failed = self.outcome is not None and self.outcome.outcome != BOTH_WAYS
        if self.outcome is not None and failed and self.outcome.outcome.startswith(call.kind):
            return self.outcome.outcome.rpartition("-")[2]
        if call.kind == "registration" and call.caller in self._without_service:
            return "answered, and the answer was discarded"
        return call.state

    def _alg_error(self, event: AlgError) -> None:
        self.last_error = event

    def _hint(self, event: HintGiven) -> None:
        """One line for all flows of a kind, unless its messages tell of themselves; each flow says
        so on its own row of the table."""
        if event.about in self.hints:
            return
        self.hints[event.about] = event
        if all(message.event.alg != event.about for message in self.messages):
            ends = f"{self.name(event.internal)} to {self.name(event.remote)}"
            self.ladder.append(Mark(event.t, f"not read, {ends}: {event.sentence}", bad=True))

    def _setting(self, event: SettingChanged) -> None:
        if event.who != BY_THE_STORY:
            self.turned[event.key] = event.new
        old, new = short_value(event.old), short_value(event.new)
        self.ladder.append(Mark(event.t, f"{short_key(event.key)}: {old} > {new}"))

    # --- questions that several views ask --------------------------------------------------------

    def message(self, number: int) -> Message | None:
        """The message of this number, if it is still kept."""
        place = number - self.messages[0].number if self.messages else -1
        return self.messages[place] if 0 <= place < len(self.messages) else None

    def message_of(self, event: int) -> Message | None:
        """The message of this event, if it is one and still kept."""
        number = self._numbers.get(event)
        return None if number is None else self.message(number)

    @property
    def is_simulation(self) -> bool:
        return self.started is not None and self.started.mode == "simulation"

    def name(self, endpoint: str) -> str:
        """What people call the host of an endpoint: its party's name, or the address."""
        address = address_of(endpoint)
        return self.names.get(address, address)

    @property
    def modules(self) -> dict[str, str]:
        """The SPEC in the slot of each application."""
        return {
            key.split(".")[1]: str(spec)
            for key, spec in self.settings.items()
            if fnmatchcase(key, MODULE_KEYS)
        }

    @property
    def application(self) -> str:
        """The one whose module is in question: that of the message worth showing; before there is
        any, the first."""
        return self._best.event.alg if self._best else next(iter(self.modules), "")

    def audio(self) -> tuple[float, float] | None:
        """When the first audio was counted and when the last; None while there was none."""
        streams = self.streams.values()
        if not streams:
            return None
        until = max(each.until for each in streams)
        call = self.current_call()
        is_over = call is not None and call.state in OVER
        return min(each.began for each in streams), until if is_over else self.now

    def current_call(self) -> CallState | None:
        """The newest call; while there is none, the newest registration."""
        return self.calls.current()

    def worth_showing(self, call: str = "") -> Message | None:
        """The message that a newcomer should look at: the one that the causes of a failure lead to.
        Within one `call`, or where none does, of those that went through the module that is active:
        the newest offer with a fault, or else the newest fault, or else the newest offer that an
        ALG has work in; requests before answers."""
        if call:
            return self._best_of.get(call)
        causes = [] if self.outcome is None else self.outcome.causes
        named = (self._numbers.get(cause.event or 0) for cause in causes if cause.field)
        number = next((each for each in named if each is not None), 0)
        return self.message(number) or self._best


def _keep(told: dict[int, str], event: int | None, text: str) -> None:
    """What became of the message of this event."""
    if event is not None:
        told[event] = text
        while len(told) > MESSAGES_KEPT:
            del told[next(iter(told))]


def _better(best: Message | None, other: Message) -> Message:
    """Which of two messages is more worth a look."""
    if best is None or _is_new_era(best.event, other.event):
        return other
    return other if _interest(other) > _interest(best) else best


def _is_new_era(before: MessagePassed, after: MessagePassed) -> bool:
    """Has another module been put in the slot?"""
    return before.alg == after.alg and before.module != after.module


def _interest(message: Message) -> tuple[bool | int, ...]:
    """What makes a message worth a look, the weightiest first."""
    changes = message.event.changes
    request = not message.event.summary[:1].isdecimal()  # rather than its answer
    offer = any(change.field.startswith("sdp") for change in changes)
    fault = any(change.verdict in FAULTS for change in changes)
    rank = (fault and offer, fault, offer, bool(changes), request)
    return *rank, message.number


def short_key(key: str) -> str:
    """`"ALG"` for `alg.sip.module`: the name of a knob as the screen has it."""
    if fnmatchcase(key, MODULE_KEYS):
        return "ALG"
    known = {
        "nat.timeouts.udp": "UDP timeout",
        "nat.timeouts.udp_unanswered": "UDP timeout unanswered",
    }
    return known.get(key, key.removeprefix(PREFIX))


_HANDLERS: dict[type, Any] = {
    Started: Model._started,
    MessagePassed: Model._message,
    MediaStats: Model._media,
    CallState: Model._call,
    SilenceInferred: Model._call,
    FlowExpired: Model._flow_ended,
    CallOutcome: Model._outcome,
    PacketDropped: Model._dropped,
    PacketLost: Model._lost,
    MessageDiscarded: Model._discarded,
    MessageAccepted: Model._accepted,
    AlgError: Model._alg_error,
    HintGiven: Model._hint,
    SettingChanged: Model._setting,
}
