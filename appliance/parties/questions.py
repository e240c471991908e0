"""The questions of a host to its name server that are not answered yet (RFC 1035 4.2).

ask ──► question, from a port and with a number that nobody can guess (RFC 5452)
        again after 3 s, and once more
hear ◄── the answer: whoever asked says whether it is one       or nobody answers: on_silence
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from appliance.parties.machine import Machine, Timer
from appliance.parties.party import Datagram, Ground, What
from appliance.parties.signalling import free_port
from nat.endpoint import Endpoint

WAIT = 3.0  # seconds for an answer; RFC 1035 4.2.1: two to five
MOST_ASKED = 3
MOST_OPEN = 100  # questions
ASKED = "question[0].name"
"""The field of what is asked for, as the ALG's changes are named."""

NOT_ASKED = "it answers nothing that was asked"

OnAnswer = Callable[[bytes, float], bool]
"""What came from the server, and when. False when it does not answer what was asked."""
OnSilence = Callable[[float], None]


@dataclass(slots=True)
class Question:
    """One that is open, from `local`."""

    local: Endpoint
    query: bytes
    on_answer: OnAnswer
    on_silence: OnSilence
    asked: int = 0
    again: Timer | None = None


class Questions:
    """Of the host at `address`, to `server`. `ports` are the UDP ports that the host hears."""

    def __init__(
        self, machine: Machine, address: int, server: Endpoint, ports: set[int], rng: Random
    ) -> None:
        self.server = server
        self._machine = machine
        self._address = address
        self._ports = ports
        self._rng = rng
        self._open: dict[int, Question] = {}

    def ask(
        self,
        write: Callable[[int], bytes],
        on_answer: Callable[[bytes, bytes, float], bool],
        on_silence: OnSilence,
        now: float,
    ) -> None:
        """`write` makes the question with a number in it; `on_answer` gets the question too. With
        too many open, this one is as good as unanswered."""
        if len(self._open) == MOST_OPEN:
            on_silence(now)
            return
        port = free_port(self._ports, self._rng)
        query = write(self._rng.getrandbits(16))
        question = Question(
            Endpoint(self._address, port),
            query,
            lambda answer, at: on_answer(answer, query, at),
            on_silence,
        )
        self._open[port] = question
        self._ports.add(port)
        self._say(question, now)

    def hear(self, datagram: Datagram, now: float) -> bool:
        """Did it come to the port of a question?"""
        asked = self._open.get(datagram.destination.port)
        if asked is None or datagram.destination != asked.local:
            return False
        if datagram.source == self.server and asked.on_answer(datagram.payload, now):
            self._close(asked)
        else:
            ground = Ground(datagram.payload, "", "RFC 5452 9.1")
            self._machine.object_to(What.MESSAGE_DISCARDED, self._machine.name, NOT_ASKED, ground)
        return True

    def _say(self, asked: Question, now: float) -> None:
        if asked.asked == MOST_ASKED:
            self._close(asked)
            asked.on_silence(now)
            return
        asked.asked += 1
        self._machine.send(asked.local, self.server, asked.query)
        asked.again = self._machine.timers.at(now + WAIT, lambda at: self._say(asked, at))

    def _close(self, asked: Question) -> None:
        del self._open[asked.local.port]
        self._ports.discard(asked.local.port)
        if asked.again is not None:
            asked.again.cancel()
