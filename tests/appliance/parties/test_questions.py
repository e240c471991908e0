"""Questions that wait for an answer."""

from __future__ import annotations

from random import Random

from appliance.parties.machine import Machine
from appliance.parties.party import Datagram, Report, Send
from appliance.parties.questions import MOST_ASKED, MOST_OPEN, NOT_ASKED, WAIT, Questions
from nat.endpoint import Endpoint, parse_address

HERE, SERVER = parse_address("192.168.20.100"), Endpoint.parse("203.0.113.53:53")


class Asking:
    """One who asks, of what comes back takes `good` only, and counts silences."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.machine.name = "alice"
        self.ports: set[int] = set()
        self.questions = Questions(self.machine, HERE, SERVER, self.ports, Random(1))
        self.silences = 0

    def ask(self, now: float = 0.0) -> None:
        self.questions.ask(
            lambda number: number.to_bytes(2),
            lambda answer, query, at: answer == b"good" + query,
            self.on_silence,
            now,
        )

    def on_silence(self, now: float) -> None:
        self.silences += 1

    def sent(self) -> list[Send]:
        return [each for each in self.machine.actions() if isinstance(each, Send)]


def test_each_question_is_asked_three_times_from_a_port_of_its_own() -> None:
    """RFC 5452 9.2."""
    asking = Asking()
    asking.ask()
    asking.ask()
    first, second = asking.sent()
    assert asking.ports == {first.source.port, second.source.port}
    assert len(asking.ports) == 2
    again = [tuple(asking.machine.wake((number + 1) * WAIT)) for number in range(MOST_ASKED)]
    sent = [each for actions in again for each in actions if isinstance(each, Send)]
    assert sent == [first, second] * (MOST_ASKED - 1)
    assert (asking.silences, asking.ports) == (2, set())


def test_what_is_no_answer_leaves_it_open() -> None:
    asking = Asking()
    asking.ask()
    (question,) = asking.sent()
    for payload, is_open in ((b"bad", True), (b"good" + question.payload, False)):
        assert asking.questions.hear(Datagram(SERVER, question.source, payload), 0.1)
        assert bool(asking.ports) == is_open
    assert not asking.questions.hear(Datagram(SERVER, question.source, b"good"), 0.2)
    (discarded,) = asking.machine.wake(60.0)
    assert isinstance(discarded, Report)
    assert discarded.detail == NOT_ASKED


def test_of_too_many_the_last_is_as_good_as_unanswered() -> None:
    asking = Asking()
    for _ in range(MOST_OPEN + 1):
        asking.ask()
    assert (len(asking.sent()), asking.silences) == (MOST_OPEN, 1)
