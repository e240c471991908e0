"""A phone's questions to a STUN server: what is this port of mine from outside?

The question must leave from the very port that the answer is about. What it says is true of the
server that was asked; whether others see the same depends on how the NAT maps (RFC 4787 4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Annotated, Literal

from appliance.parties import stun
from appliance.parties.machine import Machine, Timer
from appliance.parties.party import Datagram, Ground
from appliance.parties.pressing import PressingTraits
from appliance.parties.stun import StunMessage
from appliance.parties.traits import about
from nat.endpoint import Endpoint

WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 8.0)  # RFC 8489 6.2.1
"""Seconds after each time that a question is asked, until it is asked again or given up."""
OLD_WAITS = (0.1, 0.2, 0.4, 0.8, *5 * (1.6,))  # RFC 3489 9.3

IS_OUTSIDE = "is outside:"
"""How it is told that a phone has heard what it is outside."""

OnAnswer = Callable[[Endpoint | None, float], None]
"""What a port is outside; None: nobody says."""
OnMessage = Callable[[StunMessage | None, bytes, float], None]
"""The answer, and as it came; None: nobody answers."""


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
            "registers anew (the STUN interval of Snom's phones); 0: it asks before messages only."
        ),
    ] = 0.0
    stun_old: Annotated[
        bool, about("Speak STUN as RFC 3489 had it: no cookie, and addresses in the clear.")
    ] = False

    stun_tests: Annotated[
        Literal["no", "rfc3489", "rfc5780"],
        about(
            "By which tests it finds out, once, what kind of NAT it is behind, and tells it: the "
            "types of RFC 3489 10.1, or mapping and filtering by themselves (RFC 5780 4.3, 4.4). "
            "Its STUN server needs a second address. It goes on as it would without."
        ),
    ] = "no"

    def check(self) -> None:
        super().check()
        if self.stun:
            self.must_parse(Endpoint.parse, "stun")
        if self.stun and self.transport == "tcp":
            raise ValueError("stun: a port that STUN learns is of UDP; take transport = udp")
        if self.stun_every < 0:
            raise ValueError(f"stun_every: {self.stun_every} s are no time in between")


@dataclass(slots=True)
class Question:
    """One that is open: from `local` to `server`, asked so many times."""

    local: Endpoint
    server: Endpoint
    request: bytes
    waits: Sequence[float]
    on_message: OnMessage
    asked: int = 0
    again: Timer | None = None


class StunClient:
    """Asks `server` for `who`. An `old` one speaks as RFC 3489 did, without the cookie."""

    def __init__(
        self, machine: Machine, who: str, server: Endpoint, old: bool, rng: Random
    ) -> None:
        self.server = server
        self.who = who
        self._machine = machine
        self._old = old
        self._rng = rng
        self._open: dict[bytes, Question] = {}
        self._known: dict[Endpoint, Endpoint] = {}

    def ask(self, local: Endpoint, on_answer: OnAnswer, now: float) -> None:
        """What is `local` outside? `on_answer` hears it, or after 40 s that nobody says."""

        def answered(message: StunMessage | None, payload: bytes, at: float) -> None:
            mapped = None if message is None else message.mapped
            if mapped is not None and self._known.get(local) != mapped:
                self._known[local] = mapped
                does = f"learns by STUN what its port {local.port} {IS_OUTSIDE}"
                self._machine.learn(self.who, does, mapped, Ground(payload, "", "RFC 8489 2"))
            on_answer(mapped, at)

        self.put(local, self.server, 0, WAITS, answered, now)

    def put(
        self,
        local: Endpoint,
        server: Endpoint,
        change: int,
        waits: Sequence[float],
        on_message: OnMessage,
        now: float,
    ) -> None:
        """A question to any server, which may be told to `change` where it answers from (flags of
        CHANGE-REQUEST)."""
        head = b"" if self._old else stun.COOKIE.to_bytes(4)
        transaction = head + self._rng.randbytes(16 - len(head))
        values = {stun.CHANGE_REQUEST: change.to_bytes(4)} if change else {}
        request = StunMessage(stun.BINDING_REQUEST, transaction, values).write()
        self._open[transaction] = Question(local, server, request, waits, on_message)
        self._say(transaction, now)

    def hear(self, datagram: Datagram, now: float) -> bool:
        """Is it an answer to a question? Then whoever asked hears of it."""
        message = stun.read(datagram.payload)
        question = None if message is None else self._open.get(message.transaction)
        if message is None or question is None or datagram.destination != question.local:
            return False
        del self._open[message.transaction]
        if question.again is not None:
            question.again.cancel()
        question.on_message(message, datagram.payload, now)
        return True

    def _say(self, transaction: bytes, now: float) -> None:
        question = self._open[transaction]
        if question.asked == len(question.waits):
            del self._open[transaction]
            question.on_message(None, b"", now)
            return
        self._machine.send(question.local, question.server, question.request)
        again = now + question.waits[question.asked]
        question.asked += 1
        question.again = self._machine.timers.at(again, lambda at: self._say(transaction, at))
