"""Finding a way for audio by trying all that there might be (ICE, RFC 8445, in its shortest form).

    alice ──INVITE: candidates 192.168.20.100:4000──────────► bob
    alice ◄──200 OK: candidates 203.0.113.9:10000──────────── bob
    alice ══ STUN request ══► [ NAT ] ══ from 203.0.113.1:4000 ══► bob     a candidate that nobody
    alice ◄═ STUN request ═══ [ NAT ] ◄═ to 203.0.113.1:4000 ═════ bob     had written: it is tried
                                                                           as well, and it works

Each side tries the other's candidates, and where a try came from (RFC 8445 7.3.1.4); audio goes to
the first that answers. Before anything is tried the address in c= and m= must be one of the
candidates: if it is none, somebody on the way has changed one and not the other, and ICE is given
up (ice-mismatch, RFC 8445 5.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from appliance.parties import stun
from appliance.parties.description import Wanted
from appliance.parties.machine import Machine
from appliance.parties.party import Datagram, Ground
from appliance.parties.rtp import Stream
from appliance.parties.sipua import SipMessage
from appliance.parties.stun import StunMessage
from nat.endpoint import Endpoint, address_text

NO, FALLS_BACK, INSISTS = "no", "falls-back", "insists"
MISMATCH = "a=ice-mismatch"
AGAIN = 0.5  # seconds until a check is repeated (RFC 8489 6.2.1)
MOST_CHECKS = 7  # to one candidate
MOST_CANDIDATES = 10  # of one description that are tried
HOST, REFLEXIVE = (126, "host"), (100, "srflx")  # preferences: RFC 8445 5.1.2.2
NO_CANDIDATE = "sends nothing, as no ICE candidate is"
GIVEN_UP = "hears that ICE is given up, and sends nothing to"
STOPS = (NO_CANDIDATE, GIVEN_UP)
FALLS = {
    NO_CANDIDATE: "gives up ICE, as no candidate is",
    GIVEN_UP: "hears that ICE is given up, and goes by what is written:",
}
SENDS = "sends audio to where a STUN check was answered:"


@dataclass(slots=True)
class Session:
    """Of one stream: its own name in descriptions, the other side's candidates (`theirs`), which of
    them were tried, which checks are `open`, and where one was answered (`selected`)."""

    ufrag: str
    theirs: tuple[Endpoint, ...] = ()
    tried: set[Endpoint] = field(default_factory=set)
    open: dict[bytes, Endpoint] = field(default_factory=dict)
    selected: Endpoint | None = None
    is_given_up: bool = False


class Ice:
    """The checks of all streams of `name`. Whoever `insists` sends no audio without them; others go
    by c= and m= when ICE is given up."""

    def __init__(self, machine: Machine, name: str, insists: bool, rng: Random) -> None:
        self._machine = machine
        self._name = name
        self.insists = insists
        self._rng = rng
        self._sessions: dict[Stream, Session] = {}

    def lines(self, stream: Stream) -> Sequence[str]:
        """What a description says of it (RFC 8839 5)."""
        session = self._session(stream)
        if session.is_given_up:
            return (MISMATCH,)
        return (f"a=ice-ufrag:{session.ufrag}", f"a=ice-pwd:{session.ufrag * 3}", *_written(stream))

    def aim(self, me: str, stream: Stream, wanted: Wanted, message: SipMessage) -> None:
        """The other side has described its stream, and audio would go to c= and m= now."""
        session = self._session(stream)
        if wanted.is_mismatch:
            self._give_up(me, stream, GIVEN_UP, message)
        elif wanted.candidates and wanted.media not in wanted.candidates:
            self._give_up(me, stream, NO_CANDIDATE, message)
        elif wanted.candidates:
            stream.remote = session.selected
            session.theirs = wanted.candidates[:MOST_CANDIDATES]

    def look(self, stream: Stream, now: float) -> None:
        """Try all that the other side has written."""
        session = self._session(stream)
        for each in session.theirs:
            self._try(stream, session, each, now)

    def hear(self, stream: Stream, datagram: Datagram, now: float) -> bool:
        """Is it a check, or the answer to one?"""
        message, session = stun.read(datagram.payload), self._sessions.get(stream)
        if message is None or session is None:
            return False
        if message.kind == stun.BINDING_REQUEST:
            self._answer(stream, session, message, datagram, now)
        elif message.transaction in session.open:
            self._is_answered(stream, session, session.open.pop(message.transaction))
        return True

    def forget(self, stream: Stream) -> None:
        """The call is over."""
        self._sessions.pop(stream, None)

    def _session(self, stream: Stream) -> Session:
        if stream not in self._sessions:
            self._sessions[stream] = Session(f"{self._rng.getrandbits(32):08x}")
        return self._sessions[stream]

    def _give_up(self, me: str, stream: Stream, why: str, message: SipMessage) -> None:
        self._session(stream).is_given_up = True
        there = stream.remote
        does = why if self.insists else FALLS[why]
        if self.insists:
            stream.remote = None
        if there is not None:
            self._machine.learn(me, does, there, Ground(message.wire, "sdp", "RFC 8445 5.4"))

    # --- checks ---------------------------------------------------------------------------

    def _try(self, stream: Stream, session: Session, there: Endpoint, now: float) -> None:
        if there not in session.tried and len(session.tried) < 2 * MOST_CANDIDATES:
            session.tried.add(there)
            transaction = stun.COOKIE.to_bytes(4) + self._rng.randbytes(12)
            session.open[transaction] = there
            request = StunMessage(stun.BINDING_REQUEST, transaction, {}).write()
            self._check(stream, session, transaction, request, MOST_CHECKS, now)

    def _check(
        self,
        stream: Stream,
        session: Session,
        transaction: bytes,
        request: bytes,
        left: int,
        now: float,
    ) -> None:
        """Once more, unless it was answered, or the call is over."""
        there = session.open.get(transaction)
        if there is None or self._sessions.get(stream) is not session:
            return
        if not left or session.selected is not None:
            del session.open[transaction]
            return
        self._machine.send(stream.local, there, request)
        again = partial(self._check, stream, session, transaction, request, left - 1)
        self._machine.timers.at(now + AGAIN, again)

    def _answer(
        self,
        stream: Stream,
        session: Session,
        request: StunMessage,
        datagram: Datagram,
        now: float,
    ) -> None:
        """And try where it came from: that is a candidate too (RFC 8445 7.3.1.3, 7.3.1.4)."""
        seen = stun.address_value(stun.masked(datagram.source))
        kind, values = stun.BINDING_RESPONSE, {stun.XOR_MAPPED_ADDRESS: seen}
        answer = StunMessage(kind, request.transaction, values).write()
        self._machine.send(stream.local, datagram.source, answer)
        if session.theirs and not session.is_given_up:
            self._try(stream, session, datagram.source, now)

    def _is_answered(self, stream: Stream, session: Session, there: Endpoint) -> None:
        if session.selected is None and not session.is_given_up:
            session.selected = stream.remote = there
            who = stream.speaker or self._name
            self._machine.learn(who, SENDS, there, Ground(b"", "", "RFC 8445 8"))


def _written(stream: Stream) -> Iterator[str]:
    """Its candidates: what it is, and what it is outside if it was asked (RFC 8839 5.1)."""
    yield _candidate(1, stream.local, *HOST)
    if stream.public not in (None, stream.local):
        local = f" raddr {address_text(stream.local.address)} rport {stream.local.port}"
        yield _candidate(2, stream.public or stream.local, *REFLEXIVE) + local


def _candidate(number: int, endpoint: Endpoint, preference: int, kind: str) -> str:
    priority = preference << 24 | 65535 << 8 | 255
    address = address_text(endpoint.address)
    return f"a=candidate:{number} 1 UDP {priority} {address} {endpoint.port} typ {kind}"
