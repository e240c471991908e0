"""Saying it again, and giving up (RFC 3261 17)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.parties.machine import Machine
from appliance.parties.party import Send
from appliance.parties.signalling import Datagrams, Transport
from appliance.parties.sipua import Problem, SipMessage, parse, respond
from appliance.parties.transactions import Transactions, acknowledge, cancel
from nat.endpoint import Endpoint

OWN, PEER = Endpoint.parse("192.168.20.100:5060"), Endpoint.parse("203.0.113.9:5060")


STRAY = Problem("stray 2xx")


class Desk:
    """One user agent's transactions with everything they do written down."""

    def __init__(self, reliable: bool = False, strict: bool = True) -> None:
        self.machine = Machine()
        transport: Transport = Datagrams(self.machine, OWN)
        transport.is_reliable = reliable
        self.transactions = Transactions(
            self.machine, transport, lambda response, now: STRAY, strict
        )
        self.responses: list[int] = []
        self.timeouts: list[float] = []
        self.broken: list[str] = []
        self.sent: list[tuple[float, SipMessage]] = []

    def ask(self, method: str) -> SipMessage:
        request = a_request(method)
        self.transactions.request(
            request,
            PEER,
            0.0,
            lambda response, now: self.responses.append(response.status),
            lambda why, now: self.broken.append(why) if why else self.timeouts.append(now),
        )
        self.collect(0.0)
        return request

    def hear(self, response: SipMessage, now: float) -> str:
        problem = self.transactions.response(response, now)
        self.collect(now)
        return "" if problem is None else problem.reason

    def run_until(self, when: float) -> None:
        while (due := self.machine.timers.next()) is not None and due <= when:
            self.collect(due)

    def collect(self, now: float) -> None:
        actions = self.machine.wake(now)
        self.sent += [(now, parse(each.payload)) for each in actions if isinstance(each, Send)]

    def times(self, method: str) -> list[float]:
        return [at for at, message in self.sent if message.method == method]


def a_request(method: str, via: str = f"SIP/2.0/UDP {OWN};branch=z9hG4bK-1") -> SipMessage:
    headers = [
        ("Via", via),
        ("From", "<sip:alice@203.0.113.9>;tag=1"),
        ("To", "<sip:bob@203.0.113.9>"),
        ("Call-ID", "1@192.168.20.100"),
        ("CSeq", f"1 {method}"),
    ]
    return SipMessage(f"{method} sip:203.0.113.9 SIP/2.0", headers)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_request_is_repeated_ever_more_slowly_and_given_up_after_32_seconds(desk: Desk) -> None:
    """RFC 3261 17.1.2.2: timer E doubles up to T2 = 4 s; timer F is 64 T1."""
    desk.ask("REGISTER")
    desk.run_until(100.0)
    assert desk.times("REGISTER") == [
        0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5,
    ]  # fmt: skip
    assert desk.timeouts == [32.0]


def test_an_invite_is_repeated_doubling_without_end(desk: Desk) -> None:
    """RFC 3261 17.1.1.2: timer A is not capped; timer B is 64 T1."""
    desk.ask("INVITE")
    desk.run_until(100.0)
    assert desk.times("INVITE") == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert desk.timeouts == [32.0]


def test_a_provisional_answer_stops_an_invite_from_being_repeated(desk: Desk) -> None:
    invite = desk.ask("INVITE")
    assert desk.hear(respond(invite, 180, OWN, "2"), 0.1) == ""
    desk.run_until(100.0)
    assert desk.times("INVITE") == [0.0]
    assert (desk.responses, desk.timeouts) == ([180], [])


def test_a_final_answer_ends_the_transaction(desk: Desk) -> None:
    register = desk.ask("REGISTER")
    answer = respond(register, 200, OWN, "2")
    assert desk.hear(answer, 0.1) == ""
    assert desk.hear(answer, 0.2) == "nothing was asked in that branch"
    desk.run_until(100.0)
    assert (desk.responses, desk.timeouts, desk.times("REGISTER")) == ([200], [], [0.0])


def test_a_refused_invite_is_acknowledged_each_time_and_told_once(desk: Desk) -> None:
    """RFC 3261 17.1.1.3."""
    invite = desk.ask("INVITE")
    refusal = respond(invite, 486, OWN, "2")
    desk.hear(refusal, 0.1)
    desk.hear(refusal, 0.6)
    assert desk.times("ACK") == [0.1, 0.6]
    assert desk.responses == [486]
    ack = desk.sent[-1][1]
    assert ack.get("via") == invite.get("via")
    assert ack.get("to") == refusal.get("to")
    desk.run_until(100.0)
    assert desk.timeouts == []


def test_a_repeated_2xx_is_the_callers_business(desk: Desk) -> None:
    """RFC 3261 13.2.2.4."""
    invite = desk.ask("INVITE")
    answer = respond(invite, 200, OWN, "2")
    desk.hear(answer, 0.1)
    assert desk.hear(answer, 0.6) == "stray 2xx"


Spoil = Callable[[SipMessage], None]


