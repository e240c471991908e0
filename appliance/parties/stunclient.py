"""A phone's questions to a STUN server: what is this port of mine from outside?

The question must leave from the very port that the answer is about. What it says is true of the
server that was asked; whether others see the same depends on how the NAT maps (RFC 4787 4.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Annotated

from appliance.parties import stun
from appliance.parties.machine import Machine, Timer
from appliance.parties.party import Datagram, Ground
from appliance.parties.pressing import PressingTraits
from appliance.parties.stun import StunMessage
from appliance.parties.traits import about
from nat.endpoint import Endpoint

FIRST_WAIT = 0.5  # seconds until a question is asked again; each time twice as long
MOST_ASKED = 7  # RFC 8489 6.2.1
LAST_WAIT = 8.0  # seconds after the last time it was asked: 16 of the first wait

OnAnswer = Callable[[Endpoint | None, float], None]
"""What a port is outside; None: nobody says."""


class StunTraits(PressingTraits, kw_only=True):
    """Of a phone that may ask what it is outside."""

    stun: Annotated[
        str,
        about(
            "The endpoint of its STUN server, by which it learns what to write into Via, Contact "
            "and session descriptions (RFC 8489); empty: it asks nobody."
        ),
    ] = ""
    stun_every: Annotated[
        float,
        about(
            "Seconds between two questions by which it finds out that it is elsewhere now, and "
            "registers anew; 0: it asks before messages only."
        ),
    ] = 0.0
    stun_old: Annotated[
        bool, about("Speak STUN as RFC 3489 had it: no cookie, and addresses in the clear.")
    ] = False

    def check(self) -> None:
        super().check()
        if self.stun:
            Endpoint.parse(self.stun)
        if self.stun and self.transport == "tcp":
            raise ValueError("stun: a port that STUN learns is of UDP; take transport = udp")
        if self.stun_every < 0:
            raise ValueError("what is asked again and again has some seconds in between")


@dataclass(slots=True)
class Question:
    """One that is open: from `local`, asked so many times."""

    local: Endpoint
    request: bytes
    on_answer: OnAnswer
    asked: int = 0
    again: Timer | None = None


class StunClient:
    """Asks `server` for `who`. An `old` one speaks as RFC 3489 did, without the cookie."""

    def __init__(
        self, machine: Machine, who: str, server: Endpoint, old: bool, rng: Random
    ) -> None:
        self._machine = machine
        self._who = who
        self._server = server
        self._old = old
        self._rng = rng
        self._open: dict[bytes, Question] = {}
        self._known: dict[Endpoint, Endpoint] = {}

    def ask(self, local: Endpoint, on_answer: OnAnswer, now: float) -> None:
        """What is `local` outside? `on_answer` hears it, or after 40 s that nobody says."""
        head = b"" if self._old else stun.COOKIE.to_bytes(4)
        transaction = head + self._rng.randbytes(16 - len(head))
        request = StunMessage(stun.BINDING_REQUEST, transaction, {}).write()
        self._open[transaction] = Question(local, request, on_answer)
        self._say(transaction, now)

    def hear(self, datagram: Datagram, now: float) -> bool:
        """Is it an answer of the server's? Then whoever asked hears of it."""
        message = stun.read(datagram.payload)
        question = None if message is None else self._open.get(message.transaction)
        if message is None or question is None or datagram.destination != question.local:
            return False
        del self._open[message.transaction]
        if question.again is not None:
            question.again.cancel()
        self._tell(question, message.mapped, datagram.payload, now)
        return True

    def _say(self, transaction: bytes, now: float) -> None:
        question = self._open[transaction]
        if question.asked == MOST_ASKED:
            del self._open[transaction]
            question.on_answer(None, now)
            return
        self._machine.send(question.local, self._server, question.request)
        wait = FIRST_WAIT * 2**question.asked
        question.asked += 1
        if question.asked == MOST_ASKED:
            wait = LAST_WAIT
        question.again = self._machine.timers.at(now + wait, lambda at: self._say(transaction, at))

    def _tell(self, question: Question, mapped: Endpoint | None, answer: bytes, now: float) -> None:
        if mapped is not None and self._known.get(question.local) != mapped:
            self._known[question.local] = mapped
            does = f"learns by STUN what its port {question.local.port} is outside:"
            self._machine.learn(self._who, does, mapped, Ground(answer, "", "RFC 8489 2"))
        question.on_answer(mapped, now)
