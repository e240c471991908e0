"""Telephony through one port: IAX2, in the few frames that a call takes (RFC 5456).

    phone 4569 ──REGREQ──► server 4569     registration,
    phone 4569 ──NEW─────► server 4569     calls
    phone 4569 ══ voice ═► server 4569     and audio are one flow for a NAT

No address stands in a message: each side answers where a frame came from. So there is nothing for
an ALG to translate, and all that a NAT must do is remember one mapping for as long as it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from struct import Struct
from typing import Annotated, ClassVar, NamedTuple

from appliance.parties.machine import Machine, Timer
from appliance.parties.party import Action, Datagram, Ground, News, Order, What
from appliance.parties.rtp import INTERVAL, Stream, tone
from appliance.parties.traits import Traits, about
from nat.endpoint import Endpoint

FULL = Struct("!HHIBBBB")  # two call numbers, time in ms, two counters, type and subclass (8.1.1)
MINI = Struct("!HH")  # the sender's call number, and the time (8.1.2)
IS_FULL = 0x8000
NO_TIME = bytes(6)  # and no counters: none of them is used here
CONTROL, IAX = 4, 6
NEW, ACCEPT, POKE, PONG, REGREQ, REGACK, HANGUP = 1, 7, 30, 3, 13, 15, 5  # subclasses of IAX
ANSWER = 4  # subclass of CONTROL
NAMES = {
    (IAX, NEW): "NEW",
    (IAX, ACCEPT): "ACCEPT",
    (IAX, POKE): "POKE",
    (IAX, PONG): "PONG",
    (IAX, REGREQ): "REGREQ",
    (IAX, REGACK): "REGACK",
    (IAX, HANGUP): "HANGUP",
    (CONTROL, ANSWER): "ANSWER",
}
CALLED, CALLING = 1, 2  # elements: whom, and who (8.6)
AGAIN = 1.0  # seconds until a request is repeated (7.2.1)
MOST_TRIES = 4
SILENCE = "no answer to {} in {:.0f} s"


class OnePortTraits(Traits, tag="one-port", kw_only=True):
    """Of a telephone or server that speaks IAX2."""

    port: Annotated[int, about("Its only port (RFC 5456 10: 4569).")] = 4569
    user: Annotated[str, about("Who talks there; empty: whoever the party is called.")] = ""
    server: Annotated[
        str, about("The endpoint that it registers at and calls by; empty: it is the server.")
    ] = ""
    register_every: Annotated[
        float, about("Seconds between two registrations (RFC 5456 6.1.2: 60).")
    ] = 60.0
    poke_every: Annotated[
        float, about("Seconds between two frames that only ask for an answer (POKE); 0: none.")
    ] = 0.0
    answer_after: Annotated[float, about("How long it rings, in seconds.")] = 0.5

    def people(self, name: str) -> Sequence[str]:
        return (self.user or name,)

    def check(self) -> None:
        super().check()
        if self.server:
            self.must_parse(Endpoint.parse, "server")
        if self.register_every <= 0:
            raise ValueError(f"register_every: {self.register_every} s are no time in between")
        if self.poke_every < 0:
            raise ValueError(f"poke_every: {self.poke_every} s are no time in between")


class Frame(NamedTuple):
    """A full frame. `mine` is the sender's number of the call, `yours` the receiver's."""

    kind: int
    subclass: int
    mine: int
    yours: int = 0
    elements: tuple[tuple[int, str], ...] = ()

    def write(self) -> bytes:
        head = FULL.pack(IS_FULL | self.mine, self.yours, 0, 0, 0, self.kind, self.subclass)
        texts = ((name, text.encode()) for name, text in self.elements)
        return head + b"".join(bytes((name, len(text))) + text for name, text in texts)


def read(payload: bytes) -> Frame | None:
    """None for what is no full frame."""
    if len(payload) < FULL.size or not payload[0] & 0x80:
        return None
    mine, yours, _, _, _, kind, subclass = FULL.unpack_from(payload)
    elements = []
    at = FULL.size
    while at + 2 <= len(payload):
        name, size = payload[at], payload[at + 1]
        elements.append((name, payload[at + 2 : at + 2 + size].decode("latin-1")))
        at += 2 + size
    return Frame(kind, subclass, mine & ~IS_FULL, yours & ~IS_FULL, tuple(elements))


def essence(payload: bytes) -> str:
    """What a full frame is in a word; empty for what is none of ours: audio begins so, too."""
    frame = read(payload) if payload[4:10] == NO_TIME else None
    return "" if frame is None else NAMES.get((frame.kind, frame.subclass), "")


@dataclass(slots=True)
class Line:
    """A call: our number of it and theirs, who is at its ends, and where the other end is."""

    mine: int
    peer: str
    there: Endpoint
    stream: Stream
    yours: int = 0
    talks: bool = False
    is_over: bool = False


class OnePort(Machine):
    """The party `name`, at whose one port everything happens."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        "register": Order("tell the server where it is", lambda one, _, now: one.register(now)),
        "call": Order("call somebody", lambda one, whom, now: one.call(whom, now), "whom"),
        "hang-up": Order("end whatever call there is", lambda one, _, now: one.hang_up(now)),
    }

    def __init__(self, name: str, traits: OnePortTraits, rng: Random) -> None:
        super().__init__()
        self.name = name
        self.me = traits.user or name
        self.address = traits.own_address
        self.ports = frozenset((traits.port,))
        self.tcp_ports: frozenset[int] = frozenset()
        self._own = Endpoint(self.address, traits.port)
        self._server = Endpoint.parse(traits.server) if traits.server else None
        self._traits = traits
        self._rng = rng
        self._tone = tone(rng.choice((400, 500, 800, 1000)))
        self._bindings: dict[str, Endpoint] = {}
        self._lines: dict[int, Line] = {}
        self._waiting: dict[tuple[int, int], Timer] = {}
        self._count = 0
        self._poking: Timer | None = None

    def start(self, now: float) -> Sequence[Action]:
        return ()

    def hear(self, news: News, now: float) -> Sequence[Action]:
        return ()

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        frame = read(datagram.payload)
        if frame is not None:
            self._take(frame, datagram.source, now)
        elif len(datagram.payload) >= MINI.size:
            self._hear_voice(MINI.unpack_from(datagram.payload)[0], datagram.source)
        return self.actions()

    # --- what people want -------------------------------------------------------------------

    def register(self, now: float) -> None:
        if self._server is None:
            return
        self.report(What.REGISTRATION_TRIED, self.me)
        request = Frame(IAX, REGREQ, self._new_number(), elements=((CALLING, self.me),))
        self._ask(request, self._server, self._not_registered, now)
        self.timers.at(now + self._traits.register_every, self.register)

    def call(self, whom: str, now: float) -> None:
        there = self._server or self._bindings.get(whom)
        stream = Stream(self._own, there, self._rng)
        self.report(What.CALL_TRIED, self.me, whom, stream=stream)
        if there is None:
            self.report(What.CALL_UNREACHABLE, self.me, whom, f"{whom} is not registered")
            return
        line = self._new_line(whom, there, stream)
        request = Frame(IAX, NEW, line.mine, elements=((CALLED, whom), (CALLING, self.me)))
        self._ask(request, there, partial(self._unreachable, line), now)

    def hang_up(self, now: float) -> None:
        for line in [each for each in self._lines.values() if not each.is_over]:
            self._say(Frame(IAX, HANGUP, line.mine, line.yours), line.there)
            self._end(line, f"{self.me} hung up")

    # --- frames -----------------------------------------------------------------------------

    def _take(self, frame: Frame, source: Endpoint, now: float) -> None:
        kind = (frame.kind, frame.subclass)
        line = self._lines.get(frame.yours)
        if kind == (IAX, REGREQ):
            self._bind(dict(frame.elements).get(CALLING, ""), frame, source)
        elif kind == (IAX, REGACK) and self._is_answered(frame.yours, REGREQ):
            self.report(What.REGISTRATION_ACCEPTED, self.me)
            self._keep_open(now)
        elif kind == (IAX, POKE):
            self._say(Frame(IAX, PONG, frame.yours, frame.mine), source)
        elif kind == (IAX, NEW):
            self._ring(frame, source, now)
        elif line is None or line.there != source:
            return
        elif kind == (IAX, ACCEPT) and self._is_answered(frame.yours, NEW):
            line.yours = frame.mine
        elif kind == (CONTROL, ANSWER) and not line.talks:
            self.report(What.CALL_ANSWERED, self.me, line.peer)
            self._talk(line, now)
        elif kind == (IAX, HANGUP) and not line.is_over:
            self._end(line, f"{line.peer} hung up")

    def _bind(self, user: str, frame: Frame, source: Endpoint) -> None:
        """Where a frame comes from is where its sender is."""
        if self._server is None and user:
            if self._bindings.get(user) != source:
                does = f"calls {user} where that registration came from:"
                self.learn(self.name, does, source, Ground(b"", "", "RFC 5456 6.1"))
            self._bindings[user] = source
            self._say(Frame(IAX, REGACK, self._new_number(), frame.mine), source)

    def _ring(self, frame: Frame, source: Endpoint, now: float) -> None:
        known = any(
            each.there == source and each.yours == frame.mine for each in self._lines.values()
        )
        said = dict(frame.elements)
        if known or said.get(CALLED) != self.me:
            return
        line = self._new_line(said.get(CALLING, ""), source, Stream(self._own, source, self._rng))
        line.yours = frame.mine
        self.report(What.CALL_REACHED, self.me, line.peer)
        self._say(Frame(IAX, ACCEPT, line.mine, line.yours), source)
        self.timers.at(now + self._traits.answer_after, partial(self._pick_up, line))

    def _pick_up(self, line: Line, now: float) -> None:
        if not line.is_over:
            self._say(Frame(CONTROL, ANSWER, line.mine, line.yours), line.there)
            self._talk(line, now)

    def _end(self, line: Line, why: str) -> None:
        line.is_over = True
        self._is_answered(line.mine, NEW)  # it is asked no more
        del self._lines[line.mine]
        self.report(What.CALL_ENDED, self.me, line.peer, why)

    # --- asking until somebody answers ------------------------------------------------------

    def _ask(
        self, frame: Frame, there: Endpoint, on_silence: Callable[[Endpoint], None], now: float
    ) -> None:
        self._again(frame, there, on_silence, MOST_TRIES, now)

    def _again(
        self,
        frame: Frame,
        there: Endpoint,
        on_silence: Callable[[Endpoint], None],
        left: int,
        now: float,
    ) -> None:
        if not left:
            del self._waiting[frame.mine, frame.subclass]
            on_silence(there)
            return
        self._say(frame, there)
        again = partial(self._again, frame, there, on_silence, left - 1)
        self._waiting[frame.mine, frame.subclass] = self.timers.at(now + AGAIN, again)

    def _is_answered(self, number: int, subclass: int) -> bool:
        waiting = self._waiting.pop((number, subclass), None)
        if waiting is not None:
            waiting.cancel()
        return waiting is not None

    def _not_registered(self, there: Endpoint) -> None:
        detail = SILENCE.format(f"REGREQ from {there}", MOST_TRIES * AGAIN)
        self.report(What.REGISTRATION_UNANSWERED, self.me, detail=detail)

    def _unreachable(self, line: Line, there: Endpoint) -> None:
        line.is_over = True
        del self._lines[line.mine]
        detail = SILENCE.format(f"NEW from {there}", MOST_TRIES * AGAIN)
        self.report(What.CALL_UNREACHABLE, self.me, line.peer, detail)

    def _keep_open(self, now: float) -> None:
        if self._traits.poke_every and self._poking is None:
            self._poking = self.timers.every(self._traits.poke_every, self._poke, now)

    def _poke(self, now: float) -> None:
        if self._server is not None:
            self._say(Frame(IAX, POKE, self._new_number()), self._server)

    # --- voice --------------------------------------------------------------------------------

    def _talk(self, line: Line, now: float) -> None:
        line.talks = True
        self.report(What.TALKING, self.me, line.peer, stream=line.stream)
        self._speak(line, now)

    def _speak(self, line: Line, now: float) -> None:
        if not line.is_over:
            when = round(now * 1000) & 0xFFFF
            self.send(self._own, line.there, MINI.pack(line.mine, when) + self._tone)
            line.stream.sent += 1
            self.timers.at(now + INTERVAL, partial(self._speak, line))

    def _hear_voice(self, number: int, source: Endpoint) -> None:
        """A mini frame has its sender's number of the call only."""
        for line in self._lines.values():
            if line.there == source and line.yours == number:
                line.stream.heard += 1

    # --- small things -------------------------------------------------------------------------

    def _new_line(self, peer: str, there: Endpoint, stream: Stream) -> Line:
        line = Line(self._new_number(), peer, there, stream)
        self._lines[line.mine] = line
        return line

    def _new_number(self) -> int:
        self._count = self._count % 32766 + 1
        return self._count

    def _say(self, frame: Frame, there: Endpoint) -> None:
        self.send(self._own, there, frame.write())