def rename(name: str, value: str) -> Spoil:
    def spoil(message: SipMessage) -> None:
        message.headers = [
            (given, value if given == name else kept) for given, kept in message.headers
        ]

    return spoil


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (rename("Via", "SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK-1"), "the top Via"),
        (rename("Via", "SIP/2.0/UDP 192.168.20.100:5061;branch=z9hG4bK-1"), "the top Via"),
        (rename("Via", "nonsense"), "a Via that cannot be read"),
        (rename("Via", f"SIP/2.0/UDP {OWN};branch=z9hG4bK-2"), "nothing was asked"),
        (rename("CSeq", "1 OPTIONS"), "nothing was asked"),
        (rename("Call-ID", "1@203.0.113.1"), "the Call-ID"),
    ],
)
def test_an_answer_that_is_not_ones_own_is_discarded(desk: Desk, spoil: Spoil, reason: str) -> None:
    """RFC 3261 18.1.2: a response whose top Via is not what the client inserted is discarded in
    silence; 17.1.3: the branch and the method of CSeq must match."""
    answer = respond(desk.ask("REGISTER"), 200, OWN, "2")
    spoil(answer)
    assert desk.hear(answer, 0.1).startswith(reason)
    assert desk.responses == []
    desk.run_until(100.0)
    assert desk.timeouts == [32.0]


@pytest.mark.parametrize(
    "spoil",
    [
        rename("Via", "SIP/2.0/UDP 203.0.113.1:40000;branch=z9hG4bK-1"),
        rename("Call-ID", "1@203.0.113.1"),
    ],
)
def test_who_is_not_strict_knows_an_answer_by_its_branch(spoil: Spoil) -> None:
    """RFC 3261 17.1.3, and no more than that, as PJSIP does it."""
    desk = Desk(strict=False)
    answer = respond(desk.ask("REGISTER"), 200, OWN, "2")
    spoil(answer)
    assert desk.hear(answer, 0.1) == ""
    assert desk.responses == [200]


def test_a_repeated_request_gets_the_last_answer_again(desk: Desk) -> None:
    """RFC 3261 17.2.2."""
    request = a_request("REGISTER", f"SIP/2.0/UDP {PEER};branch=z9hG4bK-9")
    assert not desk.transactions.repeated(request)
    desk.transactions.accept(request, 0.0)
    assert desk.transactions.repeated(request)
    desk.transactions.answer(request, respond(request, 200, PEER, "2"), PEER)
    desk.collect(0.0)
    assert desk.transactions.repeated(request)
    desk.collect(0.5)
    assert [at for at, message in desk.sent if message.status == 200] == [0.0, 0.5]


def test_another_branch_or_method_is_another_request(desk: Desk) -> None:
    """RFC 3261 17.2.3."""
    desk.transactions.accept(a_request("INVITE"), 0.0)
    assert not desk.transactions.repeated(a_request("CANCEL"))
    assert not desk.transactions.repeated(a_request("INVITE", f"SIP/2.0/UDP {OWN};branch=other"))


def test_answers_are_forgotten_in_the_end(desk: Desk) -> None:
    request = a_request("REGISTER")
    desk.transactions.accept(request, 0.0)
    desk.run_until(1000.0)
    assert not desk.transactions.repeated(request)


# --- over a transport that repeats by itself -----------------------------------------------------


@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
def test_over_a_reliable_transport_a_request_is_said_once(method: str) -> None:
    """RFC 3261 17.1.1.2 and 17.1.2.2: timers A and E are for unreliable ones, B and F for all."""
    desk = Desk(reliable=True)
    desk.ask(method)
    desk.run_until(100.0)
    assert desk.times(method) == [0.0]
    assert desk.timeouts == [32.0]


def test_over_a_reliable_transport_a_refusal_does_not_come_again() -> None:
    """RFC 3261 17.1.1.2: timer D is 0."""
    desk = Desk(reliable=True)
    refusal = respond(desk.ask("INVITE"), 486, OWN, "2")
    assert desk.hear(refusal, 0.1) == ""
    assert desk.hear(refusal, 0.2) == "nothing was asked in that branch"
    assert (desk.times("ACK"), desk.responses) == ([0.1], [486])
    assert desk.machine.timers.next() is None


def test_a_broken_connection_ends_what_was_asked_on_it() -> None:
    """RFC 3261 17.1.4: the transaction user hears of it at once."""
    desk = Desk(reliable=True)
    desk.ask("REGISTER")
    desk.transactions.broken({OWN}, "reset", 1.0)
    assert desk.broken == []
    desk.transactions.broken({PEER}, "reset", 1.0)
    assert (desk.broken, desk.timeouts) == (["reset"], [])
    assert desk.machine.timers.next() is None


def test_a_cancel_is_the_invite_over_again() -> None:
    """RFC 3261 9.1."""
    invite = a_request("INVITE")
    again = cancel(invite)
    assert again.start == "CANCEL sip:203.0.113.9 SIP/2.0"
    assert again.get("cseq") == "1 CANCEL"
    assert [again.get(name) for name in ("via", "from", "to", "call-id")] == [
        invite.get(name) for name in ("via", "from", "to", "call-id")
    ]


def test_the_ack_to_a_refusal_repeats_the_invites_number() -> None:
    invite = a_request("INVITE")
    ack = acknowledge(invite, respond(invite, 404, OWN, "2"))
    assert ack.get("cseq") == "1 ACK"
    assert ack.start == "ACK sip:203.0.113.9 SIP/2.0"
